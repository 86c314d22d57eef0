"""The task list: a keyset window drawn line by line; only lines that changed are painted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from rich.style import Style
from textual import events, on
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from tasq_core.repository.protocol import PageOrder
from tasq_core.task import Task
from tasq_tui.ui.tasks import keyset
from tasq_tui.ui.tasks.columns import STATUS, Column, Layout
from tasq_tui.ui.tasks.lines import (
    BAR,
    COMPONENT_CLASSES,
    CSS,
    GUTTER,
    Line,
    draw,
    header_line,
    message_line,
    row_lines,
)
from tasq_tui.ui.tasks.marking import MarkingList
from tasq_tui.ui.tasks.window import Window
from tasq_tui.ui.text import theme
from tasq_tui.ui.text.sanitize import safe

_CACHED_STRIPS: Final = 512
_WHEEL_ROWS: Final = 3
_WORDS_FROM: Final = 160
"""Columns of the terminal from which the status is a word."""


class TaskList(MarkingList):
    """Tasks, newest or oldest first, through a window fed by whoever handles `Need`.

    The list asks by posting `Need`; the answer goes to `deliver` or `fail`. It freezes itself
    while tasks are marked or it is frozen.
    """

    DEFAULT_CSS = CSS

    COMPONENT_CLASSES: ClassVar[set[str]] = {*COMPONENT_CLASSES, *theme.STATUS_CLASSES}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "top", "First", show=False),
        Binding("end,G", "bottom", "Last", show=False),
        Binding("space", "mark", "Mark", show=False),
        Binding("v", "range", "Mark a range", show=False),
        Binding("shift+down", "draw(1)", "Mark down", show=False),
        Binding("shift+up", "draw(-1)", "Mark up", show=False),
        Binding("ctrl+a", "mark_page", "Mark the page", show=False),
        Binding("escape", "unmark", "Unmark", show=False),
        Binding("enter", "activate", "Open", show=False),
    ]

    @dataclass
    class Need(Message):
        """The list needs rows; an earlier need that wasn't answered is void."""

        need: keyset.Need

    @dataclass
    class CursorMoved(Message):
        """The cursor is on another task; None in an empty list."""

        task_id: UUID | None

    @dataclass
    class SelectionChanged(Message):
        """Other tasks are marked."""

        ids: frozenset[UUID]

    @dataclass
    class Activated(Message):
        """The user wants to see this task."""

        task_id: UUID

    @dataclass
    class SortAsked(Message):
        """The title of a column was clicked."""

        column: Column

    def __init__(
        self,
        now: Callable[[], datetime],
        order: PageOrder = PageOrder.NEWEST,
        *,
        empty: str = "No tasks.",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make an empty list; it posts its first `Need` once it has a size.

        Args:
            now: the database's clock, for ages.
            order: the order to begin with.
            empty: what to show where nothing matches.
            id: the widget's id.
            classes: the widget's CSS classes.
        """
        super().__init__(Window(order), id=id, classes=classes)
        self.empty = empty
        self._now = now
        self._layout = Layout.of(0)
        self._columns = frozenset[str]()
        self._total: int | None = None
        self._error = ""
        self._lines: list[Line] = []
        self._strips: LRUCache[Line, Strip] = LRUCache(_CACHED_STRIPS)
        self._asked, self._placed = 0, False
        self._reported_cursor: UUID | None = None
        self._reported_marks: frozenset[UUID] = frozenset()

    def deliver(self, need: keyset.Need, rows: Sequence[Task]) -> None:
        """Take the answer to `need`; one that is void changes nothing."""
        if self.window.deliver(need, rows):
            self._error = ""
            self.set_class(False, "-stale")
            self._draw_range()
            self._sync()

    def fail(self, need: keyset.Need, reason: str) -> None:
        """Reading failed: keep the rows, dimmed; without any, show the reason."""
        self.window.fail(need)
        self._error = safe(reason)
        self.set_class(True, "-stale")
        self._sync()

    @property
    def columns_shown(self) -> frozenset[str]:
        """The titles of the columns shown, the status included."""
        return frozenset((STATUS.title, *(column.title for column, _ in self._layout.columns)))

    def choose_columns(self, names: frozenset[str]) -> None:
        """Show the columns with these titles; without any, as many as there is room for."""
        self._columns = names
        if self.size:
            self._lay_out()

    def seek(self, key: keyset.Key) -> None:
        """Go to the task with this key, or the next one."""
        self.window.seek(key)
        self._after_jump()

    def poll(self) -> None:
        """Read what is in view again."""
        self.window.refresh()
        self._sync()

    def tick(self) -> None:
        """Let the ages go on."""
        self._sync()

    def reset(self, order: PageOrder | None = None) -> None:
        """Start over in another order or, with None, for another filter; nothing marked."""
        self._marks.clear()
        self._freeze()
        self.window.reset(order)
        if order is not None and self.size:
            self._lay_out()
        self._sync()

    def show_total(self, total: int | None) -> None:
        """About how many tasks the list has, for the scrollbar."""
        self._total = total
        self._sync()

    def forget_unseen(self) -> None:
        """Read again what comes into view next."""
        self.window.forget_unseen()

    def action_page(self, pages: int) -> None:
        """Move by whole screens."""
        self.window.page(pages)
        self._after_moving()

    def action_top(self) -> None:
        """Go to the first task, newly entered ones included."""
        self.window.jump_top()
        self._after_jump()

    def action_bottom(self) -> None:
        """Go to the last task."""
        self.window.jump_bottom()
        self._after_jump()

    def action_activate(self) -> None:
        """Open the task under the cursor."""
        if task := self.current:
            self.post_message(self.Activated(task.id))

    def on_click(self, event: events.Click) -> None:
        """Point with the mouse: the gutter marks, a double click opens, the bar pages."""
        event.stop()
        spot = event.get_content_offset(self)
        if spot is None:
            return
        if spot.x >= self.size.width - BAR:
            self.action_page(1 if spot.y > self.size.height // 2 else -1)
        elif spot.y == 0:
            if column := self._layout.at(spot.x - GUTTER):
                self.post_message(self.SortAsked(column))
        elif self.window.point(spot.y - 1):
            if spot.x < GUTTER or event.ctrl:
                self._marks.toggle(self.window.rows[self.window.cursor].id)
                self._after_marking()
            elif event.chain == 2:  # noqa: PLR2004 - a double click
                self.action_activate()
            self._after_moving()

    @on(events.MouseScrollDown)
    @on(events.MouseScrollUp)
    def _scroll_by_wheel(self, event: events.MouseEvent) -> None:
        event.stop()
        down = isinstance(event, events.MouseScrollDown)
        self.window.scroll(_WHEEL_ROWS if down else -_WHEEL_ROWS)
        self._after_moving()

    def _after_jump(self) -> None:
        # A range can't be drawn across what was never read.
        self._marks.end_range()
        self._sync()

    def _sync(self) -> None:
        """Repaint the lines that changed; tell what changed; ask for what is missing."""
        if self.size:
            lines = self._compose_lines()
            old, self._lines = self._lines, lines
            if len(lines) != len(old):
                self.refresh()
            elif changed := [y for y, line in enumerate(lines) if line != old[y]]:
                self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))
        if self._placed:  # hidden behind the detail, too: the screen waits for these rows
            self._report()

    def _compose_lines(self) -> list[Line]:
        window = self.window
        lines = [header_line(window, self._layout)]
        lines += row_lines(
            window, self._layout, self._marks.ids, self._now(), self._total, focused=self.has_focus
        )
        if not window.rows and (self._error or not window.loading):
            text = self._error or self.empty
            lines.append(message_line(text, self._layout.width, error=bool(self._error)))
        blank = Line("", ())
        return lines + [blank] * (self.size.height - len(lines))

    def _report(self) -> None:
        cursor = self.current.id if self.current else None
        if cursor != self._reported_cursor:
            self._reported_cursor = cursor
            self.post_message(self.CursorMoved(cursor))
        if self._marks.ids != self._reported_marks:
            self._reported_marks = self._marks.ids
            self.post_message(self.SelectionChanged(self._marks.ids))
        need = self.window.need()
        if need is not None and need.serial != self._asked:
            self._asked = need.serial
            self.post_message(self.Need(need))

    def _on_resize(self, event: events.Resize) -> None:
        self._placed = True
        self.window.resize(event.size.height - 1)
        self._lay_out()

    def _lay_out(self) -> None:
        words = self.app.size.width >= _WORDS_FROM
        width, order = self.size.width - GUTTER - BAR, self.window.order
        self._layout = Layout.of(width, self._columns, words=words, order=order)
        self._strips.clear()
        self._lines = []
        self._sync()

    def on_focus(self) -> None:
        """Show the cursor as the one keys move."""
        self._sync()

    def on_blur(self) -> None:
        """Show that keys go elsewhere."""
        self._sync()

    def notify_style_update(self) -> None:
        """Forget what was drawn in other colours."""
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """One line of the list."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        line = self._lines[y]
        strip = self._strips.get(line)
        if strip is None:
            strip = draw(line, self.size.width, self._style_of)
            self._strips[line] = strip
        return strip

    def _style_of(self, name: str) -> Style:
        if not name:
            return self.rich_style
        return self.get_component_rich_style(name, partial=True)
