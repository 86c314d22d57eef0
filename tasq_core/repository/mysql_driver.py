"""Connections to MySQL and MariaDB: the pool, transactions, and PyMySQL's errors into ours."""

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final

import pymysql
from dbutils.pooled_db import PooledDB
from pymysql.connections import Connection
from pymysql.constants import CLIENT, CR, ER, FIELD_TYPE, SERVER_STATUS
from pymysql.converters import conversions

from tasq_core.errors import (
    InvalidInputError,
    InvalidTypeError,
    ReadOnlyError,
    RepositoryError,
    RepositoryUnavailableError,
    TableMissingError,
)
from tasq_core.repository.driver import Params, Row, Session
from tasq_core.repository.mysql_hosts import first_reached
from tasq_core.repository.redaction import redact, redact_text
from tasq_core.repository.urls import DatabaseUrl, parse_url

_SILENCE_SECONDS: Final = 60.0
"""After so long without a byte from the server a connection is given up."""

_TRANSIENT: Final = {ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT, ER.CHECKREAD}
_KILLED: Final = 1927
_DENIED: Final = {ER.ACCESS_DENIED_ERROR, 1698}
"""Wrong password; the second where the server's plugin takes none."""
_REFUSED: Final = _DENIED | {
    ER.BAD_DB_ERROR, ER.DBACCESS_DENIED_ERROR, ER.CON_COUNT_ERROR,
    ER.SERVER_SHUTDOWN, ER.NORMAL_SHUTDOWN, ER.QUERY_INTERRUPTED, ER.HOST_IS_BLOCKED,
    ER.HOST_NOT_PRIVILEGED, _KILLED, 1969, 3024,
}  # fmt: skip
"""The server won't serve us now; the last three: killed, and out of time (MariaDB, MySQL)."""
_READ_ONLY: Final = {1792, ER.OPTION_PREVENTS_STATEMENT, 1836}
"""In a read-only transaction, on a read-only server, in read-only mode."""
_LOST: Final = {CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, CR.CR_CONN_HOST_ERROR,
                CR.CR_CONNECTION_ERROR, CR.CR_UNKNOWN_HOST, CR.CR_SERVER_LOST_EXTENDED}  # fmt: skip

_SSL_OPTIONS: Final = {"ssl_ca", "ssl_cert", "ssl_key"}
_OPTIONS: Final = _SSL_OPTIONS | {"unix_socket"}


class PoolExhaustedError(Exception):
    """No connection of the pool came free in time."""


class _NeverRaisedError(Exception):
    """Tells DBUtils to try nothing again by itself, behind the flow's back."""


_ROWS_MATCHED: Final = re.compile(rb"Rows matched: (\d+)")


