"""procrastinate with its psycopg connector: a worker of the same concurrency as ours."""

import asyncio
import time
from typing import Any

import procrastinate

from benchmarks import child
from benchmarks.contenders import ARGS, WORKERS, Stopwatch, gaps

CHUNK = 1000
WARM_UP = 20


def _sync_app(url: str) -> procrastinate.App:
    return procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=url))


def _app(url: str) -> procrastinate.App:
    return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))


def prepare(url: str) -> None:
    """Make its tables, anew."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS public CASCADE")
        connection.execute("CREATE SCHEMA public")
    with (app := _sync_app(url)).open():
        app.schema_manager.apply_schema()


def submit_single(url: str, count: int) -> float:
    app = _sync_app(url)
    task = app.task(name="bench")(_nothing)
    with app.open():
        for _ in range(WARM_UP):
            task.defer(**ARGS)
        watch = Stopwatch()
        for _ in range(count):
            task.defer(**ARGS)
        return watch.rate(count)


def submit_bulk(url: str, count: int) -> float:
    app = _sync_app(url)
    task = app.task(name="bench")(_nothing)
    with app.open():
        task.defer(**ARGS)
        watch = Stopwatch()
        for first in range(0, count, CHUNK):
            task.batch_defer(*[ARGS] * min(CHUNK, count - first))
        return watch.rate(count)


def _nothing(**_: Any) -> None:
    """The handler of the submitting side, which never runs it."""


def drain(url: str, count: int, delete: bool) -> float:
    app = _app(url)
    ran = 0

    @app.task(name="bench")
    async def bench(**_: Any) -> None:
        nonlocal ran
        ran += 1

    async def work() -> float:
        async with app.open_async():
            watch = Stopwatch()
            await app.run_worker_async(
                concurrency=WORKERS, wait=False, install_signal_handlers=False,
                delete_jobs="successful" if delete else "never",
            )  # fmt: skip
            if ran != count:
                raise RuntimeError(f"procrastinate ran {ran} of {count} tasks")
            return watch.rate(count)

    return asyncio.run(work())


def latency(url: str, count: int) -> list[float]:
    app = _app(url)
    found: list[float] = []
    done = asyncio.Event()

    @app.task(name="bench")
    async def bench(sent: float) -> None:
        found.append((time.monotonic() - sent) * 1000)
        if len(found) == count + WARM_UP:
            done.set()

    async def work() -> list[float]:
        async with app.open_async():
            worker = asyncio.create_task(
                app.run_worker_async(concurrency=WORKERS, install_signal_handlers=False)
            )
            feeder = child.start("contenders.procrastinate", "feed", url=url, count=count + WARM_UP)
            await done.wait()
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
            await asyncio.to_thread(child.result, feeder)
        return found[WARM_UP:]

    return asyncio.run(work())


def feed(url: str, count: int) -> None:
    app = _sync_app(url)
    task = app.task(name="bench")(_nothing)
    with app.open():
        time.sleep(1.0)
        for gap in gaps(count):
            time.sleep(gap)
            task.defer(sent=time.monotonic())
