"""A connection of the caller's, whatever it makes of rows and text by default."""

import sqlite3
from contextlib import closing
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tasq_core import Client, Ordering, Repository, TaskStatus
from tests.contract.test_connections import over
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database


def _postgres(database: Database, **options: Any) -> Any:
    import psycopg

    return psycopg.connect(database.url, **options)


def _dict_row(database: Database) -> Any:
    from psycopg.rows import dict_row

    return _postgres(database, row_factory=dict_row)


def _namedtuple_row(database: Database) -> Any:
    from psycopg.rows import namedtuple_row

    return _postgres(database, row_factory=namedtuple_row)


def _scalar_row(database: Database) -> Any:
    from psycopg.rows import scalar_row

    return _postgres(database, row_factory=scalar_row)


def _client_cursor(database: Database) -> Any:
    from psycopg import ClientCursor

    return _postgres(database, cursor_factory=ClientCursor)


def _raw_cursor(database: Database) -> Any:
    from psycopg import RawCursor

    return _postgres(database, cursor_factory=RawCursor)


def _mysql(database: Database, **options: Any) -> Any:
    import pymysql

    parts = urlsplit(database.url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/"),
        charset="utf8mb4",
        **options,
    )


def _dict_cursor(database: Database) -> Any:
    from pymysql.cursors import DictCursor

    return _mysql(database, cursorclass=DictCursor)


def _unbuffered(database: Database) -> Any:
    from pymysql.cursors import SSDictCursor

    return _mysql(database, cursorclass=SSDictCursor)


def _bytes_for_text(database: Database) -> Any:
    return _mysql(database, use_unicode=False)


def _converters(database: Database) -> Any:
    from pymysql.constants import FIELD_TYPE
    from pymysql.converters import conversions

    own = {**conversions, FIELD_TYPE.DATETIME: str, FIELD_TYPE.LONG: str, FIELD_TYPE.LONGLONG: str}
    return _mysql(database, conv=own)


def _sqlite(database: Database, **settings: Any) -> Any:
    connection = sqlite3.connect(database.url.removeprefix("sqlite:///"))
    for name, value in settings.items():
        setattr(connection, name, value)
    return connection


OPENED = {
    "postgres": (_dict_row, _namedtuple_row, _scalar_row, _client_cursor, _raw_cursor),
    "mysql": (_dict_cursor, _unbuffered, _bytes_for_text, _converters),
    "sqlite": (
        lambda database: _sqlite(database, row_factory=sqlite3.Row),
        lambda database: _sqlite(database, row_factory=lambda _, row: {"row": row}),
        lambda database: _sqlite(database, text_factory=bytes),
        lambda database: _sqlite(database, text_factory=lambda raw: raw.decode()[::-1]),
    ),
}  # fmt: skip
CASES = [
    pytest.param(backend, opened, id=f"{backend}-{number}")
    for backend, all_of_it in OPENED.items()
    for number, opened in enumerate(all_of_it)
]
each = pytest.mark.parametrize(("backend", "opened"), CASES, indirect=["backend"])


@each
def test_a_submit_joins_the_callers_transaction(client: Client, database: Database, opened: Any):
    """An outbox writes its own rows over the same connection, with the settings it likes."""
    client.repository.submit_task(known := make_task(type="caf\u00e9"))
    producer = client.new_producer()
    with closing(opened(database)) as connection:
        one = producer.submit("email", {"to": "\u65e5"}, connection=connection)
        again = producer.submit_task(known, connection=connection)
        assert again.type == "caf\u00e9"
        connection.rollback()
        assert client.repository.get_tasks([one.id]) == []
        one = producer.submit("email", {"to": "\u65e5"}, connection=connection)
        client_tasks = make_tasks(3)
        assert client.repository.submit_tasks(client_tasks, connection=connection) == 3
        assert client.repository.submit_tasks(client_tasks, connection=connection) == 0
        connection.commit()
    (stored,) = client.repository.get_tasks([one.id])
    assert stored.unmarshal_args() == {"to": "\u65e5"}
    assert client.repository.count_tasks(None, None, None) == 5


@each
def test_a_repository_over_it_does_all_that_one_does(database: Database, opened: Any):
    """Rows that come as dicts or text as bytes ended its first claim."""
    with closing(opened(database)) as connection:
        _use(over(database, connection))


def _use(repository: Repository) -> None:
    repository.migrate()
    repository.migrate()
    tasks = make_tasks(4, type="caf\u00e9", queue="\u65e5")
    assert repository.submit_tasks(tasks) == 4
    listed = repository.scan_tasks(None, None, None, Ordering.CREATED_AT_FIRST, 10)
    assert {task.id for task in listed} == {task.id for task in tasks}
    claimed = repository.poll_tasks("caf\u00e9", "\u65e5", 30, limit=3)
    assert [task.type for task in claimed] == ["caf\u00e9"] * 3
    started = repository.register_start(claimed[0])
    failed = repository.register_error(started, "\u65e5")
    assert failed.last_error == "\u65e5"
    assert repository.register_finish(failed, "FAILED").status is TaskStatus.FAILED
    assert repository.requeue_tasks([failed.id], reset=True).done == 1
    (row,) = repository.breakdown("queue")
    assert row.name == "\u65e5"
    counts, health = repository.open_counts()
    assert (sum(counts.values()), health.leased) == (4, 2)
    assert repository.purge_tasks("NEW", None, None, True) == 2