class MySQLSession:
    """Statements on one connection."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        with self.raw.cursor() as cursor:
            cursor.execute(sql, dict(params))
            return list(cursor.fetchall())

    def change(self, sql: str, params: Params) -> int:
        """How many rows a statement matched; an insert of an id that exists matches none."""
        with self.raw.cursor() as cursor:
            try:
                count = int(cursor.execute(sql, dict(params) or None))
            except pymysql.IntegrityError as error:
                if error.args[0] == ER.DUP_ENTRY:
                    return 0
                raise
            # A connection of the caller's counts the changed rows alone.
            matched = _ROWS_MATCHED.search(cursor._result.message or b"")  # noqa: SLF001 - no other way
            return int(matched[1]) if matched else count

    def change_many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        """Insert many rows with one statement; how many."""
        with self.raw.cursor() as cursor:
            return int(cursor.executemany(sql, rows) or 0)


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
        self._borrowed: Any = None
        self._pool: PooledDB | None = None
        self._inherited: list[PooledDB] = []
        self._opening = threading.Lock()
        self._running: set[int] = set()
        self._dialect: str | None = None
        self._timeout = connect_timeout
        self._size = pool_size
        self._free = threading.BoundedSemaphore(pool_size)
        self._statement_timeout = statement_timeout
        self._read_only = read_only
        if isinstance(source, str):
            self._url = parse_url(source)
            self._keywords = _keywords(self._url, connect_timeout, statement_timeout)
        elif read_only:
            raise InvalidInputError(
                "read_only needs a URL: a connection of your own has its session already"
            )
        elif isinstance(source, Connection):
            self._borrowed = source
        elif isinstance(source, PooledDB):
            self._pool = source
        else:
            raise InvalidTypeError(
                "MySQLRepository takes a URL, a PyMySQL connection or a dbutils PooledDB,"
                f" not {type(source).__name__}"
            )

    @property
    def dialect(self) -> str:
        """MySQL or MariaDB: the server says at its first connection."""
        if self._dialect is None:
            with self.read() as session:
                version = str(session.rows("SELECT VERSION()", {})[0][0])
            self._dialect = "mariadb" if "mariadb" in version.lower() else "mysql"
        return self._dialect

    # -- connections -----------------------------------------------------------------------

    def _pooled(self) -> PooledDB:
        with self._opening:
            if self._pool is None:
                self._pool = PooledDB(
                    creator=self._connect,
                    mincached=0,
                    maxcached=self._size,
                    maxconnections=0,  # the semaphore bounds it, with a timeout
                    setsession=_session_settings(self._read_only),
                    failures=(_NeverRaisedError,),  # the flow decides what is tried again
                    ping=0,
                    reset=False,  # a ROLLBACK at each return; ours are over when they return
                    **self._keywords,
                )
                self._pid = os.getpid()
            return self._pool

    def _connect(self, response_timeout: float | None = None, **keywords: Any) -> Any:
        """Connect; the handshake is bounded like the connecting, as PyMySQL's alone isn't."""
        if response_timeout is not None:
            keywords["connect_timeout"] = min(
                keywords["connect_timeout"], max(1.0, response_timeout)
            )
        silence, greeting = keywords["read_timeout"], keywords["connect_timeout"]
        keywords |= {"read_timeout": greeting, "write_timeout": greeting}
        hosts = self._url.hosts if self._url else ()
        connection = first_reached(hosts, keywords, self.lost_connection)
        _bound(connection, response_timeout or silence)
        return connection

    def connect(self, response_timeout: float | None = None) -> Any:
        """A connection of the caller's own, outside the pool; None where we were given ours."""
        return None if self._url is None else self._connect(response_timeout, **self._keywords)

    @contextmanager
    def _connection(self, response_timeout: float | None = None) -> Iterator[Any]:
        if self._borrowed is not None:
            yield self._borrowed
            return
        if not self._free.acquire(timeout=self._timeout):
            raise PoolExhaustedError
        try:
            connection = self._pooled().connection()
            raw = self._raw(connection)
            thread = raw.thread_id()
            if self._url is not None:
                _bound(raw, response_timeout or self._keywords["read_timeout"])
            self._running.add(thread)
            try:
                yield connection
            except BaseException:
                with suppress(Exception):
                    connection.rollback()
                raise
            finally:
                self._running.discard(thread)
                connection.close()
        finally:
            self._free.release()

    @contextmanager
    def read(self, response_timeout: float | None = None) -> Iterator[Session]:
        """A connection where each statement commits by itself, unless the caller has begun."""
        with self._connection(response_timeout) as connection:
            raw = self._raw(connection)
            if self._url is not None or raw.get_autocommit() or _in_transaction(raw):
                yield MySQLSession(connection)
            else:  # one of the caller's, which would wait for a commit
                with self._begun(connection) as session:
                    yield session

    write = read

    @contextmanager
    def transaction(self, response_timeout: float | None = None) -> Iterator[Session]:
        """A connection in a READ COMMITTED transaction; a borrowed one's open one is joined."""
        with self._connection(response_timeout) as connection:
            if self._borrowed is not None and _in_transaction(self._borrowed):
                yield MySQLSession(connection)
            else:
                with self._begun(connection) as session:
                    yield session

    @contextmanager
    def _begun(self, connection: Any) -> Iterator[Session]:
        if self._url is None:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        connection.begin()
        try:
            yield MySQLSession(connection)
            connection.commit()
        except BaseException:
            with suppress(pymysql.Error, OSError):
                connection.rollback()
            raise

    def _raw(self, connection: Any) -> Any:
        """PyMySQL's own connection."""
        return connection if self._borrowed is not None else connection._con._con  # noqa: SLF001 - DBUtils hides it

    def join(self, connection: Any) -> Session:
        """The caller's PyMySQL connection."""
        if not isinstance(connection, Connection):
            raise InvalidTypeError(
                f"connection must be a pymysql Connection, not {type(connection).__name__}"
            )
        return MySQLSession(connection)

    # -- errors ----------------------------------------------------------------------------

    def translate(self, error: Exception, table: str) -> RepositoryError:
        """Our error for one of PyMySQL's."""
        where = redact(self._url.text) if self._url else "MySQL"
        if isinstance(error, PoolExhaustedError):
            return RepositoryUnavailableError(
                f"no connection to {where} came free in {self._timeout:g} s; raise pool_size or"
                " hold them shorter"
            )
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        text = redact_text(str(error.args[-1] if error.args else error) or type(error).__name__)
        if code == ER.NO_SUCH_TABLE and table in text:
            return TableMissingError(
                f"table {table!r} doesn't exist in {where}; run `tasq migrate` or client.migrate()",
                table,
            )
        if code in _READ_ONLY:
            return ReadOnlyError(f"{where} is open read-only: {text}")
        if code in _REFUSED | _LOST or isinstance(error, OSError | pymysql.InterfaceError):
            return RepositoryUnavailableError(f"can't use {where}: {text}{_hint(code)}")
        return RepositoryError(f"{where}, table {table!r}: {text}")

    def is_transient(self, error: Exception) -> bool:
        """A deadlock, a lock not had in time, a row changed since it was read."""
        code = error.args[0] if error.args else None
        return code in _TRANSIENT and self._borrowed is None

    def lost_connection(self, error: Exception) -> bool:
        """The server ended it, or the network did."""
        code = error.args[0] if error.args else None
        broke = isinstance(error, OSError | pymysql.InterfaceError)
        return broke or code in _LOST | {_KILLED, ER.SERVER_SHUTDOWN, ER.NORMAL_SHUTDOWN}

    def recover(self) -> None:
        """Drop the idle connections; after a fork, leave them to the parent."""
        if self._url is None:
            return
        with self._opening:
            pool, self._pool = self._pool, None
        if pool is None:
            return
        if self._pid != os.getpid():
            self._inherited.append(pool)
            self._free = threading.BoundedSemaphore(self._size)
        else:
            with suppress(Exception):
                pool.close()

    def interrupt(self) -> None:
        """Cancel what runs now, through a connection of its own."""
        running = list(self._running)
        if self._url is None or not running:
            return
        with suppress(pymysql.Error, OSError):
            connection = self._connect(**self._keywords)
            with connection, connection.cursor() as cursor:
                for thread in running:
                    with suppress(pymysql.Error):
                        cursor.execute("KILL QUERY %s", (thread,))

    def close(self) -> None:
        """Close the pool, if it was opened here."""
        if self._url is not None:
            with self._opening:
                pool, self._pool = self._pool, None
            if pool is not None:
                pool.close()


