"""Connections to MySQL and MariaDB: the pool, and transactions."""

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Final

import pymysql
from pymysql.connections import Connection
from pymysql.constants import CLIENT

from tasq_core.errors import (
    InvalidInputError,
    InvalidTypeError,
    ReadOnlyError,
    RepositoryError,
    RepositoryUnavailableError,
)
from tasq_core.repository import mysql_errors
from tasq_core.repository.connection_pool import Checkout, ConnectionPool, PoolExhaustedError
from tasq_core.repository.driver import Ask, Session
from tasq_core.repository.fork_guard import guard
from tasq_core.repository.mysql_closing import close, is_usable
from tasq_core.repository.mysql_hosts import first_serving
from tasq_core.repository.mysql_passwords import FILE, GROUP, login_of
from tasq_core.repository.mysql_session import CONVERSIONS, MySQLSession
from tasq_core.repository.redaction import redact
from tasq_core.repository.urls import DatabaseUrl, parse_url

_SILENCE_SECONDS: Final = 60.0
"""After so long without a byte from the server a connection is given up."""

_SSL_OPTIONS: Final = {"ssl_ca", "ssl_cert", "ssl_key"}
_OPTIONS: Final = _SSL_OPTIONS | {"unix_socket", FILE, GROUP}


class _Scope:
    """One piece of work on one connection: as a `with` block, or by the two methods by hand.

    Leaving it twice does nothing the second time, so that whoever an exception of a signal
    handler reaches in between may leave it again.
    """

    def __init__(
        self,
        take: Callable[[], MySQLSession],
        give_back: Callable[[], None],
        *,
        begin: bool,
        isolation: str = "",
    ) -> None:
        """`give_back` is called however far `take` came, and may be called again.

        `isolation`: of the transaction that is begun, if not READ COMMITTED.
        """
        self._take = take
        self._give_back = give_back
        self._begin = begin
        self._isolation = isolation
        self._begun = False
        self._session: MySQLSession | None = None

    def __enter__(self) -> MySQLSession:
        try:
            self._session = session = self._take()
            if self._begin or session.foreign:
                self._start(session)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return session

    def _start(self, session: MySQLSession) -> None:
        if session.foreign:
            within = session.in_transaction()
            if within or not (self._begin or not session.autocommits()):
                return
        if session.foreign or self._isolation:
            level = self._isolation or "READ COMMITTED"
            session.change(f"SET TRANSACTION ISOLATION LEVEL {level}", {})
        self._begun = True
        session.command("begin")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None and self._begun and self._session is not None:
                self._session.command("commit")
                self._begun = False
        finally:
            self._leave()

    def _leave(self) -> None:
        try:
            if self._begun and self._session is not None:
                with suppress(pymysql.Error, OSError):
                    self._session.command("rollback")
            self._begun = False
        finally:
            self._give_back()
            self._session = None


