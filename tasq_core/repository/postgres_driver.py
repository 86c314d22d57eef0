"""Connections to PostgreSQL: psycopg's pool, or what the caller brought."""

import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

import psycopg
import psycopg_pool
from psycopg import capabilities, errors
from psycopg.pq import Format, TransactionStatus

from tasq_core.errors import InvalidInputError, InvalidTypeError, RepositoryError
from tasq_core.repository.driver import Params, Row, Session
from tasq_core.repository.fork_guard import guard
from tasq_core.repository.postgres_connection import (
    BoundedConnection,
    Limits,
    carried,
    conninfo,
    cursor_of,
    settings,
    whole_seconds,
)
from tasq_core.repository.postgres_errors import has_lost_connection, has_stale_plan, translate
from tasq_core.repository.postgres_spare import SpareConnection
from tasq_core.repository.redaction import redact

Connection = psycopg.Connection[Any]
Pool = psycopg_pool.ConnectionPool[Any]

_CLOSING_SECONDS: Final = 0.2
"""What a replaced pool's threads are given to end; they do in the end, whoever waits."""
_YOUNG_SECONDS: Final = 1.0
"""A pool younger than this was made by another thread that saw the same broken connection."""

_TRANSIENT: Final = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)


class PostgresSession:
    """Statements on one psycopg connection."""

    def __init__(self, raw: Connection) -> None:
        self.raw = raw

    def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        return self._execute(sql, params, binary=True).fetchall()

    def _execute(self, sql: str, params: Params, *, binary: bool) -> psycopg.Cursor[Any]:
        # The text is one of ours (tasq_core.sql checks it), every value is bound.
        cursor = cursor_of(self.raw)
        if binary:
            cursor.format = Format.BINARY
        with carried(self.raw):
            return cursor.execute(sql, params)

    @contextmanager
    def uncommitted(self, sql: str, params: Params) -> Iterator[list[Row]]:
        """The rows a statement returns, known before it commits: at the end of the context.

        On our own connections a pipeline does it, which costs one round trip more. In a
        transaction that the caller has begun there is nothing to commit.
        """
        raw = self.raw
        if isinstance(raw, BoundedConnection) and capabilities.has_pipeline():
            with raw.pipeline():
                try:
                    yield self.rows(sql, params)  # asked for by a flush, which commits nothing
                except psycopg.Error:
                    raise
                except BaseException:
                    raw.close()  # the end of the pipeline would commit
                    raise
        else:
            with raw.transaction():
                yield self.rows(sql, params)

    def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed."""
        return self._execute(sql, params, binary=False).rowcount


class PostgresDriver:
    """The pool of one database, or what the caller brought."""

    dialect = "postgresql"
    errors = (psycopg.Error, psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed)

    def __init__(
        self,
        source: str | Connection | Pool,
        *,
        pool_size: int,
        connect_timeout: float,
        statement_timeout: float | None,
        read_only: bool,
        wake_up: bool,
    ) -> None:
        self._pool: Pool | None = None
        self.borrowed: Connection | None = None
        self._conninfo: str | None = None
        self.shown = "PostgreSQL"
        self._opening = threading.Lock()
        self._running: set[Connection] = set()
        self._spare = SpareConnection()
        self._inherited: list[object] = []
        self._opened_at = 0.0
        self._size = pool_size
        self._timeout = connect_timeout
        self._kwargs = settings(connect_timeout, wake_up)
        self._limits = Limits(read_only, statement_timeout)
        if isinstance(source, str):
            self._conninfo = conninfo(source)
            self.shown = redact(source)
            guard.watch(self)
        elif read_only:
            raise InvalidInputError(
                "read_only needs a URL: a connection of your own has its session already"
            )
        elif isinstance(source, psycopg.Connection):
            self.borrowed = source
        elif isinstance(source, psycopg_pool.ConnectionPool):
            self._pool = source
        else:
            raise InvalidTypeError(
                "PostgresRepository takes a URL, a psycopg connection or a"
                f" psycopg_pool.ConnectionPool, not {type(source).__name__}"
            )

    # -- connections -----------------------------------------------------------------------

    def connect(self, response_timeout: float | None = None) -> BoundedConnection:
        """A connection of the caller's own, outside the pool.

        Raises:
            RepositoryUnavailableError: the reason, without the password.
        """
        if self._conninfo is None:
            raise RepositoryError("this repository was given a connection, not a URL")
        timeout = self._within(response_timeout)
        connection = BoundedConnection.connect(
            self._conninfo, **self._kwargs | {"connect_timeout": whole_seconds(timeout)}
        )
        self._establish(connection, timeout)
        connection.answer_within = response_timeout
        return connection

    def _establish(self, connection: BoundedConnection, timeout: float | None = None) -> None:
        connection.answer_within = timeout or self._timeout
        self._limits.establish(connection)

    def _within(self, response_timeout: float | None) -> float:
        """Seconds to wait for a connection: `connect_timeout` at most."""
        return self._timeout if response_timeout is None else min(self._timeout, response_timeout)

    @property
    def opens_connections(self) -> bool:
        """Whether the driver knows where to connect."""
        return self._conninfo is not None

    def _pooled(self, response_timeout: float | None) -> Pool:
        with self._opening:
            if self._pool is not None:
                return self._pool
        assert self._conninfo is not None  # noqa: S101 - one of the three is set
        # The pool tries for its whole timeout and then hides why; one connection made by hand
        # fails at once and says so. A silent server keeps only its own caller waiting.
        self.connect(response_timeout).close()
        with self._opening:
            if self._pool is None:
                self._pool = psycopg_pool.ConnectionPool(
                    self._conninfo,
                    kwargs=self._kwargs,
                    connection_class=BoundedConnection,
                    configure=self._establish,
                    min_size=1,
                    max_size=self._size,
                    timeout=self._timeout,
                    open=True,
                    name="tasq",
                )
                self._opened_at = time.monotonic()
                # A pool that is collected at exit can't join its threads.
                self._at_exit = weakref.finalize(self, self._pool.close, timeout=2.0)
            return self._pool

    @contextmanager
    def _connection(self, response_timeout: float | None) -> Iterator[Connection]:
        if self.borrowed is not None:
            try:
                yield self.borrowed
            except psycopg.Error as error:
                if has_stale_plan(error) and _is_idle(self.borrowed):
                    # psycopg prepares nothing anew by itself, but after any ROLLBACK it does.
                    self.borrowed.execute("BEGIN; ROLLBACK", prepare=False)
                raise
            return
        pool = self._pooled(response_timeout)
        connection = self._spare.take(pool) or self._from_pool(pool, response_timeout)
        self._running.add(connection)
        if isinstance(connection, BoundedConnection):
            connection.answer_within = response_timeout
        try:
            yield connection
        except psycopg.Error as error:
            if has_stale_plan(error):
                connection.close()
                self._drop(pool)
            raise
        finally:
            self._running.discard(connection)
            if isinstance(connection, BoundedConnection):
                connection.answer_within = self._timeout  # for the pool's own checks
            if self._conninfo is None or not self._spare.keep(connection, pool):
                pool.putconn(connection)

    def _from_pool(self, pool: Pool, response_timeout: float | None) -> Connection:
        try:
            return cast("Connection", pool.getconn(self._within(response_timeout)))
        except psycopg_pool.PoolTimeout:
            if self._conninfo is not None:
                self.connect(response_timeout).close()  # raises the reason, where it is the server
            raise
        finally:
            self._spare.waited()

    @contextmanager
    def read(self, response_timeout: float | None = None) -> Iterator[Session]:
        """A connection where each statement commits by itself, unless the caller has begun."""
        with self._connection(response_timeout) as connection:
            limited = self._limits.needs_begin(connection)
            if (connection.autocommit and not limited) or not _is_idle(connection):
                yield PostgresSession(connection)
            else:  # or one of the caller's, which psycopg would leave in a transaction
                with connection.transaction():
                    self._limits.begin(connection)
                    yield PostgresSession(connection)

    write = read

    @contextmanager
    def transaction(self, response_timeout: float | None = None) -> Iterator[Session]:
        """A connection in a transaction; in a borrowed one's open transaction, a savepoint."""
        with self._connection(response_timeout) as connection, connection.transaction():
            self._limits.begin(connection)
            yield PostgresSession(connection)

    # -- errors ----------------------------------------------------------------------------

    def translate(self, error: Exception, table: str) -> RepositoryError:
        """Our error for one of psycopg's."""
        return translate(error, table, self.shown)

    def adopted(self, error: Exception) -> Exception:
        """Another library's error as psycopg's, by its SQLSTATE."""
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        try:
            return errors.lookup(state or "")(str(error))
        except KeyError:
            return psycopg.DatabaseError(str(error))

    def is_transient(self, error: Exception) -> bool:
        """A deadlock, a serialization failure, a lock not had in time."""
        return isinstance(error, _TRANSIENT) and self.borrowed is None

    def lost_connection(self, error: Exception) -> bool:
        """The connection broke, or its prepared statements are of no use any more."""
        return has_lost_connection(error) or has_stale_plan(error)

    def _drop(self, pool: Pool) -> None:
        """Use `pool` no more: what its connections have prepared is stale."""
        with self._opening:
            if self._pool is not pool or self._conninfo is None:
                return
            self._pool = None
            self._at_exit.detach()
        pool.close(timeout=_CLOSING_SECONDS)
        self._spare.give_back()  # after it: a closed pool's is kept no more

    def recover(self) -> None:
        """Replace the pool, whose idle connections may be broken."""
        with self._opening:
            pool = self._pool
            if pool is None or self._conninfo is None:
                return
            young = time.monotonic() - self._opened_at < _YOUNG_SECONDS
        if not young:
            self._drop(pool)
            return
        self._spare.give_back()
        with suppress(psycopg.Error):
            pool.check()  # another thread has just replaced it, or it broke again

    def before_fork(self) -> None:
        """Nothing: a child makes sessions of its own."""

    def after_fork(self, *, torn: bool) -> None:
        """In a child: leave the parent's sessions alone; closing them would end them for it."""
        del torn
        self._opening, self._running = threading.Lock(), set()
        if self._pool is not None and self._conninfo is not None:
            self._at_exit.detach()
            self._inherited += [self._pool, self._spare]
            self._pool, self._spare = None, SpareConnection()

    def interrupt(self) -> None:
        """Cancel what runs now, through a connection of its own."""
        for connection in list(self._running):
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=1.0)

    def close(self) -> None:
        """Close the pool, if it was opened here."""
        with self._opening:
            if self._pool is not None and self._conninfo is not None:
                self._pool.close(timeout=1.0)
                self._spare.give_back()  # after it: a closed pool's is kept no more
                self._pool = None


def _is_idle(connection: Connection) -> bool:
    return connection.info.transaction_status is TransactionStatus.IDLE
