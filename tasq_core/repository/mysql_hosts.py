"""New connections to MySQL and MariaDB: which host serves, and what its session is set to."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Final

import pymysql
from pymysql.connections import Connection
from pymysql.constants import ER

from tasq_core.repository.fork_guard import guard
from tasq_core.repository.mysql_closing import close, close_at_once
from tasq_core.repository.mysql_errors import NODE_NOT_READY, code_of
from tasq_core.repository.urls import Host

_SETTINGS: Final = (
    # Under REPEATABLE READ a claim that finds nothing locks gaps against every producer.
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    # A statement whose client gave up goes on waiting for its lock, 50 seconds by default.
    # And a transaction cut off from its client keeps its row locks until the session ends:
    # MariaDB ends it by itself. MySQL, which alone reads what is marked 80000, ends any session
    # that was idle so long; the next call connects anew.
    (
        "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'),"
        " SESSION innodb_lock_wait_timeout = 5"
        " /*M!100300 , SESSION idle_transaction_timeout = 8 */"
        " /*!80000 , SESSION wait_timeout = 20 */"
        # Galera: reads and fenced writes wait for what other nodes have committed, else a
        # task that one node has given out is given out by another. Elsewhere without effect.
        " /*M!100600 , SESSION wsrep_sync_wait = 7 */"
    ),
)
_READ_ONLY: Final = "SET SESSION TRANSACTION READ ONLY"


class _Connection(Connection):
    """PyMySQL's, which makes a TLS context for each connection, whether the server has TLS or not.

    That takes 30 ms.
    """

    _unverified: ClassVar[Any] = None

    def _create_ssl_ctx(self, sslp: Any) -> Any:
        found = None if sslp else self._unverified  # certificates may have been renewed
        if found is None:
            found = super()._create_ssl_ctx(sslp)  # type: ignore[misc]
            if not sslp:
                _Connection._unverified = found
        return found


def first_serving(
    hosts: Sequence[Host],
    keywords: Mapping[str, Any],
    is_lost: Callable[[Exception], bool],
    *,
    read_only: bool,
) -> Any:
    """A connection to the first of `hosts` that serves us, its session set up.

    It can be reached, has its cluster, and takes writes unless `read_only`; where none takes
    any, the first that can be read.

    Raises:
        pymysql.OperationalError: of the last host, or of one that answers and refuses us.
    """
    readable: Any = None
    try:
        failure: Exception | None = None
        for host in hosts:
            try:
                connection, takes_writes = _open(host, keywords, read_only=read_only)
            except (pymysql.OperationalError, OSError) as error:
                if not is_lost(error):
                    raise
                failure = error
                continue
            if takes_writes or read_only:
                return connection
            if readable is None:
                readable = connection
            else:
                close(connection)
        if failure is not None and readable is None:
            raise failure
        found, readable = readable, None
        return found
    finally:
        if readable is not None:
            close(readable)


def _open(host: Host, keywords: Mapping[str, Any], *, read_only: bool) -> tuple[Any, bool]:
    """A connection to `host`, and whether it takes writes."""
    name, port = host[0] or "localhost", host[1] or 3306
    with guard.call():
        connection = _Connection(**{**keywords, "host": name, "port": port})
    try:
        with connection.cursor() as cursor:
            for setting in (*_SETTINGS, *([_READ_ONLY] if read_only else [])):
                cursor.execute(setting)
            try:
                cursor.execute("SELECT NOT @@global.read_only")
            except pymysql.OperationalError as error:
                # A node without its cluster takes settings; what waits for the others times out.
                if code_of(error) not in {ER.LOCK_WAIT_TIMEOUT, NODE_NOT_READY}:
                    raise
                raise pymysql.OperationalError(
                    NODE_NOT_READY,
                    f"the Galera node {name}:{port} has lost the majority of its cluster, or not"
                    " yet found it (wsrep_ready is OFF)",
                ) from error
            (takes_writes,) = cursor.fetchone() or (1,)
    except BaseException:
        with suppress(Exception):
            close_at_once(connection)
        raise
    return connection, bool(takes_writes)
