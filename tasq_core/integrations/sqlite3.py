"""The standard library's sqlite3: a Connection."""

import sqlite3
from collections.abc import Callable
from typing import Any

from tasq_core.repository.joining import Joined, refuse_autocommit, refuse_closed, refuse_type
from tasq_core.repository.sqlite_session import SQLiteSession

BEGIN = 'begin one with execute("BEGIN IMMEDIATE"), or connect without isolation_level=None'


class JoinedSQLite(SQLiteSession):
    """A sqlite3 connection, whatever its row and text factories."""

    family = "sqlite"
    errors = (sqlite3.Error, sqlite3.Warning)

    def native(self) -> "JoinedSQLite":
        """Itself."""
        return self

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Nothing: consumers see the file change."""


def join(connection: Any) -> Joined:
    """Join an open sqlite3 connection; begins its transaction, as an INSERT would."""
    if not isinstance(connection, sqlite3.Connection):
        refuse_type(connection)
    try:
        within = connection.in_transaction
        if not within and not commits_by_itself(connection):
            connection.execute("BEGIN")  # a savepoint alone would commit at its end
            within = True
    except sqlite3.ProgrammingError as error:
        if "closed" not in str(error):
            raise
        refuse_closed(connection)
    if not within:
        refuse_autocommit(connection, BEGIN)
    return JoinedSQLite(connection, foreign=True)


def commits_by_itself(connection: Any) -> bool:
    """Whether a statement outside a transaction commits at once."""
    return connection.isolation_level is None or getattr(connection, "autocommit", None) is True
