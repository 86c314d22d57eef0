"""`connection=` of `tasq_core.aio`: each async library's transaction on the database it speaks."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tasq_core import Client, InvalidInputError, InvalidTypeError, RepositoryError, Task, aio
from tests.integrations.async_doors import ASYNC_DOORS, AsyncDoor, every_async_door
from tests.integrations.test_doors import other_client
from tests.support.builders import make_tasks
from tests.support.databases import Database


@pytest.fixture
async def door(client: Client, database: Database, door_name: str) -> AsyncIterator[AsyncDoor]:
    async with ASYNC_DOORS[door_name](database) as opened:
        yield opened


@pytest.fixture
async def awaited(client: Client, database: Database) -> AsyncIterator[aio.AsyncClient]:
    async with await aio.connect(database.url, prefix=database.prefix) as found:
        yield found


@every_async_door
async def test_a_task_is_seen_with_the_callers_commit_and_not_before(
    awaited: aio.AsyncClient, client: Client, door: AsyncDoor
):
    producer, inspector = awaited.new_producer(), awaited.new_inspector()
    task = await producer.submit("email", {"to": "ä@b.c 💌"}, "mail", connection=door.connection)
    more = [Task.new("email", 1) for _ in range(3)]
    assert await producer.submit_many(more, connection=door.connection) == 3
    assert await inspector.count() == 0
    await door.commit()
    assert await inspector.count() == 4
    assert await inspector.get(task.id) == task


@every_async_door
async def test_a_task_is_gone_with_the_callers_rollback(
    awaited: aio.AsyncClient, client: Client, door: AsyncDoor
):
    await awaited.new_producer().submit("email", 1, connection=door.connection)
    await door.rollback()
    assert client.new_inspector().count() == 0


@every_async_door
async def test_bytes_times_and_numbers_are_stored_as_they_are(
    awaited: aio.AsyncClient, client: Client, door: AsyncDoor
):
    (task,) = make_tasks(1)
    task.args, task.priority, task.max_receives = bytes(range(256)), -32768, 2**31 - 1
    await awaited.new_producer().submit_task(task, connection=door.connection)
    await door.commit()
    assert client.new_inspector().get(task.id) == task


@every_async_door
async def test_an_id_that_exists_returns_the_stored_task_and_ends_nothing(
    awaited: aio.AsyncClient, client: Client, door: AsyncDoor
):
    stored = client.new_producer().submit("a", {"x": 1}, queue="q")
    again = Task.new("b", 2)
    again.id = stored.id
    producer = awaited.new_producer()
    found = await producer.submit_task(again, connection=door.connection)
    assert (found, type(found.id)) == (stored, type(stored.id))
    assert await producer.submit_many([again, Task.new("c", 3)], connection=door.connection) == 1
    await door.commit()
    assert client.new_inspector().count() == 2


@every_async_door
async def test_an_error_within_leaves_the_transaction_usable(
    awaited: aio.AsyncClient, client: Client, database: Database, door: AsyncDoor
):
    """The caller's own rows of this transaction must not be lost for a task that can't be."""
    await awaited.new_producer().submit("before", 1, connection=door.connection)
    async with await aio.connect(database.url, prefix=f"{database.prefix}_none") as elsewhere:
        with pytest.raises(RepositoryError, match="run `tasq migrate`"):
            await elsewhere.new_producer().submit("never", 1, connection=door.connection)
    assert await door.value(f"SELECT count(*) FROM {database.table}") == 1
    await door.commit()
    assert client.new_inspector().count() == 1


@every_async_door
async def test_a_connection_to_another_database_is_refused(
    client: Client,
    database: Database,
    door: AsyncDoor,
    tmp_path_factory: pytest.TempPathFactory,
):
    with other_client(database, tmp_path_factory) as other:
        producer = aio.AsyncClient(other).new_producer()
        with pytest.raises(InvalidInputError, match="another database"):
            await producer.submit("a", 1, connection=door.connection)
        await door.commit()
    assert client.new_inspector().count() == 0


@every_async_door
async def test_the_sync_client_refuses_it(client: Client, door: AsyncDoor):
    with pytest.raises(InvalidTypeError, match=r"is async: .*tasq_core\.aio"):
        client.new_producer().submit("a", 1, connection=door.connection)


async def test_connections_for_threads_are_refused(
    awaited: aio.AsyncClient, client: Client, database: Database
):
    """They would block the event loop for as long as a lock is held."""
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    from tests.integrations.doors import sqlalchemy_url

    engine = create_engine(sqlalchemy_url(database))
    with engine.connect() as connection, Session(engine) as session:
        for found in (database.connect(), connection, session):
            with pytest.raises(InvalidTypeError, match="would block the event loop"):
                await awaited.new_producer().submit("a", 1, connection=found)
    engine.dispose()
    with pytest.raises(InvalidTypeError, match="connection must be a psycopg AsyncConnection"):
        await awaited.new_producer().submit("a", 1, connection=5)


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
async def test_without_a_transaction_there_is_nothing_to_join(
    awaited: aio.AsyncClient, client: Client, database: Database
):
    import asyncpg
    import psycopg

    bare = await asyncpg.connect(database.url)
    own = await psycopg.AsyncConnection.connect(database.url, autocommit=True)
    for connection in (bare, own):
        with pytest.raises(InvalidInputError, match="commits each statement by itself"):
            await awaited.new_producer().submit("a", 1, connection=connection)
        await connection.close()
        with pytest.raises(InvalidInputError, match="is closed"):
            await awaited.new_producer().submit("a", 1, connection=connection)
    assert client.new_inspector().count() == 0


@pytest.mark.parametrize(
    ("backend", "door_name"),
    [
        ("postgres", "psycopg"),
        ("postgres", "asyncpg"),
        ("postgres", "asyncpg pool"),
        ("postgres", "sqlalchemy connection psycopg"),
        ("mysql", "asyncmy"),
        ("mysql", "sqlalchemy session asyncmy"),
    ],
    indirect=["backend"],
)
async def test_a_cancelled_submit_leaves_the_connection_in_step(
    awaited: aio.AsyncClient, client: Client, database: Database, door: AsyncDoor
):
    """Else the next statement would read the answer to the one that was cut off."""
    await awaited.new_producer().submit("before", 1, connection=door.connection)
    blocker = database.connect()
    (task,) = make_tasks(1)
    client.new_producer().submit_task(task, connection=blocker)  # its id is taken, uncommitted
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await awaited.new_producer().submit_task(task, connection=door.connection)
    assert time.monotonic() - begin < 10
    if survives(door):
        assert await door.value("SELECT 41 + 1") == 42
        await awaited.new_producer().submit("after", 1, connection=door.connection)
        await door.commit()
        assert {task.type for task in client.new_inspector().scan()} == {"before", "after"}
    else:
        with pytest.raises(Exception, match=r".") as caught:
            await door.value("SELECT 41 + 1")
        assert not isinstance(caught.value, AssertionError)
    blocker.rollback()


def survives(door: AsyncDoor) -> bool:
    """SQLAlchemy and asyncmy close a connection whose statement was cancelled."""
    return type(door.connection).__module__.partition(".")[0] in {"psycopg", "asyncpg"}


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
async def test_sqlalchemys_commit_wakes_idle_consumers(
    awaited: aio.AsyncClient, client: Client, database: Database
):
    from sqlalchemy.ext.asyncio import create_async_engine

    from tests.integrations.doors import sqlalchemy_url

    wakeup = client.repository.open_wakeup()
    assert wakeup is not None
    engine = create_async_engine(sqlalchemy_url(database, {"postgres": "postgresql+asyncpg"}))
    async with engine.begin() as connection:
        await awaited.new_producer().submit("a", 1, connection=connection)
        assert not await asyncio.to_thread(wakeup.wait, 0.2)
    assert await asyncio.to_thread(wakeup.wait, 10)
    await engine.dispose()
    wakeup.close()
    wakeup.wait(1)


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
async def test_a_notice_in_the_transaction_comes_with_its_commit(
    awaited: aio.AsyncClient, client: Client, database: Database
):
    wakeup = client.repository.open_wakeup()
    assert wakeup is not None
    async with ASYNC_DOORS["asyncpg"](database) as door:
        await awaited.new_producer().submit("a", 1, connection=door.connection)
        await awaited.new_producer().notify(connection=door.connection)
        assert not await asyncio.to_thread(wakeup.wait, 0.2)
        await door.commit()
        assert await asyncio.to_thread(wakeup.wait, 10)
    wakeup.close()
    wakeup.wait(1)
