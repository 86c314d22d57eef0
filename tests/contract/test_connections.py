"""Connections: those of the caller, those that broke, forks, and what close leaves behind."""

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import psycopg_pool
import pymysql
import pytest
from dbutils.pooled_db import PooledDB

from tasq_core import (
    Client,
    InvalidInputError,
    InvalidTypeError,
    Lease,
    MySQLRepository,
    PostgresRepository,
    Repository,
    RepositoryError,
    SQLiteRepository,
    open_repository,
)
from tests.contract.rows import raw_id
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database
from tests.support.threads import in_threads
from tests.support.wait import wait_until

CLASSES: dict[str, Any] = {
    "sqlite": SQLiteRepository, "postgres": PostgresRepository, "mysql": MySQLRepository,
}  # fmt: skip
on_servers = pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)


def over(database: Database, connection: object) -> Repository:
    """A repository on the caller's own connection."""
    found: Repository = CLASSES[database.backend](connection, database.prefix)
    return found


def count(database: Database) -> int:
    return int(database.execute(f"SELECT count(*) FROM {database.table}")[0][0])


# -- the caller's connection ---------------------------------------------------------------


@pytest.mark.parametrize("autocommit", [False, True])
def test_on_an_idle_connection_each_call_commits_by_itself(database: Database, autocommit: bool):
    connection = database.connect(autocommit=autocommit)
    mine = over(database, connection)
    mine.migrate()
    mine.submit_task(make_task())
    assert count(database) == 1
    assert mine.submit_tasks(make_tasks(4)) == 4
    assert count(database) == 5
    claimed = mine.poll_tasks("email", "mail", 30, limit=4)
    assert len(claimed) == 4
    lease = Lease.of(claimed[0])
    assert mine.ping_leases([lease], 60) == {lease}
    mine.register_finish(claimed[1], "FAILED")
    assert mine.delete_tasks([task.id for task in claimed], False).done == 4
    assert count(database) == 1
    assert mine.count_tasks(None, None, None) == 1
    connection.rollback()  # there is nothing left to roll back
    assert count(database) == 1


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_in_the_callers_transaction_calls_wait_for_its_end(
    repository: Repository, database: Database, ending: str
):
    connection = database.connect()
    mine = over(database, connection)
    begin(database, connection)
    mine.submit_task(make_task())
    mine.submit_tasks(make_tasks(2))
    assert len(mine.poll_tasks("email", "mail", 30)) == 3
    assert mine.count_tasks("ENQUEUED", None, None) == 3
    assert repository.count_tasks(None, None, None) == 0
    getattr(connection, ending)()
    assert repository.count_tasks("ENQUEUED", None, None) == (3 if ending == "commit" else 0)


def begin(database: Database, connection: Any) -> None:
    """Begin a transaction as a program would: with a statement of its own."""
    if database.backend == "sqlite":
        connection.execute("BEGIN")
    else:
        connection.cursor().execute(f"SELECT count(*) FROM {database.table}")


@pytest.mark.parametrize("backend", ["mysql"], indirect=True)
def test_begin_on_an_autocommit_connection_is_respected(repository: Repository, database: Database):
    connection = database.connect(autocommit=True)
    mine = over(database, connection)
    connection.begin()
    mine.submit_tasks(make_tasks(2))
    assert len(mine.poll_tasks("email", "mail", 30)) == 2
    connection.rollback()
    assert count(database) == 0


def test_a_write_that_repeats_itself_still_holds_its_lease(
    repository: Repository, database: Database
):
    mine = over(database, database.connect(autocommit=True))
    mine.submit_task(make_task())
    (task,) = mine.poll_tasks("email", "mail", 30)
    for _ in range(2):
        assert mine.register_error(task, "same").last_error == "same"


def test_a_borrowed_connection_stays_open(database: Database):
    connection = database.connect(autocommit=True)
    mine = over(database, connection)
    mine.migrate()
    assert mine.open_wakeup() is None
    mine.close()
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    assert cursor.fetchone()[0] == 1


def test_a_borrowed_connection_that_was_closed_is_an_error_of_ours(database: Database):
    connection = _fresh(database)
    mine = over(database, connection)
    mine.migrate()
    connection.close()
    with pytest.raises(RepositoryError):
        mine.count_tasks(None, None, None)


