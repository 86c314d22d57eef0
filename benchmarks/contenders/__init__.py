"""The queues that are measured, each with the same few functions.

`submit_single` and `submit_bulk` return tasks a second, `drain` tasks a second from the
start of the worker until the last outcome is stored, `latency` milliseconds from the
submit call to the handler's first line, one per task.
"""

import time
from collections.abc import Callable
from pathlib import Path

ARGS = {"to": "ada@example.com", "subject": "Your order has shipped", "retries": 3}
"""The arguments of every task: about 70 bytes of JSON."""

WORKERS = 10
"""Handlers that may run at once, whatever the queue calls them."""


def gaps(count: int) -> list[float]:
    """Seconds between tasks that each find an idle consumer: 15 to 35 ms, never in step."""
    return [0.015 + 0.02 * ((number * 0.618034) % 1.0) for number in range(count)]


def write_for(write: Callable[[], object], signal: str, seconds: float) -> float:
    """How often a second `write` is done, for `seconds` once the file `signal` is there."""
    write()
    print("ready", flush=True)
    while not Path(signal).exists():
        time.sleep(0.005)
    count = 0
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        write()
        count += 1
    return count / passed


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def rate(self, count: int) -> float:
        """`count` a second."""
        return count / (time.perf_counter() - self._start)
