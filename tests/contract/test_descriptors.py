"""Open files: many of them hinder nothing, and lost connections leave none behind."""

import gc
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pymysql
import pytest

from tasq_core import (
    Consumer,
    Repository,
    RepositoryError,
    RepositoryUnavailableError,
    Task,
    TaskStatus,
)
from tasq_core.repository import open_repository
from tasq_core.repository.protocol import Wakeup
from tests.support.builders import make_task
from tests.support.databases import Database
from tests.support.wait import wait_until

_OPEN = Path("/proc/self/fd")
_MANY = 1100
"""select() takes no descriptor above 1023."""

pytestmark = pytest.mark.skipif(
    not _OPEN.is_dir(),
    reason="counts open files by /proc",
)


@pytest.fixture
def many_open_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MANY + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this account may open {hard} files only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    with ExitStack() as opened:
        for _ in range(_MANY):
            opened.enter_context(Path(os.devnull).open())
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_consumer_runs_and_is_woken_in_a_process_with_many_open_files(
    many_open_files: None, database: Database
):
    """A server with a thousand sockets crashed its consumer: "filedescriptor out of range"."""
    del many_open_files
    repository = open_repository(database.url, database.prefix)
    repository.migrate()
    # Only a wake-up, or a wait for a descriptor, is in time for what is submitted below.
    consumer = Consumer(repository, queues="mail", poll_interval=60, visibility_timeout=90)
    consumer.learn("email", lambda task: None)
    consumer.start()
    try:
        jobs = consumer.channel()
        for _ in range(3):
            task = repository.submit_task(make_task())
            next(jobs)()
            wait_until(partial(succeeded, repository, task), 20)
    finally:
        consumer.stop()
        assert consumer.wait(30)
    repository.close()


def succeeded(repository: Repository, task: Task) -> bool:
    return repository.get_tasks([task.id])[0].status is TaskStatus.SUCCESSFUL


def breaks(wakeup: Wakeup) -> bool:
    try:
        wakeup.wait(1.0)
    except RepositoryUnavailableError:
        return True
    return False


def open_files() -> int:
    gc.collect()  # what the collector closes is no leak: psycopg leaves broken sockets to it
    return len(list(_OPEN.iterdir()))


def kill_connections(database: Database) -> None:
    """End every connection to the server but our own."""
    if database.backend == "postgres":
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return
    rows = database.execute(
        "SELECT id FROM information_schema.processlist"
        " WHERE id <> connection_id() AND user = 'tasq' AND command <> 'Killed'"
    )
    for (id,) in rows:
        try:
            database.execute(f"KILL CONNECTION {id}")
        except pymysql.Error:  # it ended by itself meanwhile
            continue


def test_lost_listeners_leave_no_descriptor_open(private_database: Database):
    """A consumer that loses one at each restart of the server runs out of them in the end."""
    repository = open_repository(private_database.url, private_database.prefix)
    repository.migrate()
    repository.close()
    counts: list[int] = []
    for _ in range(4):
        repository = open_repository(private_database.url, private_database.prefix)
        wakeup = repository.open_wakeup()
        assert wakeup is not None
        wakeup.wait(0.0)
        kill_connections(private_database)
        wait_until(partial(breaks, wakeup), 10)
        wakeup.close()
        assert not wakeup.wait(0.0)
        repository.close()
        counts.append(open_files())
    assert counts == counts[:1] * 4


def sockets() -> int:
    """Open sockets, those included that only the garbage collector would close."""
    found = 0
    for entry in _OPEN.iterdir():
        with suppress(OSError):  # closed meanwhile
            found += str(entry.readlink()).startswith("socket:")
    return found


@pytest.mark.slow
def test_a_consumer_whose_connections_are_killed_leaves_no_socket_open(
    private_database: Database,
):
    """Each loss would cost a descriptor, until the process may open no more."""
    repository = open_repository(private_database.url, private_database.prefix)
    repository.migrate()
    consumer = Consumer(repository, queues="mail", poll_interval=0.2, visibility_timeout=9)
    consumer.learn("email", lambda task: None)
    runner = threading.Thread(target=consumer.run, kwargs={"workers": 2})
    runner.start()
    counts: list[int] = []
    try:
        for kill in range(7):
            if kill:
                kill_connections(private_database)
            for _ in range(3):
                task = wait_until(partial(submitted, repository), 20)
                wait_until(partial(succeeded, repository, task), 20)
            counts.append(sockets())
    finally:
        consumer.stop()
        runner.join(20)
        repository.close()
    # A thread or two may just be connecting; that isn't one more each time.
    assert max(counts) <= min(counts) + 3, counts


def submitted(repository: Repository) -> Task | None:
    try:
        return repository.submit_task(make_task())
    except RepositoryUnavailableError:
        return None


@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
def test_a_connection_that_cant_be_set_up_is_closed(database: Database):
    """A program that tries again and keeps what it caught would keep a socket each time."""
    database.execute("SELECT 1")
    before, kept = sockets(), []
    for _ in range(5):
        repository = database.open(statement_timeout=1e9)  # more than PostgreSQL takes
        try:
            repository.migrate()
        except RepositoryError as error:
            kept.append(error)
        repository.close()
    assert sockets() == before
    assert len(kept) in {0, 5}