def _in_transaction(raw: Any) -> bool:
    """Whether the caller has begun; PyMySQL learns of it from some answers only, so ask."""
    raw.ping(reconnect=False)
    return bool(raw.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)


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
    silence = _SILENCE_SECONDS if statement_timeout is None else statement_timeout + 1
    return {
        "user": url.user,
        "password": url.password or "",
        "database": url.database,
        "charset": "utf8mb4",
        "autocommit": True,
        "conv": {**conversions, FIELD_TYPE.DATETIME: _read_datetime},
        # Rows matched, not rows changed: a write that repeats itself still holds its lease.
        "client_flag": CLIENT.FOUND_ROWS,
        "connect_timeout": max(1, round(connect_timeout)),
        "read_timeout": silence,
        "write_timeout": silence,
        **url.query,
    }


def _read_datetime(text: str) -> datetime | str:
    """A tenth of the time of PyMySQL's own; a zero date stays text."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _bound(connection: Any, silence: float) -> None:
    """Give up `connection` after so many seconds without a byte; PyMySQL has no public way."""
    connection._read_timeout = connection._write_timeout = silence  # noqa: SLF001


def _session_settings(read_only: bool) -> list[str]:
    settings = [
        # Under REPEATABLE READ a claim that finds nothing locks gaps against every producer.
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        # A statement whose client gave up goes on waiting for its lock, 50 seconds by default.
        # And a transaction cut off from its client keeps its row locks until the session ends:
        # MariaDB can end it by itself. MySQL reads the marked part as a comment.
        (
            "SET SESSION innodb_lock_wait_timeout = 5"
            " /*M!100300 , SESSION idle_transaction_timeout = 8 */"
        ),
        "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
    ]
    if read_only:
        settings.append("SET SESSION TRANSACTION READ ONLY")
    return settings


def _hint(code: int) -> str:
    if code in _DENIED:
        return "; check the user and password in the URL"
    if code in {ER.BAD_DB_ERROR, ER.DBACCESS_DENIED_ERROR}:
        return "; check the database's name in the URL"
    if code in {CR.CR_CONN_HOST_ERROR, CR.CR_UNKNOWN_HOST}:
        return "; check the host and port, and that the server is running"
    return ""
