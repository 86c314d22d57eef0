"""Writes docs/metrics.md from the catalogue of metrics: `python docs/metrics_reference.py`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasq_core.metrics.catalogue import Metric

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

TARGET = HERE / "metrics.md"

HEAD = """\
# Metrics

Made from the code by `python docs/metrics_reference.py`. Two sources, in Prometheus' text format
or, where a scraper asks for it, OpenMetrics:

- **The table**, once per database, whoever runs the tasks: `tasq metrics` prints its figures,
  `tasq metrics --serve :9187` answers scrapes and reads the table anew for each.
- **Consumers**, once per worker: `tasq work … --metrics :9188`, with `--processes` for all of them
  as one. A program with a consumer of its own does it so:

```python
# counted.py
import tasq_core as tasq
from tasq_core.metrics import ConsumerMetrics, MetricsServer

client = tasq.connect("postgresql://app@db/prod")
metrics = ConsumerMetrics()
consumer = client.new_consumer().with_metrics(metrics)


@consumer.handler("email")
def send(task: tasq.Task) -> None: ...


server = MetricsServer("0.0.0.0", 9188, metrics.text)
consumer.run(workers=8)
server.close()
```

```yaml
# prometheus.yml
rule_files: [tasq-alerts.yml]
scrape_configs:
  - job_name: tasq-table
    static_configs: [{targets: ["db-tools:9187"]}]
  - job_name: tasq-workers
    static_configs: [{targets: ["worker-1:9188", "worker-2:9188"]}]
```

Without a host both listen on this machine alone; there is no password and no TLS, so let a proxy or
the network keep others out. Alert rules: [tasq-alerts.yml](prometheus/tasq-alerts.yml); a dashboard
for Grafana's import: [tasq-dashboard.json](prometheus/tasq-dashboard.json).

- **Names are bounded.** A worker keeps series of their own for the first {pairs} pairs of queue and
  type, and counts further ones under the queue `other`, by type for {types} types; the table's
  figures keep the {table} largest. A label's value is cut at {label} characters, control characters
  are written as escapes.
- **Counters** start at zero with their worker where it is given its queues (`--queue`), and else
  with the first task of a queue and type, which no rate can show. A process of `--processes` that
  crashed keeps its counts in the sum, but for those of its last second.
- Consumers in Go count nothing: of what they do, the table's figures tell.
- Counting happens once per batch of outcomes, outside the handlers' threads; without `--metrics`
  nothing is counted.
- A program that has a registry of prometheus_client registers
  `tasq_core.integrations.prometheus.Collector(metrics)` there, with `tasq-core[metrics]` installed.
"""

CONSUMERS = "## Consumers"
TABLE = "## The table"


def page() -> str:
    """The whole page."""
    from tasq_core.metrics.catalogue import CONSUMER_METRICS, TABLE_METRICS
    from tasq_core.metrics.exposition import LONGEST_LABEL
    from tasq_core.metrics.series import MOST_PAIRS, MOST_TYPES
    from tasq_core.metrics.table import MOST_NAMES

    head = HEAD.replace("{pairs}", str(MOST_PAIRS)).replace("{types}", str(MOST_TYPES))
    head = head.replace("{table}", str(MOST_NAMES)).replace("{label}", str(LONGEST_LABEL))
    return "\n".join(
        [head, CONSUMERS, "", *_rows(CONSUMER_METRICS), "", TABLE, "", *_rows(TABLE_METRICS), ""]
    )


def _rows(metrics: "Iterable[Metric]") -> list[str]:
    rows = ["| metric | kind | labels | unit | |", "|-|-|-|-|-|"]
    for metric in metrics:
        labels = ", ".join(f"`{name}`" for name in metric.labels)
        about = metric.help
        if metric.bounds:
            about += f" Buckets: {', '.join(f'{bound:g}' for bound in metric.bounds)}."
        rows.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.unit} | {about} |")
    return rows


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
