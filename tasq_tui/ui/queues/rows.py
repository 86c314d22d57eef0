"""Counts by queue or type as rows of a view. Pure."""

from collections.abc import Callable, Sequence
from typing import Final

from tasq_core.reports import BreakdownRow
from tasq_core.task import OPEN_STATUSES, TaskStatus
from tasq_tui.ui.text.formats import compact, count
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.widgets.rows_view import Gauge, Row, RowColumn

_LONGEST_NAME: Final = 200
EMPTY_NAME: Final = '""'
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
    """Name, open, running, failed, done, and the share of what is open."""
    return [
        RowColumn(title, 8, most=28),
        RowColumn("open", 7, right=True),
        RowColumn("running", 7, right=True, from_width=50),
        RowColumn("failed", 7, right=True),
        RowColumn("done", 7, right=True),
        RowColumn("share", 10, most=28, from_width=44),
    ]


def brief_rows(rows: Sequence[BreakdownRow]) -> list[Row]:
    """As `brief_columns`, those with the most open tasks first."""
    total = sum(map(open_count, rows))
    return [
        Row(
            row.name,
            (
                safe(row.name, _LONGEST_NAME) or EMPTY_NAME,
                compact(open_count(row)),
                compact(row.counts.get(TaskStatus.IN_PROGRESS, 0)),
                compact(_failed(row)),
                compact(row.counts.get(_DONE, 0)),
                Gauge(open_count(row), total),
            ),
            ("", "", "", failed_tint(row), "rows--muted", "rows--bar"),
        )
        for row in sorted(rows, key=SORTS["open"])
    ]


def full_columns(title: str, sort: str) -> list[RowColumn]:
    """Name, each status, total; an arrow at the one they are sorted by."""
    arrow = {sort: " ↓" if sort != "name" else " ↑"}

    def titled(name: str, shown: str) -> str:
        return shown + arrow.get(name, "")

    return [
        RowColumn(titled("name", title), 10, most=40),
        RowColumn(titled("open", "open"), 8, right=True),
        RowColumn("new", 7, from_width=68, right=True),
        RowColumn("enqueued", 8, from_width=68, right=True),
        RowColumn("running", 7, from_width=62, right=True),
        RowColumn("done", 9, right=True),
        RowColumn(titled("failed", "failed"), 8, right=True),
        RowColumn(titled("total", "total"), 9, from_width=48, right=True),
        RowColumn("share of open", 13, most=30, from_width=96),
    ]


def full_rows(rows: Sequence[BreakdownRow], sort: str) -> list[Row]:
    """As `full_columns`."""
    total = sum(map(open_count, rows))
    return [_full(row, total) for row in sorted(rows, key=SORTS[sort])]


def _full(row: BreakdownRow, total: int) -> Row:
    numbers = (open_count(row), *(row.counts.get(status, 0) for status in _SHOWN), row.total)
    tints = (*map(_tint, numbers[:-3]), "rows--muted", failed_tint(row), "rows--muted")
    return Row(
        row.name,
        (
            safe(row.name, _LONGEST_NAME) or EMPTY_NAME,
            *map(count, numbers),
            Gauge(open_count(row), total),
        ),
        ("", *tints, "rows--bar"),
    )


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
