"""The state of a table's schema and server, against what this library expects of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from tasq_core.errors import InvalidInputError
from tasq_core.repository.index_check import is_as_defined, is_of_older_version, of_older_version
from tasq_core.repository.inspection_sql import SqlInspection
from tasq_core.repository.protocol import Repository
from tasq_core.repository.rows import text_of
from tasq_core.sql import (
    FOLDERS,
    OBSOLETE_INDEXES,
    drop_index,
    fill,
    load_schema,
    parse,
    replace_index,
)
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

_KEYS: Final = {
    "postgres": (
        'CREATE UNIQUE INDEX CONCURRENTLY "{name}_pkey" ON {tasks} (id);\n'
        'ALTER TABLE {tasks} ADD PRIMARY KEY USING INDEX "{name}_pkey"'
    ),
    "mysql": "ALTER TABLE {tasks} ADD PRIMARY KEY (id), ALGORITHM = INPLACE, LOCK = NONE",
    "sqlite": 'CREATE UNIQUE INDEX "{name}_id" ON {tasks} (id)',
}
"""What makes the primary key anew beside writers; rows with equal ids must go first."""

_LABEL: Final = re.compile(r"'(\w+)'")
_DISPLAY_WIDTH: Final = re.compile(r"\b(smallint|int)\(\d+\)")


@dataclass(frozen=True, slots=True)
class Structure:
    """What stands in the database, and how it differs from what is needed."""

    version: str
    zone: str
    """The session's time zone."""
    writable: bool
    """Whether the server takes writes: a standby doesn't."""
    encoding: str
    """Of the database (PostgreSQL), the table's texts (MySQL) or the file (SQLite)."""
    exists: bool
    differences: tuple[str, ...]
    """Columns, types and labels that differ: neither we nor Go can rely on this table."""
    extra: tuple[str, ...]
    """Columns that aren't tasq's: Go programs fail on them."""
    broken: tuple[tuple[str, str], ...]
    """(what is wrong, the DDL that mends it) of keys, indexes and triggers that are there."""
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
    (writable, encoding), *_ = look.rows("server")
    table_bytes, index_bytes, rows, dead = map(int, size[0]) if size else (0, 0, 0, 0)
    return Structure(
        version=text_of(look.rows("version")[0][0]),
        zone=text_of(look.rows("zone")[0][0]),
        writable=bool(writable),
        encoding=text_of(encoding),
        exists=bool(columns),
        extra=tuple(name for name, *_ in columns if name not in look.expected),
        broken=tuple(look.broken()) if columns else (),
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


def other_spelling(repository: Repository) -> str:
    """A table whose name differs from this one's in case alone; "" where there is none.

    Raises:
        RepositoryError: the database refused.
    """
    if not isinstance(repository, SqlInspection) or repository.dialect == "sqlite":
        return ""  # SQLite's names are the same in any case
    names = [text_of(name) for (name,) in _Look(repository).rows("spellings")]
    shown, name = repository.table, repository._slots["name"]  # noqa: SLF001 - of this package
    place = shown.removesuffix(name)
    return next((place + other for other in names if other != name), "")


def seconds_since_write(repository: Repository) -> float | None:
    """How long ago the table was last written; None where the server doesn't know (MySQL knows).

    Raises:
        RepositoryError: the database refused.
    """
    if not isinstance(repository, SqlInspection) or FOLDERS[repository.dialect] != "mysql":
        return None
    rows = _Look(repository).rows("written")
    return None if not rows or rows[0][0] is None else float(rows[0][0])


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
        self.expected = _COLUMNS[self._folder]

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        sql = fill(self._statements[name], self._slots)
        return self._repository._rows_of(sql, {})  # noqa: SLF001 - of this package

    def differences(self, columns: list[tuple[str, str, bool]]) -> list[str]:
        """Each column that isn't as the contract has it, and the labels of the status."""
        expected = self.expected
        found = {name: (_DISPLAY_WIDTH.sub(r"\1", kind), needed) for name, kind, needed in columns}
        differences = [f"column {name} is missing" for name in expected if name not in found]
        for name, (kind, needed) in expected.items():
            actual, is_needed = found.get(name, (kind, needed))
            if kind not in ("*", actual):
                differences.append(f"column {name} is {actual}, not {kind}")
            if needed != is_needed and name != "id":
                differences.append(f"column {name} is {'nullable' if needed else 'NOT NULL'}")
        status, _ = found.get("status", ("", True))
        if status and not self._is_enum(status):
            return [*differences, f"column status is {status}, not the statuses' own type"]
        return differences + self._label_differences()

    def _is_enum(self, kind: str) -> bool:
        if self._folder == "postgres":
            return kind.rpartition(".")[2].strip('"') == self._slots["enum"].rpartition(".")[
                2
            ].strip('"')
        return kind.startswith("enum(") if self._folder == "mysql" else kind == "TEXT"

    def broken(self) -> list[tuple[str, str]]:
        """What has the right name and isn't what it should be."""
        table, tasks = self._slots["name"], self._slots["tasks"]
        found: list[tuple[str, str]] = []
        if [text_of(name) for (name,) in self.rows("primary_key")] != ["id"]:
            found.append(
                (
                    "the primary key on id is missing: equal ids are stored twice",
                    _KEYS[self._folder].format(tasks=tasks, name=self._slots["name"]),
                )
            )
        definitions = self._definitions()
        for name, text in load_schema(self._folder).items():
            own = name.removeprefix("index_")
            index = f"{table}_tasq_{own}"
            there = definitions.get(index)
            if not name.startswith("index_") or not there:
                continue
            older = is_of_older_version(there, self._folder, own)
            if not older and not is_as_defined(there, text):
                drop = drop_index(self._folder, self._slots, own)
                found.append(
                    (
                        f"index {index} is on other columns or rows",
                        f"{drop};\n{self._without_locks(fill(text, self._slots))}",
                    )
                )
        return found + self._broken_triggers()

    def _definitions(self) -> dict[str, str]:
        """What each valid index is on, by its bare name."""
        rows = self.rows("indexes")
        return {_bare(text_of(name)): text_of(text) for name, valid, text in rows if valid}

    def _broken_triggers(self) -> list[tuple[str, str]]:
        name = f"{self._slots['name']}_tasq_notify"
        tasks = self._slots["tasks"]
        found: list[tuple[str, str]] = []
        for trigger, enabled, function in self.rows("triggers"):
            if text_of(trigger) != name:
                continue
            if not enabled:
                found.append(
                    (
                        f"trigger {name} is disabled: inserts by other programs wake nobody",
                        f'ALTER TABLE {tasks} ENABLE TRIGGER "{name}"',
                    )
                )
            if _bare(text_of(function)) != name:
                found.append(
                    (
                        f"trigger {name} calls {text_of(function)}, which isn't tasq's",
                        f'DROP TRIGGER "{name}" ON {tasks};\ntasq migrate --notify',
                    )
                )
        return found

    def _without_locks(self, ddl: str) -> str:
        """`ddl` in the form that doesn't block writers, for a table in use."""
        if self._folder != "postgres":
            return ddl
        return ddl.replace("CREATE INDEX IF", "CREATE INDEX CONCURRENTLY IF", 1)

    def _label_differences(self) -> list[str]:
        rows = [text_of(row[0]) for row in self.rows("labels")]
        labels = rows if self._folder == "postgres" else _labels_in(rows[0] if rows else "")
        wanted = [status.value for status in TaskStatus]
        if labels == wanted:
            return []
        return [f"the statuses are {', '.join(labels) or 'unknown'}, not {', '.join(wanted)}"]

    def missing(self, *, exists: bool) -> list[tuple[str, str]]:
        """What the schema's statements would make, and what `migrate` would drop or replace."""
        table = self._slots["name"]
        indexes = self._definitions()
        triggers = {text_of(name) for name, _, _ in self.rows("triggers")}
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
                ddl = fill(text, self._slots)
                found.append((name, self._without_locks(ddl) if exists else ddl))
        found += [
            (f"replace_{name}", replace_index(self._slots, name))
            for name in of_older_version(indexes, self._folder, table)
        ]
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
        name = f"{self._slots['name']}_tasq_notify"
        return any(text_of(found) == name for found, _, _ in self.rows("triggers"))

    def lacking(self) -> list[str]:
        """Rights that are needed and not had."""
        if self._folder != "mysql":
            return [text_of(right) for right, granted in self.rows("privileges") if not granted]
        return [right for right, sql in self._trials() if not self._repository._would_do(sql)]  # noqa: SLF001 - of this package

    def _trials(self) -> list[tuple[str, str]]:
        table = self._slots["tasks"]
        return [
            ("SELECT", f"EXPLAIN SELECT id FROM {table} WHERE id = ''"),  # noqa: S608 - our name
            ("INSERT", f"EXPLAIN INSERT INTO {table} (id) VALUES ('')"),  # noqa: S608
            ("UPDATE", f"EXPLAIN UPDATE {table} SET priority = 0 WHERE id = ''"),  # noqa: S608
            ("DELETE", f"EXPLAIN DELETE FROM {table} WHERE id = ''"),  # noqa: S608
        ]


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
