"""tasq itself, and the same library used the way Go's works: one round trip a step."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import tasq_core
from benchmarks import child
from benchmarks.contenders import ARGS, WORKERS, Stopwatch, gaps, write_for
from tasq_core.filters import parse

TYPE = "bench"
_OPEN = parse("status:open")
WARM_UP = 20
WARM_CLAIMS = 5


def prepare(url: str, prefix: str, side_tables: bool = True, notify: bool | None = None) -> None:
    """Make the table."""
    with tasq_core.connect(url, prefix=prefix) as client:
        client.migrate(side_tables=side_tables, notify=notify)


def submit_single(url: str, prefix: str, count: int) -> float:
    with tasq_core.connect(url, prefix=prefix) as client:
        submit = client.new_producer().submit
        for _ in range(WARM_UP):
            submit(TYPE, ARGS)
        watch = Stopwatch()
        for _ in range(count):
            submit(TYPE, ARGS)
        return watch.rate(count)


def write(url: str, prefix: str, signal: str, seconds: float) -> float:
    """One of several writers: submits a second, begun at the `signal`."""
    with tasq_core.connect(url, prefix=prefix) as client:
        submit = client.new_producer().submit
        return write_for(lambda: submit(TYPE, ARGS), signal, seconds)


def submit_bulk(url: str, prefix: str, count: int, ready: bool = False) -> float:
    """From plain arguments: making the tasks is part of it, unless they are `ready`."""
    new = tasq_core.Task.new
    with tasq_core.connect(url, prefix=prefix) as client:
        producer = client.new_producer()
        producer.submit_many([new(TYPE, ARGS)])
        made = [new(TYPE, ARGS) for _ in range(count)] if ready else None
        watch = Stopwatch()
        producer.submit_many(made or (new(TYPE, ARGS) for _ in range(count)))
        return watch.rate(count)


def submit_growth(url: str, prefix: str, count: int) -> float:
    """Megabytes by which a submit of `count` tasks from a generator grows this process at most."""
    import psutil

    memory = psutil.Process().memory_info
    sizes = []

    def tasks() -> Iterator[tasq_core.Task]:
        for number in range(count):
            if number % 1000 == 0:
                sizes.append(memory().rss)
            yield tasq_core.Task.new(TYPE, ARGS)

    with tasq_core.connect(url, prefix=prefix) as client:
        producer = client.new_producer()
        producer.submit(TYPE, ARGS)
        before = memory().rss
        producer.submit_many(tasks())
        return float(max(*sizes, memory().rss) - before) / 1e6


def drain(url: str, prefix: str, count: int, **options: Any) -> float:
    """Run `count` tasks that are there already."""
    with tasq_core.connect(url, prefix=prefix) as client:
        client.new_inspector().summary()  # connects
        done = _Countdown(count)
        consumer = client.new_consumer(**options)
        consumer.learn(TYPE, done)
        done.at_end = consumer.stop
        watch = Stopwatch()
        consumer.run(workers=WORKERS)
        return watch.rate(count)


def drain_failing(url: str, prefix: str, count: int) -> float:
    """The same with a handler that fails each task for good."""
    logging.getLogger("tasq_core").setLevel(logging.CRITICAL)
    with tasq_core.connect(url, prefix=prefix) as client:
        client.new_inspector().summary()
        done = _Countdown(count)
        consumer = client.new_consumer()

        def fail(task: tasq_core.Task) -> None:
            done(task)
            raise tasq_core.Discard("no")

        consumer.learn(TYPE, fail)
        done.at_end = consumer.stop
        watch = Stopwatch()
        consumer.run(workers=WORKERS)
        return watch.rate(count)


class _Countdown:
    """A handler that does nothing but count; `at_end` is called by the last one."""

    def __init__(self, count: int) -> None:
        self._left = iter(range(count - 1))
        self.at_end: Any = None

    def __call__(self, _: tasq_core.Task) -> None:
        if next(self._left, None) is None:
            self.at_end()


def drain_share(url: str, prefix: str, start_at: float, **options: Any) -> list[float]:
    """One of several processes: begin at `start_at`, end when nothing is left.

    Returns: how many ran here, and when the last of them began (`time.monotonic()`).
    """
    ran: list[float] = []
    with tasq_core.connect(url, prefix=prefix) as client:
        client.new_inspector().summary()  # connects
        consumer = client.new_consumer(**options)
        consumer.learn(TYPE, lambda _: ran.append(time.monotonic()))
        time.sleep(max(0.0, start_at - time.monotonic()))
        threading.Thread(target=_stop_when_empty, args=(consumer, client, ran)).start()
        consumer.run(workers=WORKERS)
    return [len(ran), max(ran, default=start_at)]


def _stop_when_empty(consumer: Any, client: Any, ran: list[float]) -> None:
    # One open task is looked for: counting them all, by each process, would be measured too.
    seen = -1
    while len(ran) != seen or client.repository.count(_OPEN, 1):
        seen = len(ran)
        time.sleep(0.2)
    consumer.stop()


def go_drain(url: str, prefix: str, count: int) -> float:
    """Go's shape: poll 10, then start, run, finish, a round trip each, by 10 threads."""
    with tasq_core.connect(url, prefix=prefix) as client:
        repository = client.repository
        client.new_inspector().summary()
        left = iter(range(count))
        lock = threading.Lock()
        ready: list[tasq_core.Task] = []

        def take() -> tasq_core.Task | None:
            with lock:
                if not ready:
                    ready.extend(repository.poll_tasks([TYPE], [""], 15.0, limit=10))
                return ready.pop(0) if ready else None

        def work() -> None:
            while next(left, None) is not None and (task := take()) is not None:
                repository.register_start(task)
                repository.register_finish(task, "SUCCESSFUL")

        threads = [threading.Thread(target=work) for _ in range(WORKERS)]
        watch = Stopwatch()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return watch.rate(count)


