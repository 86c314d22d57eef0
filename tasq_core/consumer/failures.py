"""What becomes of a task whose handler raised: retried, put off or ended, and when."""

from collections.abc import Callable
from typing import NamedTuple

from tasq_core.consumer.backoff import RetryPolicy
from tasq_core.consumer.decisions import Discard, Retry, Snooze
from tasq_core.durations import seconds
from tasq_core.last_error import storable_error
from tasq_core.task import Task

FALLBACK_DELAY = 1.0
"""Seconds before a retry whose policy failed: not at once, or a defect there is a hot loop."""


class Verdict(NamedTuple):
    """What to record for a run that didn't succeed."""

    final: bool
    """Whether the task ends FAILED, rather than run again."""
    retry_in: float = 0.0
    """Seconds before it runs again."""
    error: str | None = None
    """The new `last_error`; None leaves it as it is."""
    counted: bool = True
    """Whether the attempt counts."""
    timed_out: bool = False

    @property
    def attempt(self) -> str:
        """What the attempt is called."""
        if not self.counted:
            return "snoozed"
        if self.timed_out:
            return "timed out"
        return "failed" if self.final else "retried"


def judge(
    error: BaseException,
    task: Task,
    last_receive: bool,
    policy: RetryPolicy,
    on_policy_failed: Callable[[BaseException], None],
) -> Verdict:
    """The verdict on `task`, whose handler raised `error`.

    Args:
        error: what was raised; a `Snooze`, `Retry` or `Discard` decides by itself.
        task: as the handler left it, for the policy.
        last_receive: whether its attempts are used up.
        policy: gives the delay of any other failure.
        on_policy_failed: called with what the policy raised; the delay is then one second.
    """
    if isinstance(error, Snooze):
        return Verdict(final=False, retry_in=error.delay, counted=False)
    if isinstance(error, Discard):
        return Verdict(final=True, error=storable_error(error.reason))
    if last_receive:
        return Verdict(final=True, error=_text_of(error))
    if isinstance(error, Retry):
        return Verdict(final=False, retry_in=error.delay, error=_text_of(error))
    try:
        delay = seconds("the retry policy's delay", policy(task, error))
    except BaseException as raised:  # noqa: BLE001 - the user's code, as a handler is
        on_policy_failed(raised)
        delay = FALLBACK_DELAY
    return Verdict(final=False, retry_in=delay, error=_text_of(error))


def _text_of(error: BaseException) -> str:
    """The `last_error` of a failure; a decision's is its reason, and then its cause."""
    if not isinstance(error, Retry):
        return storable_error(error)
    cause = error.__cause__ or error.__context__
    return storable_error(error.reason if cause is None else f"{error.reason}\n\n{_text_of(cause)}")
