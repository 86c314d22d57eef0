"""Connections that can't be joined: each is refused with what it takes, and nothing is written."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tasq_core import Client, InvalidInputError, InvalidTypeError, RepositoryError
from tests.integrations.doors import (
    DOORS,
    django_alias,
    every_door,
    sqlalchemy_url,
)
from tests.support.connections import connect
from tests.support.databases import Database


def _submit(client: Client, connection: Any) -> None:
    client.new_producer().submit("a", 1, connection=connection)


def test_a_connection_that_commits_by_itself_is_refused(client: Client, database: Database):
    """A caller who rolls back would find the task stored all the same."""
    connection = database.connect(autocommit=True)
    with pytest.raises(InvalidInputError, match="commits each statement by itself"):
        _submit(client, connection)
    assert client.new_inspector().count() == 0


def test_a_transaction_begun_on_such_a_connection_is_joined(client: Client, database: Database):
    connection = database.connect(autocommit=True)
    connection.cursor().execute("BEGIN")
    _submit(client, connection)
    connection.cursor().execute("ROLLBACK")
    assert client.new_inspector().count() == 0


def test_sqlalchemys_autocommit_is_refused(client: Client, database: Database):
    from sqlalchemy import create_engine

    engine = create_engine(sqlalchemy_url(database), isolation_level="AUTOCOMMIT")
    with (
        engine.connect() as connection,
        pytest.raises(InvalidInputError, match="commits each statement by itself"),
    ):
        _submit(client, connection)
    engine.dispose()
    assert client.new_inspector().count() == 0


def test_django_outside_atomic_is_refused(client: Client, database: Database):
    from django.db import connections

    alias = django_alias(database)
    try:
        with pytest.raises(InvalidInputError, match=r"transaction\.atomic\(using="):
            _submit(client, alias)
    finally:
        connections[alias].close()
    assert client.new_inspector().count() == 0


def test_a_closed_connection_is_refused(client: Client, database: Database):
    connection = connect(database.backend, database.url, autocommit=False)
    connection.close()
    with pytest.raises(InvalidInputError, match="is closed"):
        _submit(client, connection)


def test_a_closed_sqlalchemy_connection_is_refused(client: Client, database: Database):
    from sqlalchemy import create_engine

    engine = create_engine(sqlalchemy_url(database))
    with engine.connect() as connection:
        pass
    with pytest.raises(InvalidInputError, match="is closed"):
        _submit(client, connection)
    with pytest.raises(InvalidInputError, match=r"engine\.begin"):
        _submit(client, engine)
    engine.dispose()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("connection", [5, "unheard of", object(), [sqlite3]])
def test_what_is_no_connection_is_told_what_is(client: Client, connection: Any):
    with pytest.raises(InvalidInputError, match=r"connection must be .*Session|knows no database"):
        _submit(client, connection)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_async_connections_belong_to_the_async_client(client: Client, database: Database):
    """The statement would never be awaited, and the task be lost without a word."""
    import aiosqlite
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    path = database.url.removeprefix("sqlite:///")
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    async with (
        aiosqlite.connect(path) as bare,
        engine.connect() as connection,
        AsyncSession(engine) as session,
    ):
        for found in (bare, connection, session):
            with pytest.raises(InvalidTypeError, match=r"is async: .*tasq_core\.aio"):
                _submit(client, found)
    await engine.dispose()


def test_an_error_names_no_password(client: Client, database: Database):
    connection = connect(database.backend, database.url, autocommit=False)
    connection.close()
    with pytest.raises(InvalidInputError) as caught:
        _submit(client, connection)
    assert "***" not in str(caught.value)
    assert database.url not in str(caught.value)


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_an_aborted_transaction_says_so(client: Client, database: Database):
    import psycopg

    connection = database.connect()
    with pytest.raises(psycopg.Error):
        connection.execute("SELECT 1 / 0")
    with pytest.raises(RepositoryError, match="aborted"):
        _submit(client, connection)


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_a_search_path_that_leads_to_another_table_is_refused(client: Client, database: Database):
    """The task would be stored in another schema's queue."""
    schema = f"{database.prefix}_schema"
    connection = database.connect()
    connection.execute(f"CREATE SCHEMA {schema}")
    connection.execute(f"CREATE TABLE {schema}.{database.table} (LIKE {database.table})")
    connection.execute(f"SET LOCAL search_path = {schema}")
    with pytest.raises(InvalidInputError, match="search_path"):
        _submit(client, connection)
    connection.rollback()


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_an_ordinary_user_may_join(client: Client, database: Database):
    """What tells databases apart must not need a right that only a superuser has."""
    user = f"{database.prefix}_user"
    database.execute(f"CREATE ROLE {user}")
    database.execute(f"GRANT SELECT, INSERT ON {database.table} TO {user}")
    connection = database.connect()
    connection.execute(f"SET LOCAL ROLE {user}")
    _submit(client, connection)
    connection.commit()
    assert client.new_inspector().count() == 1
    database.execute(f"DROP OWNED BY {user}")
    database.execute(f"DROP ROLE {user}")


@contextmanager
def _memory() -> Iterator[tuple[sqlite3.Connection, Client]]:
    from tasq_core import SQLiteRepository

    connection = sqlite3.connect(":memory:")
    with Client(SQLiteRepository(connection)) as client:
        client.migrate()
        yield connection, client
    connection.close()


def test_a_database_in_memory_is_joined_on_its_own_connection_only():
    with _memory() as (connection, client), _memory() as (other, _):
        _submit(client, connection)
        connection.rollback()
        assert client.new_inspector().count() == 0
        with pytest.raises(InvalidInputError, match="another database"):
            _submit(client, other)


@every_door
def test_a_closed_client_refuses(client: Client, database: Database, door_name: str):
    with DOORS[door_name](database) as door:
        client.close()
        with pytest.raises(RepositoryError, match="is closed"):
            _submit(client, door.connection)