def _fresh(database: Database) -> Any:
    from tests.support.connections import connect

    return connect(database.backend, database.url, True)


def test_read_only_cant_be_asked_of_a_borrowed_connection(database: Database):
    with pytest.raises(InvalidInputError, match="read_only needs a URL"):
        CLASSES[database.backend](database.connect(), database.prefix, read_only=True)


def test_what_is_no_connection_is_refused(database: Database):
    with pytest.raises(InvalidTypeError, match="takes a URL"):
        CLASSES[database.backend](5, database.prefix)


@on_servers
@pytest.mark.parametrize("autocommit", [False, True])
def test_a_pool_of_the_callers_works_and_stays_open(database: Database, autocommit: bool):
    pool, close = _pool(database, autocommit)
    try:
        mine = over(database, pool)
        mine.migrate()
        mine.submit_task(make_task())
        assert mine.submit_tasks(make_tasks(2)) == 2
        (task,) = mine.poll_tasks("email", "mail", 30, limit=1)
        mine.register_finish(task, "SUCCESSFUL")
        assert mine.requeue_tasks([task.id]).done == 1
        mine.close()
        assert over(database, pool).count_tasks("NEW", None, None) == 3
        assert count(database) == 3
    finally:
        close()


def _pool(database: Database, autocommit: bool) -> tuple[Any, Any]:
    if database.backend == "postgres":
        pool = psycopg_pool.ConnectionPool(
            database.url, min_size=1, kwargs={"autocommit": autocommit}, open=True
        )
        return pool, pool.close
    raw = database.connect()
    keywords = {
        "host": raw.host,
        "port": raw.port,
        "user": raw.user.decode(),
        "password": raw.password.decode(),
        "database": raw.db.decode(),
    }
    pooled = PooledDB(pymysql, charset="utf8mb4", autocommit=autocommit, **keywords)
    return pooled, pooled.close


# -- URLs ----------------------------------------------------------------------------------


@on_servers
@pytest.mark.parametrize("spelling", ["{}+driver://", "{}://", "UPPER"])
def test_other_spellings_of_the_scheme_connect(
    repository: Repository, database: Database, spelling: str
):
    scheme, _, rest = database.url.partition("://")
    lead = f"{scheme.upper()}://" if spelling == "UPPER" else spelling.format(scheme)
    other = open_repository(lead + rest, database.prefix)
    try:
        assert other.count_tasks(None, None, None) == 0
        assert other.dialect in {"postgresql", "mariadb", "mysql"}
    finally:
        other.close()


def test_a_database_in_memory_is_one_per_repository():
    with (
        Client(open_repository("sqlite://")) as first,
        Client(open_repository("sqlite://")) as second,
    ):
        first.migrate()
        second.migrate()
        first.repository.submit_task(make_task())
        assert first.new_inspector().count() == 1
        assert second.new_inspector().count() == 0
    with (
        Client(open_repository("sqlite://", read_only=True)) as nothing,
        pytest.raises(RepositoryError),
    ):
        nothing.migrate()


# -- threads, forks, broken connections ----------------------------------------------------


def test_a_repository_is_shared_by_threads(repository: Repository):
    repository.submit_tasks(make_tasks(200))
    claimed: list[Any] = []

    def work() -> None:
        while batch := repository.poll_tasks("email", "mail", 60, limit=5):
            claimed.extend(task.id for task in batch)
            repository.count_tasks(None, None, None)
            repository.ping_leases([Lease.of(task) for task in batch], 60)

    in_threads(*[work] * 12)
    while left := repository.poll_tasks("email", "mail", 60, limit=50):
        claimed.extend(task.id for task in left)
    assert len(claimed) == len(set(claimed)) == 200


@on_servers
def test_connections_the_server_ended_are_replaced(repository: Repository, database: Database):
    task = repository.submit_task(make_task())
    _end_others(database)
    assert repository.submit_task(make_task()).status == "NEW"
    _end_others(database)
    assert repository.submit_tasks(make_tasks(3)) == 3
    _end_others(database)
    assert repository.get_tasks([task.id]) == [task]


