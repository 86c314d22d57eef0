"""Jobs that a consumer does from time to time beside its tasks, on one thread."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from tasq_core.consumer.backoff import Reconnect
from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.errors import RepositoryError


@dataclass(slots=True)
class _Job:
    name: str
    work: Callable[[], float]
    due: float
    reconnect: Reconnect = field(default_factory=Reconnect)


class Periodic:
    """Runs named jobs, each again after the seconds that it returned; ended by `close`.

    A job that meets a database error is tried again, ever more rarely.
    """

    def __init__(self, log: ConsumerLog) -> None:
        self._log = log
        self._jobs: list[_Job] = []
        self._closing = threading.Event()

    def add(self, name: str, work: Callable[[], float]) -> None:
        """Run `work` soon after the start. `name` says what it does: "fire schedules".

        `work` returns the seconds until it is to run again. Called before `run`.
        """
        self._jobs.append(_Job(name, work, monotonic()))

    def close(self) -> None:
        """End `run` soon; a job that runs is not interrupted."""
        self._closing.set()

    def run(self) -> None:
        """Run what is due until closed."""
        while self._jobs and not self._closing.is_set():
            job = min(self._jobs, key=lambda job: job.due)
            if not self._closing.wait(max(0.0, job.due - monotonic())):
                job.due = monotonic() + self._done(job)

    def _done(self, job: _Job) -> float:
        """Run a job; the seconds until it is due again."""
        try:
            wait = job.work()
        except RepositoryError as error:
            if self._closing.is_set():
                return 0.0
            wait = job.reconnect.next()
            self._log.database_failed(job.name, error, wait)
            return wait
        if job.reconnect.failing:
            job.reconnect.reset()
            self._log.database_back(job.name)
        return wait
