"""Waiting for a condition: the one place where tests let time pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    predicate: Callable[[], T | None],
    timeout: float = 10.0,
    message: str | Callable[[], str] = "",
    interval: float = 0.01,
) -> T:
    """Call `predicate` until it returns something true, and return that.

    Args:
        predicate: called every `interval` seconds.
        timeout: seconds.
        message: what was waited for; a function is asked at the end, for its latest state.
        interval: seconds.

    Raises:
        AssertionError: it stayed false for `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (result := predicate()):
        if time.monotonic() >= deadline:
            what = message() if callable(message) else message
            raise AssertionError(f"waited {timeout:g} s in vain: {what or predicate}")
        time.sleep(interval)
    return result
