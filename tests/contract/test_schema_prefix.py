"""`prefix="sch.billing"`: the table stands in a schema, on MySQL in a database, of its own."""

import threading
import uuid
from collections.abc import Iterator
from functools import partial

import pytest

from tasq_core import Client, InvalidInputError, RepositoryError, connect
from tasq_core.repository.schema_check import structure
from tests.support.databases import Database
from tests.support.wait import wait_until

servers = pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)


@pytest.fixture
def schema(database: Database) -> Iterator[str]:
    name = f"s{uuid.uuid4().hex[:8]}"
    database.execute(f"CREATE SCHEMA {name}")
    yield name
    cascade = " CASCADE" if database.backend == "postgres" else ""
    database.execute(f"DROP SCHEMA {name}{cascade}")


@pytest.fixture
def within(database: Database, schema: str) -> Iterator[Client]:
    with connect(database.url, prefix=f"{schema}.{database.prefix}") as client:
        client.migrate()
        yield client


def tables(database: Database) -> list[tuple[str, str]]:
    """(schema, name) of what stands under the prefix, anywhere on the server."""
    rows = database.execute(
        "SELECT table_schema, table_name FROM information_schema.tables"
        f" WHERE table_name LIKE '{database.prefix}%'"
    )
    return sorted((str(schema), str(name)) for schema, name in rows)


@servers
def test_table_and_side_tables_stand_in_the_schema_and_nowhere_else(
    database: Database, schema: str, within: Client
):
    """A program that names a schema would find, or make, another program's table."""
    found = tables(database)
    assert {place for place, _ in found} == {schema}
    assert len(found) == 5
    assert within.repository.table == f"{schema}.{database.prefix}_tasks"
    assert structure(within.repository).missing == ()
    within.migrate()  # with nothing missing it changes nothing
    assert tables(database) == found


@servers
def test_equal_prefixes_in_two_schemas_are_two_tables(database: Database, within: Client):
    """Their tasks would mix."""
    with connect(database.url, prefix=database.prefix) as beside:
        beside.migrate()
        within.new_producer().submit("email", {}, queue="mail")
        beside.new_producer().submit_many([])
        assert within.new_inspector().count() == 1
        assert beside.new_inspector().count() == 0


@servers
def test_a_consumer_runs_fails_and_is_woken_there(database: Database, within: Client):
    """Claims, outcomes, attempts, pauses and notices name the table, not the prefix alone."""
    within.pause(queue="later")
    consumer = within.new_consumer(queues="mail", poll_interval=20, visibility_timeout=30)
    ran, told = [], threading.Event()

    @consumer.handler("email")
    def send(task):
        ran.append(task.id)
        if len(ran) == 2:
            told.set()
            raise ValueError("no such address")

    runner = threading.Thread(target=consumer.run, args=(2,))
    runner.start()
    try:
        producer, inspector = within.new_producer(), within.new_inspector()
        first = producer.submit("email", {}, queue="mail")
        wait_until(partial(has_ended, within, first.id), 15)
        second = producer.submit("email", {}, queue="mail", max_receives=1)
        assert told.wait(30)
        wait_until(partial(has_ended, within, second.id), 15)
        assert [attempt.error for attempt in inspector.attempts(second.id)] != []
        assert [consumer.queues for consumer in inspector.consumers()] == [("mail",)]
        assert within.health() is not None
    finally:
        consumer.stop()
        runner.join(20)


def has_ended(client: Client, id: uuid.UUID) -> bool:
    return client.new_inspector().get(id).finished_at is not None


@servers
def test_a_schema_that_doesnt_exist_is_named(database: Database):
    with connect(database.url, prefix="nowhere.billing") as client:
        with pytest.raises(RepositoryError, match="nowhere"):
            client.migrate()
        with pytest.raises(RepositoryError, match="nowhere"):
            client.new_inspector().count()


def test_a_prefix_that_names_no_schema_is_refused_with_the_form(tmp_path):
    for prefix in ("a.b.c", ".billing", "sch.", "sch.1x", 'sch".x'):
        with pytest.raises(InvalidInputError, match=r"sch\.billing"):
            connect("postgresql://host/db", prefix=prefix)
    with pytest.raises(InvalidInputError, match="which SQLite hasn't"):
        connect(f"sqlite:///{tmp_path}/x.db", prefix="main.billing")
