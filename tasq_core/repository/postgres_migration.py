"""Makes PostgreSQL's schema, or adopts the one Go made. Safe in several processes at once."""

import threading
from typing import Any, Final

import psycopg
from psycopg import errors

from tasq_core.errors import RepositoryError
from tasq_core.sql import fill, load_schema

_INDEXES: Final = (
    "index_claim_created", "index_claim_priority", "index_exhausted", "index_status",
    "index_finished",
)  # fmt: skip
_TRY_AGAIN: Final = 0.05
_PATIENCE: Final = 3600.0
"""Seconds to wait for another process that migrates: it may be indexing millions of rows."""


def migrate(connection: "psycopg.Connection[Any]", slots: dict[str, str]) -> None:
    """Bring the table that `slots` names up to date."""
    statements = {name: fill(text, slots) for name, text in load_schema("postgres").items()}
    lock = f"tasq migrate {slots['name']}"
    _lock(connection, lock)
    try:
        with connection.transaction():
            _create_table(connection, statements, slots)
            _create_trigger(connection, statements, slots)
        filled = _scalar(connection, f"SELECT EXISTS (SELECT 1 FROM {slots['tasks']})")  # noqa: S608
        for name in _INDEXES:
            _create_index(connection, statements[name], concurrently=filled)
    finally:
        _scalar(connection, "SELECT pg_advisory_unlock(hashtext(%s))", lock)


def _lock(connection: "psycopg.Connection[Any]", lock: str) -> None:
    """Wait for the lock by trying.

    A blocked wait would hold a snapshot, and another process's CREATE INDEX CONCURRENTLY
    waits until there is none.
    """
    pause = threading.Event()
    for _ in range(round(_PATIENCE / _TRY_AGAIN)):
        if _scalar(connection, "SELECT pg_try_advisory_lock(hashtext(%s))", lock):
            return
        pause.wait(_TRY_AGAIN)
    raise RepositoryError(f"another process has been migrating for an hour ({lock!r} is locked)")


def _create_table(
    connection: "psycopg.Connection[Any]", statements: dict[str, str], slots: dict[str, str]
) -> None:
    if _scalar(connection, "SELECT to_regtype(%s) IS NULL", slots["enum"]):
        try:
            with connection.transaction():
                connection.execute(statements["create_enum"])
        except (errors.DuplicateObject, errors.UniqueViolation):
            pass  # a Go program was faster; it takes no lock
    connection.execute(statements["create_table"])


def _create_trigger(
    connection: "psycopg.Connection[Any]", statements: dict[str, str], slots: dict[str, str]
) -> None:
    name = f"{slots['name']}_tasq_notify"
    found = _scalar(
        connection,
        "SELECT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = %s AND tgrelid = %s::regclass)",
        name, slots["tasks"],
    )  # fmt: skip
    if not found:
        connection.execute(statements["notify_function"])
        connection.execute(statements["notify_trigger"])


def _create_index(
    connection: "psycopg.Connection[Any]", statement: str, *, concurrently: bool
) -> None:
    name = statement.partition("EXISTS ")[2].split()[0]
    # A CONCURRENTLY that was cut off leaves an index that is never used; make it anew.
    invalid = "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
    if _scalar(connection, invalid, name):
        connection.execute(f"DROP INDEX IF EXISTS {name}")
    if concurrently and connection.autocommit:
        statement = statement.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1)
    connection.execute(statement)


def _scalar(connection: "psycopg.Connection[Any]", query: str, *params: object) -> Any:
    row = connection.execute(query, params or None).fetchone()
    return row[0] if row else None
