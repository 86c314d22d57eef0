"""Makes MySQL's schema, or adopts the one Go made. Safe in several processes at once.

It looks before it touches anything: with nothing missing it takes no lock and needs no right
to create, and a table that isn't a task table is left alone.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import pymysql
from pymysql.constants import ER

from tasq_core.errors import RepositoryError
from tasq_core.repository.checks import refuse_foreign_table
from tasq_core.repository.driver import Session
from tasq_core.repository.index_check import of_older_version
from tasq_core.repository.mysql_errors import code_of
from tasq_core.repository.rows import text_of
from tasq_core.sql import (
    OBSOLETE_INDEXES,
    drop_index,
    fill,
    load_schema,
    replace_index,
)

_LOG: Final = logging.getLogger("tasq_core.repository")
LONGEST_WAIT: Final = 600.0
"""Seconds to wait for another process that migrates: it may be indexing millions of rows."""
_ONE_WAIT: Final = 2
"""Whole seconds that one statement waits for the lock, so that no answer is long in coming."""

_COLUMNS: Final = """
    SELECT column_name FROM information_schema.columns
    WHERE table_schema = {schema} AND table_name = %(table)s
"""
_HOLDER: Final = """
    SELECT CONCAT('connection ', id, ' of ', user, ' from ', host)
    FROM information_schema.processlist WHERE id = IS_USED_LOCK(%(lock)s)
"""
_ALREADY: Final = {ER.DUP_KEYNAME, ER.CANT_DROP_FIELD_OR_KEY}
"""Another node of a cluster, whose locks aren't ours, made or dropped the index first."""

_OVERTAKEN: Final = {ER.QUERY_INTERRUPTED, 1684}
"""Galera ends what stands in the way of another node's change of the table."""


def migrate(session: Session, slots: dict[str, str], where: str) -> None:
    """Bring the table that `slots` name up to date, in the database shown as `where`.

    Raises:
        RepositoryError: the table isn't a task table, or another process migrates for too long.
    """
    try:
        _migrate(session, slots, where)
    except pymysql.Error as error:
        if code_of(error) not in _OVERTAKEN or not _is_in_cluster(session):
            raise
        raise pymysql.OperationalError(ER.LOCK_DEADLOCK, "another node changed it") from error


def _is_in_cluster(session: Session) -> bool:
    """Whether this is a node of a Galera cluster."""
    return [text_of(row[1]) for row in session.rows("SHOW STATUS LIKE 'wsrep_ready'", {})] == ["ON"]


def _migrate(session: Session, slots: dict[str, str], where: str) -> None:
    if not _missing(session, slots, where):
        return
    lock = {"lock": f"tasq migrate {slots['shown']}"[:64]}
    _take(session, lock)
    try:
        for statement in _missing(session, slots, where):
            try:
                session.change(statement, {})
            except pymysql.Error as error:
                if code_of(error) not in _ALREADY:
                    raise
    finally:
        with suppress(pymysql.Error, OSError):  # it goes with the connection
            session.rows("SELECT RELEASE_LOCK(%(lock)s)", lock)


def _missing(session: Session, slots: dict[str, str], where: str) -> list[str]:
    """The statements that have something to make, to replace or to drop, in their order."""
    table = slots["name"]
    columns = [text_of(row[0]) for row in session.rows(fill(_COLUMNS, slots), {"table": table})]
    indexes: dict[str, str] = {}
    if columns:
        refuse_foreign_table(slots["shown"], where, columns)
        indexes = _indexes(session.rows(f"SHOW INDEX FROM {slots['tasks']}", {}))
    return (
        [
            fill(text, slots)
            for name, text in load_schema("mysql").items()
            if not _is_there(name, table, bool(columns), indexes)
        ]
        + [replace_index(slots, index) for index in of_older_version(indexes, "mysql", table)]
        + [
            drop_index("mysql", slots, index)
            for index in OBSOLETE_INDEXES
            if f"{table}_tasq_{index}" in indexes
        ]
    )


def _indexes(rows: Iterable[Sequence[Any]]) -> dict[str, str]:
    """The columns of each index, in order, from the rows of SHOW INDEX."""
    found: dict[str, list[str]] = {}
    for row in rows:
        length = f"({row[7]})" if row[7] else ""
        descends = " desc" if text_of(row[5] or "") == "D" else ""
        found.setdefault(text_of(row[2]), []).append(f"{text_of(row[4])}{length}{descends}")
    return {name: ", ".join(columns) for name, columns in found.items()}


def _is_there(name: str, table: str, exists: bool, indexes: Mapping[str, str]) -> bool:
    if name == "create_table":
        return exists
    return f"{table}_tasq_{name.removeprefix('index_')}" in indexes


def _take(session: Session, lock: dict[str, Any]) -> None:
    """Wait for the lock, a little at a time.

    Raises:
        RepositoryError: another process holds it for too long; says which.
    """
    begin, said = time.monotonic(), False
    while True:
        got = session.rows(f"SELECT GET_LOCK(%(lock)s, {_ONE_WAIT})", lock)
        if got and got[0][0] == 1:
            return
        holder = session.rows(_HOLDER, lock)
        whom = text_of(holder[0][0]) if holder else "another process"
        waited = time.monotonic() - begin
        if waited > LONGEST_WAIT:
            raise RepositoryError(
                f"{whom} has been migrating for {waited:.0f} s ({lock['lock']!r} is locked);"
                " wait for it to end, or end that connection"
            )
        if not said:
            said = True
            _LOG.warning("migrate waits for %s, which holds %r", whom, lock["lock"])
