"""What is done to schedules by hand: once, for the command line and the app."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from tasq_core.client import Client
from tasq_core.fleet.schedules import Schedules
from tasq_core.reports import MutationResult, Schedule
from tasq_core.transfer import iso
from tasq_tui.admin.command_line import target
from tasq_tui.admin.operation import Recorded, record
from tasq_tui.admin.records import args_record
from tasq_tui.admin.session import check_writable
from tasq_tui.admin.settings import Settings

FIELDS: Final = (
    "name", "cron", "time_zone", "missed", "type", "queue", "priority", "max_receives", "next_at",
    "last_at", "last_task_id", "paused", "created_at", "updated_at", "problem",
    "args",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do to a schedule."""

    name: str
    past: str
    already: str
    """What is said where there was nothing to do."""
    run: Callable[[Schedules, str], bool | UUID]
    is_harmless: bool = True
    """Whether it needs no confirmation where the profile asks for none."""


ACTIONS: Final = {
    action.name: action
    for action in (
        Action(
            "run", "submitted a task of", "", lambda schedules, name: schedules.run_now(name).id
        ),
        Action("pause", "paused", "is paused already", Schedules.pause),
        Action("resume", "resumed", "isn't paused", Schedules.resume),
        Action("remove", "removed", "is gone", Schedules.remove, is_harmless=False),
    )
}


@dataclass(frozen=True, slots=True)
class Done:
    """How an action ended."""

    text: str
    changed: bool
    task_id: UUID | None
    """The task that was submitted."""
    recorded: Recorded


def act(client: Client, settings: Settings, action: Action, name: str) -> Done:
    """Do it to the schedule of this name, and record it in the audit log.

    Raises:
        ReadOnlyError: the database is open read-only.
        ScheduleNotFoundError: there is no such schedule.
    """
    check_writable(settings, f"schedules {action.name}")
    schedules = client.schedules()
    schedules.get(name)
    answer = action.run(schedules, name)
    task_id = answer if isinstance(answer, UUID) else None
    changed = bool(answer)
    confirmed = () if action.is_harmless else ("--yes",)
    words = ("tasq", "schedules", *target(settings), action.name, name, *confirmed)
    recorded = record(
        settings, "schedules", shlex.join(words), MutationResult(int(changed), int(not changed))
    )
    text = f"{action.past} schedule {name!r}" if changed else f"schedule {name!r} {action.already}"
    return Done(text if task_id is None else f"{text}: {task_id}", changed, task_id, recorded)


def schedule_record(schedule: Schedule) -> dict[str, Any]:
    """A schedule as JSON has it; `args` decoded as a task's, times ISO 8601 in UTC."""
    return {
        "name": schedule.name,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "missed": schedule.missed,
        "type": schedule.type,
        "queue": schedule.queue,
        "priority": schedule.priority,
        "max_receives": schedule.max_receives,
        "next_at": iso(schedule.next_at),
        "last_at": iso(schedule.last_at),
        "last_task_id": None if schedule.last_task_id is None else str(schedule.last_task_id),
        "paused": schedule.paused,
        "created_at": iso(schedule.created_at),
        "updated_at": iso(schedule.updated_at),
        "problem": schedule.problem,
        "args": args_record(schedule.args),
    }
