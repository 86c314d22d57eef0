"""Submitting: one by one, and a hundred thousand at once."""

from collections.abc import Callable
from typing import Any

from benchmarks import child
from benchmarks.results import Results
from benchmarks.stage import NAMES, Stage

SINGLE = 1200
BULK = 100_000
PEER_BULK = 30_000
GENERATED = 1_000_000


def run(stage: Stage, results: Results, full: bool) -> None:
    results.measure("Single submit", _singles(stage))
    results.measure("Bulk submit", _bulks(stage))
    if full and "postgres" in stage.backends:
        results.measure("Single submit, round trip", {"SELECT 1": _round_trip(stage)}, "ms")
    one = "postgres" if "postgres" in stage.backends else "sqlite"
    for backend in stage.backends if full else [one]:
        _memory(stage, results, backend)
    for backend in stage.backends:
        name = NAMES[backend]
        what = f"single submit, {name}: beside a bare INSERT"
        results.judge_ratio(what, "Single submit", f"tasq, {name}", f"bare INSERT, {name}", 0.9)
    _judge_peers(results)


def _judge_peers(results: Results) -> None:
    ours, single, bulk = "tasq, PostgreSQL", "Single submit", "Bulk submit"
    results.judge_ratio(
        "single submit, PostgreSQL: beside the best peer", single, ours,
        _best(results, single), 1.3,
    )  # fmt: skip
    results.judge_ratio("single submit, SQLite: beside huey", single, "tasq, SQLite", "huey", 1)
    results.judge_ratio(
        "bulk submit, PostgreSQL, making the tasks included: beside the best peer", bulk, ours,
        _best(results, bulk), 2,
    )  # fmt: skip
    results.judge_ratio(
        "bulk submit, PostgreSQL, of ready tasks: beside raw COPY", bulk, f"{ours}, ready tasks",
        "raw COPY", 0.5,
    )  # fmt: skip


def _memory(stage: Stage, results: Results, backend: str) -> None:
    with stage.table(backend) as table:
        grown = child.call(
            "contenders.tasq", "submit_growth", url=table.url, prefix=table.prefix, count=GENERATED
        )
    what = f"{GENERATED:,} tasks from a generator, {NAMES[backend]}: memory"
    results.show("Bulk submit", what, f"**{grown:.1f}** MB more")
    results.judge_most(f"bulk submit, {what}", grown, 60, "MB more")


def _best(results: Results, section: str) -> str:
    return max(("pgqueuer", "procrastinate"), key=lambda name: results.value(section, name) or 0)


def _singles(stage: Stage) -> dict[str, Callable[[], float]]:
    found: dict[str, Callable[[], float]] = {}
    for backend in stage.backends:
        found[f"tasq, {NAMES[backend]}"] = _ours(stage, backend, "submit_single", SINGLE)
        found[f"bare INSERT, {NAMES[backend]}"] = _bare(stage, backend)
    if "postgres" in stage.backends:
        found["pgqueuer"] = _peer(stage, "pgqueuer", "submit_single", SINGLE)
        found["procrastinate"] = _peer(stage, "procrastinate", "submit_single", SINGLE // 2)
    found["huey"] = lambda: child.call(
        "contenders.huey", "submit_single", path=stage.peer_file(), count=SINGLE
    )
    return found


def _bulks(stage: Stage) -> dict[str, Callable[[], float]]:
    found = {
        f"tasq, {NAMES[backend]}": _ours(stage, backend, "submit_bulk", BULK)
        for backend in stage.backends
    }
    if "postgres" in stage.backends:
        found["pgqueuer"] = _peer(stage, "pgqueuer", "submit_bulk", PEER_BULK)
        found["procrastinate"] = _peer(stage, "procrastinate", "submit_bulk", PEER_BULK // 2)
        found["tasq, PostgreSQL, ready tasks"] = _ours(
            stage, "postgres", "submit_bulk", BULK, ready=True
        )
        found["raw COPY"] = _copy(stage)
    return found


def _ours(
    stage: Stage, backend: str, function: str, count: int, **options: Any
) -> Callable[[], float]:
    def measure() -> float:
        with stage.table(backend) as table:
            return float(
                child.call(
                    "contenders.tasq", function, url=table.url, prefix=table.prefix, count=count,
                    **options,
                )
            )  # fmt: skip

    return measure


def _bare(stage: Stage, backend: str) -> Callable[[], float]:
    def measure() -> float:
        with stage.table(backend) as table:
            return float(
                child.call(
                    "contenders.bare", "submit_single", backend=backend, url=table.url,
                    table=table.table, count=SINGLE,
                )
            )  # fmt: skip

    return measure


def _copy(stage: Stage) -> Callable[[], float]:
    def measure() -> float:
        with stage.table("postgres") as table:
            return float(
                child.call("contenders.bare", "copy", url=table.url, table=table.table, count=BULK)
            )

    return measure


def _round_trip(stage: Stage) -> Callable[[], float]:
    def measure() -> float:
        with stage.table("postgres") as table:
            return float(child.call("contenders.bare", "round_trip", url=table.url))

    return measure


def _peer(stage: Stage, name: str, function: str, count: int) -> Callable[[], float]:
    def measure() -> float:
        url = stage.peer_url(name)
        child.call(f"contenders.{name}", "prepare", url=url)
        return float(child.call(f"contenders.{name}", function, url=url, count=count))

    return measure
