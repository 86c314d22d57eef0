"""Delays: how long to wait for a database that is away, and before a failed task runs again."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from tasq_core.durations import Duration, seconds
from tasq_core.errors import InvalidInputError, InvalidTypeError
from tasq_core.task import Task

RetryPolicy = Callable[[Task, BaseException], Duration]
"""How long a failed task waits before it may run again."""

FIRST_DELAY: Final = 0.1
LONGEST_DELAY: Final = 5.0
_MOST_DOUBLINGS: Final = 30


class Reconnect:
    """Doubling delays with jitter, so that many consumers don't return at the same moment."""

    __slots__ = ("_attempts", "_first", "_longest")

    def __init__(self, first: float = FIRST_DELAY, longest: float = LONGEST_DELAY) -> None:
        self._first = first
        self._longest = longest
        self._attempts = 0

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._attempts > 0

    def next(self) -> float:
        """The seconds to wait after one more failure."""
        delay = min(self._longest, self._first * 2.0 ** min(self._attempts, _MOST_DOUBLINGS))
        self._attempts += 1
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def reset(self) -> None:
        """Begin anew: the last attempt succeeded."""
        self._attempts = 0


def exponential(
    base: Duration = 1.0, factor: float = 2.0, cap: Duration = 3600.0, jitter: float = 0.1
) -> RetryPolicy:
    """A policy that waits `base`, then `factor` times as long after every further attempt.

    Args:
        base: the first delay.
        factor: the growth, 1 or more.
        cap: the longest delay, jitter aside.
        jitter: the share by which a delay varies at random, both ways: 0 to 1.

    Raises:
        InvalidInputError: a value out of range.
    """
    first = seconds("base", base)
    longest = seconds("cap", cap)
    if factor < 1:
        raise InvalidInputError(f"factor {factor!r} can't be used: use 1 or more")
    if not 0 <= jitter <= 1:
        raise InvalidInputError(f"jitter {jitter!r} can't be used: use 0 to 1")

    def delay(task: Task, error: BaseException) -> float:  # noqa: ARG001 - the policy's signature
        try:
            grown = min(longest, first * factor ** max(0, task.receive_count - 1))
        except OverflowError:
            grown = longest
        return grown * random.uniform(1 - jitter, 1 + jitter)  # noqa: S311 - no secret

    return delay


DEFAULT_BACKOFF: Final = exponential(1.0, cap=300.0)
"""The retry backoff of a consumer that was given none: 1 s, 2 s, 4 s … 5 minutes, ±10 %."""


def retry_policy(backoff: Duration | RetryPolicy) -> RetryPolicy:
    """`backoff` as a policy: a fixed delay or a callable.

    Raises:
        InvalidTypeError: neither a duration nor a callable.
        InvalidInputError: a duration out of range.
    """
    if callable(backoff):
        return backoff
    if isinstance(backoff, bool) or not isinstance(backoff, int | float | timedelta):
        raise InvalidTypeError(
            f"retry_backoff must be seconds, a timedelta or a callable, not {backoff!r}"
        )
    fixed = seconds("retry_backoff", backoff)
    return lambda _task, _error: fixed
