"""Connections to SQLite: one that writes, behind a lock, and one that reads beside it (WAL)."""

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Final

from tasq_core.errors import (
    InvalidInputError,
    InvalidTypeError,
    ReadOnlyError,
    RepositoryError,
    RepositoryUnavailableError,
    StatementTimeoutError,
    TableMissingError,
)
from tasq_core.filters.dialects import SQLITE_LOWER
from tasq_core.locks import new_lock
from tasq_core.repository.driver import Ask
from tasq_core.repository.fork_guard import guard
from tasq_core.repository.redaction import redact
from tasq_core.repository.sqlite_session import Scope, SQLiteSession, is_not_utf8
from tasq_core.repository.urls import parse_url

_OLDEST: Final = (3, 35, 0)
BUSY_SECONDS: Final = 10.0
_TRY_AGAIN_SECONDS: Final = 0.005
_READER_CACHE_KIB: Final = 512
"""A program that looks has several readers; the system caches the file for all of them."""
_SYNCHRONOUS: Final = ("off", "normal", "full", "extra")

# Errors that another try may get past: a writer that holds on, a full disk.
_UNAVAILABLE: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR",
                       "SQLITE_FULL", "SQLITE_INTERRUPT")  # fmt: skip


def add_functions(raw: sqlite3.Connection) -> None:
    """What searches need of SQL and SQLite lacks."""
    raw.create_function(SQLITE_LOWER, 1, _lower, deterministic=True)


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


