"""The state of a table's schema and server, against what this library expects of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from tasq_core.errors import InvalidInputError, RepositoryError
from tasq_core.repository.inspection_sql import SqlInspection
from tasq_core.repository.protocol import Repository
from tasq_core.repository.rows import text_of
from tasq_core.sql import FOLDERS, OBSOLETE_INDEXES, drop_index, fill, load_schema, parse
from tasq_core.task import TaskStatus

_STAMP: Final = "timestamp with time zone"
_COLUMNS: Final[Mapping[str, Mapping[str, tuple[str, bool]]]] = {
    "postgres": {
        "id": ("uuid", True), "type": ("text", True), "args": ("bytea", True),
        "queue": ("text", True), "priority": ("smallint", True), "status": ("*", True),
        "receive_count": ("integer", True), "max_receives": ("integer", True),
        "last_error": ("text", False), "created_at": (_STAMP, True),
        "started_at": (_STAMP, False), "finished_at": (_STAMP, False), "visible_at": (_STAMP, True),
    },
    "mysql": {
        "id": ("binary(16)", True), "type": ("text", True), "args": ("longblob", True),
        "queue": ("text", True), "priority": ("smallint", True), "status": ("*", True),
        "receive_count": ("int", True), "max_receives": ("int", True),
        "last_error": ("text", False), "created_at": ("datetime(6)", True),
        "started_at": ("datetime(6)", False), "finished_at": ("datetime(6)", False),
        "visible_at": ("datetime(6)", True),
    },
    "sqlite": {
        "id": ("BLOB", True), "type": ("TEXT", True), "args": ("BLOB", True),
        "queue": ("TEXT", True), "priority": ("INTEGER", True), "status": ("TEXT", True),
        "receive_count": ("INTEGER", True), "max_receives": ("INTEGER", True),
        "last_error": ("TEXT", False), "created_at": ("INTEGER", True),
        "started_at": ("INTEGER", False), "finished_at": ("INTEGER", False),
        "visible_at": ("INTEGER", True),
    },
}  # fmt: skip
"""Column, its type ("*": the enum, looked at by its labels) and whether it is NOT NULL."""

_LABEL: Final = re.compile(r"'(\w+)'")
_DISPLAY_WIDTH: Final = re.compile(r"\b(smallint|int)\(\d+\)")


@dataclass(frozen=True, slots=True)
class Structure:
    """What stands in the database, and how it differs from what is needed."""

    version: str
    zone: str
    """The session's time zone."""
    exists: bool
    differences: tuple[str, ...]
    """Columns, types and labels that differ: neither we nor Go can rely on this table."""
    missing: tuple[tuple[str, str], ...]
    """(name, DDL) of what `migrate` would do."""
    notify_trigger: bool | None
    """Whether a trigger notifies at every insert; None where databases know no notices."""
    lacking: tuple[str, ...]
    """Rights on the table that this user doesn't have."""
    table_bytes: int
    index_bytes: int
    rows: int
    """The server's estimate; 0 where it has none."""
    dead: int
    """PostgreSQL: its estimate of dead rows. SQLite: free bytes. Elsewhere 0."""


def structure(repository: Repository) -> Structure:
    """Look at the server and at the table, which need not exist.

    Raises:
        RepositoryError: a question the server refused.
        InvalidInputError: a repository of another kind than this library's.
    """
    if not isinstance(repository, SqlInspection):
        raise InvalidInputError(f"{type(repository).__name__} has no schema to look at")
    look = _Look(repository)
    columns = [
        (text_of(name), text_of(kind), bool(needed)) for name, kind, needed in look.rows("columns")
    ]
    size = look.rows("size")
    table_bytes, index_bytes, rows, dead = map(int, size[0]) if size else (0, 0, 0, 0)
    return Structure(
        version=text_of(look.rows("version")[0][0]),
        zone=text_of(look.rows("zone")[0][0]),
        exists=bool(columns),
        differences=tuple(look.differences(columns)) if columns else (),
        missing=tuple(look.missing(exists=bool(columns))),
        notify_trigger=look.notify_trigger(),
        lacking=tuple(look.lacking()) if columns else (),
        table_bytes=table_bytes,
        index_bytes=index_bytes,
        rows=rows,
        dead=dead,
    )


def unknown_columns(repository: Repository) -> list[str]:
    """The table's columns that aren't tasq's: what we write of a row leaves them out.

    Raises:
        RepositoryError: the database refused.
    """
    if not isinstance(repository, SqlInspection):
        return []
    look = _Look(repository)
    found = [text_of(name) for name, *_ in look.rows("columns")]
    return [name for name in found if name not in _COLUMNS[FOLDERS[repository.dialect]]]


def missing_schema(repository: Repository) -> list[tuple[str, str]]:
    """(name, DDL) of what `migrate` would do, in order; nothing where all is there."""
    return list(structure(repository).missing)


