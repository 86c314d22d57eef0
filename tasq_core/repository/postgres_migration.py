"""Makes PostgreSQL's schema, or adopts the one Go made. Safe in several processes at once.

It looks before it touches anything: with nothing missing it takes no lock and needs no right
to create, and a table that isn't a task table is left alone.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import errors

from tasq_core.errors import RepositoryError
from tasq_core.repository.checks import refuse_foreign_table
from tasq_core.repository.postgres_connection import cursor_of
from tasq_core.repository.rows import text_of
from tasq_core.sql import OBSOLETE_INDEXES, drop_index, fill, load_schema

Connection = psycopg.Connection[Any]

_LOG: Final = logging.getLogger("tasq_core.repository")
_TRY_AGAIN: Final = 0.05
_LET_PASS: Final = 0.5
"""Seconds for the writers between two tries to lock the table."""
_WORD_AFTER: Final = 3.0
"""Seconds of waiting after which the log says for whom."""
LONGEST_WAIT: Final = 600.0
"""Seconds to wait for another process that migrates: it may be indexing millions of rows."""

_SLOW: Final = ("index_", "drop_")
"""What begins so is done without blocking writers, outside a transaction."""
_TABLE: Final = """
    SELECT c.relkind IN ('r', 'p'), ARRAY(
      SELECT attname::text FROM pg_attribute
      WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
    FROM pg_class AS c WHERE c.oid = to_regclass(%s)
"""
_INDEXES: Final = """
    SELECT relname::text, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = to_regclass(%s)
"""
_TRY_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtext(%s))"
_INVALID: Final = """
    SELECT 1 FROM pg_index
    WHERE NOT indisvalid AND indexrelid = to_regclass(%s) AND indrelid = to_regclass(%s)
"""
_TRIGGER: Final = "SELECT 1 FROM pg_trigger WHERE tgname = %s AND tgrelid = to_regclass(%s)"
_HOLDER: Final = """
    SELECT format('process %%s of user %%s (%%s, from %%s, since %%s)', a.pid, a.usename,
      coalesce(nullif(a.application_name, ''), 'unnamed'), coalesce(host(a.client_addr), 'here'),
      to_char(coalesce(a.xact_start, a.backend_start), 'HH24:MI:SS'))
    FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32) | l.objid::bigint = hashtext(%s)::bigint
"""
_BRIEFLY: Final = "SET LOCAL lock_timeout = '100ms'"
_NO_TIMEOUT: Final = """
    SELECT set_config(name, '0', true) FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')
