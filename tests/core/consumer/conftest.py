"""A table in an SQLite file, and consumers of it that don't outlive their test."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tasq_core import Consumer, Task, TaskStatus
from tasq_core.repository import open_repository
from tests.core.consumer.faults import FaultyRepository
from tests.support.builders import make_task
from tests.support.wait import wait_until

FAST = {"poll_interval": 0.05, "visibility_timeout": 5, "retry_backoff": 0}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Any]:
    repository = open_repository(f"sqlite:///{tmp_path / 'tasks.db'}")
    repository.migrate()
    yield repository
    repository.close()


@pytest.fixture
def faulty(store: Any) -> FaultyRepository:
    return FaultyRepository(store)


@pytest.fixture
def new_consumer(store: Any) -> Iterator[Callable[..., Consumer]]:
    made: list[Consumer] = []

    def new(repository: Any = None, **options: Any) -> Consumer:
        consumer = Consumer(repository or store, **(FAST | options))
        made.append(consumer)
        return consumer

    yield new
    for consumer in made:
        if consumer.running:
            consumer.stop(timeout=0)
        assert consumer.wait(30), "the consumer did not stop"


@pytest.fixture
def run() -> Iterator[Callable[..., threading.Thread]]:
    """Runs consumers in threads, which must have ended when the test ends."""
    threads: list[tuple[Consumer, threading.Thread]] = []

    def start(consumer: Consumer, workers: int = 4) -> threading.Thread:
        thread = threading.Thread(target=consumer.run, args=(workers,), daemon=True)
        threads.append((consumer, thread))
        thread.start()
        wait_until(lambda: consumer.running, message="the consumer to start")
        return thread

    yield start
    for consumer, thread in threads:
        if consumer.running:
            consumer.stop()
        thread.join(30)
        assert not thread.is_alive(), "run() did not return"


@pytest.fixture
def start(new_consumer: Any, run: Any) -> Callable[..., Consumer]:
    """Runs a consumer that has one handler, for tasks of type "email"."""

    def start(handler: Any, repository: Any = None, workers: int = 4, **options: Any) -> Consumer:
        consumer: Consumer = new_consumer(repository, **options)
        consumer.learn("email", handler)
        run(consumer, workers)
        return consumer

    return start


@pytest.fixture
def submit(store: Any) -> Callable[..., Task]:
    def submit(**fields: Any) -> Task:
        return store.submit_task(make_task(**({"queue": ""} | fields)))

    return submit


@pytest.fixture
def steal(tmp_path: Path) -> Callable[[Task], None]:
    """Lets another consumer claim a task, as if its lease had lapsed."""

    def steal(task: Task) -> None:
        with closing(sqlite3.connect(tmp_path / "tasks.db", timeout=10)) as connection, connection:
            connection.execute(
                "UPDATE tasks SET status = 'ENQUEUED', receive_count = receive_count + 1,"
                " visible_at = visible_at + 3600000000 WHERE id = ?",
                (task.id.bytes,),
            )

    return steal


@pytest.fixture
def lapse(tmp_path: Path) -> Callable[[Task], None]:
    """Ends a task's lease ahead of time."""

    def lapse(task: Task) -> None:
        with closing(sqlite3.connect(tmp_path / "tasks.db", timeout=10)) as connection, connection:
            connection.execute(
                "UPDATE tasks SET visible_at = visible_at - 3600000000 WHERE id = ?",
                (task.id.bytes,),
            )

    return lapse


@pytest.fixture
def wait_for_status(store: Any) -> Callable[..., Task]:
    """Waits until a task has a status; the row as it is then."""

    def wait(task: Task, status: TaskStatus, timeout: float = 10.0) -> Task:
        def row() -> Task | None:
            found = store.get_tasks([task.id])
            return found[0] if found and found[0].status is status else None

        return wait_until(row, timeout, lambda: f"{status}, but it is {store.get_tasks([task.id])}")

    return wait


@pytest.fixture
def finish(new_consumer: Any, run: Any, wait_for_status: Any) -> Callable[..., Task]:
    """Runs a task by a handler until it has a status; the row as it is then."""

    def finish(task: Task, handler: Any, status: TaskStatus, **options: Any) -> Task:
        consumer = new_consumer(**options)
        consumer.learn(task.type, handler)
        run(consumer)
        row: Task = wait_for_status(task, status)
        return row

    return finish


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor
