"""The dashboard, the alert rules and docs/metrics.md name metrics that there are."""

import json
import os
import re
import shutil
import subprocess
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

import tasq_core
from tasq_core.metrics import ConsumerMetrics
from tasq_core.metrics.catalogue import CONSUMER_METRICS, TABLE_METRICS
from tests.docs.blocks import DOCS, named
from tests.support.processes import ROOT, python
from tests.support.wait import wait_until

METRICS = {metric.name: metric for metric in [*CONSUMER_METRICS, *TABLE_METRICS]}
ALERTS = DOCS / "prometheus" / "tasq-alerts.yml"
DASHBOARD = DOCS / "prometheus" / "tasq-dashboard.json"
_ADDED = {"job", "instance", "le"}
"""Labels that the scraper and histograms add."""


def dashboard_expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    found = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    assert len(found) > 20
    return found


def alert_expressions() -> list[str]:
    text = re.sub(r"annotations:\n(?: {10}.*\n)+", "", ALERTS.read_text())
    found = re.findall(r"expr: (\|\n(?: {10}.*\n)+|.*\n)", text)
    assert len(found) == text.count("- alert:") > 10
    return found


@pytest.mark.parametrize("expression", dashboard_expressions() + alert_expressions())
def test_each_metric_and_label_of_dashboard_and_alerts_exists(expression):
    """A misspelt name is an empty panel, or an alert that never fires."""
    named_ones = re.findall(r"\b(tasq_\w+?)(_bucket|_sum|_count)?\b(\{[^}]*\})?", expression)
    assert named_ones
    labels = set()
    for name, part, matchers in named_ones:
        assert name in METRICS, name
        assert bool(part) == (METRICS[name].kind == "histogram"), name
        given = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert given <= {*METRICS[name].labels, *_ADDED}, name
        labels |= {*METRICS[name].labels}
        if METRICS[name].kind == "counter":
            assert re.search(rf"(rate|increase)\({name}", expression), f"{name} without a rate"
    for by in re.findall(r"(?:by|on) \(([^)]*)\)", expression):
        assert set(re.split(r",\s*", by)) <= labels | _ADDED, by


def test_every_metric_stands_in_the_dashboard_or_says_why_not():
    """What nobody can see in the dashboard is looked for in vain at night."""
    shown = " ".join(dashboard_expressions() + alert_expressions())
    unseen = {name for name in METRICS if not re.search(rf"\b{name}(_bucket)?\b", shown)}

    assert unseen == {
        "tasq_tasks", "tasq_queue_tasks", "tasq_tasks_delayed",  # as counts, on the Overview
        "tasq_type_recent_tasks", "tasq_type_recent_wait_seconds",  # as of queues
        "tasq_type_recent_run_seconds", "tasq_queue_recent_run_seconds",
        "tasq_consumer_state", "tasq_consumer_info", "tasq_consumer_paused", "tasq_scrape_seconds",
    }  # fmt: skip


@pytest.mark.slow
def test_the_next_commands_of_the_alerts_run(tmp_path, shell):
    """At night one pastes what the alert says."""
    tasq_core.connect(f"sqlite:///{tmp_path}/tasks.db").migrate()
    text = ALERTS.read_text().replace("{{ $labels.type }}", "email")
    commands = sorted(set(re.findall(r"Next: (tasq [a-z][\w :=>'.-]*[\w'])", text)))
    assert len(commands) > 7
    for command in commands:
        done = shell(command.removesuffix(" says by whom and why"))
        assert done.returncode in {0, 8}, (command, done.stderr)


@pytest.mark.slow
def test_a_program_of_its_own_is_scraped_as_the_page_says(tmp_path, start_process):
    url = f"sqlite:///{tmp_path}/tasks.db"
    text = named("metrics.md", "counted.py")
    text = text.replace("postgresql://app@db/prod", url).replace(
        '"0.0.0.0", 9188', '"127.0.0.1", 0'
    )
    text = text.replace("consumer.run(", "print(server.url, flush=True)\nconsumer.run(")
    (tmp_path / "counted.py").write_text(text)
    client = tasq_core.connect(url)
    client.migrate()
    client.new_producer().submit("email", 1)
    process = start_process(*python("counted.py"), cwd=tmp_path)
    address = wait_until(
        lambda: process.stdout and process.stdout.strip(), 30, lambda: str(process)
    )

    def succeeded():
        with urllib.request.urlopen(address, timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        return [
            sample.value
            for family in families
            for sample in family.samples
            if sample.labels.get("outcome") == "succeeded"
        ]

    wait_until(lambda: succeeded() == [1.0], 20)


def test_the_pages_configuration_of_prometheus_names_the_rules():
    assert ALERTS.name in named("metrics.md", "prometheus.yml")
    page = (DOCS / "metrics.md").read_text()
    for path in (ALERTS, DASHBOARD):
        assert f"(prometheus/{path.name})" in page


# -- with Prometheus' own tool -----------------------------------------------------------------


@pytest.fixture
def promtool(tmp_path):
    program = os.environ.get("TASQ_TEST_PROMTOOL") or shutil.which("promtool")
    if program is None:
        pytest.skip("no promtool found; install Prometheus or set TASQ_TEST_PROMTOOL")

    def run(*arguments, stdin=""):
        return subprocess.run(
            [program, *arguments], cwd=tmp_path, input=stdin, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    return run


def test_promtool_takes_the_alert_rules_and_they_fire_when_they_should(promtool, tmp_path):
    shutil.copy(ALERTS, tmp_path)
    shutil.copy(ROOT / "tests" / "docs" / "tasq-alerts.test.yml", tmp_path)

    for done in (
        promtool("check", "rules", ALERTS.name),
        promtool("test", "rules", "tasq-alerts.test.yml"),
    ):
        assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_reads_every_expression_of_the_dashboard(promtool, tmp_path):
    rules = [
        {"record": f"panel:{number}", "expr": text.replace("$__rate_interval", "5m")}
        for number, text in enumerate(dashboard_expressions())
    ]
    (tmp_path / "panels.yml").write_text(json.dumps({"groups": [{"name": "p", "rules": rules}]}))

    done = promtool("check", "rules", "panels.yml")

    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_no_fault_with_the_metrics(promtool, tmp_path):
    from tasq_core.metrics import TableMetrics
    from tests.support.consuming import consuming

    client, counts = tasq_core.connect(f"sqlite:///{tmp_path}/tasks.db"), ConsumerMetrics()
    client.migrate()
    client.new_producer().submit("email", 1, queue='a"\n\\')
    with consuming(client, queues=None, metrics=counts) as consumer:
        consumer.learn("email", lambda task: None)
        wait_until(lambda: 'outcome="succeeded"} 1.0' in counts.text(), 20)
        text = counts.text() + TableMetrics(client).text()

    done = promtool("check", "metrics", stdin=text)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
