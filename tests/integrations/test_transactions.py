"""Joined as each library counts transactions: autobegin, savepoints, sessions, wake-ups."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tasq_core import Client, InvalidInputError
from tasq_core.repository.protocol import Wakeup
from tests.integrations.doors import django_alias, sqlalchemy_url
from tests.support.databases import Database

on_postgres = pytest.mark.parametrize("backend", ["postgres"], indirect=True)


@pytest.fixture
def engine(database: Database) -> Iterator[Any]:
    from sqlalchemy import create_engine

    engine = create_engine(sqlalchemy_url(database))
    yield engine
    engine.dispose()


@pytest.fixture
def alias(database: Database) -> Iterator[str]:
    from django.db import connections

    alias = django_alias(database)
    yield alias
    connections[alias].close()


def _failing() -> AbstractContextManager[Any]:
    """Around a block that ends with ZeroDivisionError."""
    return pytest.raises(ZeroDivisionError)


def _types(client: Client) -> set[str]:
    return {task.type for task in client.new_inspector().scan()}


# -- SQLAlchemy ----------------------------------------------------------------------------


def test_a_submit_begins_sqlalchemys_transaction_as_a_statement_does(client: Client, engine: Any):
    producer = client.new_producer()
    with engine.connect() as connection:
        producer.submit("kept", 1, connection=connection)
        assert connection.in_transaction()
        connection.commit()
        producer.submit("dropped", 1, connection=connection)
    with engine.begin() as connection:
        producer.submit("block", 1, connection=connection)
    assert _types(client) == {"kept", "block"}


def test_a_sqlalchemy_block_that_raises_drops_its_task(client: Client, engine: Any):
    with _failing(), engine.begin() as connection:
        client.new_producer().submit("a", 1, connection=connection)
        raise ZeroDivisionError
    assert _types(client) == set()


def test_a_task_belongs_to_sqlalchemys_savepoint(client: Client, engine: Any, backend: str):
    producer = client.new_producer()
    with engine.begin() as connection:
        producer.submit("outer", 1, connection=connection)
        with connection.begin_nested() as nested:
            producer.submit("inner", 1, connection=connection)
            nested.rollback()
        with connection.begin_nested():
            producer.submit("second", 1, connection=connection)
    assert _types(client) == {"outer", "second"}


def test_a_session_of_the_orm_commits_its_rows_and_the_task_together(client: Client, engine: Any):
    from sqlalchemy import Column, Integer, MetaData, Table
    from sqlalchemy.orm import registry, sessionmaker

    table = Table(f"{client.repository.table}_orders", MetaData(), Column("id", Integer, primary_key=True))  # fmt: skip

    class Order:
        id: int

    registry().map_imperatively(Order, table)
    table.create(engine)
    producer = client.new_producer()
    sessions = sessionmaker(engine)
    try:
        with sessions.begin() as session:
            session.add(Order())
            producer.submit("kept", 1, connection=session)
        with _failing(), sessions.begin() as session:
            session.add(Order())
            producer.submit("dropped", 1, connection=session)
            raise ZeroDivisionError
        with sessions() as session:
            assert session.query(Order).count() == 1
    finally:
        table.drop(engine)
    assert _types(client) == {"kept"}


def test_a_scoped_session_is_a_session(client: Client, engine: Any):
    from sqlalchemy.orm import scoped_session, sessionmaker

    session = scoped_session(sessionmaker(engine))
    client.new_producer().submit("a", 1, connection=session)
    session.commit()
    session.remove()
    assert _types(client) == {"a"}


def test_a_session_without_one_engine_says_what_to_pass(client: Client):
    from sqlalchemy.orm import Session

    with Session() as session, pytest.raises(InvalidInputError, match="bind_arguments"):
        client.new_producer().submit("a", 1, connection=session)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_sqlites_recipe_of_an_own_begin_is_joined(client: Client, engine: Any):
    """SQLAlchemy's documentation turns the driver's transactions off and begins by an event."""
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    with engine.connect() as connection:
        client.new_producer().submit("dropped", 1, connection=connection)
        connection.rollback()
        client.new_producer().submit("kept", 1, connection=connection)
        connection.commit()
    assert _types(client) == {"kept"}


# -- Django --------------------------------------------------------------------------------


def test_a_task_belongs_to_djangos_innermost_atomic(client: Client, alias: str):
    from django.db import transaction

    producer = client.new_producer()
    with transaction.atomic(using=alias):
        producer.submit("outer", 1, connection=alias)
        with _failing(), transaction.atomic(using=alias):
            producer.submit("inner", 1, connection=alias)
            raise ZeroDivisionError
        with transaction.atomic(using=alias):
            producer.submit("second", 1, connection=alias)
        assert _types(client) == set()
    assert _types(client) == {"outer", "second"}


def test_djangos_default_connection_is_found_behind_its_proxy(client: Client, alias: str):
    from django.db import connection, connections, transaction

    before = connections["default"]
    connections["default"] = connections[alias]
    try:
        with transaction.atomic(using=alias):
            client.new_producer().submit("a", 1, connection=connection)
    finally:
        connections["default"] = before
    assert _types(client) == {"a"}


def test_an_unknown_alias_is_told_the_known_ones(client: Client, alias: str):
    with pytest.raises(InvalidInputError, match=f"knows no database 'typo'.*{alias}"):
        client.new_producer().submit("a", 1, connection="typo")


# -- wake-ups ------------------------------------------------------------------------------


@pytest.fixture
def wakeup(client: Client) -> Iterator[Wakeup]:
    wakeup = client.repository.open_wakeup()
    assert wakeup is not None
    yield wakeup
    wakeup.close()
    wakeup.wait(1)


@on_postgres
@pytest.mark.parametrize("how", ["begin", "session"])
def test_sqlalchemys_commit_wakes_idle_consumers(
    client: Client, engine: Any, wakeup: Wakeup, how: str
):
    """Without a hook they would find the task a poll interval later."""
    from sqlalchemy.orm import Session

    opened: dict[str, Callable[[], Any]] = {
        "begin": engine.begin, "session": Session(engine).begin,
    }  # fmt: skip
    with opened[how]() as found:
        connection = getattr(found, "session", found)
        client.new_producer().submit("a", 1, connection=connection)
        assert not wakeup.wait(0.2)
    assert wakeup.wait(30)


@on_postgres
def test_djangos_commit_wakes_idle_consumers(client: Client, alias: str, wakeup: Wakeup):
    from django.db import transaction

    with transaction.atomic(using=alias):
        client.new_producer().submit("a", 1, connection=alias)
        assert not wakeup.wait(0.2)
    assert wakeup.wait(30)


@on_postgres
def test_djangos_rollback_wakes_nobody(client: Client, alias: str, wakeup: Wakeup):
    from django.db import transaction

    with transaction.atomic(using=alias):
        client.new_producer().submit("a", 1, connection=alias)
        transaction.set_rollback(True, using=alias)
    assert not wakeup.wait(0.2)
