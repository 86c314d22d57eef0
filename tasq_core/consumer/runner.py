"""Worker threads, and a main thread that turns signals into a stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from time import monotonic
from types import FrameType
from typing import Final

from tasq_core.consumer.channel import Channel
from tasq_core.locks import new_lock

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_JOIN_SECONDS: Final = 1.0
_LOOK_UP: Final = 0.5
"""How often the main thread looks up, in seconds. The system may hand a signal to any thread;
Python's handler runs in this one, which nothing else would wake then."""


class Workers:
    """Threads that run jobs from a channel until it closes."""

    def __init__(self, channel: Channel, count: int) -> None:
        self._channel = channel
        self._lock = new_lock()
        self._threads: list[threading.Thread] = []
        for _ in range(count):
            self.add()

    def add(self) -> None:
        """One thread more: at the beginning, and in place of one whose job was abandoned."""
        with self._lock:
            thread = threading.Thread(
                target=self._work, name=f"tasq-worker-{len(self._threads) + 1}", daemon=True
            )
            self._threads.append(thread)
        thread.start()

    def join(self) -> None:
        """Wait for the threads that have nothing left to do."""
        deadline = monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))

    def _work(self) -> None:
        take = self._channel.take
        while (job := take()) is not None:
            job.perform(wait=False)
            if job.abandoned and not job.awaited:
                return


class Stopped:
    """Where the main thread waits: for the end of the consumer, or a signal.

    A SimpleQueue may be put to from a signal handler; an Event's lock may not be taken there.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[bool] = SimpleQueue()

    def set(self) -> None:
        """The consumer has stopped."""
        self._queue.put(True)

    def wait(self, stop: Callable[[], None]) -> None:
        """Return once stopped; a signal meanwhile calls `stop`."""
        while True:
            try:
                if self._queue.get(timeout=_LOOK_UP):
                    return
            except Empty:
                continue
            stop()

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Turn SIGINT and SIGTERM into a stop meanwhile, where this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            # The second one finds the system's own handler, and ends the process at once.
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            self._queue.put(False)

        before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
