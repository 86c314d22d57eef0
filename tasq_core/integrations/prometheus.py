"""Metrics in a registry of prometheus_client that the program has already.

Needs `pip install 'tasq-core[metrics]'`. Without such a registry, `MetricsServer` is enough.
"""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric as Family

from tasq_core.metrics.catalogue import CONSUMER_METRICS, TABLE_METRICS
from tasq_core.metrics.consumers import ConsumerMetrics
from tasq_core.metrics.exposition import flat
from tasq_core.metrics.table import TableMetrics


class Collector:
    """`REGISTRY.register(Collector(metrics))`: a scrape of that registry has them too."""

    def __init__(self, metrics: ConsumerMetrics | TableMetrics) -> None:
        """For metrics of consumers, or of a table, which is read at each scrape."""
        self._metrics = metrics
        self._catalogue = TABLE_METRICS if isinstance(metrics, TableMetrics) else CONSUMER_METRICS

    def collect(self) -> Iterator[Family]:
        """The families with their samples."""
        found = self._metrics.samples()
        for metric in self._catalogue:
            if found.get(metric.name):
                family = Family(metric.name.removesuffix("_total"), metric.help, metric.kind)
                for name, labels, value in flat((metric,), found):
                    family.add_sample(name, labels, value)
                yield family

    def describe(self) -> list[Family]:
        """Nothing: registering reads no table."""
        return []