def claim_times(url: str, prefix: str, count: int, limit: int) -> list[float]:
    """Milliseconds of each of `count` claims of `limit`; what was claimed is deleted again."""
    found = []
    with tasq_core.connect(url, prefix=prefix) as client:
        repository = client.repository
        for _ in range(count + WARM_CLAIMS):
            client.new_producer().submit_many(tasq_core.Task.new(TYPE, ARGS) for _ in range(limit))
            start = time.perf_counter()
            tasks = repository.poll_tasks([TYPE], [""], 30.0, limit=limit)
            found.append((time.perf_counter() - start) * 1000)
            client.new_inspector().delete(False, *tasks)
    return found[WARM_CLAIMS:]


def latency(url: str, prefix: str, count: int) -> list[float]:
    """Milliseconds from the submit call, in another process, to the handler's first line."""
    found: list[float] = []
    with tasq_core.connect(url, prefix=prefix) as client:
        consumer = client.new_consumer()

        def handle(task: tasq_core.Task) -> None:
            now = time.monotonic()
            found.append((now - task.unmarshal_args()["sent"]) * 1000)
            if len(found) == count + WARM_UP:
                consumer.stop()

        consumer.learn(TYPE, handle)
        feeder = child.start(
            "contenders.tasq", "feed", url=url, prefix=prefix, count=count + WARM_UP
        )
        consumer.run(workers=WORKERS)
        child.result(feeder)
    return found[WARM_UP:]


def feed(url: str, prefix: str, count: int) -> None:
    """Submit one task after another, each to an idle consumer."""
    with tasq_core.connect(url, prefix=prefix) as client:
        producer = client.new_producer()
        time.sleep(1.0)
        for gap in gaps(count):
            time.sleep(gap)
            producer.submit(TYPE, {"sent": time.monotonic()})


def drain_some(
    url: str, prefix: str, count: int, strategies: list[str], fresh: bool
) -> dict[str, float]:
    """Run `count` tasks by each strategy, of a table that holds more than those.

    Timed from the start of the consumer to the `count`-th handler, so that what a large
    backlog leaves behind at the stop doesn't count.
    """
    rates = {}
    for strategy in strategies:
        with tasq_core.connect(url, prefix=prefix) as client:
            client.new_producer().submit_many(
                tasq_core.Task.new(TYPE, ARGS, priority=number % 10) for number in range(count)
            )
            consumer = client.new_consumer(poll_strategy=strategy)
            done = _Countdown(count)
            at: list[float] = []
            done.at_end = lambda at=at, consumer=consumer: (at.append(time.perf_counter()),
                                                           _stop(consumer))  # fmt: skip
            consumer.learn(TYPE, done)
            start = time.perf_counter()
            consumer.run(workers=WORKERS)
            rates[strategy] = count / (at[0] - start)
            if fresh:
                client.new_inspector().purge(False)
    return rates


def _stop(consumer: Any) -> None:
    if consumer.running:
        consumer.stop()
