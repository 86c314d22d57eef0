"""Periodic tasks: schedules are declared, fired by any consumer, and steered by hand."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any, Final

from tasq_core.args import RawArgs
from tasq_core.errors import InvalidInputError, ScheduleNotFoundError
from tasq_core.fleet.cron import Cron
from tasq_core.reports import Schedule
from tasq_core.repository.checks import checked
from tasq_core.repository.protocol import Repository
from tasq_core.repository.schedules_table import SchedulesTable, check_readable, differences
from tasq_core.task import END_OF_TIME, Task, check_text

MISSED: Final = ("latest", "all", "none")
"""What may become of ticks that nobody fired in time."""

_LONGEST_NAME: Final = 200
_AT_ONCE: Final = 100
"""Ticks that were missed and are submitted by one transaction."""
_LATE: Final = timedelta(seconds=60)
"""How late a tick may be fired where missed ones aren't to be."""

logger: Final = logging.getLogger("tasq_core.schedules")


class Schedules:
    """The schedules of one repository. Safe to share between threads."""

    def __init__(self, repository: Repository) -> None:
        """Those beside the task table of `repository`.

        Raises:
            InvalidInputError: a repository of another kind than this library's.
        """
        self._table = SchedulesTable(repository)
        self._repository: Repository = repository
        self._declared: dict[str, Schedule] = {}

    def all(self) -> list[Schedule]:
        """Every schedule, by name."""
        return self._table.all()

    def get(self, name: str) -> Schedule:
        """The schedule of this name.

        Raises:
            ScheduleNotFoundError: there is none.
        """
        found = self._table.get(name)
        if found is None:
            raise ScheduleNotFoundError(
                f"there is no schedule {name!r}; `tasq schedules` lists them"
            )
        return found

    def declare(self, name: str, cron: str, task: Task, time_zone: str, missed: str) -> Schedule:
        """Store a schedule that submits `task` at each tick. See `Client.schedule`."""
        check_text("schedule name", name)
        if not 0 < len(name) <= _LONGEST_NAME:
            raise InvalidInputError(
                f"schedule name {name!r} has {len(name)} characters: use 1 to {_LONGEST_NAME}"
            )
        if missed not in MISSED:
            raise InvalidInputError(f"missed {missed!r} is not one of {', '.join(MISSED)}")
        checked(task)
        due = next_tick(Cron(cron, time_zone), self._table.now())
        wanted = Schedule(
            name, cron, time_zone, missed, task.type, task.queue, task.args, task.priority,
            task.max_receives, due,
        )  # fmt: skip
        self._refuse_second(wanted)
        before = self._table.declare(wanted)
        self._declared[name] = wanted
        if before is not None and (changed := differences(before, wanted)):
            logger.info("schedule %r changed: %s", name, ", ".join(changed))
        return self.get(name)

    def _refuse_second(self, wanted: Schedule) -> None:
        """Refuse another content under a name that this program has declared already."""
        first = self._declared.get(wanted.name)
        if first is not None and (changed := differences(first, wanted)):
            raise InvalidInputError(
                f"schedule {wanted.name!r} is declared twice by this program, with different"
                f" {', '.join(changed)}: give one of them another name, or unschedule it first"
            )

    def remove(self, name: str) -> bool:
        """Delete the schedule; False where there is none."""
        self._declared.pop(name, None)
        return self._table.remove(name)

    def pause(self, name: str) -> bool:
        """Fire no more ticks until resumed; False where it is paused already.

        Raises:
            ScheduleNotFoundError: there is none of this name.
        """
        self.get(name)
        return self._table.pause(name)

    def resume(self, name: str) -> bool:
        """Fire ticks again, those from now on; False where it isn't paused.

        Raises:
            ScheduleNotFoundError: there is none of this name.
            InvalidInputError: its row can't be read.
        """
        found = self.get(name)
        check_readable(found)
        cron = Cron(found.cron, found.time_zone)
        return self._table.resume(name, next_tick(cron, self._table.now()))

    def run_now(self, name: str) -> Task:
        """Submit the task of a schedule once more, paused or not; its ticks stay as they are.

        Raises:
            ScheduleNotFoundError: there is none of this name.
            InvalidInputError: its row can't be read.
        """
        found = self.get(name)
        check_readable(found)
        task = as_task(found, self._table.now())
        return self._repository.submit_task(task)

    def due(self) -> list[tuple[str, datetime, datetime]]:
        """(name, next tick, now) of those that come first; nothing where the table is missing."""
        return self._table.next_ones()

    def ready(self, *, look_again: bool = False) -> bool:
        """Whether the table of schedules is there."""
        return self._table.exist(look_again=look_again)

    def fire(self, name: str, tick: datetime, now: datetime) -> list[Task]:
        """Submit what is due of one schedule; nothing where another consumer has.

        Raises:
            InvalidInputError: its row holds a cron line or zone that can't be read here.
        """
        if tick > now:
            return []
        return self._table.fire(name, tick, lambda schedule: _plan(schedule, tick, now))


def next_tick(cron: Cron, moment: datetime) -> datetime:
    """The first tick later than `moment`, or the end of time."""
    return cron.next_after(moment) or END_OF_TIME.replace(microsecond=0)


def as_task(schedule: Schedule, tick: datetime) -> Task:
    """The task of one tick: created when it was due, so that a handler knows which one it is."""
    args: Any = RawArgs(schedule.args)
    task = Task.new(schedule.type, args, schedule.queue, schedule.priority, schedule.max_receives)
    return replace(task, created_at=tick)


def _plan(
    schedule: Schedule, tick: datetime, now: datetime
) -> tuple[Sequence[Task], datetime | None, datetime]:
    """What to submit for the ticks from `tick` to `now`, the last one of them, and the next."""
    cron = Cron(schedule.cron, schedule.time_zone)
    if schedule.missed == "all":
        ticks = list(islice(chain([tick], cron.between(tick, now)), _AT_ONCE))
    else:
        ticks = [cron.latest(tick, now)]
    after = next_tick(cron, ticks[-1])
    if schedule.missed == "none" and now - ticks[-1] > _LATE:
        return (), None, after
    return [as_task(schedule, tick) for tick in ticks], ticks[-1], after
