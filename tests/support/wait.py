"""Waiting for a condition: the one place where tests let time pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_SHARE = 5
"""How much longer than its last call of the predicate a wait rests: it takes a sixth of a core."""
_LONGEST = 0.1


def wait_until(
    predicate: Callable[[], T | None],
    timeout: float = 30.0,
    message: str | Callable[[], str] = "",
    interval: float = 0.01,
) -> T:
    """Call `predicate` until it returns something true, and return that.

    Args:
        predicate: called every `interval` seconds; more rarely where a call takes long, since
            what is waited for needs the processor.
        timeout: seconds.
        message: what was waited for; a function is asked at the end, for its latest state.
        interval: seconds.

    Raises:
        AssertionError: it stayed false for `timeout` seconds.
    """
    asked = time.monotonic()
    deadline = asked + timeout
    while not (result := predicate()):
        answered = time.monotonic()
        if answered >= deadline:
            what = message() if callable(message) else message
            raise AssertionError(f"waited {timeout:g} s in vain: {what or predicate}")
        time.sleep(max(interval, min(_SHARE * (answered - asked), _LONGEST)))
        asked = time.monotonic()
    return result
