"""Work that a running consumer does now and then, beside its tasks: named jobs of one thread."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from tasq_core.consumer.backoff import Reconnect
from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.errors import RepositoryError
from tasq_core.locks import new_lock

_LEAST: Final = 0.2
"""Seconds between two runs of a job, however often it is asked for."""


@dataclass(slots=True)
class _Job:
    work: Callable[[], float]
    due: float
    earliest: float = 0.0
    reconnect: Reconnect = field(default_factory=Reconnect)


class Periodic:
    """Runs named jobs, each again after the seconds that it returned; ended by `close`.

    What a job raises is logged at the first of several failures in a row, and the job is tried
    again, ever more rarely: nothing here stops the consumer or delays a task.
    """

    def __init__(self, log: ConsumerLog) -> None:
        self._log = log
        self._jobs: dict[str, _Job] = {}
        self._lock = new_lock()
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._last: Callable[[], None] = lambda: None

    def add(self, name: str, work: Callable[[], float], after: float = 0.0) -> None:
        """Run `work` from `after` seconds on. `name` says what it does: "fire schedules".

        `work` returns the seconds until it is to run again. Keep it short: the others wait for
        it.
        """
        with self._lock:
            self._jobs[name] = _Job(work, monotonic() + after)
        self._wanted.set()

    def at_close(self, work: Callable[[], None]) -> None:
        """Run `work` when the consumer has stopped."""
        self._last = work

    def soon(self, name: str, after: float = 0.0) -> None:
        """Run this job in `after` seconds, or 0.2 s after its last run began."""
        with self._lock:
            job = self._jobs[name]
            job.due = min(job.due, max(monotonic() + after, job.earliest))
        self._wanted.set()

    def close(self) -> None:
        """End `run` soon; a job that runs is not interrupted."""
        self._closing.set()
        self._wanted.set()

    def run(self) -> None:
        """Run what is due until closed."""
        while not self._closing.is_set():
            self._wanted.clear()
            with self._lock:
                name, job = min(
                    self._jobs.items(), key=lambda item: item[1].due, default=(None, None)
                )
            wait = threading.TIMEOUT_MAX if job is None else job.due - monotonic()
            if name is None or job is None or wait > 0:
                self._wanted.wait(wait)
            else:
                self._do(name, job)
        try:
            self._last()
        except RepositoryError as error:
            self._log.job_failed("leave the fleet", error)

    def _do(self, name: str, job: _Job) -> None:
        with self._lock:  # before it runs: what asks for another run meanwhile isn't lost
            job.due = float("inf")
            job.earliest = monotonic() + _LEAST
        try:
            wait = job.work()
        except Exception as error:  # noqa: BLE001 - it costs nothing but its own work
            if not job.reconnect.failing and not self._closing.is_set():
                self._log.job_failed(name, error)
            wait = max(_LEAST, job.reconnect.next())
        else:
            if job.reconnect.failing:
                job.reconnect.reset()
                self._log.database_back(name)
        with self._lock:
            job.due = min(job.due, monotonic() + wait)
