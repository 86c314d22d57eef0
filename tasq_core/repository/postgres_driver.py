"""Connections to PostgreSQL: a pool of our own, or what the caller brought."""

import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final

import psycopg
import psycopg_pool
from psycopg import errors
from psycopg.pq import TransactionStatus

from tasq_core.errors import InvalidInputError, InvalidTypeError, RepositoryError
from tasq_core.repository.connection_pool import Checkout, ConnectionPool, PoolExhaustedError
from tasq_core.repository.driver import Ask, Session
from tasq_core.repository.fork_guard import guard
from tasq_core.repository.postgres_connection import (
    BoundedConnection,
    Limits,
    conninfo,
    names_several_hosts,
    settings,
    whole_seconds,
)
from tasq_core.repository.postgres_errors import (
    forget_connections,
    has_lost_connection,
    has_stale_plan,
    translate,
)
from tasq_core.repository.postgres_scope import Scope, close, is_usable
from tasq_core.repository.postgres_session import Connection, PostgresSession
from tasq_core.repository.redaction import redact

Pool = psycopg_pool.ConnectionPool[Any]

_TRANSIENT: Final = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)


class PostgresDriver:
    """The pool of one database, or what the caller brought."""

    errors = (
        psycopg.Error, PoolExhaustedError, psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed,
    )  # fmt: skip

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
        self._pool: ConnectionPool | None = None
        self._callers_pool: Pool | None = None
        self.borrowed: Connection | None = None
        self._conninfo: str | None = None
        self._several_hosts = False
        self.shown = "PostgreSQL"
        self._lent: set[Connection] = set()
        self._inherited: list[object] = []
        self._size = pool_size
        self._timeout = connect_timeout
        self._kwargs = settings(connect_timeout, wake_up)
        self._limits = Limits(read_only, statement_timeout)
        if isinstance(source, str):
            self._conninfo = conninfo(source)
            self._several_hosts = names_several_hosts(self._conninfo)
            self.shown = redact(source)
            self._pool = self._new_pool()
            guard.watch(self)
        elif read_only:
            raise InvalidInputError(
                "read_only needs a URL: a connection of your own has its session already"
            )
        elif isinstance(source, psycopg.Connection):
            self.borrowed = source
        elif isinstance(source, psycopg_pool.ConnectionPool):
            self._callers_pool = source
        else:
            raise InvalidTypeError(
                "PostgresRepository takes a URL, a psycopg connection or a"
                f" psycopg_pool.ConnectionPool, not {type(source).__name__}"
            )

    def dialect(self, ask: Ask) -> str:
        """PostgreSQL, whatever the server says."""
        del ask
        return "postgresql"

    # -- connections -----------------------------------------------------------------------

    def connect(self, response_timeout: float | None = None) -> BoundedConnection:
        """A connection of the caller's own, outside the pool.

        Raises:
            RepositoryUnavailableError: the reason, without the password.
        """
        if self._conninfo is None:
            raise RepositoryError("this repository was given a connection, not a URL")
        timeout = self._within(response_timeout)
        keywords = self._kwargs | {"connect_timeout": whole_seconds(timeout)}
        try:
            with guard.call():
                connection = BoundedConnection.connect(self._conninfo, **keywords)
        except psycopg.Error as error:
            forget_connections(error)
            raise
        try:
            connection.answer_within = timeout
            self._limits.establish(connection)
            connection.answer_within = response_timeout
        except BaseException:
            close(connection)  # a kept traceback would keep its socket open
            raise
        return connection

    def _within(self, response_timeout: float | None) -> float:
        """Seconds to wait for a connection: `connect_timeout` at most."""
        return self._timeout if response_timeout is None else min(self._timeout, response_timeout)

    @property
    def opens_connections(self) -> bool:
        """Whether the driver knows where to connect."""
        return self._conninfo is not None

    def _new_pool(self) -> ConnectionPool:
        """A pool that is closed with this driver, or at the program's end; it keeps none alive."""
        known = weakref.ref(self)

        def connect(response_timeout: float | None) -> BoundedConnection:
            driver = known()
            assert driver is not None  # noqa: S101 - a call that connects keeps it alive
            return driver.connect(response_timeout)

        pool = ConnectionPool(connect, is_usable, close, size=self._size, timeout=self._timeout)
        self._at_exit = weakref.finalize(self, pool.close)
        return pool

    def _scope(self, response_timeout: float | None, *, begin: bool) -> Scope:
        """One of our own connections."""
        pool, checkout = self._pool, Checkout()
        assert pool is not None  # noqa: S101 - there is one where we know where to connect

        def take() -> BoundedConnection:
            connection: BoundedConnection = pool.take(checkout, response_timeout)
            connection.answer_within = response_timeout
            return connection

        def put(error: BaseException | None) -> None:
            if isinstance(error, Exception) and has_stale_plan(error):
                pool.retire()
            pool.put(checkout)

        return Scope(checkout, take, put, self._limits, begin=begin)

    @contextmanager
    def _foreign(self) -> Iterator[Connection]:
        """The caller's connection, or one of the caller's pool."""
        if self.borrowed is None:
            assert self._callers_pool is not None  # noqa: S101 - one of the three is set
            connection = self._callers_pool.getconn(self._timeout)
            self._lent.add(connection)
            try:
                yield connection
            finally:
                self._lent.discard(connection)
                self._callers_pool.putconn(connection)
            return
        try:
            yield self.borrowed
        except psycopg.Error as error:
            if has_stale_plan(error) and _is_idle(self.borrowed):
                # psycopg prepares nothing anew by itself, but after any ROLLBACK it does.
                self.borrowed.execute("BEGIN; ROLLBACK", prepare=False)
            raise

    def read(self, response_timeout: float | None = None) -> AbstractContextManager[Session]:
        """A connection where each statement commits by itself, unless the caller has begun."""
        if self._conninfo is not None:
            return self._scope(response_timeout, begin=False)
        return self._foreign_session(begin=False)

    write = read

    def transaction(self, response_timeout: float | None = None) -> AbstractContextManager[Session]:
        """A connection in a transaction; in a borrowed one's open transaction, a savepoint."""
        if self._conninfo is not None:
            return self._scope(response_timeout, begin=True)
        return self._foreign_session(begin=True)

    @contextmanager
    def _foreign_session(self, *, begin: bool) -> Iterator[Session]:
        with self._foreign() as connection:
            if not begin and (connection.autocommit or not _is_idle(connection)):
                yield PostgresSession(connection)
            else:  # or one of the caller's, which psycopg would leave in a transaction
                with connection.transaction():
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
        """The connection broke, its statements are stale, or another of several hosts may serve."""
        demoted = isinstance(error, errors.ReadOnlySqlTransaction) and not self._limits.read_only
        return (
            has_lost_connection(error) or has_stale_plan(error) or (demoted and self._several_hosts)
        )

    def recover(self) -> None:
        """Drop the idle connections, which may be broken."""
        if self._pool is not None:
            self._pool.drop_idle()

    def before_fork(self) -> None:
        """Nothing: a child makes sessions of its own."""

    def after_fork(self, *, torn: bool) -> None:
        """In a child: leave the parent's sessions alone; closing them would end them for it."""
        del torn
        self._lent = set()
        if self._pool is not None:
            self._at_exit.detach()
            self._inherited.append(self._pool)
            self._pool = self._new_pool()

    def interrupt(self) -> None:
        """Cancel what runs now, through a connection of its own."""
        running = self._pool.in_use() if self._pool is not None else []
        for connection in [*running, *self._lent]:
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=1.0)

    def close(self) -> None:
        """Close the pool, if it was opened here."""
        if self._pool is not None:
            self._pool.close()


def _is_idle(connection: Connection) -> bool:
    return connection.info.transaction_status is TransactionStatus.IDLE
