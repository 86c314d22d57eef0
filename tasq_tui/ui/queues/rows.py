"""Counts by queue or type as rows of a view. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from tasq_core.reports import BreakdownRow
from tasq_core.task import OPEN_STATUSES, TaskStatus
from tasq_tui.ui.queues.pace import UNKNOWN, Pace
from tasq_tui.ui.text.formats import age, compact, count
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.widgets.rows_view import Gauge, Row, RowColumn

_LONGEST_NAME: Final = 200
EMPTY_NAME: Final = '""'
PAUSED: Final = "‖"
"""Before the name of what is paused."""
FAILING_SHARE: Final = 0.05
"""Above this part of what ended failures are coloured."""

SORTS: Final[dict[str, Callable[[BreakdownRow], tuple[object, ...]]]] = {
    "open": lambda row: (-open_count(row), row.name),
    "failed": lambda row: (-row.counts.get(TaskStatus.FAILED, 0), row.name),
    "total": lambda row: (-row.total, row.name),
    "name": lambda row: (row.name,),
}
"""The orders of the rows, by the title of the column."""


def open_count(row: BreakdownRow) -> int:
    """NEW, ENQUEUED and IN_PROGRESS together."""
    return sum(row.counts.get(status, 0) for status in OPEN_STATUSES)


def brief_columns(title: str) -> list[RowColumn]:
    """Name, open, rates, times, failures, and the share of what is open."""
    return [
        RowColumn(title, 8, most=28),
        RowColumn("open", 7, right=True),
        RowColumn("running", 7, right=True, from_width=50),
        RowColumn("oldest", 6, right=True, from_width=84),
        RowColumn("in/min", 6, right=True, from_width=60),
        RowColumn("out/min", 7, right=True, from_width=60),
        RowColumn("empty in", 8, right=True, from_width=104),
        RowColumn("wait p95", 8, right=True, from_width=70),
        RowColumn("run p95", 8, right=True, from_width=92),
        RowColumn("failed", 6, right=True),
        RowColumn("share", 8, most=28, from_width=74),
    ]


def brief_rows(
    rows: Sequence[BreakdownRow],
    pace: Mapping[str, Pace],
    now: datetime,
    paused: Collection[str] = (),
) -> list[Row]:
    """As `brief_columns`, those with the most open tasks first.

    Args:
        rows: the counts.
        pace: the rates and times by name, as far as known.
        now: what ages are of.
        paused: names of which Python consumers claim nothing.
    """
    total = sum(map(open_count, rows))
    found = []
    for row in sorted(rows, key=SORTS["open"]):
        known = pace.get(row.name, UNKNOWN)
        cells = (
            _name(row, paused), compact(open_count(row)),
            compact(row.counts.get(TaskStatus.IN_PROGRESS, 0)), age(known.ready_since, now),
            known.arriving, known.ending, known.empty_in, known.wait_p95, known.run_p95,
            known.failed,
            Gauge(open_count(row), total),
        )  # fmt: skip
        never = "rows--warning" if known.empty_in == "never" else ""
        failed = "rows--error" if known.failed_share > FAILING_SHARE else ""
        tints = (_paused(row, paused), "", "", "", "", "", never, "", "rows--muted", failed)
        found.append(Row(row.name, cells, (*tints, "rows--bar")))
    return found


def full_columns(title: str, sort: str) -> list[RowColumn]:
    """Name, each status, total, rates, times; an arrow at the one they are sorted by."""
    arrow = {sort: " ↓" if sort != "name" else " ↑"}

    def titled(name: str, shown: str) -> str:
        return shown + arrow.get(name, "")

    return [
        RowColumn(titled("name", title), 10, most=40),
        RowColumn(titled("open", "open"), 8, right=True),
        RowColumn("new", 7, from_width=150, right=True),
        RowColumn("enqueued", 8, from_width=150, right=True),
        RowColumn("running", 7, from_width=62, right=True),
        RowColumn("done", 9, right=True),
        RowColumn(titled("failed", "failed"), 8, right=True),
        RowColumn(titled("total", "total"), 9, from_width=72, right=True),
        RowColumn("oldest", 6, from_width=122, right=True),
        RowColumn("in/min", 6, from_width=88, right=True),
        RowColumn("out/min", 7, from_width=88, right=True),
        RowColumn("empty in", 8, from_width=150, right=True),
        RowColumn("wait p50", 8, from_width=166, right=True),
        RowColumn("wait p95", 8, from_width=98, right=True),
        RowColumn("run p50", 8, from_width=166, right=True),
        RowColumn("run p95", 8, from_width=108, right=True),
        RowColumn("fails 1h", 8, from_width=116, right=True),
        RowColumn("share", 8, most=24, from_width=180),
    ]


def full_rows(
    rows: Sequence[BreakdownRow],
    sort: str,
    pace: Mapping[str, Pace],
    now: datetime,
    paused: Collection[str] = (),
) -> list[Row]:
    """As `full_columns`; arguments as of `brief_rows`."""
    total = sum(map(open_count, rows))
    return [
        _full(row, total, pace.get(row.name, UNKNOWN), now, paused)
        for row in sorted(rows, key=SORTS[sort])
    ]


def _full(row: BreakdownRow, total: int, pace: Pace, now: datetime, paused: Collection[str]) -> Row:
    numbers = (open_count(row), *(row.counts.get(status, 0) for status in _SHOWN), row.total)
    counted = (*map(_tint, numbers[:-3]), "rows--muted", failed_tint(row), "rows--muted")
    never = "rows--warning" if pace.empty_in == "never" else ""
    failing = "rows--error" if pace.failed_share > FAILING_SHARE else ""
    return Row(
        row.name,
        (
            _name(row, paused), *map(count, numbers), age(pace.ready_since, now), pace.arriving,
            pace.ending, pace.empty_in,
            pace.wait_p50, pace.wait_p95, pace.run_p50, pace.run_p95, pace.failed,
            Gauge(open_count(row), total),
        ),
        (
            _paused(row, paused), *counted, "", "", "", never, "rows--muted", "", "rows--muted", "",
            failing, "rows--bar",
        ),
    )  # fmt: skip


def _name(row: BreakdownRow, paused: Collection[str]) -> str:
    name = safe(row.name, _LONGEST_NAME) or EMPTY_NAME
    return f"{PAUSED} {name}" if row.name in paused else name


def _paused(row: BreakdownRow, paused: Collection[str]) -> str:
    return "rows--warning" if row.name in paused else ""


def failed_tint(row: BreakdownRow) -> str:
    """Failures are coloured where they are more than a few of those that ended."""
    failed = _failed(row)
    ended = failed + row.counts.get(_DONE, 0)
    if not failed:
        return "rows--muted"
    return "rows--error" if failed > FAILING_SHARE * ended else ""


def _tint(number: int) -> str:
    return "" if number else "rows--muted"


def _failed(row: BreakdownRow) -> int:
    return row.counts.get(TaskStatus.FAILED, 0)


_DONE: Final = TaskStatus.SUCCESSFUL
_SHOWN: Final = (
    TaskStatus.NEW, TaskStatus.ENQUEUED, TaskStatus.IN_PROGRESS, TaskStatus.SUCCESSFUL,
    TaskStatus.FAILED,
)  # fmt: skip
