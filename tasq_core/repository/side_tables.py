"""The side tables of one task table: their names, their making, and the statements on them.

`<prefix>_tasq_consumers`, `…_pauses`, `…_attempts` and `…_schedules` (`tasq_…` without a
prefix). A database may lack them, if it was never migrated or this user may not make them:
what needs them then does without (`SideTables.exist`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import UUID

from tasq_core.errors import InvalidInputError, RepositoryError, TableMissingError
from tasq_core.repository.claims_sql import SqlClaims
from tasq_core.repository.driver import RowFormat, Session
from tasq_core.repository.inspection_sql import Mode
from tasq_core.repository.rows import text_of
from tasq_core.repository.side_sql import SIDE_TABLES, side_lead, side_names
from tasq_core.sql import FOLDERS

NAMES: Final = SIDE_TABLES

_RIGHTS: Final = {
    kind: ("INSERT", "DELETE") if kind == "attempts" else ("INSERT", "UPDATE", "DELETE")
    for kind in NAMES
}
"""What consumers need beside SELECT; an attempt isn't changed once it is noted."""
_TRIALS: Final = {
    "INSERT": "EXPLAIN INSERT INTO {} () VALUES ()",
    "UPDATE": "EXPLAIN UPDATE {} SET name = '' LIMIT 1",
    "DELETE": "EXPLAIN DELETE FROM {} LIMIT 1",
}
"""MySQL knows grants at four levels: it is asked whether it would do it."""


class SideTables:
    """Runs the statements of `sql/<dialect>/side.sql` on one repository's database."""

    def __init__(self, repository: object) -> None:
        """For the table of `repository`.

        Raises:
            InvalidInputError: a repository of another kind than this library's.
        """
        repository = getattr(repository, "observed", repository)
        if not isinstance(repository, SqlClaims):
            raise InvalidInputError(f"{type(repository).__name__} has no side tables")
        self._repository = repository
        self._exist: bool | None = None

    @property
    def lead(self) -> str:
        """What their names begin with: "tasq" or "<prefix>_tasq"."""
        return side_lead(self._repository._slots["name"])  # noqa: SLF001 - of this package

    @property
    def dialect(self) -> str:
        """The kind of server: "postgresql", "mysql", "mariadb" or "sqlite"."""
        return self._repository.dialect

    @property
    def known(self) -> bool:
        """Whether they were found to be there."""
        return bool(self._exist)

    def exist(self, *, look_again: bool = False) -> bool:
        """Whether all of them are there; looked up once unless asked to look again.

        Raises:
            RepositoryError: the server refused the question.
        """
        if self._exist is None or look_again:
            self._exist = not self.missing()
        return self._exist

    def missing(self) -> list[tuple[str, str]]:
        """(name, DDL) of what `make` would create.

        Raises:
            RepositoryError: the server refused the question.
        """
        try:
            rows = self.rows("found", {"pattern": f"{self.lead.replace('_', '|_')}|_%"})
        except TableMissingError:  # SQLite's file isn't there yet
            rows = []
        there = {text_of(row[0]) for row in rows}
        return [
            (name, self.text(name))
            for name in self._statements()
            if name.startswith("create_")
            and f"{self.lead}_{name.removeprefix('create_')}" not in there
        ]

    def lacking(self) -> list[str]:
        """Rights that consumers need on those that are there and this user doesn't have.

        As in "UPDATE on tasq_consumers".

        Raises:
            RepositoryError: the server refused the question.
        """
        folder = FOLDERS[self.dialect]
        if folder == "mysql":
            repository = self._repository
            denied = {
                (kind, right)
                for kind, table in side_names(repository._slots).items()  # noqa: SLF001 - of this package
                for right in _RIGHTS[kind]
                if not repository._would_do(_TRIALS[right].format(table))  # noqa: SLF001 - of this package
            }
        elif folder == "postgres":
            denied = {(text_of(kind), text_of(right)) for kind, right in self.rows("denied", {})}
        else:
            denied = set()  # who may write SQLite's file may do all
        return [
            f"{right} on {self.lead}_{kind}"
            for kind, rights in _RIGHTS.items()
            for right in rights
            if (kind, right) in denied
        ]

    def make(self) -> bool:
        """Create those that are missing; safe to call again and from several processes.

        Returns:
            Whether all are there now; False where this user may not create them.
        """
        for _, ddl in self.missing():
            try:
                self._run(ddl, {}, "write")
            except RepositoryError:
                # Another process was faster, or this user lacks the right: look.
                continue
        return self.exist(look_again=True)

    def rows(self, name: str, params: Mapping[str, object], mode: Mode = "read") -> list[Any]:
        """The rows that the statement called `name` returns."""
        sql, everything = self.text(name), {**self._formats.clock(), **params}
        return self._repository._run(lambda session: session.rows(sql, everything), mode)  # noqa: SLF001 - of this package

    def change(self, name: str, params: Mapping[str, object], mode: Mode = "write") -> int:
        """How many rows the statement called `name` changed."""
        return self._run(self.text(name), params, mode)

    def change_and_notify(self, name: str, params: Mapping[str, object]) -> int:
        """`change`, and let consumers look at commands and pauses at once where they listen."""
        sql, everything = self.text(name), {**self._formats.clock(), **params}
        notify = self._statements().get("notify")

        def work(session: Session) -> int:
            changed = session.change(sql, everything)
            if notify is not None and changed:
                session.rows(notify, {})
            return changed

        return self._repository._run(work, "transaction")  # noqa: SLF001 - of this package

    def now(self) -> datetime:
        """The database's clock, aware UTC."""
        return self._repository.now()

    # -- values --------------------------------------------------------------------------

    def id(self, value: UUID) -> object:
        """An id as a parameter."""
        return self._formats.id(value)

    def read_id(self, value: Any) -> UUID:
        """An id column."""
        return self._formats.read_id(value)

    def moment(self, value: datetime) -> object:
        """An aware time as a parameter; the side tables are in UTC, whatever the task table is."""
        if FOLDERS[self.dialect] == "mysql":
            return value.astimezone(UTC).replace(tzinfo=None)
        return self._repository._rows.time(value)  # noqa: SLF001 - of this package

    def read_moment(self, value: Any) -> datetime:
        """A time column of a side table, aware UTC."""
        if FOLDERS[self.dialect] == "mysql":
            return cast("datetime", value).replace(tzinfo=UTC)
        return self._repository._rows.read_time(value)  # noqa: SLF001 - of this package

    def _run(self, sql: str, params: Mapping[str, object], mode: Mode) -> int:
        everything = {**self._formats.clock(), **params}
        return self._repository._run(lambda session: session.change(sql, everything), mode)  # noqa: SLF001

    @property
    def _formats(self) -> RowFormat:
        return self._repository._rows  # noqa: SLF001 - of this package

    def _statements(self) -> dict[str, str]:
        return self._repository._side  # noqa: SLF001 - of this package

    def text(self, name: str) -> str:
        """The statement called `name` on these tables, for a session of the caller's."""
        return self._statements()[name]
