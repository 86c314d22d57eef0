"""Metrics of a real consumer and a real table say what happened, on each database."""

import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tasq_core import Client, Discard, Snooze
from tasq_core.errors import InvalidTypeError
from tasq_core.metrics import ConsumerMetrics, TableMetrics
from tests.support.builders import make_task
from tests.support.consuming import consuming
from tests.support.wait import wait_until


def read(metrics, name, /, **labels):
    """The value of a sample; None where there is none."""
    for family in text_string_to_metric_families(metrics.text()):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return None


def test_what_a_consumer_did_is_counted_by_queue_type_and_outcome(client):
    """An alert on failures sees none where they are counted as something else."""
    producer, go, metrics = client.new_producer(), threading.Event(), ConsumerMetrics()
    ends = {"good": None, "bad": ValueError("no"), "gone": Discard("no"), "later": Snooze(60)}

    def handle(task):
        if task.type == "slow":
            go.wait(20)
        elif (error := ends[task.type]) is not None:
            raise error

    with consuming(client, queues=None, metrics=metrics, name="counted", release="7") as consumer:
        for type in (*ends, "slow"):
            producer.submit(type, 1, queue="mail", max_receives=2)
            consumer.learn(type, handle)

        def attempts(type, outcome):
            return read(metrics, "tasq_consumer_attempts_total", type=type, outcome=outcome)

        wait_until(lambda: attempts("bad", "failed") == 1, 20)
        wait_until(lambda: attempts("later", "snoozed") == 1, 20)
        wait_until(lambda: read(metrics, "tasq_consumer_running_tasks", type="slow") == 1, 20)
        wait_until(lambda: read(metrics, "tasq_consumer_heartbeat_age_seconds") is not None, 20)
        assert read(metrics, "tasq_consumer_state", consumer="counted", state="running") == 1
        assert read(metrics, "tasq_consumer_info", consumer="counted", release="7") == 1
        go.set()
        wait_until(lambda: attempts("slow", "succeeded") == 1, 20)
        wait_until(lambda: attempts("good", "succeeded") == 1, 20)

        assert attempts("bad", "retried") == 1
        assert attempts("gone", "failed") == 1
        assert read(metrics, "tasq_consumer_claimed_tasks_total", queue="mail", type="bad") == 2
        assert read(metrics, "tasq_consumer_wait_seconds_count", type="bad") == 1  # the first start
        assert read(metrics, "tasq_consumer_run_seconds_count", type="bad") == 2
        assert read(metrics, "tasq_consumer_running_tasks", type="slow") == 0
        assert read(metrics, "tasq_consumer_claims_total", result="found") >= 1
        assert read(metrics, "tasq_consumer_heartbeats_total", result="written") >= 1
        assert read(metrics, "tasq_consumer_workers", consumer="counted") == 4

    assert read(metrics, "tasq_consumer_workers") is None
    assert read(metrics, "tasq_consumer_claimed_tasks_total", type="bad") == 2


def test_series_of_known_queues_begin_at_zero(client):
    """A rate shows nothing of a burst that its series begins with."""
    metrics = ConsumerMetrics()
    consumer = client.new_consumer(queues=("mail",), metrics=metrics)
    consumer.learn("email", lambda task: None)
    with consumer:
        failed = {"queue": "mail", "type": "email", "outcome": "failed"}
        assert read(metrics, "tasq_consumer_attempts_total", **failed) == 0
        assert read(metrics, "tasq_consumer_wait_seconds_count", queue="mail") == 0


def test_a_wait_is_counted_from_the_submit_by_the_databases_clock(client):
    """A host whose clock is off would show waits of hours, or none."""
    producer, metrics = client.new_producer(), ConsumerMetrics()
    producer.submit("email", 1, delay=1.0)
    with consuming(client, metrics=metrics, poll_interval=0.2) as consumer:
        consumer.learn("email", lambda task: None)
        wait_until(lambda: read(metrics, "tasq_consumer_wait_seconds_count"), 20)

        assert 1.0 <= read(metrics, "tasq_consumer_wait_seconds_sum") < 8
        assert read(metrics, "tasq_consumer_wait_seconds_bucket", le="0.5") == 0


def test_pauses_show_in_the_metrics_of_whom_they_concern_and_of_the_table(client):
    metrics, table = ConsumerMetrics(), TableMetrics(client)
    client.pause(queue="mail")
    client.pause(queue="elsewhere")
    with consuming(client, metrics=metrics, queues=("mail",)) as consumer:
        consumer.learn("email", lambda task: None)
        wait_until(lambda: read(metrics, "tasq_consumer_paused", kind="queue", name="mail"), 20)
        wait_until(lambda: read(table, "tasq_consumers", state="running"), 20)

    assert read(metrics, "tasq_consumer_paused", name="elsewhere") is None
    assert read(table, "tasq_paused", kind="queue", name="elsewhere") == 1


def test_the_tables_metrics_tell_each_queue_and_type(client):
    producer, table = client.new_producer(), TableMetrics(client)
    for _ in range(3):
        producer.submit("email", 1, queue="mail")
    producer.submit("email", 1, queue="mail", delay=60)
    producer.submit("bad", 1, queue="mail", max_receives=1)

    def bad(task):
        raise ValueError("no")

    with consuming(client, queues=None) as consumer:
        consumer.learn("bad", bad)
        wait_until(lambda: read(table, "tasq_tasks", status="FAILED") == 1, 20)

    mail = {"queue": "mail", "type": "email"}
    assert read(table, "tasq_up") == 1
    assert read(table, "tasq_open_tasks", **mail, state="ready") == 3
    assert read(table, "tasq_open_tasks", **mail, state="delayed") == 1
    assert 0 < read(table, "tasq_ready_age_seconds", **mail) < 60
    assert read(table, "tasq_type_recent_tasks", type="bad", outcome="failed") == 1
    assert read(table, "tasq_queue_recent_run_seconds", queue="mail", stat="max") is not None
    assert read(table, "tasq_consumers", state="vanished") == 0


def test_many_queues_are_a_hundred_values(client):
    client.repository.submit_tasks(
        [make_task(type=f"t{number}", queue=f"q{number}") for number in range(150)]
    )

    found = TableMetrics(client).samples()

    assert len(found["tasq_open_tasks"]) == 101 * 6
    assert found["tasq_open_tasks"]["other", "other", "ready"] == 50
    assert len(found["tasq_queue_tasks"]) == 101 * 5


def test_a_table_that_cant_be_read_is_told_apart(database):
    with Client(database.open()) as client:
        assert TableMetrics(client).samples() == {"tasq_up": {(): 0.0}}


def test_only_consumer_metrics_are_taken(client):
    with pytest.raises(InvalidTypeError, match="ConsumerMetrics"):
        client.new_consumer(metrics="yes")