class SQLiteDriver:
    """The connections of one SQLite database."""

    errors = (sqlite3.Error, sqlite3.Warning)

    def __init__(
        self, source: str | sqlite3.Connection, *, read_only: bool, busy_timeout: float
    ) -> None:
        self._read_only = read_only
        self._busy_timeout = busy_timeout
        self._opening = new_lock()
        self._inherited: list[SQLiteSession] = []
        self._torn = False
        self._writer: SQLiteSession | None = None
        self._reader: SQLiteSession | None = None
        self._owned = isinstance(source, str)
        self.borrowed = source if isinstance(source, sqlite3.Connection) else None
        self._renew_condition()
        self.path: Path | None = None
        self._synchronous = "full"
        if sqlite3.sqlite_version_info < _OLDEST:
            raise RepositoryError(
                f"SQLite {sqlite3.sqlite_version} is too old: tasq needs 3.35 or newer"
            )
        if isinstance(source, sqlite3.Connection) and read_only:
            raise InvalidInputError(
                "read_only needs a URL: a connection of your own has its session already"
            )
        if isinstance(source, sqlite3.Connection):
            add_functions(source)
            self._writer = self._reader = SQLiteSession(source, foreign=True)
        elif isinstance(source, str):
            self._read_url(source)
            guard.watch(self)
        else:
            raise InvalidTypeError(
                f"SQLiteRepository takes a URL or a sqlite3.Connection, not {source!r}"
            )

    def _renew_condition(self) -> None:
        # Its lock is entered as itself, in one step: see `ForkGuard`.
        self._change_lock = new_lock()
        self.changed = threading.Condition(self._change_lock)

    def _read_url(self, source: str) -> None:
        url = parse_url(source if "://" in source else f"sqlite:///{source}")
        if url.kind != "sqlite":
            raise InvalidInputError(
                f"{redact(source)!r} is not a URL of SQLite's: sqlite:///file.db"
            )
        self.path = Path(url.database).absolute() if url.database else None
        self._synchronous = url.query.get("synchronous", "full").lower()
        unknown = set(url.query) - {"synchronous"}
        if unknown or self._synchronous not in _SYNCHRONOUS:
            raise InvalidInputError(
                f"{redact(source)!r}: only ?synchronous={'|'.join(_SYNCHRONOUS)} is understood"
            )

    def dialect(self, ask: Ask) -> str:
        """SQLite, whatever the file says."""
        del ask
        return "sqlite"

    # -- connections -----------------------------------------------------------------------

    def _open(self, *, read_only: bool) -> SQLiteSession:
        if self.path is None:
            raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        else:
            # Reading makes no file: a mistyped path is an error, not an empty database.
            mode = "ro" if self._read_only else "rw" if read_only else "rwc"
            raw = sqlite3.connect(
                f"{self.path.as_uri()}?mode={mode}",
                uri=True,
                timeout=self._busy_timeout,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            if self.path is not None and not self._read_only and not read_only:
                self._enter_wal(raw)
                raw.execute(f"PRAGMA synchronous = {self._synchronous}")
            if read_only:
                raw.execute("PRAGMA query_only = ON")
                raw.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB}")
        except sqlite3.Error:
            raw.close()
            raise
        add_functions(raw)
        return SQLiteSession(raw)

    def _enter_wal(self, raw: sqlite3.Connection) -> None:
        """Turn on the write-ahead log.

        Of several that do so to a fresh file at once, SQLite refuses all but one without
        waiting: each holds a lock the other needs.
        """
        pause, deadline = threading.Event(), time.monotonic() + self._busy_timeout
        while True:
            try:
                raw.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                    raise
                pause.wait(_TRY_AGAIN_SECONDS)
            else:
                return

    def _check_whole(self) -> None:
        """Refuse a child whose copy of SQLite's locks belongs to a thread that it hasn't.

        Raises:
            RepositoryError: says how to start children instead.
        """
        if self._torn:
            raise RepositoryError(
                "this process was forked while another thread was in the middle of a call to"
                " SQLite, which can't be used here: fork before the first call, or start children"
                ' with multiprocessing\'s "spawn" or "forkserver"'
            )

    def _writing(self) -> SQLiteSession:
        self._check_whole()
        with self._opening:
            if self._writer is None:
                self._writer = self._open(read_only=self._read_only)
                if self.path is None:
                    self._reader = self._writer
            return self._writer

    def _reading(self) -> SQLiteSession:
        if self.path is None:
            return self._writing()
        self._check_whole()
        with self._opening:
            if self._reader is None:
                self._reader = self._open(read_only=True)
            return self._reader

    def check_writable(self, done: str) -> None:
        """Refuse what a read-only client must not do, whether or not it would write.

        Args:
            done: what is refused, as a participle.

        Raises:
            ReadOnlyError: the client is read-only.
        """
        if self._read_only:
            where = self.path or "the SQLite database"
            raise ReadOnlyError(f"{where} is open read-only: nothing is {done}")

    def has_file(self) -> bool:
        """Whether there is something to read without making it."""
        return self.path is None or self.path.exists()

    @property
    def opens_connections(self) -> bool:
        """Whether the driver made its connections itself."""
        return self._owned

    def read(self, response_timeout: float | None = None) -> Scope:
        """The reading connection."""
        del response_timeout  # nothing here stays silent: locks have the busy timeout
        return Scope(self._reading, begin=False)

    def transaction(self, response_timeout: float | None = None) -> Scope:
        """The writing connection, in a transaction that has the write lock from its start."""
        del response_timeout
        return Scope(self._writing, begin=True, on_commit=self._notify)

    def _notify(self) -> None:
        with self._change_lock:
            self.changed.notify_all()

    write = transaction

    def open_raw(self) -> sqlite3.Connection:
        """A further reading connection of the caller's own, to the same file."""
        return self._open(read_only=True).raw

    # -- errors ----------------------------------------------------------------------------

    def translate(self, error: Exception, table: str) -> RepositoryError:
        """Our error for one of sqlite3's."""
        name = getattr(error, "sqlite_errorname", "") or ""
        text = str(error)
        path = self.path
        where = str(path or "the SQLite database")
        if name == "SQLITE_CANTOPEN" and path and not path.exists() and path.parent.is_dir():
            return TableMissingError(
                f"table {table!r} doesn't exist, nor does its file {path}; check the path, or run"
                " `tasq migrate` or client.migrate()",
                table,
            )
        if "no such table" in text and table in text:
            # What is in memory is of this process alone: `tasq migrate` would make another.
            remedy = (
                "call client.migrate(), or name a file: sqlite:///tasks.db"
                if path is None and self._owned
                else "run `tasq migrate` or client.migrate()"
            )
            return TableMissingError(f"table {table!r} doesn't exist in {where}; {remedy}", table)
        if name.startswith("SQLITE_READONLY") or "readonly database" in text:
            return ReadOnlyError(f"{where} is open read-only: {text}")
        if name == "SQLITE_NOTADB":
            return RepositoryError(
                f"{where} isn't a SQLite database, or is encrypted; check its path"
            )
        if name == "SQLITE_INTERRUPT":
            return StatementTimeoutError(f"{where}: the statement was cancelled: {text}")
        if name.startswith(_UNAVAILABLE) or "closed" in text:
            return RepositoryUnavailableError(
                f"{where} can't be used now: {text}{self._hint(name)}"
            )
        return RepositoryError(f"{where}: {text}")

    def _hint(self, name: str) -> str:
        if name.startswith("SQLITE_CANTOPEN"):
            return "; check that the folder exists and may be written to"
        if name.startswith("SQLITE_BUSY"):
            return f"; another process kept its write lock for {self._busy_timeout:g} s"
        if name.startswith("SQLITE_FULL"):
            return "; free some disk space"
        return ""

    def adopted(self, error: Exception) -> Exception:
        """Itself: what libraries put around sqlite3 raises sqlite3's errors."""
        return error

    def is_transient(self, error: Exception) -> bool:
        """A snapshot that another writer has overtaken; text that the next try reads."""
        return (
            is_not_utf8(error) or getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY_SNAPSHOT"
        )

    def lost_connection(self, error: Exception) -> bool:
        """The file moved or failed under us; a lock held by another isn't cured by reopening."""
        name = getattr(error, "sqlite_errorname", "") or ""
        return name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")) or "closed" in str(error)

    def recover(self) -> None:
        """Close what is open; the next call opens anew."""
        with guard.call():
            self.before_fork()

    def before_fork(self) -> None:
        """Close what is open: in a child SQLite would take the parent's file locks for its own."""
        if not self._owned or self.path is None:
            return
        with self._opening:
            connections = [c for c in (self._writer, self._reader) if c is not None]
            self._writer = self._reader = None
        for connection in connections:
            with connection.lock:
                connection.raw.close()

    def after_fork(self, *, torn: bool) -> None:
        """In a child: use none of the parent's connections to a file."""
        self._opening = new_lock()
        self._renew_condition()
        self._torn = torn
        if self.path is not None:
            # There are some only where the fork was torn; closing them would drop locks.
            self._inherited += [c for c in (self._writer, self._reader) if c is not None]
            self._writer = self._reader = None

    def interrupt(self) -> None:
        """Cancel what runs now."""
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.raw.interrupt()

    def close(self) -> None:
        """Close the connections opened here."""
        if not self._owned:
            return
        with guard.call(), self._opening:
            for connection in {self._writer, self._reader} - {None}:
                assert connection is not None  # noqa: S101 - for the type checker
                with connection.lock:
                    connection.raw.close()
            self._writer = self._reader = None
