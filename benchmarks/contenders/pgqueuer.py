"""pgqueuer over asyncpg and uvloop, batches as large as serve it best; it deletes on success."""

import asyncio
import json
import time

import asyncpg
import uvloop
from pgqueuer import QueueManager
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

from benchmarks import child
from benchmarks.contenders import ARGS, Stopwatch, gaps

TYPE = "bench"
CHUNK = 1000
WARM_UP = 20


def _payload() -> bytes:
    return json.dumps(ARGS).encode()


async def _driver(url: str) -> AsyncpgDriver:
    return AsyncpgDriver(await asyncpg.connect(url))


def prepare(url: str) -> None:
    """Make its tables, anew."""

    async def work() -> None:
        queries = Queries(await _driver(url))
        if await queries.schema_is_installed():
            await queries.uninstall()
        await queries.install()

    uvloop.run(work())


def submit_single(url: str, count: int) -> float:
    async def work() -> float:
        queries = Queries(await _driver(url))
        for _ in range(WARM_UP):
            await queries.enqueue(TYPE, _payload())
        watch = Stopwatch()
        for _ in range(count):
            await queries.enqueue(TYPE, _payload())
        return watch.rate(count)

    return uvloop.run(work())


def submit_bulk(url: str, count: int) -> float:
    async def work() -> float:
        queries = Queries(await _driver(url))
        await queries.enqueue(TYPE, _payload())
        watch = Stopwatch()
        for first in range(0, count, CHUNK):
            size = min(CHUNK, count - first)
            await queries.enqueue([TYPE] * size, [_payload() for _ in range(size)], [0] * size)
        return watch.rate(count)

    return uvloop.run(work())


def drain(url: str, count: int, batch: int) -> float:
    async def work() -> float:
        manager = QueueManager(Queries(await _driver(url)))
        ran = 0

        @manager.entrypoint(TYPE)
        async def handle(_: Job) -> None:
            nonlocal ran
            ran += 1

        watch = Stopwatch()
        await manager.run(batch_size=batch, mode=QueueExecutionMode.drain)
        if ran != count:
            raise RuntimeError(f"pgqueuer ran {ran} of {count} tasks")
        return watch.rate(count)

    return uvloop.run(work())


def latency(url: str, count: int) -> list[float]:
    async def work() -> list[float]:
        manager = QueueManager(Queries(await _driver(url)))
        found: list[float] = []

        @manager.entrypoint(TYPE)
        async def handle(job: Job) -> None:
            found.append((time.monotonic() - json.loads(job.payload or b"")["sent"]) * 1000)
            if len(found) == count + WARM_UP:
                manager.shutdown.set()

        feeder = child.start("contenders.pgqueuer", "feed", url=url, count=count + WARM_UP)
        await manager.run()
        await asyncio.to_thread(child.result, feeder)
        return found[WARM_UP:]

    return uvloop.run(work())


def feed(url: str, count: int) -> None:
    async def work() -> None:
        queries = Queries(await _driver(url))
        await asyncio.sleep(1.0)
        for gap in gaps(count):
            await asyncio.sleep(gap)
            await queries.enqueue(TYPE, json.dumps({"sent": time.monotonic()}).encode())

    uvloop.run(work())
