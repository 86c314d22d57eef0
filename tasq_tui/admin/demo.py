"""The demo: a filled table, and a producer and a consumer that keep it moving."""

import logging
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from tasq_core.client import Client, connect
from tasq_core.consumer import exponential
from tasq_core.errors import ConsumerAlreadyStoppedError
from tasq_core.repository.protocol import Repository
from tasq_core.task import Task
from tasq_tui.admin.demo_data import JOB_TYPES, SEED, TASKS, JobType, Shop
from tasq_tui.admin.settings import Settings

_BATCH: Final = 500
_TICK_SECONDS: Final = 0.25
_PER_TICK: Final = 6
"""Tasks submitted each tick, on average: a little less than the workers get through."""
_WORKERS: Final = 6
_RETRY: Final = exponential(base=2.0, cap=60.0)


class WorkFailedError(Exception):
    """What the made-up handlers raise."""

    @classmethod
    def of(cls, error: str) -> "WorkFailedError":
        """One that reads as the first line of `error`, `module.Class: message`, does."""
        name, _, message = error.partition("\n")[0].partition(": ")
        module, _, name = name.rpartition(".")
        named: type[WorkFailedError] = type(name, (cls,), {"__module__": module or "builtins"})
        return named(message)


@contextmanager
def demo_database() -> Iterator[Settings]:
    """The settings of a fresh SQLite file, which is deleted in the end."""
    with tempfile.TemporaryDirectory(prefix="tasq-demo-", ignore_cleanup_errors=True) as folder:
        yield Settings(url=f"sqlite:///{Path(folder) / 'demo.db'}", profile="demo", color="green")


def fill(
    repository: Repository, count: int = TASKS, *, seed: int = SEED, now: datetime | None = None
) -> None:
    """Put `count` made-up tasks into a migrated table, as they might stand at `now`."""
    tasks = Shop(seed).tasks(now or datetime.now(UTC), count)
    while batch := list(islice(tasks, _BATCH)):
        repository.restore_tasks(batch)


class Demo:
    """Feeds and consumes one database from threads of its own, at a gentle rate."""

    def __init__(self, settings: Settings, *, seed: int = SEED) -> None:
        self._settings = settings
        self._seed = seed
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self._client: Client | None = None

    def prepare(self, count: int = TASKS) -> None:
        """Create the table and fill it."""
        with connect(self._settings.url, prefix=self._settings.prefix) as client:
            client.migrate()
            fill(client.repository, count, seed=self._seed)

    def start(self) -> None:
        """Begin to submit and to run tasks."""
        self._client = client = connect(self._settings.url, prefix=self._settings.prefix)
        self._ending.clear()
        self._consumer = client.new_consumer(
            queues=sorted({kind.queue for kind in JOB_TYPES}),
            poll_interval=0.5,
            poll_limit=_WORKERS,
            max_active_tasks=2 * _WORKERS,
            channel_size=2 * _WORKERS,
            retry_backoff=_RETRY,
            logger=_silent(),
        )
        work = _Work(self._seed + 1, self._ending)
        for kind in JOB_TYPES:
            self._consumer.learn(kind.type, work.handler(kind))
        self._consumer.start()
        self._run("demo-producer", self._produce)
        for number in range(_WORKERS):
            self._run(f"demo-worker-{number + 1}", self._work)

    def stop(self) -> None:
        """End producer and consumer; what ran is finished and recorded."""
        client, self._client = self._client, None
        if client is None:
            return
        self._ending.set()
        with suppress(ConsumerAlreadyStoppedError):
            self._consumer.stop()
        self._consumer.wait(5)
        for thread in self._threads:
            thread.join(2)
        self._threads.clear()
        client.close()

    def _run(self, name: str, work: Callable[[], object]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        for job in self._consumer.channel():
            job()

    def _produce(self) -> None:
        client = self._client
        if client is None:
            return
        shop, producer = Shop(self._seed + 2), client.new_producer()
        while not self._ending.wait(_TICK_SECONDS):
            producer.submit_many(_fresh(shop) for _ in range(_PER_TICK))


class _Work:
    """The made-up handlers: they wait as long as the work might take, and fail now and then."""

    def __init__(self, seed: int, ending: threading.Event) -> None:
        self._shop = Shop(seed)
        self._lock = threading.Lock()
        self._ending = ending

    def handler(self, kind: JobType) -> Callable[[Task], None]:
        """The handler of one kind of work."""

        def work(task: Task) -> None:  # noqa: ARG001 - what it is asked to do is made up
            with self._lock:
                seconds = self._shop.seconds(kind)
                error = self._shop.error(kind) if self._shop.fails(kind) else None
            self._ending.wait(seconds)
            if error is not None:
                raise WorkFailedError.of(error)

        return work


def _fresh(shop: Shop) -> Task:
    kind = shop.kind()
    task = Task.new(kind.type, None, kind.queue, kind.priority, kind.max_receives)
    task.args = shop.args(kind)
    return task


def _silent() -> logging.Logger:
    logger = logging.getLogger("tasq_tui.demo")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