def _end_others(database: Database) -> None:
    """End this test's own idle sessions, as a server that restarts would."""
    if database.backend == "postgres":
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND query LIKE %s",
            [f"%{database.prefix}%"],
        )
        return
    # MariaDB shows no idle session's last query: end the connections whose ports are ours.
    own = set(_local_ports())
    for id, host in database.execute(
        "SELECT id, host FROM information_schema.processlist WHERE id <> connection_id()"
    ):
        port = host.rpartition(":")[2]
        if port.isdigit() and int(port) in own:
            database.execute(f"KILL {int(id)}")


def _local_ports() -> list[int]:
    import psutil

    return [c.laddr.port for c in psutil.Process().net_connections("tcp") if c.laddr]


def test_an_interrupted_statement_is_an_error_of_ours_and_the_next_works(
    repository: Repository, database: Database
):
    repository.submit_tasks(make_tasks(2))
    blocker = database.connect()
    if database.backend == "sqlite":
        blocker.execute("BEGIN IMMEDIATE")
    else:
        id = raw_id(database, repository.scan_tasks(None, None, None, limit=1)[0].id)
        blocker.cursor().execute(f"UPDATE {database.table} SET priority = 1 WHERE id = %s", [id])
    errors: list[BaseException] = []

    def delete() -> None:
        try:
            repository.purge_tasks(None, None, None, False)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=delete, daemon=True)
    thread.start()
    if database.backend == "sqlite":  # a wait for the file's lock can't be interrupted
        blocker.rollback()
        thread.join(20)
        assert errors == []
        return

    def interrupted() -> bool:
        repository.interrupt()
        thread.join(0.05)
        return not thread.is_alive()

    wait_until(interrupted, 20)
    blocker.rollback()
    assert [isinstance(error, RepositoryError) for error in errors] == [True]
    assert repository.purge_tasks(None, None, None, False) == 2


@on_servers
def test_a_deadlock_is_retried_and_never_reaches_the_caller(
    repository: Repository, database: Database
):
    first, second = sorted(make_tasks(2), key=lambda task: task.id)
    repository.submit_tasks([first, second])
    other = database.connect()
    update = f"UPDATE {database.table} SET priority = priority + 1 WHERE id = %s"
    other.cursor().execute(update, [raw_id(database, second.id)])
    done: list[Any] = []
    thread = threading.Thread(
        target=lambda: done.append(repository.requeue_tasks([first.id, second.id])), daemon=True
    )
    thread.start()
    wait_until(lambda: _locked(database, first))
    try:
        other.cursor().execute(update, [raw_id(database, first.id)])  # one of the two must lose
        other.commit()
    except (psycopg.Error, pymysql.Error):
        other.rollback()
    thread.join(30)
    assert [result.done for result in done] == [2]


def _locked(database: Database, task: Any) -> bool:
    query = f"SELECT id FROM {database.table} WHERE id = %s FOR UPDATE SKIP LOCKED"
    return database.execute(query, [raw_id(database, task.id)]) == []


def test_a_closed_client_says_so_at_every_call(client: Client):
    """It opened connections that nobody closed, or failed in the words of some pool."""
    producer, inspector, cleaner = (
        client.new_producer(),
        client.new_inspector(),
        client.new_cleaner(),
    )
    task, repository = producer.submit("email", {}), client.repository
    client.close()
    client.close()
    calls: list[Callable[[], object]] = [
        client.migrate,
        lambda: producer.submit("email", {}),
        lambda: producer.submit_many([make_task()]),
        lambda: inspector.get(task.id),
        lambda: inspector.requeue(task.id),
        inspector.summary,
        cleaner.clean,
        lambda: repository.poll_tasks("email", None, 30),
        repository.open_wakeup,
    ]
    for call in calls:
        with pytest.raises(RepositoryError, match="is closed; make a new one"):
            call()


def test_a_closed_repository_leaves_no_file_or_connection_open(tmp_path: Any):
    url = f"sqlite:///{tmp_path}/x.db"
    repository = open_repository(url)
    repository.migrate()
    repository.submit_task(make_task())
    repository.close()
    connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    connection.close()
