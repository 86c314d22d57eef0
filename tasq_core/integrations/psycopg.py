"""psycopg 3: a Connection, and for `tasq_core.aio` an AsyncConnection."""

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from tasq_core.repository.driver import Params, Row
from tasq_core.repository.joining import (
    AsyncJoined,
    Joined,
    refuse_async,
    refuse_autocommit,
    refuse_closed,
    refuse_sync,
    refuse_type,
)
from tasq_core.repository.postgres_session import PostgresSession

_BEGIN = "begin one with connection.transaction(), or turn autocommit off"


class JoinedPsycopg(PostgresSession):
    """A psycopg connection, whatever its row and cursor factories."""

    family = "postgres"
    errors = (psycopg.Error,)

    def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        with psycopg.Cursor(self.raw, row_factory=tuple_row) as cursor:
            return cursor.execute(sql, params, binary=True).fetchall()

    def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed."""
        with psycopg.Cursor(self.raw, row_factory=tuple_row) as cursor:
            return cursor.execute(sql, params).rowcount

    def native(self) -> "JoinedPsycopg":
        """Itself."""
        return self

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Nothing: psycopg lets nobody know."""


def join(connection: Any) -> Joined:
    """Join an open psycopg connection."""
    if isinstance(connection, psycopg.AsyncConnection):
        refuse_async(connection)
    if not isinstance(connection, psycopg.Connection):
        refuse_type(connection)
    _check(connection)
    return JoinedPsycopg(connection)


class AsyncJoinedPsycopg:
    """A psycopg AsyncConnection."""

    family = "postgres"
    errors = (psycopg.Error,)

    def __init__(self, raw: psycopg.AsyncConnection[Any]) -> None:
        self.raw = raw

    async def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        async with psycopg.AsyncCursor(self.raw, row_factory=tuple_row) as cursor:
            await cursor.execute(sql, params, binary=True)
            return await cursor.fetchall()

    async def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed."""
        async with psycopg.AsyncCursor(self.raw, row_factory=tuple_row) as cursor:
            return (await cursor.execute(sql, params)).rowcount

    async def on_commit(self, wake: Callable[[], None]) -> None:
        """Nothing: psycopg lets nobody know."""


async def join_async(connection: Any) -> AsyncJoined:
    """Join an open AsyncConnection."""
    if not isinstance(connection, psycopg.AsyncConnection):
        refuse_sync(connection)
    _check(connection)
    return AsyncJoinedPsycopg(connection)


def _check(connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> None:
    if connection.closed:
        refuse_closed(connection)
    idle = connection.info.transaction_status is TransactionStatus.IDLE
    if connection.autocommit and idle:
        refuse_autocommit(connection, _BEGIN)
