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
    most: int = 0
    """Never wider than this; 0 is as wide as it gets."""
    from_width: int = 0
    """Shown in lists at least this wide, unless columns were chosen."""
    right: bool = False
    about: str = ""
    """What it shows, in a dialog."""
    order: PageOrder | None = None
    """The list's order by it, as one wants it first; None where no index has it."""
    instead: str = ""
    """What to do where the list can't be sorted by it."""


def _took(task: Task, now: datetime) -> str:
    running = task.status is TaskStatus.IN_PROGRESS
    return formats.took(task.started_at, now if running else task.finished_at)


def _error_line(task: Task, _now: datetime) -> str:
    beginning = (task.last_error or "")[: 4 * _WIDEST_CELL]
    return safe(beginning.strip().partition("\n")[0], _WIDEST_CELL)


STATUS: Final = Column("status", lambda task, _: formats.status_text(task.status), 13)
GLYPH: Final = Column("", lambda task, _: formats.GLYPHS[task.status], 1)
"""Stands in for the status where there is less room."""
AGE: Final = Column("age", lambda task, now: formats.age(task.created_at, now), 7, right=True,
                    about="since its creation", order=PageOrder.NEWEST)  # fmt: skip
COLUMNS: Final = (
    STATUS,
    Column("id", lambda task, _: task.id.hex[:SHORT_ID], SHORT_ID, from_width=40,
           about="the first digits of the id", instead="ctrl+g goes to an id."),
    Column("type", lambda task, _: safe(task.type, _WIDEST_CELL), 8, share=3, most=40,
           about="the type", instead="Filter by it: type:email."),
    Column("queue", lambda task, _: safe(task.queue, _WIDEST_CELL), 6, share=2, most=28,
           from_width=56, about="the queue", instead="Filter by it: queue:mail."),
    Column("prio", lambda task, _: str(task.priority), 5, from_width=67, right=True,
           about="the priority", instead="Filter by it: prio:>5."),
    Column("att", lambda t, _: formats.receives(t.receive_count, t.max_receives), 5,
           from_width=60, right=True, about="attempts made of those allowed",
           instead="Filter by it: receives:>1."),
    AGE,
    Column("started", lambda task, now: formats.age(task.started_at, now), 7,
           from_width=118, right=True, about="since its latest start",
           instead="Filter by it: started:<1h."),
    Column("finished", lambda task, now: formats.age(task.finished_at, now), 10,
           from_width=170, right=True, about="since its end", order=PageOrder.LAST_FINISHED),
    Column("took", _took, 6, from_width=64, right=True, about="how long its latest run took",
           instead="Filter by it: took:>1m."),
    Column("error", _error_line, 16, share=6, from_width=115, about="the error's first line",
           instead="The screen Errors groups them."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a list that is `width` cells wide, each with its exact width."""

    width: int
    columns: tuple[tuple[Column, int], ...]

    @classmethod
    def of(
        cls,
        width: int,
        names: frozenset[str] = frozenset(),
        *,
        words: bool = True,
        order: PageOrder = PageOrder.NEWEST,
    ) -> "Layout":
        """The columns that fit; the room left over goes to those that take a share.

        Args:
            width: the list's, in cells.
            names: the titles of the columns chosen; without any, as many as there is room for.
            words: whether the status is a word, or only its glyph.
            order: the list's; the column of it is always there.
        """
        width = max(width, 0)
        chosen = [
            c
            for c in COLUMNS
            if (c.title in names if names else width >= c.from_width) or sorts(c, order)
        ]
        chosen = [GLYPH if c is STATUS and not words else c for c in chosen]
        while len(chosen) > 1 and _least(chosen) > width:
            chosen.remove(next(c for c in reversed(chosen) if not sorts(c, order) or c is AGE))
        spare = max(width - _least(chosen), 0)
        shares = sum(column.share for column in chosen)
        widths = [c.width + (spare * c.share // shares if shares else 0) for c in chosen]
        widths = [min(w, c.most) if c.most else w for c, w in zip(chosen, widths, strict=True)]
        left = width - sum(widths) - GAP * (len(chosen) - 1)
        for place, column in reversed(list(enumerate(chosen))):
            if left and (column.share or left < 0):
                room = column.most - widths[place] if column.most else left
                given = min(left, room)
                widths[place] += given
                left -= given
        return cls(width, tuple(zip(chosen, widths, strict=True)))

    def at(self, x: int) -> Column | None:
        """The column that cell `x` of a line is in, or in the gap before."""
        for column, width in self.columns:
            if x < width:
                return column
            x -= width + GAP
        return None

    def cells(self, task: Task, now: datetime) -> tuple[str, ...]:
        """What each column shows of `task`, exactly as wide as the column."""
        return tuple(
            fit(column.cell(task, now), width, right=column.right) for column, width in self.columns
        )

    def titles(self, order: PageOrder) -> tuple[str, ...]:
        """The header's cells; an arrow shows by which the list is sorted."""
        arrow = "↓" if order.descends else "↑"
        return tuple(
            fit(
                f"{column.title} {arrow}" if sorts(column, order) else column.title,
                width,
                right=column.right,
            )
            for column, width in self.columns
        )


def sorts(column: Column, order: PageOrder) -> bool:
    """Whether `order` is by this column."""
    return column.order is not None and column.order in {order, order.reverse}


def next_order(column: Column, order: PageOrder) -> PageOrder | None:
    """How a list sorted by `order` is sorted by `column`: the other way round if it is already."""
    return order.reverse if sorts(column, order) else column.order


def not_served(column: Column) -> str:
    """Why a list can't be sorted by `column`, and what to do instead."""
    about = column.about or column.title
    return (
        f"No index serves {about} across all statuses: each page would read the whole table."
        f" {column.instead}"
    ).strip()


ORDERS: Final = {
    PageOrder.NEWEST: "newest first",
    PageOrder.OLDEST: "oldest first",
    PageOrder.LAST_FINISHED: "latest end first",
    PageOrder.FIRST_FINISHED: "earliest end first",
}
"""The orders in words."""


def _least(columns: list[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)
