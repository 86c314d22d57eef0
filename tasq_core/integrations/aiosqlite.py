"""aiosqlite, for `tasq_core.aio`: a Connection."""

import sqlite3
from collections.abc import Callable
from typing import Any

import aiosqlite

from tasq_core.errors import InvalidTypeError
from tasq_core.repository.driver import Params, Row
from tasq_core.repository.joining import (
    ASYNC_TAKES,
    AsyncJoined,
    name_of,
    refuse_autocommit,
    refuse_closed,
)


class AsyncJoinedAiosqlite:
    """An aiosqlite connection, whatever its row factory."""

    family = "sqlite"
    errors = (sqlite3.Error, sqlite3.Warning)

    def __init__(self, raw: aiosqlite.Connection) -> None:
        self.raw = raw

    async def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        async with self.raw.cursor() as cursor:
            cursor.row_factory = None
            await cursor.execute(sql, dict(params))
            return [tuple(row) for row in await cursor.fetchall()]

    async def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed."""
        async with self.raw.cursor() as cursor:
            await cursor.execute(sql, dict(params))
            return cursor.rowcount

    async def on_commit(self, wake: Callable[[], None]) -> None:
        """Nothing: consumers see the file change."""


async def join_async(connection: Any) -> AsyncJoined:
    """Join an open aiosqlite connection; begins its transaction, as an INSERT would."""
    if not isinstance(connection, aiosqlite.Connection):
        raise InvalidTypeError(f"connection must be {ASYNC_TAKES}, not {name_of(connection)}")
    try:
        within, level = connection.in_transaction, connection.isolation_level
    except ValueError:  # all that it says of a closed one is "no active connection"
        refuse_closed(connection)
    if not within and level is not None:
        await connection.execute("BEGIN")  # a savepoint alone would commit at its end
    elif not within:
        refuse_autocommit(connection, 'begin one with await connection.execute("BEGIN IMMEDIATE")')
    return AsyncJoinedAiosqlite(connection)