class MySQLDriver:
    """The pool of one database, or what the caller brought."""

    errors = (pymysql.Error, PoolExhaustedError, OSError)

    def __init__(
        self,
        source: Any,
        *,
        pool_size: int,
        connect_timeout: float,
        statement_timeout: float | None,
        read_only: bool,
    ) -> None:
        self._url: DatabaseUrl | None = None
        self.borrowed: Any = None
        self._callers_pool: Any = None
        self._pool: ConnectionPool | None = None
        self._inherited: list[ConnectionPool] = []
        self._dialect: str | None = None
        self._timeout = connect_timeout
        self._size = pool_size
        self._read_only = read_only
        if isinstance(source, str):
            self._url = parse_url(source)
            if self._url.kind != "mysql":
                raise InvalidInputError(
                    f"{self._url} is not a URL of MySQL's: mysql://user@host/db"
                )
            self._hosts = self._url.hosts
            guard.watch(self)
            self._keywords = _keywords(self._url, connect_timeout, statement_timeout)
            self._pool = self._new_pool()
        elif read_only:
            raise InvalidInputError(
                "read_only needs a URL: a connection of your own has its session already"
            )
        elif isinstance(source, Connection):
            self.borrowed = source
        elif type(source).__module__.partition(".")[0] == "dbutils":
            self._callers_pool = source
        else:
            raise InvalidTypeError(
                "MySQLRepository takes a URL, a PyMySQL connection or a dbutils PooledDB,"
                f" not {type(source).__name__}"
            )

    def dialect(self, ask: Ask) -> str:
        """MySQL or MariaDB: asked once."""
        if self._dialect is None:
            version = str(ask("SELECT VERSION()")[0][0])
            self._dialect = "mariadb" if "mariadb" in version.lower() else "mysql"
        return self._dialect

    # -- connections -----------------------------------------------------------------------

    def _new_pool(self) -> ConnectionPool:
        return ConnectionPool(
            self._connect, is_usable, close, size=self._size, timeout=self._timeout
        )

    def _connect(self, response_timeout: float | None = None) -> Any:
        """Connect; the handshake is bounded like the connecting, as PyMySQL's alone isn't."""
        keywords = dict(self._keywords)
        silence, greeting = keywords["read_timeout"], keywords["connect_timeout"]
        if response_timeout is not None:
            silence, greeting = response_timeout, min(greeting, max(1.0, response_timeout))
        keywords |= dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), greeting)
        connection = first_serving(
            self._hosts, keywords, self.lost_connection, read_only=self._read_only
        )
        _bound(connection, silence)
        return connection

    def connect(self, response_timeout: float | None = None) -> Any:
        """A connection of the caller's own, outside the pool; None where we were given ours."""
        return None if self._url is None else self._connect(response_timeout)

    def read(self, response_timeout: float | None = None) -> _Scope:
        """A connection where each statement commits by itself, unless the caller has begun."""
        return self._scope(response_timeout, begin=False)

    write = read

    def transaction(self, response_timeout: float | None = None) -> _Scope:
        """A connection in a READ COMMITTED transaction; a borrowed one's open one is joined."""
        return self._scope(response_timeout, begin=True)

    def claim(self, response_timeout: float | None = None) -> _Scope:
        """The same where what others have written but not committed is read, too."""
        return self._scope(response_timeout, begin=True, isolation="READ UNCOMMITTED")

    def _scope(self, response_timeout: float | None, *, begin: bool, isolation: str = "") -> _Scope:
        """The caller's connection, one of the caller's pool, or one of our own."""
        pool, checkout = self._pool, Checkout()
        if pool is None:
            return self._foreign_scope(begin=begin, isolation=isolation)

        def take() -> MySQLSession:
            raw = pool.take(checkout, response_timeout)
            _bound(raw, response_timeout or self._keywords["read_timeout"])
            return MySQLSession(raw)

        return _Scope(take, lambda: pool.put(checkout), begin=begin, isolation=isolation)

    def _foreign_scope(self, *, begin: bool, isolation: str) -> _Scope:
        lent: list[Any] = []

        def take() -> MySQLSession:
            if self.borrowed is not None:
                return MySQLSession(self.borrowed, foreign=True)
            lent.append(self._callers_pool.connection())
            raw = lent[0]._con._con  # noqa: SLF001 - DBUtils hides it
            return MySQLSession(raw, foreign=True)

        def give_back() -> None:
            while lent:
                lent[-1].close()  # a second time does nothing
                lent.pop()

        return _Scope(take, give_back, begin=begin, isolation=isolation)

    @property
    def shown(self) -> str:
        """The database as people may see it."""
        return redact(self._url.text) if self._url else "MySQL"

    def check_writable(self) -> None:
        """Refuse what a read-only client must not do, whether or not it would write.

        Raises:
            ReadOnlyError: the client is read-only.
        """
        if self._read_only:
            raise ReadOnlyError(f"{self.shown} is open read-only: nothing is migrated")

    def unbound(self, session: Session) -> None:
        """Until its next use, let one of our own connections stay silent: an index takes time."""
        if self._url is not None and isinstance(session, MySQLSession):
            _bound(session.raw, None)

    # -- errors ----------------------------------------------------------------------------

    def translate(self, error: Exception, table: str) -> RepositoryError:
        """Our error for one of PyMySQL's."""
        if isinstance(error, PoolExhaustedError):
            return RepositoryUnavailableError(
                f"no connection to {self.shown} came free in {self._timeout:g} s;"
                " raise pool_size or hold them shorter"
            )
        return mysql_errors.translate(error, table, self.shown)

    def adopted(self, error: Exception) -> Exception:
        """Itself: MySQL's number stands first in the errors of each library."""
        return error

    def is_transient(self, error: Exception) -> bool:
        """A deadlock, a lock not had in time; the caller sees to its own transaction."""
        return self.borrowed is None and mysql_errors.is_transient(error)

    def lost_connection(self, error: Exception) -> bool:
        """The server ended it, the network did, or another of several hosts may serve."""
        elsewhere = self._url is not None and len(self._hosts) > 1 and not self._read_only
        return mysql_errors.lost_connection(error) or (
            elsewhere and mysql_errors.is_read_only(error)
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
        if self._pool is not None:
            self._inherited.append(self._pool)
            self._pool = self._new_pool()

    def interrupt(self) -> None:
        """Cancel what runs now, through a connection of its own."""
        running = self._pool.in_use() if self._pool is not None else []
        if not running:
            return
        with suppress(pymysql.Error, OSError):
            connection = self._connect()
            with connection, connection.cursor() as cursor:
                for one in running:
                    with suppress(pymysql.Error):
                        cursor.execute("KILL QUERY %s", (one.thread_id(),))

    def close(self) -> None:
        """Close the pool, if it was opened here."""
        if self._pool is not None:
            self._pool.close()


def _keywords(
    url: DatabaseUrl, connect_timeout: float, statement_timeout: float | None
) -> dict[str, Any]:
    unknown = set(url.query) - _OPTIONS
    if unknown:
        raise InvalidInputError(
            f"{url}: unknown option {min(unknown)!r}; use {', '.join(sorted(_OPTIONS))}"
        )
    if not url.database:
        raise InvalidInputError(f"{url} names no database; append it: mysql://user@host/database")
    login = login_of(url)
    silence = _SILENCE_SECONDS if statement_timeout is None else statement_timeout + 1
    return {
        "user": login.user,
        "password": login.password,
        "database": url.database,
        "charset": "utf8mb4",
        "autocommit": True,
        "conv": CONVERSIONS,
        # Rows matched, not rows changed: a write that repeats itself still holds its lease.
        "client_flag": CLIENT.FOUND_ROWS,
        "connect_timeout": max(1, round(connect_timeout)),
        "read_timeout": silence,
        "write_timeout": silence,
        **{name: value for name, value in url.query.items() if name not in (FILE, GROUP)},
    }


def _bound(connection: Any, silence: float | None) -> None:
    """Give up `connection` after so many seconds without a byte; PyMySQL has no public way."""
    connection._read_timeout = connection._write_timeout = silence  # noqa: SLF001
