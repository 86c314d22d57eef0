"""What a handler raises to decide for itself what becomes of its task."""

from tasq_core.durations import Duration, seconds
from tasq_core.errors import InvalidTypeError


class Decision(Exception):  # noqa: N818 - no error: what the handler wants
    """The base of `Snooze`, `Retry` and `Discard`."""


class Snooze(Decision):
    """Run the task again after `delay`, and don't count this attempt.

    The task becomes NEW; `last_error` stays as it was. For what isn't a failure: the other
    side isn't ready yet, or a rate limit is reached.

    Args:
        delay: seconds or a timedelta; 0 is at once.

    Raises:
        InvalidInputError: a delay that can't be used.
    """

    def __init__(self, delay: Duration) -> None:
        self.delay = seconds("Snooze's delay", delay)
        super().__init__(f"snoozed for {self.delay:g} s")

    def __reduce__(self) -> tuple[type["Snooze"], tuple[float]]:
        return type(self), (self.delay,)


class Retry(Decision):
    """Record a failure and run the task again after `delay`, whatever the retry backoff says.

    Where the task's attempts are used up it becomes FAILED, as after any other failure.

    Args:
        delay: seconds or a timedelta; 0 is at once.
        reason: what `last_error` begins with.

    Raises:
        InvalidInputError: a delay that can't be used.
    """

    def __init__(self, delay: Duration, reason: str = "the handler asked for a retry") -> None:
        self.delay = seconds("Retry's delay", delay)
        self.reason = _text("Retry", reason)
        super().__init__(reason)

    def __reduce__(self) -> tuple[type["Retry"], tuple[float, str]]:
        return type(self), (self.delay, self.reason)


class Discard(Decision):
    """End the task as FAILED at once, however many attempts it has left.

    Args:
        reason: what becomes its `last_error`.

    Raises:
        InvalidTypeError: `reason` is not text.
    """

    def __init__(self, reason: str) -> None:
        self.reason = _text("Discard", reason)
        super().__init__(reason)


def _text(name: str, reason: object) -> str:
    if not isinstance(reason, str):
        raise InvalidTypeError(f"{name}'s reason must be text, not {reason!r}")
    return reason
