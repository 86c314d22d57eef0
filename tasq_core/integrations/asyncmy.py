"""asyncmy, for `tasq_core.aio`: a Connection."""

from collections.abc import Callable
from typing import Any

from asyncmy import errors
from asyncmy.connection import Connection
from asyncmy.cursors import Cursor

from tasq_core.errors import InvalidTypeError
from tasq_core.repository.driver import Params, Row
from tasq_core.repository.joining import (
    ASYNC_TAKES,
    AsyncJoined,
    check_charset,
    is_duplicate,
    name_of,
    refuse_autocommit,
    refuse_closed,
)


class AsyncJoinedAsyncmy:
    """An asyncmy connection, whatever its cursor class."""

    family = "mysql"
    errors = (errors.Error, OSError)

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    async def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        async with self.raw.cursor(Cursor) as cursor:
            await cursor.execute(sql, dict(params))
            return list(await cursor.fetchall())

    async def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed; an insert of an id that exists changes none."""
        async with self.raw.cursor(Cursor) as cursor:
            try:
                return int(await cursor.execute(sql, dict(params) or None))
            except errors.IntegrityError as error:
                if is_duplicate(error):
                    return 0
                raise

    async def on_commit(self, wake: Callable[[], None]) -> None:
        """Nothing: asyncmy lets nobody know."""


async def join_async(connection: Any) -> AsyncJoined:
    """Join an open asyncmy connection."""
    if not isinstance(connection, Connection):
        raise InvalidTypeError(f"connection must be {ASYNC_TAKES}, not {name_of(connection)}")
    if not connection.connected:
        refuse_closed(connection)
    check_charset(connection.character_set_name())  # type: ignore[no-untyped-call]
    if connection.get_autocommit():
        await connection.ping(reconnect=False)  # only an answer tells of a transaction
        if not connection.get_transaction_status():
            refuse_autocommit(connection, "begin one with await connection.begin()")
    return AsyncJoinedAsyncmy(connection)
