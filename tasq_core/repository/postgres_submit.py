"""A single submit on PostgreSQL: one INSERT, prepared once a connection, sent in binary by libpq.

psycopg's `execute` converts, adapts and prepares anew each time, which takes a third as long
as the server takes for the commit.
"""

import select
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from struct import Struct
from typing import Final

from psycopg import OperationalError
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from tasq_core.repository.postgres_connection import BoundedConnection
from tasq_core.task import MICROSECOND, Task

_TYPES: Final = (2950, 25, 17, 25, 21, 23, 1184, 1184)
"""uuid, text, bytea, text, int2, int4 and two timestamptz."""
_BINARY: Final = (1,) * len(_TYPES)
_INT2: Final = Struct("!h").pack
_INT4: Final = Struct("!i").pack
_INT8: Final = Struct("!q").pack
_YEAR_2000: Final = datetime(2000, 1, 1, tzinfo=UTC)


def insert(
    connection: BoundedConnection, sql: str, task: Task, created_at: datetime, visible_at: datetime
) -> int | None:
    """How many rows were new; None where psycopg should do it, and say what is wrong.

    Trying again that way is safe: the same id is inserted once.

    Raises:
        psycopg.OperationalError: the connection broke.
    """
    if connection.answer_within is not None or connection.prepare_threshold is None:
        return None
    pgconn, name = connection.pgconn, _name_of(sql)
    if pgconn.transaction_status != TransactionStatus.IDLE:
        return None  # in a transaction its end, not ours, says that the row is stored
    if not connection.submit_is_prepared and not _prepare(pgconn, name, sql):
        return None
    connection.submit_is_prepared = True
    values = (
        task.id.bytes, task.type.encode(), task.args, task.queue.encode(), _INT2(task.priority),
        _INT4(task.max_receives), _INT8((created_at - _YEAR_2000) // MICROSECOND),
        _INT8((visible_at - _YEAR_2000) // MICROSECOND),
    )  # fmt: skip
    pgconn.send_query_prepared(name, values, _BINARY, 1)
    result = _answer(pgconn)
    if result is None:
        connection.submit_is_prepared = False  # it may be gone
        return None
    return result.command_tuples


@cache
def _name_of(sql: str) -> bytes:
    """The prepared statement's name, which depends on its text.

    Behind a pooler two programs share a server's connection: under one name the second
    program's values would run the first one's statement.
    """
    return f"tasq_{sha256(sql.encode()).hexdigest()[:32]}".encode()


def _prepare(pgconn: PGconn, name: bytes, sql: str) -> bool:
    if pgconn.parameter_status(b"client_encoding") != b"UTF8":
        return False
    pgconn.send_prepare(name, sql.encode(), _TYPES)
    return _answer(pgconn) is not None


def _answer(pgconn: PGconn) -> PGresult | None:
    """The result of what was sent, once the server has said that it is done; None on an error.

    A statement is answered before it is committed: a server that dies between the two sends a
    good result and then a fatal one. Only the end of all results says that the row is stored.

    Raises:
        psycopg.OperationalError: the connection broke, or the server ended it.
    """
    first, *more = _results(pgconn)
    if pgconn.transaction_status != TransactionStatus.IDLE:  # it broke: libpq says why at the end
        last = more[-1] if more else first
        if last.status != ExecStatus.FATAL_ERROR:
            raise OperationalError("the connection broke before the commit was confirmed")
        raise error_from_result(last)
    if more or first.status != ExecStatus.COMMAND_OK:
        return None
    return first


def _results(pgconn: PGconn) -> Iterator[PGresult]:
    """All results; unlike libpq's own wait this one lets Ctrl+C through."""
    socket = select.poll()
    socket.register(pgconn.socket, select.POLLIN | select.POLLOUT)
    while pgconn.flush():
        if socket.poll()[0][1] & ~select.POLLOUT:
            pgconn.consume_input()
    socket.modify(pgconn.socket, select.POLLIN)
    while True:
        while pgconn.is_busy():
            socket.poll()
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            return
        yield result
