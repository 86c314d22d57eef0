"""Leases: which tasks this consumer holds, and the thread that keeps them held."""

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Final

from tasq_core.consumer.backoff import LONGEST_DELAY, Reconnect
from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.consumer.job import Job
from tasq_core.errors import ClientClosedError, RepositoryError
from tasq_core.repository.protocol import Repository

_BATCH: Final = 1000
PINGS_PER_TIMEOUT: Final = 3
_LOOK_GAP: Final = 0.1
"""Seconds between two looks at leases that may have been broken."""
_FRESH: Final = 5 / 6
"""A lease with more than this share of its time left needs no ping yet."""


class Ledger:
    """The jobs of this consumer, by how far they are.

    Sets of jobs by identity: each operation is one atomic step of the interpreter, so that no
    task costs a lock, and removing a job from `unstarted` or `running` decides between
    threads which want it.
    """

    def __init__(self) -> None:
        self.held: set[Job] = set()
        """Claimed, and nothing recorded yet that ends the lease."""
        self.unstarted: set[Job] = set()
        self.running: set[Job] = set()
        self.awaited: set[Job] = set()
        """Those running that no thread waits for: the event loop does."""

    @property
    def active(self) -> int:
        """How many are claimed and not done; those done wait for their outcome to be written."""
        return len(self.unstarted) + len(self.running)

    @property
    def busy(self) -> int:
        """How many need a thread: the active ones without those on the event loop."""
        return self.active - len(self.awaited)

    def is_active(self, job: Job) -> bool:
        """Whether `job` is claimed and not done, nor about to be given back."""
        return job in self.running or job in self.unstarted

    def claim(self, jobs: Iterable[Job]) -> None:
        """Take charge of `jobs`."""
        self.held.update(jobs)
        self.unstarted.update(jobs)

    def begin(self, job: Job) -> bool:
        """Whether the caller may run `job`; only ever true once."""
        self.running.add(job)
        if self.withdraw(job):
            return True
        self.running.discard(job)
        return False

    def withdraw(self, job: Job) -> bool:
        """Whether the caller may dispose of `job`, which hasn't started and now never will."""
        try:
            self.unstarted.remove(job)
        except KeyError:
            return False
        return True

    def end(self, job: Job) -> bool:
        """Whether the caller decides the outcome of `job`, which is running."""
        try:
            self.running.remove(job)
        except KeyError:
            return False
        self.awaited.discard(job)
        return True

    def hand_over(self, job: Job) -> None:
        """Count `job`, which is running, as the event loop's."""
        self.awaited.add(job)
        if job not in self.running:  # it ended meanwhile
            self.awaited.discard(job)

    def settle(self, jobs: Iterable[Job]) -> None:
        """Forget `jobs`: their leases are over or another consumer's."""
        self.held.difference_update(jobs)


class LeaseKeeper:
    """Extends held leases every third of the visibility timeout, and times jobs out.

    A thread of its own: neither a full channel nor a slow statement elsewhere delays a ping.
    """

    def __init__(
        self,
        repository: Repository,
        ledger: Ledger,
        log: ConsumerLog,
        *,
        visibility_timeout: float,
        job_timeout: float | None,
        on_lost: Callable[[Job], None],
        on_timeout: Callable[[Job], None],
    ) -> None:
        self._repository = repository
        self._ledger = ledger
        self._log = log
        self._visibility_timeout = visibility_timeout
        self._job_timeout = job_timeout
        self._on_lost = on_lost
        self._on_timeout = on_timeout
        self._closing = threading.Event()
        self._alarm = threading.Event()
        self._look_at = float("inf")
        self._looked = 0.0
        self._reconnect = Reconnect(longest=min(LONGEST_DELAY, visibility_timeout / 6))

    def close(self) -> None:
        """End `run` soon."""
        self._closing.set()
        self._alarm.set()

    def look(self) -> None:
        """Find out soon whether a lease was broken; at most ten times a second."""
        if self._look_at == float("inf"):
            self._look_at = max(monotonic(), self._looked + _LOOK_GAP)
            self._alarm.set()

    def run(self) -> None:
        """Ping until closed."""
        interval = self._visibility_timeout / PINGS_PER_TIMEOUT
        ping_at = monotonic() + interval
        while not self._closing.is_set():
            due = min(ping_at, self._look_at, self._next_timeout())
            self._alarm.wait(max(0.0, due - monotonic()))
            self._alarm.clear()
            if self._closing.is_set():
                return
            self._time_out()
            if monotonic() >= self._look_at:
                # Before the look: what is broken from here on asks for another.
                self._look_at, self._looked = float("inf"), monotonic()
                self._check()
            if monotonic() >= ping_at:
                ping_at = monotonic() + (self._ping() or interval)

    def _check(self) -> None:
        """Lose the jobs whose leases are no longer in force; extend none."""
        jobs = [
            job for job in [*self._ledger.running, *self._ledger.unstarted] if not job.lease_lost
        ]
        with suppress(RepositoryError):  # the next ping finds it out
            for first in range(0, len(jobs), _BATCH):
                some = jobs[first : first + _BATCH]
                live = self._repository.live_leases([job.lease for job in some])
                for job in some:
                    if job.lease not in live and self._ledger.is_active(job):
                        self._on_lost(job)

    def _ping(self) -> float | None:
        """Extend what needs it; after a failure, the seconds to wait before trying again."""
        fresh = monotonic() + self._visibility_timeout * _FRESH
        jobs = [
            job for job in list(self._ledger.held) if job.expires <= fresh and not job.lease_lost
        ]
        try:
            for first in range(0, len(jobs), _BATCH):
                self._extend(jobs[first : first + _BATCH])
        except ClientClosedError:
            raise
        except RepositoryError as error:
            delay = self._reconnect.next()
            self._log.database_failed("extend leases", error, delay)
            return delay
        if jobs and self._reconnect.failing:
            self._reconnect.reset()
            self._log.database_back("extend leases")
        return None

    def _extend(self, jobs: list[Job]) -> None:
        expires = monotonic() + self._visibility_timeout
        held = self._repository.ping_leases([job.lease for job in jobs], self._visibility_timeout)
        for job in jobs:
            if job.lease in held:
                job.expires = expires
            elif job.finished is None and job in self._ledger.held:
                # Of a job that finished meanwhile, the write of its outcome decides.
                self._on_lost(job)

    def _next_timeout(self) -> float:
        """When the first running job is due to be timed out; no job started later is earlier."""
        if self._job_timeout is None:
            return float("inf")
        now = monotonic()
        started = [job.started or now for job in list(self._ledger.running)]
        return min(started, default=now) + self._job_timeout

    def _time_out(self) -> None:
        if self._job_timeout is None:
            return
        latest = monotonic() - self._job_timeout
        for job in list(self._ledger.running):
            if job.started is not None and job.started <= latest:
                self._on_timeout(job)