class _Look:
    """Asks one repository's database."""

    def __init__(self, repository: SqlInspection) -> None:
        self._repository = repository
        self._folder = FOLDERS[repository.dialect]
        self._statements = _load(self._folder)
        self._slots: dict[str, str] = repository._slots  # noqa: SLF001 - of this package

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        sql = fill(self._statements[name], self._slots)
        return self._repository._rows_of(sql, {})  # noqa: SLF001 - of this package

    def differences(self, columns: list[tuple[str, str, bool]]) -> list[str]:
        """Each column that isn't as the contract has it, and the labels of the status."""
        expected = _COLUMNS[self._folder]
        found = {name: (_DISPLAY_WIDTH.sub(r"\1", kind), needed) for name, kind, needed in columns}
        told = [f"column {name} is missing" for name in expected if name not in found]
        told += [f"column {name} is no column of tasq" for name in found if name not in expected]
        for name, (kind, needed) in expected.items():
            actual, is_needed = found.get(name, (kind, needed))
            if kind not in ("*", actual):
                told.append(f"column {name} is {actual}, not {kind}")
            if needed != is_needed and name != "id":
                told.append(f"column {name} is {'nullable' if needed else 'NOT NULL'}")
        return told + self._label_differences()

    def _label_differences(self) -> list[str]:
        rows = [text_of(row[0]) for row in self.rows("labels")]
        labels = rows if self._folder == "postgres" else _labels_in(rows[0] if rows else "")
        wanted = [status.value for status in TaskStatus]
        if labels == wanted:
            return []
        return [f"the statuses are {', '.join(labels) or 'unknown'}, not {', '.join(wanted)}"]

    def missing(self, *, exists: bool) -> list[tuple[str, str]]:
        """What the schema's statements would make, and which old indexes `migrate` would drop."""
        table = self._repository.table
        indexes = {_bare(text_of(name)) for name, valid, _ in self.rows("indexes") if valid}
        triggers = {text_of(name) for name, _ in self.rows("triggers")}
        adopts = exists and not any(name.startswith(f"{table}_tasq_") for name in indexes)
        has_enum = bool(self.rows("labels"))
        found: list[tuple[str, str]] = []
        for name, text in load_schema(self._folder).items():
            kind, _, rest = name.partition("_")
            there = {
                "create": has_enum if rest == "enum" else exists,
                "index": f"{table}_tasq_{rest}" in indexes,
                "notify": rest == "drop" or not adopts or f"{table}_tasq_notify" in triggers,
            }.get(kind, True)
            if not there:
                found.append((name, fill(text, self._slots)))
        found += [
            (f"drop_{name}", drop_index(self._folder, self._slots, name))
            for name in OBSOLETE_INDEXES
            if f"{table}_tasq_{name}" in indexes
        ]
        return found

    def notify_trigger(self) -> bool | None:
        """Whether the trigger that notifies of inserts is there and enabled."""
        if self._folder != "postgres":
            return None
        name = f"{self._repository.table}_tasq_notify"
        return any(text_of(found) == name and enabled for found, enabled in self.rows("triggers"))

    def lacking(self) -> list[str]:
        """Rights that are needed and not had."""
        if self._folder != "mysql":
            return [text_of(right) for right, granted in self.rows("privileges") if not granted]
        return [right for right, sql in self._trials() if not self._would_do(sql)]

    def _trials(self) -> list[tuple[str, str]]:
        table = self._slots["tasks"]
        return [
            ("SELECT", f"EXPLAIN SELECT id FROM {table} WHERE id = ''"),  # noqa: S608 - our name
            ("INSERT", f"EXPLAIN INSERT INTO {table} (id) VALUES ('')"),  # noqa: S608
            ("UPDATE", f"EXPLAIN UPDATE {table} SET priority = 0 WHERE id = ''"),  # noqa: S608
            ("DELETE", f"EXPLAIN DELETE FROM {table} WHERE id = ''"),  # noqa: S608
        ]

    def _would_do(self, sql: str) -> bool:
        try:
            self._repository._rows_of(sql, {})  # noqa: SLF001 - of this package
        except RepositoryError:
            return False
        return True


def _labels_in(text: str) -> list[str]:
    """The quoted words behind `status` in a type or a CREATE TABLE."""
    begin = text.find("enum(") if "enum(" in text else text.find("CHECK")
    return _LABEL.findall(text[begin : text.find(")", begin)]) if begin >= 0 else []


def _bare(name: str) -> str:
    """An index's name without its schema and quotes."""
    return name.rpartition(".")[2].strip('"')


@cache
def _load(folder: str) -> dict[str, str]:
    path = files("tasq_core.sql") / folder / "health.sql"
    return parse(path.read_text("utf-8"), f"sql/{folder}/health.sql")
