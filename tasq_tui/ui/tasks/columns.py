"""The columns of the task list: which fit a width, and what stands in them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tasq_core.repository.protocol import PageOrder
from tasq_core.task import Task, TaskStatus
from tasq_tui.ui.text import formats
from tasq_tui.ui.text.sanitize import fit, safe

GAP: Final = 1
SHORT_ID: Final = 8
_WIDEST_CELL: Final = 400


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, what it shows, and how much room it asks for, in cells."""

    title: str
    cell: Callable[[Task, datetime], str]
    width: int
    """The least; exactly this unless `share` is set."""
    share: int = 0
    """Its part of the room left over."""
    from_width: int = 0
    """Shown in lists at least this wide."""
    right: bool = False


def _took(task: Task, now: datetime) -> str:
    running = task.status is TaskStatus.IN_PROGRESS
    return formats.took(task.started_at, now if running else task.finished_at)


def _error_line(task: Task, _now: datetime) -> str:
    beginning = (task.last_error or "")[: 4 * _WIDEST_CELL]
    return safe(beginning.strip().partition("\n")[0], _WIDEST_CELL)


STATUS: Final = Column("status", lambda task, _: formats.status_text(task.status), 13)
AGE: Final = Column("age", lambda task, now: formats.age(task.created_at, now), 7, right=True)
COLUMNS: Final = (
    STATUS,
    Column("id", lambda task, _: task.id.hex[:SHORT_ID], SHORT_ID, from_width=40),
    Column("type", lambda task, _: safe(task.type, _WIDEST_CELL), 8, share=3),
    Column("queue", lambda task, _: safe(task.queue, _WIDEST_CELL), 6, share=2, from_width=56),
    Column("prio", lambda task, _: str(task.priority), 5, from_width=69, right=True),
    Column("recv", lambda t, _: formats.receives(t.receive_count, t.max_receives), 5,
           from_width=64, right=True),
    AGE,
    Column("started", lambda task, now: formats.age(task.started_at, now), 7,
           from_width=120, right=True),
    Column("took", _took, 6, from_width=69, right=True),
    Column("error", _error_line, 16, share=6, from_width=140),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a list that is `width` cells wide, each with its exact width."""

    width: int
    columns: tuple[tuple[Column, int], ...]

    @classmethod
    def of(cls, width: int) -> "Layout":
        """The columns that fit; the room left over goes to those that take a share."""
        width = max(width, 0)
        chosen = [column for column in COLUMNS if width >= column.from_width]
        while len(chosen) > 1 and _least(chosen) > width:
            chosen.pop()
        spare = max(width - _least(chosen), 0)
        shares = sum(column.share for column in chosen)
        widths = [c.width + (spare * c.share // shares if shares else 0) for c in chosen]
        last_flexible = max((i for i, c in enumerate(chosen) if c.share), default=0)
        widths[last_flexible] += width - sum(widths) - GAP * (len(chosen) - 1)
        return cls(width, tuple(zip(chosen, widths, strict=True)))

    def cells(self, task: Task, now: datetime) -> tuple[str, ...]:
        """What each column shows of `task`, exactly as wide as the column."""
        return tuple(
            fit(column.cell(task, now), width, right=column.right) for column, width in self.columns
        )

    def titles(self, order: PageOrder) -> tuple[str, ...]:
        """The header's cells; the arrow by `age` shows the order."""
        arrow = "↓" if order is PageOrder.NEWEST else "↑"
        return tuple(
            fit(
                f"{column.title} {arrow}" if column is AGE else column.title,
                width,
                right=column.right,
            )
            for column, width in self.columns
        )


def _least(columns: list[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)
