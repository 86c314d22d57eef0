"""One piece of work on one of our own connections to PostgreSQL, left for certain.

psycopg's own contexts count how they are nested, and wait for what was cut off: after an
exception of a signal handler they fail in its place, or block. So transactions are begun and
ended here, and a connection whose work was cut off is closed at once.
"""

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Final

import psycopg
from psycopg.pq import PipelineStatus, TransactionStatus

from tasq_core.errors import TasqError
from tasq_core.repository.connection_pool import Checkout
from tasq_core.repository.postgres_connection import BoundedConnection, Limits
from tasq_core.repository.postgres_session import PostgresSession

_HANDLED: Final = (psycopg.Error, TasqError, StopIteration, LookupError, OSError, UnicodeError)
"""What psycopg and we meet and answer with an error of our own."""


class Scope:
    """`begin`: in one transaction, committed at the end, rolled back on an error.

    Attributes:
        interruption: what cut the work off, where psycopg raised another error for it.
    """

    interruption: BaseException | None = None

    def __init__(
        self,
        checkout: Checkout,
        take: Callable[[], BoundedConnection],
        put: Callable[[BaseException | None], None],
        limits: Limits,
        *,
        begin: bool,
    ) -> None:
        """`take` fills `checkout`; `put` is called however far that came, perhaps again."""
        self._checkout = checkout
        self._take = take
        self._put = put
        self._limits = limits
        self._begin = begin
        self._begun = False
        self._around: BaseException | None = None

    def __enter__(self) -> PostgresSession:
        self._around = sys.exception()
        try:
            connection = self._take()
            if self._begin or self._limits.needs_begin(connection):
                self._begun = True
                how = "BEGIN READ ONLY" if connection.read_only else "BEGIN"
                connection.execute(how, prepare=False)
                self._limits.begin(connection)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return PostgresSession(connection)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        connection: BoundedConnection | None = self._checkout.connection  # none once it is put back
        if error is None and self._begun and connection is not None:
            connection.execute("COMMIT", prepare=False)
            self._begun = False
        try:
            if error is not None and connection is not None:
                self._undo(connection, error)
        finally:
            self._put(error)

    def _undo(self, connection: BoundedConnection, error: BaseException) -> None:
        self.interruption = self._interruption(error)
        if self.interruption is not None or not isinstance(error, psycopg.Error | TasqError):
            connection.pgconn.finish()
        elif self._begun:
            try:
                connection.execute("ROLLBACK", prepare=False)
            except psycopg.Error:
                connection.pgconn.finish()

    def _interruption(self, error: BaseException) -> BaseException | None:
        """What was raised within the work before psycopg's `error`; None where nothing was."""
        if not isinstance(error, psycopg.Error):
            return None
        earlier = error.__context__
        while earlier is not None and earlier is not self._around:
            if not isinstance(earlier, _HANDLED):
                return earlier
            earlier = earlier.__context__
        return None


def is_usable(connection: BoundedConnection) -> bool:
    """Whether nothing of its last call is left over."""
    pgconn = connection.pgconn
    return (
        pgconn.transaction_status == TransactionStatus.IDLE
        and pgconn.pipeline_status == PipelineStatus.OFF
    )


def close(connection: BoundedConnection) -> None:
    """Close without waiting for anything."""
    connection.pgconn.finish()
