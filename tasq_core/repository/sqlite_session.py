"""One SQLite connection, and the scope of one piece of work on it."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from typing import Final

from tasq_core.repository.driver import Params, Row
from tasq_core.repository.fair_lock import FairLock
from tasq_core.repository.fork_guard import guard

_NOT_UTF8: Final = "Could not decode to UTF-8"


def is_not_utf8(error: Exception) -> bool:
    """Whether a text column holds other bytes; from then on they come as U+FFFD."""
    return _NOT_UTF8 in str(error)


def _lenient(text: bytes) -> str:
    return text.decode("utf-8", "replace")


class SQLiteSession:
    """One sqlite3 connection, used by one thread at a time.

    `foreign`: the caller made the connection, so its row and text factories aren't ours.
    """

    def __init__(self, raw: sqlite3.Connection, *, foreign: bool = False) -> None:
        self.raw = raw
        self.lock = FairLock()
        self.foreign = foreign
        self._text: Callable[[bytes], str] | type[str] = str

    def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns.

        Raises:
            sqlite3.OperationalError: as SQLite says; of text that isn't UTF-8 only once, from
                then on such bytes come as U+FFFD.
        """
        own = self.raw.text_factory
        with self._cursor() as cursor:
            try:
                self.raw.text_factory = self._text
                return cursor.execute(sql, params).fetchall()
            except sqlite3.OperationalError as error:
                if _NOT_UTF8 in str(error):
                    self._text = _lenient
                raise
            finally:
                self.raw.text_factory = own

    def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed."""
        with self._cursor() as cursor:
            return cursor.execute(sql, params).rowcount

    def change_many(self, sql: str, rows: Iterable[Sequence[object]]) -> int:
        """How many rows a statement changed, run once for each of `rows`."""
        with self._cursor() as cursor:
            return cursor.executemany(sql, rows).rowcount

    def _cursor(self) -> "closing[sqlite3.Cursor]":
        """A cursor that is closed: one left open at a row would hold its snapshot."""
        cursor = self.raw.cursor(sqlite3.Cursor)
        cursor.row_factory = None
        return closing(cursor)


class Scope:
    """One piece of work on one connection: as a `with` block, or by the two methods by hand.

    Leaving it twice does nothing the second time, so that whoever an exception of a signal
    handler reaches in between may leave it again.
    """

    def __init__(
        self,
        connect: Callable[[], SQLiteSession],
        *,
        begin: bool,
        on_commit: Callable[[], None] | None = None,
    ) -> None:
        self._connect = connect
        self._begin = begin
        self._on_commit = on_commit
        self._session: SQLiteSession | None = None
        self._begun = False

    def __enter__(self) -> SQLiteSession:
        try:
            guard.enter(self)
            session = self._connect()
        except BaseException:
            guard.leave(self)
            raise
        try:
            session.lock.acquire()
            self._session = session
            if self._begin and not (session.foreign and session.raw.in_transaction):
                self._begun = not session.raw.in_transaction
                # One that is deferred and turns into a write fails at once, whatever the timeout.
                session.raw.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._session = session
            self._leave()
            raise
        return session

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        session = self._session
        if session is None:
            guard.leave(self)
            return
        try:
            if self._begun and error is None:
                session.raw.execute("COMMIT")
        finally:
            self._leave()
        if self._begun and error is None and self._on_commit is not None:
            self._on_commit()

    def _leave(self) -> None:
        """Undo what wasn't committed, and let others at the connection."""
        session, self._session = self._session, None
        if session is None:
            return
        try:
            if self._begun and session.raw.in_transaction:
                with suppress(sqlite3.Error):
                    session.raw.execute("ROLLBACK")
        finally:
            with suppress(RuntimeError):  # interrupted before it had the lock
                session.lock.release()
            guard.leave(self)
