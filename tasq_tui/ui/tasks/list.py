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
from textual.widget import Widget

from tasq_core.repository.protocol import PageOrder
from tasq_core.task import Task
from tasq_tui.ui.tasks import keyset
from tasq_tui.ui.tasks.columns import STATUS, Layout
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
from tasq_tui.ui.tasks.marks import Marks
from tasq_tui.ui.tasks.window import Window
from tasq_tui.ui.text import theme
from tasq_tui.ui.text.sanitize import safe

_CACHED_STRIPS: Final = 512
_WHEEL_ROWS: Final = 3
_WORDS_FROM: Final = 160
"""Columns of the terminal from which the status is a word."""


class TaskList(Widget, can_focus=True):
    """Tasks, newest or oldest first, through a window fed by whoever handles `Need`.

    The list asks by posting `Need`; the answer goes to `deliver` or `fail`. It freezes itself
    while tasks are marked or `hold` is on.
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
        super().__init__(id=id, classes=classes)
        self.window = Window(order)
        self.empty = empty
        self._marks = Marks()
        self._now = now
        self._layout = Layout.of(0)
        self._columns = frozenset[str]()
        self._total: int | None = None
        self._held = False
        self._error = ""
        self._lines: list[Line] = []
        self._strips: LRUCache[Line, Strip] = LRUCache(_CACHED_STRIPS)
        self._asked, self._placed = 0, False
        self._reported_cursor: UUID | None = None
        self._reported_marks: frozenset[UUID] = frozenset()

    @property
    def current(self) -> Task | None:
        """The task under the cursor."""
        return self.window.current

    @property
    def selected_ids(self) -> frozenset[UUID]:
        """The marked tasks."""
        return self._marks.ids

    @property
    def target_ids(self) -> tuple[UUID, ...]:
        """What an action is for, as of now: the marked tasks, else the one under the cursor."""
        if self._marks.ids:
            return tuple(sorted(self._marks.ids))
        return () if self.current is None else (self.current.id,)

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
        self._sync()

    def show_total(self, total: int | None) -> None:
        """About how many tasks the list has, for the scrollbar."""
        self._total = total
        self._sync()

    def hold(self, held: bool) -> None:
        """Freeze the list, while a dialog is about its rows, or thaw it."""
        self._held = held
        self._freeze()
        self._sync()

    def mark_all(self, ids: Sequence[UUID]) -> None:
        """Mark these tasks besides those marked."""
        self._marks.ids |= frozenset(ids)
        self._after_marking()

    def clear_selection(self) -> None:
        """Unmark everything."""
        self._marks.clear()
        self._after_marking()

    def forget_unseen(self) -> None:
        """Read again what comes into view next."""
        self.window.forget_unseen()

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self.window.move(rows)
        self._after_moving()

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

    def action_mark(self) -> None:
        """Mark the task, or unmark it, and go on to the next."""
        if task := self.current:
            self._marks.end_range()
            self._marks.toggle(task.id)
            self._after_marking()
            self.action_move(1)

    def action_range(self) -> None:
        """Begin to mark a range, or end it."""
        if self._marks.drawing:
            self._marks.end_range()
        elif task := self.current:
            self._marks.begin_range(self.window.rank(task), task.id)
        self._after_marking()

    def action_draw(self, rows: int) -> None:
        """Move, marking what is passed."""
        if not self._marks.drawing and (task := self.current):
            self._marks.begin_range(self.window.rank(task), task.id)
        self.action_move(rows)

    def action_mark_page(self) -> None:
        """Mark all in view, or unmark them."""
        self._marks.end_range()
        self._marks.add(task.id for task in self.window.visible)
        self._after_marking()

    action_unmark = clear_selection

    def action_activate(self) -> None:
        """Open the task under the cursor."""
        if task := self.current:
            self.post_message(self.Activated(task.id))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape goes on to the screen where nothing is marked."""
        del parameters
        return action != "unmark" or bool(self._marks.ids or self._marks.drawing)

    def on_click(self, event: events.Click) -> None:
        """Point with the mouse: the gutter marks, a double click opens, the bar pages."""
        event.stop()
        spot = event.get_content_offset(self)
        if spot is None:
            return
        if spot.x >= self.size.width - BAR:
            self.action_page(1 if spot.y > self.size.height // 2 else -1)
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

    def _after_moving(self) -> None:
        self._draw_range()
        self._sync()

    def _after_jump(self) -> None:
        # A range can't be drawn across what was never read.
        self._marks.end_range()
        self._sync()

    def _after_marking(self) -> None:
        self._freeze()
        self._sync()

    def _draw_range(self) -> None:
        if self._marks.drawing and (task := self.current):
            rows = ((row.id, self.window.rank(row)) for row in self.window.rows)
            self._marks.draw_to(self.window.rank(task), rows)
            self._freeze()

    def _freeze(self) -> None:
        self.window.freeze(self._held or bool(self._marks.ids))

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
        self._layout = Layout.of(self.size.width - GUTTER - BAR, self._columns, words=words)
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
