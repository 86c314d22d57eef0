"""The channel: claimed jobs on their way to whoever runs them."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from tasq_core.locks import new_lock

if TYPE_CHECKING:
    from tasq_core.consumer.job import Job


class Demand:
    """Whether the poller waits for room in the channel, and how much of it is worth a claim.

    - It is open from before the poller looks for room: room made since then wakes it.
    - It is closed while a claim is under way: nobody wakes a poller that is at work.
    - Whoever closes it by `room_made` wakes the poller, so that each wait is ended once; two
      threads that do so at the same moment wake it twice, which costs a look.
    - `low_watermark` is changed by the poller only, while it is closed.
    """

    def __init__(self) -> None:
        self.is_open = False
        self.low_watermark = 0
        """With no more jobs than this in the channel, room is worth a claim."""
        self.refill: Callable[[], None] = _nothing
        """Wakes the poller."""

    def open(self) -> None:
        """Have the poller woken once there is room; it looks for some after this."""
        self.is_open = True

    def close(self) -> None:
        """Leave the poller alone: it claims."""
        self.is_open = False

    def filled(self, ready: int) -> None:
        """A claim was delivered: the next is worth it once half of what is there is taken."""
        self.low_watermark = ready // 2

    def room_made(self, ready: int) -> None:
        """Wake the poller if it waits and so few jobs are left."""
        if self.is_open and ready <= self.low_watermark:
            self.is_open = False
            self.refill()


class Channel:
    """A queue of jobs for many threads; iterating it takes them, until it is closed.

    Taking from a filled channel costs one deque operation. At most one thread is on its way
    out of sleep at a time: one that arrives and finds more jobs than it can take wakes the
    next. So quick handlers are run by few threads that don't fight over the interpreter, and
    slow ones spread over all of them at once.
    """

    def __init__(self) -> None:
        self.ready: deque[Job] = deque()
        self.demand = Demand()
        self._lock = new_lock()
        self._sleepers: list[threading.Lock] = []
        self._waking = False
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether no job will come any more."""
        return self._closed

    def put(self, jobs: Iterable["Job"]) -> None:
        """Add jobs; never blocks. What is put after `close` is never handed out."""
        self.ready.extend(jobs)
        self._wake_one()

    def ask_for_more(self) -> None:
        """Wake the poller, where it waits for room, once there is enough for a claim."""
        self.demand.room_made(len(self.ready))

    def take(self) -> "Job | None":
        """The next job, waiting for it; None once the channel is closed."""
        while True:
            try:
                job = self.ready.popleft()
            except IndexError:
                if not self._sleep():
                    return None
            else:
                if self._sleepers and self.ready and not self._waking:
                    self._wake_one()
                if self.demand.is_open:
                    self.demand.room_made(len(self.ready))
                return None if self._closed else job

    def close(self) -> None:
        """Hand out nothing more and let every waiting thread go."""
        with self._lock:
            self._closed = True
            sleepers, self._sleepers = self._sleepers, []
        self.ready.clear()
        for sleeper in sleepers:
            sleeper.release()

    def __iter__(self) -> Iterator["Job"]:
        return self

    def __next__(self) -> "Job":
        job = self.take()
        if job is None:
            raise StopIteration
        return job

    def _sleep(self) -> bool:
        """Wait for jobs; whether there may be some, False once closed."""
        alarm = threading.Lock()
        alarm.acquire()
        with self._lock:
            if self._closed:
                return False
            if self.ready:
                return True
            self._sleepers.append(alarm)
        try:
            alarm.acquire()
        except BaseException:  # an interrupt: the wake-up meant for this thread is another's
            self._leave(alarm)
            raise
        self._waking = False
        return True

    def _leave(self, alarm: threading.Lock) -> None:
        with self._lock:
            if alarm in self._sleepers:
                self._sleepers.remove(alarm)
                return
            self._waking = False
        self._wake_one()

    def _wake_one(self) -> None:
        with self._lock:
            if not self._sleepers or self._waking:
                return
            self._waking = True
            # The last to fall asleep has the warmest caches.
            sleeper = self._sleepers.pop()
        sleeper.release()


def _nothing() -> None:
    """Stands in for `refill` until a poller feeds the channel."""
