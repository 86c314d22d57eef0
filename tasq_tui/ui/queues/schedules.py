"""Periodic tasks as rows of a view. Pure, but for the reading."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tasq_core.errors import TableMissingError
from tasq_core.inspector import Inspector
from tasq_core.reports import Schedule
from tasq_tui.ui.text.formats import age
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.widgets.rows_view import Row, RowColumn

_LONGEST: Final = 200

COLUMNS: Final = (
    RowColumn("schedule", 10, most=30),
    RowColumn("cron", 10, most=24),
    RowColumn("type", 8, most=30, from_width=50),
    RowColumn("queue", 8, most=20, from_width=66),
    RowColumn("next", 8, right=True),
    RowColumn("last", 8, right=True, from_width=44),
    RowColumn("zone", 6, most=24, from_width=84),
)


def read_schedules(inspector: Inspector) -> Sequence[Schedule]:
    """The periodic tasks; none where the side tables were never made."""
    try:
        return inspector.schedules()
    except TableMissingError:
        return ()


def schedule_rows(schedules: Sequence[Schedule], now: datetime) -> list[Row]:
    """As `COLUMNS`."""
    return [
        Row(
            schedule.name,
            (
                safe(schedule.name, _LONGEST),
                safe(schedule.cron, _LONGEST),
                safe(schedule.type, _LONGEST),
                safe(schedule.queue, _LONGEST) or '""',
                _next(schedule, now),
                age(schedule.last_at, now),
                safe(schedule.time_zone, _LONGEST),
            ),
            ("", "rows--muted", "", "", _tint(schedule)),
        )
        for schedule in schedules
    ]


def _next(schedule: Schedule, now: datetime) -> str:
    if schedule.problem:
        return safe(schedule.problem, _LONGEST)
    return "paused" if schedule.paused else age(schedule.next_at, now)


def _tint(schedule: Schedule) -> str:
    if schedule.problem:
        return "rows--error"
    return "rows--warning" if schedule.paused else ""
