"""Each async library's connection as a test of transactions sees it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.integrations.doors import _mysql_keywords, sqlalchemy_url
from tests.support.databases import Database

ASYNC_URLS = {
    "psycopg": {"postgres": "postgresql+psycopg"},
    "asyncpg": {"postgres": "postgresql+asyncpg"},
    "asyncmy": {"mysql": "mysql+asyncmy"},
    "aiosqlite": {"sqlite": "sqlite+aiosqlite"},
}


class AsyncDoor:
    """A transaction that was begun as the library's users begin one.

    Attributes:
        connection: what `connection=` is given.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def value(self, sql: str) -> Any:
        cursor = await self.connection.execute(sql)
        return (await cursor.fetchone())[0]

    async def commit(self) -> None:
        await self.connection.commit()

    async def rollback(self) -> None:
        await self.connection.rollback()


@asynccontextmanager
async def psycopg(database: Database) -> AsyncIterator[AsyncDoor]:
    import psycopg

    async with await psycopg.AsyncConnection.connect(database.url) as connection:
        yield AsyncDoor(connection)


class AsyncpgDoor(AsyncDoor):
    def __init__(self, connection: Any, transaction: Any) -> None:
        super().__init__(connection)
        self._transaction = transaction

    async def value(self, sql: str) -> Any:
        return await self.connection.fetchval(sql)

    async def commit(self) -> None:
        await self._transaction.commit()

    async def rollback(self) -> None:
        await self._transaction.rollback()


@asynccontextmanager
async def asyncpg(database: Database) -> AsyncIterator[AsyncDoor]:
    import asyncpg

    connection = await asyncpg.connect(database.url)
    transaction = connection.transaction()
    await transaction.start()
    yield AsyncpgDoor(connection, transaction)
    await connection.close()


@asynccontextmanager
async def asyncpg_pool(database: Database) -> AsyncIterator[AsyncDoor]:
    import asyncpg

    async with asyncpg.create_pool(database.url, min_size=1) as pool, pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield AsyncpgDoor(connection, transaction)


@asynccontextmanager
async def aiosqlite(database: Database) -> AsyncIterator[AsyncDoor]:
    import aiosqlite

    async with aiosqlite.connect(database.url.removeprefix("sqlite:///")) as connection:
        connection.row_factory = aiosqlite.Row
        yield AsyncDoor(connection)


class AsyncmyDoor(AsyncDoor):
    async def value(self, sql: str) -> Any:
        async with self.connection.cursor() as cursor:
            await cursor.execute(sql)
            return (await cursor.fetchone())[0]


@asynccontextmanager
async def asyncmy(database: Database) -> AsyncIterator[AsyncDoor]:
    import asyncmy

    connection = await asyncmy.connect(charset="utf8mb4", **_mysql_keywords(database))
    yield AsyncmyDoor(connection)
    await connection.ensure_closed()


class SQLAlchemyDoor(AsyncDoor):
    async def value(self, sql: str) -> Any:
        from sqlalchemy import text

        return (await self.connection.execute(text(sql))).scalar_one()


def _sqlalchemy(driver: str, kind: str) -> Any:
    @asynccontextmanager
    async def opened(database: Database) -> AsyncIterator[AsyncDoor]:
        from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

        engine = create_async_engine(sqlalchemy_url(database, ASYNC_URLS[driver]))
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            found: Any = AsyncSession(engine) if kind == "session" else engine.connect()
            yield SQLAlchemyDoor(await stack.enter_async_context(found))

    return opened


ASYNC_DOORS = {
    "psycopg": psycopg, "asyncpg": asyncpg, "asyncpg pool": asyncpg_pool,
    "aiosqlite": aiosqlite, "asyncmy": asyncmy,
} | {
    f"sqlalchemy {kind} {driver}": _sqlalchemy(driver, kind)
    for driver in ASYNC_URLS
    for kind in ("connection", "session")
}  # fmt: skip


def _backend_of(name: str) -> str:
    for driver, urls in ASYNC_URLS.items():
        if driver in name:
            return next(iter(urls))
    raise ValueError(name)


every_async_door = pytest.mark.parametrize(
    ("backend", "door_name"),
    [pytest.param(_backend_of(name), name, id=name) for name in ASYNC_DOORS],
    indirect=["backend"],
)
