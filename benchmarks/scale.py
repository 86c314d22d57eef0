"""What looking at a table costs as it grows: the summary, any page, a claim, and the app."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import tasq_core
from benchmarks import app, seed
from benchmarks.results import Results, percentile
from benchmarks.stage import NAMES, Stage
from tasq_core.inspector_input import cursor
from tests.support.databases import Database

SIZES = (1000, 10_000, 100_000, 1_000_000)
LARGEST = 10_000_000
JUDGED = (1_000_000, LARGEST)
OPEN = 5_000_000
SAMPLES = 15
SECTION = "Looking at a large table"
HOUR, DAY = "timings of an hour", "activity of a day"
DAYS_TASKS = 100_000
"""Of `SIZES`, the first with more than a day's tasks."""


def run(stage: Stage, results: Results, full: bool) -> None:
    for backend in stage.backends:
        name = NAMES[backend]
        # The servers take minutes to fill the largest.
        sizes = (*SIZES, LARGEST) if full or backend == "sqlite" else SIZES
        with stage.table(backend) as database:
            grown = 0
            for size in sizes:
                seed.fill(database, seed.MIXED, grown + 1, size)
                grown = size
                os.sync()  # or what was filled is still being written while the app starts
                found = _measure(database, size)
                results.growth.setdefault(name, {})[size] = found
                print(f"  {name}, {size:,} rows: {found}", flush=True)
                if size in JUDGED:
                    _judge(results, name, size)
                    app.measure(results, database, f"app, {name}, {size:,} rows")
        if full or backend == "sqlite":
            _open_rows(stage, results, backend)


def _open_rows(stage: Stage, results: Results, backend: str) -> None:
    at = f"{NAMES[backend]}, {OPEN:,} open rows"
    with stage.table(backend) as database:
        seed.fill(database, seed.OPEN, 1, OPEN)
        with tasq_core.connect(database.url, prefix=database.prefix) as client:
            inspector = client.new_inspector()
            inspector.summary()
            cost = _cost(lambda: inspector.summary(max_age=3600), 5)
    results.show(SECTION, f"{at}: summary", f"**{cost:.2f}** ms")
    results.judge_most(f"summary refresh, {at}", cost, 100, "ms")


def _judge(results: Results, name: str, size: int) -> None:
    found = results.growth[name][size]
    large = size >= LARGEST
    for what, cost in found.items():
        results.show(SECTION, f"{name}, {size:,} rows: {what}", f"**{cost:.2f}** ms")
    at = f"{name}, {size:,} rows"
    results.judge_most(f"summary refresh, {at}", found["summary"], 100 if large else 50, "ms")
    pages = max(cost for what, cost in found.items() if what.startswith("page"))
    results.judge_most(f"any page, {at}", pages, 20, "ms")
    for what in (HOUR, DAY):
        results.judge_most(f"{what}, {at}", found[what], 100, "ms")
        # A day's tasks at each: what the rest of the table adds.
        smaller = results.growth[name][DAYS_TASKS][what]
        grown = found[what] / smaller
        results.judge_most(f"{what}, {at}: beside {DAYS_TASKS:,} rows", grown, 1.5, "times")
    if large:
        results.judge_most(f"exact finished counts, {at}", found["finished counts"], 1000, "ms")


def _measure(database: Database, size: int) -> dict[str, float]:
    with tasq_core.connect(database.url, prefix=database.prefix) as client:
        inspector, repository = client.new_inspector(), client.repository
        inspector.summary()
        middle = cursor(_task_in_the_middle(database, client, size))
        end = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=size + 1)
        return {
            "summary": _cost(lambda: inspector.summary(max_age=3600)),
            "finished counts": _cost(repository.finished_counts, 3),
            "page, newest": _cost(lambda: inspector.page(limit=100, preview=200)),
            "page, in the middle": _cost(
                lambda: inspector.page(after=middle, limit=100, preview=200)
            ),
            "page, oldest": _cost(lambda: inspector.page(order="oldest", limit=100, preview=200)),
            "page, one status": _cost(
                lambda: inspector.page("status:failed", after=middle, limit=100, preview=200)
            ),
            "claim of 10": _cost(lambda: _claim_and_release(repository)),
            HOUR: _cost(lambda: inspector.timings(since=end - timedelta(hours=1), until=end), 5),
            DAY: _cost(
                lambda: inspector.activity(end - timedelta(days=1), 600, "queue", until=end), 5
            ),
        }


def _task_in_the_middle(database: Database, client: tasq_core.Client, size: int) -> tasq_core.Task:
    value = {
        "sqlite": f"{1767225600000000 + size // 2 * 1000000}",
        "postgres": f"timestamptz '2026-01-01 00:00:00+00' + {size // 2} * interval '1 second'",
        "mysql": f"'2026-01-01' + INTERVAL {size // 2} SECOND",
    }[database.backend]
    quote = "`" if database.backend == "mysql" else '"'
    table = f"{quote}{database.table}{quote}"
    statuses = "('NEW', 'SUCCESSFUL', 'FAILED')"
    row = database.execute(
        f"SELECT id FROM {table} WHERE status IN {statuses} AND created_at = {value}"
    )[0][0]
    id = row if database.backend == "postgres" else bytes(row).hex()
    return client.new_inspector().get(id)


def _claim_and_release(repository: tasq_core.Repository) -> None:
    tasks = repository.poll_tasks(["type-0", "type-1"], ["queue-0", "queue-2"], 30.0, limit=10)
    repository.release_leases([tasq_core.Lease.of(task) for task in tasks])


def _cost(call: Callable[[], object], samples: int = SAMPLES) -> float:
    taken = []
    for _ in range(samples + 1):
        start = time.perf_counter()
        call()
        taken.append((time.perf_counter() - start) * 1000)
    return round(percentile(taken[1:], 0.5), 3)
