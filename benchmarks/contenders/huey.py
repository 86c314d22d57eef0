"""huey on SQLite: WAL and a flush at every commit, as tasq has by default; threads."""

import threading
import time
from typing import Any

from huey import SqliteHuey

from benchmarks import child
from benchmarks.contenders import ARGS, Stopwatch, gaps

WARM_UP = 20


def _huey(path: str) -> SqliteHuey:
    return SqliteHuey(filename=path, fsync=True, results=False)


def submit_single(path: str, count: int) -> float:
    huey = _huey(path)
    task = huey.task()(bench)
    for _ in range(WARM_UP):
        task(**ARGS)
    watch = Stopwatch()
    for _ in range(count):
        task(**ARGS)
    return watch.rate(count)


def bench(**_: Any) -> None:
    """The handler of the submitting side, which never runs it."""


def fill(path: str, count: int) -> None:
    """Enqueue `count` tasks, for `drain`."""
    task = _huey(path).task()(bench)
    for _ in range(count):
        task(**ARGS)


def drain(path: str, count: int, workers: int) -> float:
    huey = _huey(path)
    left = iter(range(count - 1))
    done = threading.Event()

    @huey.task()
    def bench(**_: Any) -> None:
        if next(left, None) is None:
            done.set()

    consumer = _consumer(huey, workers)
    watch = Stopwatch()
    consumer.start()
    done.wait()
    rate = watch.rate(count)
    consumer.stop(graceful=True)
    return rate


def _consumer(huey: SqliteHuey, workers: int) -> Any:
    # Its poll delay at the least it documents: the default of 0.1 s would rule its latency.
    consumer = huey.create_consumer(
        workers=workers, worker_type="thread", initial_delay=0.01, max_delay=0.01, periodic=False,
        check_worker_health=False,
    )  # fmt: skip
    consumer._set_signal_handlers = lambda: None  # noqa: SLF001 - it has no switch for it
    return consumer


def latency(path: str, count: int) -> list[float]:
    huey = _huey(path)
    found: list[float] = []
    done = threading.Event()

    @huey.task()
    def bench(sent: float) -> None:
        found.append((time.monotonic() - sent) * 1000)
        if len(found) == count + WARM_UP:
            done.set()

    consumer = _consumer(huey, 1)
    consumer.start()
    feeder = child.start("contenders.huey", "feed", path=path, count=count + WARM_UP)
    done.wait()
    child.result(feeder)
    consumer.stop(graceful=True)
    return found[WARM_UP:]


def feed(path: str, count: int) -> None:
    huey = _huey(path)
    task = huey.task()(bench)
    time.sleep(1.0)
    for gap in gaps(count):
        time.sleep(gap)
        task(sent=time.monotonic())
