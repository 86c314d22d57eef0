"""`connection=`: each library's transaction on each database that it speaks."""

from collections.abc import Iterator

import pytest

from tasq_core import Client, InvalidInputError, RepositoryError, Task
from tests.integrations.doors import DOORS, Door, every_door
from tests.support.builders import make_tasks
from tests.support.databases import Database


@pytest.fixture
def door(client: Client, database: Database, door_name: str) -> Iterator[Door]:
    with DOORS[door_name](database) as opened:
        yield opened


def _count(client: Client) -> int:
    return client.new_inspector().count()


@every_door
def test_a_task_is_seen_with_the_callers_commit_and_not_before(client: Client, door: Door):
    producer = client.new_producer()
    task = producer.submit("email", {"to": "ä@b.c 💌"}, queue="mail", connection=door.connection)
    assert producer.submit_many([Task.new("email", 1) for _ in range(3)], connection=door.connection) == 3  # fmt: skip
    assert _count(client) == 0
    door.commit()
    assert _count(client) == 4
    stored = client.new_inspector().get(task.id)
    assert stored == task
    assert stored.unmarshal_args() == {"to": "ä@b.c 💌"}


@every_door
def test_a_task_is_gone_with_the_callers_rollback(client: Client, door: Door):
    producer = client.new_producer()
    producer.submit("email", 1, connection=door.connection)
    producer.submit_many([Task.new("email", 1)], connection=door.connection)
    door.rollback()
    assert _count(client) == 0


@every_door
def test_bytes_times_and_numbers_are_stored_as_they_are(client: Client, door: Door):
    """A driver that converts a value on its way would change the task that is run."""
    (task,) = make_tasks(1)
    task.args, task.priority, task.max_receives = bytes(range(256)), -32768, 2**31 - 1
    client.new_producer().submit_task(task, connection=door.connection)
    door.commit()
    assert client.new_inspector().get(task.id) == task


@every_door
def test_an_id_that_exists_returns_the_stored_task_and_ends_nothing(client: Client, door: Door):
    producer = client.new_producer()
    stored = producer.submit("a", {"x": 1}, queue="q")
    again = Task.new("b", 2)
    again.id = stored.id
    assert producer.submit_task(again, connection=door.connection) == stored
    assert producer.submit_many([again, Task.new("c", 3)], connection=door.connection) == 1
    door.commit()
    assert _count(client) == 2


@every_door
def test_an_error_within_leaves_the_transaction_usable(
    client: Client, database: Database, door: Door
):
    """The caller's own rows of this transaction must not be lost for a task that can't be."""
    client.new_producer().submit("before", 1, connection=door.connection)
    elsewhere = Client(Database(database.backend, database.url).open())
    try:
        with pytest.raises(RepositoryError, match="run `tasq migrate`"):
            elsewhere.new_producer().submit("never", 1, connection=door.connection)
        with pytest.raises(RepositoryError):
            elsewhere.new_producer().submit_many([Task.new("a", 1)] * 2, connection=door.connection)
    finally:
        elsewhere.close()
    assert door.execute(f"SELECT count(*) FROM {database.table}") == [(1,)]
    door.commit()
    assert _count(client) == 1


@every_door
def test_a_refused_task_leaves_the_transaction_usable(client: Client, door: Door):
    producer = client.new_producer()
    with pytest.raises(InvalidInputError, match="priority"):
        producer.submit("a", 1, priority=2**15, connection=door.connection)
    producer.submit("a", 1, connection=door.connection)
    door.commit()
    assert _count(client) == 1


@every_door
def test_a_connection_to_another_database_is_refused(
    client: Client, database: Database, door: Door, tmp_path_factory: pytest.TempPathFactory
):
    """Else the task is stored where no consumer of this client looks, and nobody is told."""
    with other_client(database, tmp_path_factory) as other:
        with pytest.raises(InvalidInputError, match="another database"):
            other.new_producer().submit("a", 1, connection=door.connection)
        client.new_producer().submit("a", 1, connection=door.connection)
        door.commit()
    assert _count(client) == 1


def other_client(database: Database, folders: pytest.TempPathFactory) -> Client:
    """A client of another database of the same kind, with a table of the same name."""
    if database.backend == "sqlite":
        other = Database("sqlite", f"sqlite:///{folders.mktemp('other')}/x.db", database.prefix)
        found = other.client()
        found.migrate()
        return found
    name = f"{database.prefix}_other"
    database.execute(f"CREATE DATABASE {name}")
    database._opened.append(_Dropped(database, name))
    lead = database.url.rpartition("/")[0]
    return Database(database.backend, f"{lead}/{name}", database.prefix).client()


class _Dropped:
    """Drops a database when the test closes what it opened."""

    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name

    def close(self) -> None:
        self._database.execute(f"DROP DATABASE {self._name}")


@every_door
def test_a_client_of_another_kind_of_database_refuses_it(client: Client, door: Door, backend: str):
    if backend == "sqlite":
        from tasq_core import PostgresRepository

        other = Client(PostgresRepository("postgresql://nobody@127.0.0.1:1/none"))
    else:
        other = Client(Database("sqlite", "sqlite://", "").open())
    with other, pytest.raises(InvalidInputError, match="make a client of the same database"):
        other.new_producer().submit("a", 1, connection=door.connection)