"""


class Migration:
    """What one table's schema needs."""

    def __init__(self, slots: dict[str, str], where: str, notify: bool | None) -> None:
        """For the table that `slots` name, in the database shown as `where`.

        `notify`: whether a trigger notifies of inserts; None leaves it as it is, on for a table
        that is adopted and off for a new one.
        """
        self._notify = notify
        self._slots = slots
        self._where = where
        self._statements = {
            name: fill(text, slots) for name, text in load_schema("postgres").items()
        }
        self._statements |= {
            f"drop_{index}": drop_index("postgres", slots, index) for index in OBSOLETE_INDEXES
        }
        self._lock_name = f"tasq migrate {slots['shown']}"

    def missing(self, connection: Connection) -> list[str]:
        """The names of the statements that have something to make, in their order.

        Raises:
            RepositoryError: there is a table of this name which isn't a task table.
        """
        table, name = self._slots["tasks"], self._slots["name"]
        found = cursor_of(connection).execute(_TABLE, [table]).fetchone()
        if found is not None:
            is_table, columns = found
            listed = list(map(text_of, columns)) if is_table else []
            refuse_foreign_table(self._slots["shown"], self._where, listed)
        there: dict[str, object] = {f"drop_{index}": True for index in OBSOLETE_INDEXES}
        there |= {
            "create_enum": _scalar(connection, "SELECT to_regtype(%s)", self._slots["enum"]),
            "create_table": found,
            "notify_function": not self._notify,
            "notify_trigger": not self._notify,
            "notify_drop": True,
        }
        if found is not None:
            trigger = bool(_scalar(connection, _TRIGGER, f"{name}_tasq_notify", table))
            rows = cursor_of(connection).execute(_INDEXES, [table]).fetchall()
            indexes = {text_of(index): valid for index, valid in rows}
            adopted = not any(index.startswith(f"{name}_tasq_") for index in indexes)
            wanted = (trigger or adopted) if self._notify is None else self._notify
            kept = trigger or not wanted
            there |= {"notify_function": kept, "notify_trigger": kept}
            there["notify_drop"] = wanted or not trigger
            valid = {index for index, ok in indexes.items() if ok}
            there |= {
                f"drop_{index}": f"{name}_tasq_{index}" not in indexes for index in OBSOLETE_INDEXES
            }
            there |= {
                statement: f"{name}_tasq_{statement.removeprefix('index_')}" in valid
                for statement in self._statements
                if statement.startswith("index_")
            }
        return [statement for statement in self._statements if not there.get(statement)]

    def at_once(self, connection: Connection) -> None:
        """Make what is missing in one transaction, indexes included: writers wait for them."""
        with self._locked(connection):
            self._make(connection, self.missing(connection))

    def beside_writers(self, worker: Connection, locker: Connection) -> None:
        """Make what is missing; the indexes of a table that holds rows without blocking writers.

        Such an index can't be made within a transaction, so the lock is another connection's:
        one that belonged to the session would stay behind in a pooler.
        """
        with self._locked(locker):
            locker.execute(_NO_TIMEOUT)
            missing = self.missing(worker)
            if "create_table" in missing or not self._holds_rows(worker):
                with worker.transaction():
                    self._make(worker, missing)
                return
            self._between_writers(worker, [name for name in missing if not name.startswith(_SLOW)])
            slow = [name for name in missing if name.startswith(_SLOW)]
            self._make(worker, slow, concurrently=True)

    def _between_writers(self, connection: Connection, missing: list[str]) -> None:
        """Make what locks the table for an instant, in one transaction.

        Who waits for such a lock behind a long transaction stops each writer that comes later: it
        is waited for briefly, again and again.

        Raises:
            RepositoryError: other transactions hold the table for too long.
        """
        pause, begin = threading.Event(), time.monotonic()
        while True:
            try:
                with connection.transaction():
                    connection.execute(_BRIEFLY)
                    return self._make(connection, missing)
            except errors.LockNotAvailable as error:
                waited = time.monotonic() - begin
                if waited > LONGEST_WAIT:
                    raise RepositoryError(
                        f"{self._where}: table {self._slots['shown']!r} wasn't migrated: for"
                        f" {waited:.0f} s other transactions have held it; end them"
                        " (pg_stat_activity, pg_terminate_backend) and migrate again"
                    ) from error
            pause.wait(_LET_PASS)

    def _holds_rows(self, connection: Connection) -> bool:
        return bool(_scalar(connection, f"SELECT EXISTS (SELECT 1 FROM {self._slots['tasks']})"))  # noqa: S608

    @contextmanager
    def _locked(self, connection: Connection) -> Iterator[None]:
        """A transaction that has the table's migration to itself.

        Waits by trying, each time in a transaction of its own: a blocked wait would hold a
        snapshot, which another process's CREATE INDEX CONCURRENTLY waits for, and a pooler's
        session.

        Raises:
            RepositoryError: another process holds it for too long; says which.
        """
        pause, begin, silent = threading.Event(), time.monotonic(), True
        while True:
            with connection.transaction():
                if _scalar(connection, _TRY_LOCK, self._lock_name):
                    yield
                    return
                waited = time.monotonic() - begin
                if waited > LONGEST_WAIT:
                    raise RepositoryError(
                        f"{self._where}: table {self._slots['shown']!r} wasn't migrated: for"
                        f" {waited:.0f} s it has been locked by {self._holder(connection)}; wait"
                        " for that migration, or end that process with pg_terminate_backend"
                    )
                if silent and waited > _WORD_AFTER:
                    silent = False
                    _LOG.warning(
                        "migrating table %r waits for another migration, by %s",
                        self._slots["shown"],
                        self._holder(connection),
                    )
            pause.wait(_TRY_AGAIN)

    def _holder(self, connection: Connection) -> str:
        return _scalar(connection, _HOLDER, self._lock_name) or "a process that just ended"

    def _make(
        self, connection: Connection, missing: list[str], *, concurrently: bool = False
    ) -> None:
        try:
            for name in missing:
                if name == "create_enum":
                    self._create_enum(connection)
                elif name.startswith("index_"):
                    self._create_index(connection, name, "CONCURRENTLY " if concurrently else "")
                elif name.startswith("drop_"):
                    how = "DROP INDEX CONCURRENTLY " if concurrently else "DROP INDEX "
                    connection.execute(self._statements[name].replace("DROP INDEX ", how, 1))
                else:
                    connection.execute(self._statements[name])
        except errors.InsufficientPrivilege as error:
            what = ", ".join(name.replace("_", " ") for name in missing)
            raise RepositoryError(
                f"{self._where}: this user may not make what table {self._slots['shown']!r} lacks"
                f" ({what}): {str(error).strip()}; run `tasq migrate` once as the table's owner"
                " (for a new table, as a user with the right CREATE on the schema)"
            ) from error

        except errors.InvalidSchemaName as error:
            raise RepositoryError(
                f"{self._where}: the schema {self._slots['schema']} of the prefix doesn't exist:"
                f" CREATE SCHEMA {self._slots['qualifier'].rstrip('.')}, or give another prefix"
            ) from error

    def _create_enum(self, connection: Connection) -> None:
        try:
            with connection.transaction():
                connection.execute(self._statements["create_enum"])
        except (errors.DuplicateObject, errors.UniqueViolation):
            pass  # a Go program was faster; it takes no lock

    def _create_index(self, connection: Connection, name: str, how: str) -> None:
        """Create an index; one left invalid, by a CONCURRENTLY that was cut off, is made anew."""
        index = (
            f'{self._slots["qualifier"]}"{self._slots["name"]}_tasq_{name.removeprefix("index_")}"'
        )
        if _scalar(connection, _INVALID, index, self._slots["tasks"]):
            connection.execute(f"DROP INDEX {how}IF EXISTS {index}")
        # Whatever else has this name is an error, not the index that is missing.
        statement = self._statements[name].replace("IF NOT EXISTS ", "", 1)
        connection.execute(statement.replace("CREATE INDEX ", f"CREATE INDEX {how}", 1))


def _scalar(connection: Connection, query: str, *params: object) -> Any:
    row = cursor_of(connection).execute(query, params or None).fetchone()
    return row[0] if row else None
