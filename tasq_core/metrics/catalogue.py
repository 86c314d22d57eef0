"""Every metric there is: its name, kind, labels, unit and meaning, in one place."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]

SECONDS: Final = (
    0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0,
)  # fmt: skip
"""Bounds of waits and runs."""
STATEMENT_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0)
"""Bounds of statements."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    """What its values count: seconds, tasks; "" where its name says it."""
    bounds: tuple[float, ...] = ()
    """The upper bounds of a histogram's buckets, without infinity."""
    merge: Literal["sum", "max"] = "sum"
    """What becomes of values with equal labels from several processes."""


_PAIR: Final = ("queue", "type")

CONSUMER_METRICS: Final = (
    Metric(
        "tasq_consumer_claimed_tasks_total", "counter", "Tasks claimed.", _PAIR, "tasks"
    ),
    Metric(
        "tasq_consumer_attempts_total", "counter",
        "Attempts that ended, by outcome: succeeded, failed (for good), retried, timed_out,"
        " snoozed, or lost (its lease had passed on, so that nothing was written).",
        (*_PAIR, "outcome"), "attempts",
    ),
    Metric(
        "tasq_consumer_wait_seconds", "histogram",
        "From a task's submit, by the database's clock, to its first start; a delay it was"
        " submitted with is part of it.",
        _PAIR, "seconds", SECONDS,
    ),
    Metric(
        "tasq_consumer_run_seconds", "histogram",
        "From the start to the end of each attempt, whatever its outcome.",
        _PAIR, "seconds", SECONDS,
    ),
    Metric(
        "tasq_consumer_running_tasks", "gauge", "Tasks whose handler runs now.", _PAIR, "tasks"
    ),
    Metric(
        "tasq_consumer_waiting_tasks", "gauge", "Tasks claimed and not started.", _PAIR, "tasks"
    ),
    Metric(
        "tasq_consumer_claims_total", "counter",
        "Claims asked for, by result: found (at least one task), empty, or failed.",
        ("result",), "claims",
    ),
    Metric(
        "tasq_consumer_claim_seconds", "histogram", "How long claims took, failed ones included.",
        (), "seconds", STATEMENT_SECONDS,
    ),
    Metric(
        "tasq_consumer_database_errors_total", "counter",
        "Claims, pings and writes of outcomes that the database failed, each to be tried again.",
        (), "statements",
    ),
    Metric(
        "tasq_consumer_heartbeats_total", "counter",
        "Heartbeats to the registry, by result: written or failed.",
        ("result",), "heartbeats",
    ),
    Metric(
        "tasq_consumer_heartbeat_age_seconds", "gauge",
        "Since the last heartbeat that was written; missing where none was, as without side"
        " tables.",
        ("consumer",), "seconds",
    ),
    Metric(
        "tasq_consumer_state", "gauge",
        "1 for the state that a consumer is in: running, quiet (told to claim nothing) or"
        " stopping; 0 for the others.",
        ("consumer", "state"),
    ),
    Metric(
        "tasq_consumer_workers", "gauge",
        "Threads that run handlers; 0 where the program brings its own.",
        ("consumer",), "threads",
    ),
    Metric(
        "tasq_consumer_paused", "gauge",
        "1 for each queue or type (kind) that the consumer leaves alone because it is paused.",
        ("kind", "name"), merge="max",
    ),
    Metric(
        "tasq_consumer_info", "gauge",
        "1, with a consumer's name, host, version of tasq and release of its program.",
        ("consumer", "host", "version", "release"), merge="max",
    ),
    Metric(
        "tasq_consumer_processes", "gauge",
        "Processes that run, of those that `tasq work --processes` keeps up.", (), "processes",
    ),
    Metric(
        "tasq_consumer_process_crashes_total", "counter",
        "Processes of `tasq work --processes` that ended without being told to.",
        ("consumer",), "processes",
    ),
)  # fmt: skip
"""Those of `tasq work --metrics` and of `ConsumerMetrics`."""

_STATS: Final = "the median, the 95th percentile and the longest (stat p50, p95, max)"

TABLE_METRICS: Final = (
    Metric("tasq_up", "gauge", "Whether the task table could be read: 1 or 0."),
    Metric("tasq_tasks", "gauge", "Tasks by status.", ("status",), "tasks"),
    Metric(
        "tasq_queue_tasks", "gauge", "Tasks by queue and status.", ("queue", "status"), "tasks"
    ),
    Metric("tasq_tasks_ready", "gauge", "Tasks that can be claimed now.", (), "tasks"),
    Metric("tasq_tasks_delayed", "gauge", "New tasks that can be claimed later.", (), "tasks"),
    Metric("tasq_tasks_leased", "gauge", "Tasks held by a consumer.", (), "tasks"),
    Metric("tasq_tasks_stale", "gauge", "Tasks whose lease has lapsed.", (), "tasks"),
    Metric("tasq_tasks_exhausted", "gauge", "Lapsed tasks with no attempts left.", (), "tasks"),
    Metric(
        "tasq_oldest_ready_age_seconds", "gauge", "How long the oldest ready task has waited.",
        (), "seconds",
    ),
    Metric(
        "tasq_open_tasks", "gauge",
        "Open tasks by queue, type and state: ready, delayed, leased, lapsed, exhausted or"
        " retrying. Lapsed ones are ready or exhausted too, and retrying ones ready or delayed.",
        (*_PAIR, "state"), "tasks",
    ),
    Metric(
        "tasq_ready_age_seconds", "gauge",
        "Since when the first ready task of a queue and type could have been claimed.",
        _PAIR, "seconds", merge="max",
    ),
    Metric(
        "tasq_queue_recent_tasks", "gauge",
        "Tasks that ended in the last five minutes, by queue and outcome: successful or failed.",
        ("queue", "outcome"), "tasks",
    ),
    Metric(
        "tasq_type_recent_tasks", "gauge",
        "Tasks that ended in the last five minutes, by type and outcome: successful or failed.",
        ("type", "outcome"), "tasks",
    ),
    Metric(
        "tasq_queue_recent_wait_seconds", "gauge",
        f"From submit to last start of those tasks: {_STATS}.",
        ("queue", "stat"), "seconds", merge="max",
    ),
    Metric(
        "tasq_type_recent_wait_seconds", "gauge",
        f"From submit to last start of those tasks: {_STATS}.",
        ("type", "stat"), "seconds", merge="max",
    ),
    Metric(
        "tasq_queue_recent_run_seconds", "gauge",
        f"From last start to end of those tasks: {_STATS}.",
        ("queue", "stat"), "seconds", merge="max",
    ),
    Metric(
        "tasq_type_recent_run_seconds", "gauge",
        f"From last start to end of those tasks: {_STATS}.",
        ("type", "stat"), "seconds", merge="max",
    ),
    Metric(
        "tasq_consumers", "gauge",
        "Registered Python consumers by state: running, quiet, stopping or vanished (missed three"
        " heartbeats; forgotten after a day at most).",
        ("state",), "consumers",
    ),
    Metric(
        "tasq_paused", "gauge", "1 for each queue or type (kind) that is paused.",
        ("kind", "name"), merge="max",
    ),
    Metric("tasq_scrape_seconds", "gauge", "How long reading the table took.", (), "seconds"),
)  # fmt: skip
"""Those of `tasq metrics` and of `TableMetrics`."""
