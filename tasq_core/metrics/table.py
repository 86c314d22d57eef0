"""The figures of a table, read anew for each scrape."""

from time import monotonic
from typing import TYPE_CHECKING, Final

from tasq_core.errors import RepositoryError
from tasq_core.fleet.reports import ConsumerReport
from tasq_core.metrics.catalogue import TABLE_METRICS
from tasq_core.metrics.exposition import OTHER, Samples, label, put, render
from tasq_core.metrics.series import folded
from tasq_core.repository.figures_sql import FigureReader, OpenPair
from tasq_core.task import TaskStatus

if TYPE_CHECKING:
    from tasq_core.client import Client
    from tasq_core.inspector import Inspector
    from tasq_core.timings import Spread

MOST_NAMES: Final = 100
"""Queues, types, pairs of them, and pauses that have values of their own."""
_RECENT_SECONDS: Final = 300
_STATES: Final = ("ready", "delayed", "leased", "lapsed", "exhausted", "retrying")


class TableMetrics:
    """The task table's figures, side tables included, whoever runs the tasks.

    A hundred queues, types and pairs of them, the largest, have values of their own; the others
    share the label "other".
    """

    def __init__(self, client: "Client") -> None:
        self._client = client

    def text(self, *, open_metrics: bool = False) -> str:
        """All of it, in Prometheus' text format or in OpenMetrics."""
        return render(TABLE_METRICS, self.samples(), open_metrics=open_metrics)

    def samples(self) -> Samples:
        """All of it; `tasq_up` 0 alone where the database doesn't answer."""
        began = monotonic()
        samples: Samples = {}
        try:
            inspector = self._client.new_inspector()
            _put_counts(samples, inspector)
            pairs = FigureReader(self._client.repository).open_pairs()
            _put_pairs(samples, pairs, self._client.repository.now().timestamp())
            for by in ("queue", "type"):
                _put_recent(samples, inspector, by)
            if inspector.has_registry():
                _put_fleet(samples, inspector)
        except RepositoryError:
            return {"tasq_up": {(): 0.0}}
        put(samples, "tasq_up", (), 1)
        put(samples, "tasq_scrape_seconds", (), monotonic() - began)
        return samples


def _put_counts(samples: Samples, inspector: "Inspector") -> None:
    summary = inspector.summary()
    for status in TaskStatus:
        put(samples, "tasq_tasks", (status.value,), summary.counts.get(status, 0))
    rows = inspector.breakdown("queue")
    names = folded(((row.name, row.total) for row in rows), MOST_NAMES)
    for row in rows:
        for status in TaskStatus:
            labels = (names[row.name], status.value)
            put(samples, "tasq_queue_tasks", labels, row.counts.get(status, 0))
    health = summary.health
    for state in ("ready", "delayed", "leased", "stale", "exhausted"):
        put(samples, f"tasq_tasks_{state}", (), getattr(health, state))
    oldest = health.oldest_ready
    age = 0.0 if oldest is None else (summary.taken_at - oldest).total_seconds()
    put(samples, "tasq_oldest_ready_age_seconds", (), age)


def _put_pairs(samples: Samples, pairs: list[OpenPair], now: float) -> None:
    largest = sorted(pairs, key=lambda pair: -(pair.ready + pair.leased + pair.delayed))
    waits: dict[tuple[str, str], float] = {}
    for rank, pair in enumerate(largest):
        labels = (pair.queue, pair.type) if rank < MOST_NAMES else (OTHER, OTHER)
        for state in _STATES:
            put(samples, "tasq_open_tasks", (*labels, state), getattr(pair, state))
        since = pair.ready_since
        age = 0.0 if since is None else max(0.0, now - since.timestamp())
        shown = (label(labels[0]), label(labels[1]))
        waits[shown] = max(age, waits.get(shown, 0.0))
    for shown, age in waits.items():
        put(samples, "tasq_ready_age_seconds", shown, age)


def _put_recent(samples: Samples, inspector: "Inspector", by: str) -> None:
    """What ended lately; of names that share a label the slowest counts."""
    rows = inspector.timings(by, _RECENT_SECONDS).rows
    names = folded(((row.name, row.done + row.failed) for row in rows), MOST_NAMES)
    for row in rows:
        name = label(names[row.name])
        put(samples, f"tasq_{by}_recent_tasks", (name, "successful"), row.done)
        put(samples, f"tasq_{by}_recent_tasks", (name, "failed"), row.failed)
        _put_spread(samples, f"tasq_{by}_recent_wait_seconds", name, row.wait)
        _put_spread(samples, f"tasq_{by}_recent_run_seconds", name, row.run)


def _put_spread(samples: Samples, metric: str, name: str, spread: "Spread | None") -> None:
    if spread is None:
        return
    found = samples.setdefault(metric, {})
    for stat, value in (("p50", spread.p50), ("p95", spread.p95), ("max", spread.max)):
        before = found.get((name, stat), 0.0)
        found[name, stat] = max(value, before if isinstance(before, float) else 0.0)


def _put_fleet(samples: Samples, inspector: "Inspector") -> None:
    for state in ("running", "quiet", "stopping", "vanished"):
        put(samples, "tasq_consumers", (state,), 0)
    for consumer in inspector.consumers():
        put(samples, "tasq_consumers", (_state(consumer),), 1)
    for pause in inspector.pauses()[:MOST_NAMES]:
        samples.setdefault("tasq_paused", {})[label(pause.kind), label(pause.name)] = 1.0


def _state(consumer: ConsumerReport) -> str:
    if consumer.vanished:
        return "vanished"
    return consumer.state if consumer.state in {"quiet", "stopping"} else "running"
