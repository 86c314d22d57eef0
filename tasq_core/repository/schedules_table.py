"""The table of schedules: its rows, and the transaction that fires a tick."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from tasq_core.errors import InvalidInputError, TableMissingError
from tasq_core.reports import Schedule
from tasq_core.repository.driver import Session
from tasq_core.repository.repository_sql import SqlRepository
from tasq_core.repository.rows import text_of
from tasq_core.repository.side_rows import Columns, raw
from tasq_core.repository.side_tables import SideTables
from tasq_core.task import IMMEDIATELY, Task

_DECLARED: Final = (
    "cron", "time_zone", "missed", "type", "queue", "args", "priority", "max_receives",
)  # fmt: skip
"""What a declaration says of a schedule; the rest is the database's."""


_COLUMNS: Final = (
    "name", *_DECLARED, "next_at", "last_at", "last_task_id", "paused", "created_at", "updated_at",
)  # fmt: skip
_NEXT: Final = ("name", "next_at", "now")


class SchedulesTable:
    """Reads and writes `…_tasq_schedules` of one repository."""

    def __init__(self, repository: object) -> None:
        """For the table of `repository`.

        Raises:
            InvalidInputError: a repository of another kind than this library's.
        """
        if not isinstance(repository, SqlRepository):
            raise InvalidInputError(f"{type(repository).__name__} has no table of schedules")
        self._repository = repository
        self._side = SideTables(repository)

    def exist(self, *, look_again: bool = False) -> bool:
        """Whether the side tables are there."""
        return self._side.exist(look_again=look_again)

    def now(self) -> datetime:
        """The database's clock, aware UTC."""
        return self._repository.now()

    def all(self) -> list[Schedule]:
        """Every schedule, by name."""
        self._check()
        return [self._read(row) for row in self._side.rows("schedules", {})]

    def get(self, name: str) -> Schedule | None:
        """The schedule of this name."""
        self._check()
        rows = self._side.rows("schedule", {"name": name})
        return self._read(rows[0]) if rows else None

    def next_ones(self) -> list[tuple[str, datetime, datetime]]:
        """(name, next tick, now) of the hundred that are due first and not paused."""
        moment = self._side.read_moment
        return [
            (text_of(row[0]), Columns(_NEXT, row).read("next_at", moment, IMMEDIATELY),
             moment(row[-1]))
            for row in self._side.rows("next_schedules", self._clock())
        ]  # fmt: skip

    def declare(self, wanted: Schedule) -> Schedule | None:
        """Store a schedule, new or changed; what stood there before, None where nothing did."""
        self._check()

        def work(session: Session) -> Schedule | None:
            params = self._declared(wanted)
            before = self._get_in(session, wanted.name)
            if before is not None and before.problem:
                session.change(self._side.text("remove_schedule"), {"name": wanted.name})
                before = None
            if before is None:
                if session.change(self._side.text("insert_schedule"), params):
                    return None
                before = self._get_in(session, wanted.name)  # another process was faster
            if before is None or not same_declaration(before, wanted):
                session.change(self._side.text("change_schedule"), params)
            return before

        return self._repository._run(work, "transaction")  # noqa: SLF001 - of this package

    def fire(
        self,
        name: str,
        seen: datetime,
        plan: Callable[[Schedule], tuple[Sequence[Task], datetime | None, datetime]],
    ) -> list[Task]:
        """Move a schedule on from the tick `seen`, and insert its tasks, if nobody else has.

        Args:
            name: the schedule.
            seen: the tick that is due.
            plan: what to submit, the last tick fired (None: none), and the next one.

        Raises:
            InvalidInputError: its row can't be read.
        """
        fired: list[Task] = []

        def work(session: Session) -> None:
            fired.clear()  # where the transaction is tried again
            schedule = self._get_in(session, name)
            if schedule is not None:
                check_readable(schedule)
            if schedule is None or schedule.next_at != seen:
                return
            tasks, last, after = plan(schedule)
            params = {
                "name": name,
                "seen": self._side.moment(seen),
                "next_at": self._side.moment(after),
                "last_at": None if last is None else self._side.moment(last),
                "last_task_id": self._repository._rows.id(tasks[-1].id) if tasks else None,  # noqa: SLF001
            }
            if session.change(self._side.text("advance_schedule"), params):
                for task in tasks:
                    self._repository._insert(session, task)  # noqa: SLF001
                fired.extend(tasks)

        self._repository._run(work, "transaction")  # noqa: SLF001
        if fired:
            self._repository._notify_soon()  # noqa: SLF001
        return fired

    def pause(self, name: str) -> bool:
        """Stop firing it; False where it doesn't exist or is paused."""
        self._check()
        return self._side.change("pause_schedule", {**self._clock(), "name": name}) > 0

    def resume(self, name: str, next_at: datetime) -> bool:
        """Fire it again, from `next_at` on; False where it isn't paused."""
        self._check()
        params = {**self._clock(), "name": name, "next_at": self._side.moment(next_at)}
        return self._side.change("resume_schedule", params) > 0

    def remove(self, name: str) -> bool:
        """Delete it; False where it doesn't exist."""
        self._check()
        return self._side.change("remove_schedule", {"name": name}) > 0

    def _check(self) -> None:
        if not self.exist() and not self.exist(look_again=True):
            table = f"{self._side.lead}_schedules"
            raise TableMissingError(
                f"there is no table {table!r} that this user may read: `tasq migrate` or"
                " client.migrate() makes it; where it exists, its owner grants rights on it",
                table,
            )

    def _get_in(self, session: Session, name: str) -> Schedule | None:
        rows = session.rows(self._side.text("schedule"), {"name": name})
        return self._read(rows[0]) if rows else None

    def _clock(self) -> dict[str, object]:
        return self._repository._rows.clock()  # noqa: SLF001 - of this package

    def _declared(self, wanted: Schedule) -> dict[str, object]:
        columns = {name: getattr(wanted, name) for name in _DECLARED}
        next_at = self._side.moment(wanted.next_at)
        return {**self._clock(), **columns, "name": wanted.name, "next_at": next_at}

    def _read(self, row: Sequence[Any]) -> Schedule:
        columns, moment = Columns(_COLUMNS, row), self._side.read_moment
        schedule = Schedule(
            columns.text("name"), columns.text("cron"), columns.text("time_zone"),
            columns.text("missed"), columns.text("type"), columns.text("queue"),
            columns.read("args", raw, b""),
            columns.number("priority"), columns.number("max_receives"),
            columns.read("next_at", moment, IMMEDIATELY), columns.read_or_none("last_at", moment),
            columns.read_or_none("last_task_id", self._side.read_id),
            columns.read("paused", _flag, False),
            columns.read_or_none("created_at", moment), columns.read_or_none("updated_at", moment),
        )  # fmt: skip
        return replace(schedule, problem=columns.problem)


def check_readable(schedule: Schedule) -> None:
    """Refuse to use a schedule that is something else in the database.

    Raises:
        InvalidInputError: its row can't be read.
    """
    if schedule.problem:
        raise InvalidInputError(
            f"schedule {schedule.name!r}: {schedule.problem}; declare it anew, or remove it:"
            f" tasq schedules remove {shlex.quote(schedule.name)}"
        )


def _flag(value: Any) -> bool:
    if value not in (0, 1):
        raise ValueError
    return bool(value)


def same_declaration(one: Schedule, other: Schedule) -> bool:
    """Whether two schedules were declared alike."""
    return not differences(one, other)


def differences(one: Schedule, other: Schedule) -> tuple[str, ...]:
    """The names of what two declarations say differently."""
    return tuple(name for name in _DECLARED if getattr(one, name) != getattr(other, name))
