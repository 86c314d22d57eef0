"""Connections of the drivers for raw SQL; those to PostgreSQL serve one test after the other.

There a new one costs 10 ms of processor time, and its first look into the catalog as much again.
Each process keeps one a server. It goes back as the server gave it: `DISCARD ALL` ends what a
test left in its session (settings, LISTEN, advisory locks).
"""

import atexit
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

_LOCK_SECONDS = 5
"""How long raw SQL waits for a lock that a test left behind."""

_kept: dict[tuple[int, str], Any] = {}


def connect(backend: str, url: str, autocommit: bool) -> Any:
    """A new connection, with session time UTC."""
    if backend == "sqlite":
        path = url.removeprefix("sqlite:///")
        isolation: Literal["DEFERRED"] | None = None if autocommit else "DEFERRED"
        return sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=isolation)
    if backend == "postgres":
        import psycopg

        settings = f"-c timezone=UTC -c lock_timeout={_LOCK_SECONDS}s"
        return psycopg.connect(url, autocommit=autocommit, options=settings, connect_timeout=10)
    import pymysql

    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/"),
        charset="utf8mb4",
        autocommit=autocommit,
        connect_timeout=10,
        ssl_disabled=True,  # PyMySQL would read all certificates of the system, for each
        init_command=f"SET time_zone = '+00:00', lock_wait_timeout = {_LOCK_SECONDS},"
        f" innodb_lock_wait_timeout = {_LOCK_SECONDS}",
    )


def take(backend: str, url: str) -> Any:
    """A connection that commits each statement: the kept one if it still works, or a new one."""
    kept = _kept.pop((os.getpid(), url), None)
    if kept is not None:
        with suppress(Exception):  # whatever the driver raises once the server has ended it
            kept.execute("SELECT 1")
            return kept
        kept.close()
    connection = connect(backend, url, autocommit=True)
    if backend == "postgres":
        connection.prepare_threshold = None  # DISCARD ALL forgets what psycopg has prepared
    return connection


def give_back(url: str, connection: Any) -> None:
    """Keep what `take` gave for the next caller, or close it; a session with an error isn't kept."""
    key = (os.getpid(), url)
    if key not in _kept and hasattr(connection, "info"):  # psycopg's; others are cheap to make
        with suppress(Exception):
            connection.execute("DISCARD ALL")
            _kept[key] = connection
            return
    connection.close()


@contextmanager
def taken(backend: str, url: str) -> Iterator[Any]:
    """A cursor that commits each statement, on a connection that is given back."""
    connection = take(backend, url)
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        give_back(url, connection)


@contextmanager
def connected(backend: str, url: str) -> Iterator[Any]:
    """The same on a connection of its own."""
    connection = connect(backend, url, autocommit=True)
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


@atexit.register
def _close_kept() -> None:
    for (pid, _url), connection in _kept.items():
        if pid == os.getpid():  # else a parent's, which goes on
            connection.close()
