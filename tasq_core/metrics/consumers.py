"""Counts of what running consumers do, for Prometheus to scrape."""

from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from tasq_core.locks import new_lock
from tasq_core.metrics.catalogue import CONSUMER_METRICS, STATEMENT_SECONDS
from tasq_core.metrics.exposition import Samples, label, put, render
from tasq_core.metrics.series import MOST_PAIRS, Histogram, Pairs, PairSeries

if TYPE_CHECKING:
    from tasq_core.consumer.job import Job

_STATES = ("running", "quiet", "stopping")
_MOST_PAUSES = 100
_BEFORE_ANY_QUEUE = 1970
"""A row of an earlier year has no true time of its submit."""


class RunFigures(NamedTuple):
    """What a running consumer is at this moment."""

    name: str
    host: str
    version: str
    release: str
    state: str
    workers: int
    running: Sequence[PairSeries]
    """The series of each task that runs."""
    waiting: Sequence[PairSeries]
    heartbeat_age: float | None
    paused: Sequence[tuple[str, str]]
    """(kind, name)."""


class ConsumerMetrics:
    """Counts claims, attempts, waits and runs of the consumers that were given it.

    `consumer.with_metrics(metrics)`; several consumers may share one. `text()` is what a scrape
    gets, `MetricsServer` answers scrapes. Safe for threads. A hundred pairs of queue and type
    have series of their own; tasks of others are counted under the queue "other".
    """

    def __init__(self) -> None:
        self._lock = new_lock()
        self._pairs = Pairs()
        self._claims = {"found": 0, "empty": 0, "failed": 0}
        self._claim_seconds = Histogram(STATEMENT_SECONDS)
        self._heartbeats = {"written": 0, "failed": 0}
        self._database_errors = 0
        self._runs: list[Callable[[], RunFigures]] = []

    # -- what a scrape gets ------------------------------------------------------------------

    def text(self, *, open_metrics: bool = False) -> str:
        """All of it, in Prometheus' text format or in OpenMetrics."""
        return render(CONSUMER_METRICS, self.samples(), open_metrics=open_metrics)

    def samples(self) -> Samples:
        """All of it, as `merge` takes it for several processes."""
        samples: Samples = {}
        with self._lock:
            for pair in self._pairs:
                self._put_pair(samples, pair)
            for result, number in self._claims.items():
                put(samples, "tasq_consumer_claims_total", (result,), number)
            put(samples, "tasq_consumer_claim_seconds", (), self._claim_seconds.value)
            put(samples, "tasq_consumer_database_errors_total", (), self._database_errors)
            for result, number in self._heartbeats.items():
                put(samples, "tasq_consumer_heartbeats_total", (result,), number)
            runs = list(self._runs)
        for figures in runs:
            _put_run(samples, figures())
        return samples

    @staticmethod
    def _put_pair(samples: Samples, pair: PairSeries) -> None:
        put(samples, "tasq_consumer_claimed_tasks_total", pair.labels, pair.claimed)
        for outcome, number in pair.outcomes.items():
            put(samples, "tasq_consumer_attempts_total", (*pair.labels, outcome), number)
        put(samples, "tasq_consumer_wait_seconds", pair.labels, pair.wait.value)
        put(samples, "tasq_consumer_run_seconds", pair.labels, pair.run.value)
        # Zeros: a series that comes and goes looks like a consumer that does.
        put(samples, "tasq_consumer_running_tasks", pair.labels, 0)
        put(samples, "tasq_consumer_waiting_tasks", pair.labels, 0)

    # -- what a run of a consumer reports: in batches, never from a handler's thread ---------

    def attach(self, figures: Callable[[], RunFigures]) -> None:
        """A run begins; `figures` is asked at each scrape."""
        with self._lock:
            self._runs.append(figures)

    def detach(self, figures: Callable[[], RunFigures]) -> None:
        """That run is over; its counts stay."""
        with self._lock:
            if figures in self._runs:
                self._runs.remove(figures)

    def expect(self, queues: Sequence[str] | None, types: Sequence[str]) -> None:
        """Begin the series of these at zero, where they are few and the queues known.

        The first tasks of a series that begins with them are in no rate: Prometheus saw no
        value before.
        """
        if queues is not None and len(queues) * len(types) <= MOST_PAIRS // 2:
            with self._lock:
                for queue in queues:
                    for type in types:
                        self._pairs.of(queue, type)

    def claim_ended(self, began: float, found: int | None) -> None:
        """A claim brought so many tasks; None where it failed. `began` is monotonic."""
        with self._lock:
            self._claims["failed" if found is None else "found" if found else "empty"] += 1
            self._claim_seconds.add(monotonic() - began)

    def claimed(self, jobs: Iterable["Job"]) -> None:
        """These were claimed; to be called before any of them starts."""
        with self._lock:
            for job in jobs:
                task = job.task
                series = job.series = self._pairs.of(task.queue, task.type)
                series.claimed += 1
                if task.receive_count == 1 and task.created_at.year >= _BEFORE_ANY_QUEUE:
                    # By the database's clock alone: a claim's lease ends one timeout after it.
                    lease_ends_after = (task.visible_at - task.created_at).total_seconds()
                    job.submitted = job.expires - lease_ends_after

    def ended(self, jobs: Iterable["Job"]) -> None:
        """What became of these is written."""
        with self._lock:
            for job in jobs:
                self._count(job, (job.attempt or "succeeded").replace(" ", "_"))

    def lost(self, job: "Job") -> None:
        """The outcome of this one could not be written: its lease had passed on."""
        with self._lock:
            self._count(job, "lost")

    def database_failed(self) -> None:
        """A claim, ping or write failed and will be tried again."""
        with self._lock:
            self._database_errors += 1

    def heartbeat(self, *, written: bool) -> None:
        """A heartbeat was sent."""
        with self._lock:
            self._heartbeats["written" if written else "failed"] += 1

    @staticmethod
    def _count(job: "Job", outcome: str) -> None:
        series = job.series
        if series is None:
            return
        series.outcomes[outcome] = series.outcomes.get(outcome, 0) + 1
        if job.started is None:
            return
        if job.submitted is not None:
            series.wait.add(max(0.0, job.started - job.submitted))
        if job.finished is not None:
            series.run.add(max(0.0, job.finished - job.started))


def _put_run(samples: Samples, run: RunFigures) -> None:
    for name, held in (("running", run.running), ("waiting", run.waiting)):
        for series in held:
            put(samples, f"tasq_consumer_{name}_tasks", series.labels, 1)
    for state in _STATES:
        put(samples, "tasq_consumer_state", (run.name, state), float(state == run.state))
    put(samples, "tasq_consumer_workers", (run.name,), run.workers)
    if run.heartbeat_age is not None:
        put(samples, "tasq_consumer_heartbeat_age_seconds", (run.name,), run.heartbeat_age)
    for kind, name in run.paused[:_MOST_PAUSES]:
        samples.setdefault("tasq_consumer_paused", {})[kind, label(name)] = 1.0
    about = (run.name, run.host, run.version, run.release)
    put(samples, "tasq_consumer_info", about, 1)
