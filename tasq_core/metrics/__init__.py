"""Metrics in Prometheus' text formats: of running consumers, and of a table.

`ConsumerMetrics` counts what consumers do, where `with_metrics` gives them one; `TableMetrics`
reads a table at each scrape; `MetricsServer` answers scrapes. Nothing here needs another package.
"""

from tasq_core.metrics.consumers import ConsumerMetrics
from tasq_core.metrics.server import MetricsServer
from tasq_core.metrics.table import TableMetrics

__all__ = ["ConsumerMetrics", "MetricsServer", "TableMetrics"]
