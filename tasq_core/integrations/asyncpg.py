"""asyncpg, for `tasq_core.aio`: a connection, or a pool's stand-in for one."""

from collections.abc import Callable
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from tasq_core.errors import InvalidTypeError
from tasq_core.repository.driver import Params, Row
from tasq_core.repository.joining import (
    ASYNC_TAKES,
    AsyncJoined,
    as_numbered,
    name_of,
    plain_row,
    refuse_autocommit,
    refuse_closed,
)


class AsyncJoinedAsyncpg:
    """The open transaction of an asyncpg connection."""

    family = "postgres"
    errors = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    async def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        numbered, values = as_numbered(sql, params)
        found = await self.raw.fetch(numbered, *values)
        return [plain_row(record.values()) for record in found]

    async def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed."""
        numbered, values = as_numbered(sql, params)
        answer: str = await self.raw.execute(numbered, *values)  # say "INSERT 0 1"
        count = answer.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def on_commit(self, wake: Callable[[], None]) -> None:
        """Nothing: asyncpg lets nobody know."""


async def join_async(connection: Any) -> AsyncJoined:
    """Join an open asyncpg connection within a transaction."""
    if not isinstance(connection, asyncpg.Connection | PoolConnectionProxy):
        raise InvalidTypeError(f"connection must be {ASYNC_TAKES}, not {name_of(connection)}")
    try:
        closed = connection.is_closed()
    except asyncpg.InterfaceError:  # a pool's, given back
        closed = True
    if closed:
        refuse_closed(connection)
    if not connection.is_in_transaction():
        refuse_autocommit(connection, "call submit within async with connection.transaction()")
    return AsyncJoinedAsyncpg(connection)
