"""Draining a queue with a handler that does nothing: what the queue itself costs."""

import time
from collections.abc import Callable
from typing import Any

from benchmarks import child
from benchmarks.results import Results
from benchmarks.stage import NAMES, Stage

COUNT = 20_000
SLOW_COUNT = 1000
GO_COUNT = 1500
HUEY_COUNT = 4000
PGQUEUER_BATCHES = (100, 500)
HUEY_WORKERS = (1, 4)
SECTION = "Drain, one process"
SEVERAL = "Drain, several processes"


def run(stage: Stage, results: Results, full: bool) -> None:
    contenders = {
        **_ours(stage), **_postgres_peers(stage), **_huey(stage), **_limits(stage)
    }  # fmt: skip
    results.measure(SECTION, contenders)
    several = {
        f"{NAMES[backend]}, processes: {processes}": _shared(stage, backend, processes)
        for backend in stage.backends
        for processes in ((1, 2, 4) if full else (1, 4))
    }
    results.measure(SEVERAL, several)
    _judge(stage, results)


def _judge(stage: Stage, results: Results) -> None:
    pg, deleting = "tasq, PostgreSQL", "tasq, PostgreSQL, deleting"
    pgqueuer = _best(results, [f"pgqueuer, batch {size}" for size in PGQUEUER_BATCHES])
    procrastinate = _best(results, ["procrastinate", "procrastinate, deleting"])
    huey = _best(results, [f"huey, {workers} workers" for workers in HUEY_WORKERS])
    for what, ours, other, least in (
        ("drain, PostgreSQL, deleting: beside pgqueuer", deleting, pgqueuer, 2),
        ("drain, PostgreSQL, keeping rows: beside pgqueuer, which deletes", pg, pgqueuer, 1.7),
        ("drain, PostgreSQL, deleting: beside procrastinate", deleting, procrastinate, 50),
        ("drain, SQLite, deleting: beside huey, which deletes", "tasq, SQLite, deleting", huey, 9),
        ("drain, SQLite, keeping rows: beside huey, which deletes", "tasq, SQLite", huey, 9),
        ("drain, MariaDB: beside our PostgreSQL", "tasq, MariaDB", pg, 0.5),
    ):
        results.judge_ratio(what, SECTION, ours, other, least)
    for backend in stage.backends:
        name = NAMES[backend]
        results.judge_ratio(
            f"drain, {name}: beside Go's shape", SECTION, f"tasq, {name}",
            f"Go's shape, {name}", 8,
        )  # fmt: skip
        results.judge_ratio(
            f"drain, {name}, 4 processes: beside one", SEVERAL, f"{name}, processes: 4",
            f"{name}, processes: 1", 1,
        )  # fmt: skip


def _best(results: Results, names: list[str]) -> str:
    return max(names, key=lambda name: results.value(SECTION, name) or 0)


def _ours(stage: Stage) -> dict[str, Callable[[], float]]:
    found: dict[str, Callable[[], float]] = {}
    for backend in stage.backends:
        name = NAMES[backend]
        found[f"tasq, {name}"] = _drain(stage, backend, "drain", COUNT)
        found[f"tasq, {name}, deleting"] = _drain(
            stage, backend, "drain", COUNT, auto_delete_on_success=True
        )
        found[f"Go's shape, {name}"] = _drain(stage, backend, "go_drain", GO_COUNT)
    return found


def _fill(table: Any, count: int) -> None:
    # One more is submitted by the function itself, to connect.
    child.call(
        "contenders.tasq", "submit_bulk", url=table.url, prefix=table.prefix, count=count - 1
    )


def _drain(
    stage: Stage, backend: str, function: str, count: int, **options: Any
) -> Callable[[], float]:
    def measure() -> float:
        with stage.table(backend) as table:
            _fill(table, count)
            return float(
                child.call(
                    "contenders.tasq", function, url=table.url, prefix=table.prefix, count=count,
                    **options,
                )
            )  # fmt: skip

    return measure


def _shared(stage: Stage, backend: str, processes: int) -> Callable[[], float]:
    """From the common start until the last task of the last process began."""

    def measure() -> float:
        with stage.table(backend) as table:
            _fill(table, 2 * COUNT)
            start_at = time.monotonic() + 2.0 + processes  # until each has its imports
            children = [
                child.start(
                    "contenders.tasq", "drain_share", url=table.url, prefix=table.prefix,
                    start_at=start_at,
                )
                for _ in range(processes)
            ]  # fmt: skip
            shares = [child.result(each) for each in children]
        ran, last = sum(share[0] for share in shares), max(share[1] for share in shares)
        return float(ran / (last - start_at))

    return measure


def _peer(stage: Stage, name: str, count: int, **options: Any) -> Callable[[], float]:
    def measure() -> float:
        url, module = stage.peer_url(name), f"contenders.{name}"
        child.call(module, "prepare", url=url)
        child.call(module, "submit_bulk", url=url, count=count - 1)
        return float(child.call(module, "drain", url=url, count=count, **options))

    return measure


def _postgres_peers(stage: Stage) -> dict[str, Callable[[], float]]:
    if "postgres" not in stage.backends:
        return {}
    found = {
        f"pgqueuer, batch {size}": _peer(stage, "pgqueuer", COUNT, batch=size)
        for size in PGQUEUER_BATCHES
    }
    found["procrastinate"] = _peer(stage, "procrastinate", SLOW_COUNT, delete=False)
    found["procrastinate, deleting"] = _peer(stage, "procrastinate", SLOW_COUNT, delete=True)
    return found


def _huey(stage: Stage) -> dict[str, Callable[[], float]]:
    def with_workers(workers: int) -> Callable[[], float]:
        def measure() -> float:
            path = stage.peer_file()
            child.call("contenders.huey", "fill", path=path, count=HUEY_COUNT)
            return float(
                child.call("contenders.huey", "drain", path=path, count=HUEY_COUNT, workers=workers)
            )

        return measure

    return {f"huey, {workers} workers": with_workers(workers) for workers in HUEY_WORKERS}


def _limits(stage: Stage) -> dict[str, Callable[[], float]]:
    def claims(size: int) -> Callable[[], float]:
        def measure() -> float:
            with stage.table("postgres") as table:
                _fill(table, COUNT)
                return float(
                    child.call(
                        "contenders.bare", "claim", url=table.url, table=table.table,
                        count=COUNT if size > 1 else SLOW_COUNT, batch=size,
                    )
                )  # fmt: skip

        return measure

    if "postgres" not in stage.backends:
        return {}
    return {
        "limit: bare claim by 500, nothing else, PostgreSQL": claims(500),
        "limit: bare claim by 1, PostgreSQL": claims(1),
    }
