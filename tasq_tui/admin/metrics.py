"""The table's figures as OpenMetrics, through prometheus_client."""

from typing import TYPE_CHECKING, Any

from tasq_core.client import Client
from tasq_core.errors import RepositoryError, TasqError
from tasq_core.task import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import GaugeMetricFamily


class _Figures:
    """Reads the figures anew for each scrape."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def collect(self) -> "Iterator[GaugeMetricFamily]":
        """Every family; `tasq_up` alone where the database doesn't answer."""
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - an extra

        up = GaugeMetricFamily("tasq_up", "Whether the task table could be read.")
        try:
            families = list(self._families(GaugeMetricFamily))
        except RepositoryError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from families

    def _families(
        self, family: "Callable[..., GaugeMetricFamily]"
    ) -> "Iterator[GaugeMetricFamily]":
        inspector = self._client.new_inspector()
        summary = inspector.summary()
        tasks = family("tasq_tasks", "Tasks by status.", labels=["status"])
        for status in TaskStatus:
            tasks.add_metric([status.value], summary.counts.get(status, 0))
        yield tasks
        by_queue = family(
            "tasq_queue_tasks", "Tasks by queue and status.", labels=["queue", "status"]
        )
        for row in inspector.breakdown("queue"):
            for status in TaskStatus:
                by_queue.add_metric([row.name, status.value], row.counts.get(status, 0))
        yield by_queue
        health = summary.health
        for name, about, value in (
            ("ready", "Tasks that can be claimed now.", health.ready),
            ("delayed", "New tasks that can be claimed later.", health.delayed),
            ("leased", "Tasks held by a consumer.", health.leased),
            ("stale", "Tasks whose lease has lapsed.", health.stale),
            ("exhausted", "Lapsed tasks with no receives left.", health.exhausted),
        ):
            yield family(f"tasq_tasks_{name}", about, value=value)
        oldest = health.oldest_ready
        age = 0.0 if oldest is None else (summary.taken_at - oldest).total_seconds()
        yield family(
            "tasq_oldest_ready_age_seconds", "How long the oldest ready task has waited.", value=age
        )


def registry(client: Client) -> "CollectorRegistry":
    """A registry of the client's figures alone, read anew for each scrape.

    Raises:
        TasqError: prometheus_client isn't installed.
    """
    try:
        from prometheus_client import CollectorRegistry  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise TasqError(
            "metrics need prometheus_client; run pip install 'tasq-tui[metrics]'"
        ) from error
    made = CollectorRegistry(auto_describe=False)
    made.register(_Figures(client))
    return made


def exposition(registry: "CollectorRegistry") -> str:
    """The figures now, as OpenMetrics text."""
    from prometheus_client.openmetrics import exposition  # noqa: PLC0415

    untyped: Any = exposition
    return str(untyped.generate_latest(registry), "utf-8")
