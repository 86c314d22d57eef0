"""The tasks a consumer holds, with what is left of their leases, and those it is done with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tasq_tui.ui.consumer.run_lines import (
    GUTTER,
    STATE_CLASSES,
    Cell,
    RunLine,
    draw,
    header,
    run_line,
    state_css,
    widths,
)
from tasq_tui.ui.consumer.runs import Run, Runs
from tasq_tui.ui.consumer.task_logs import RunKey
from tasq_tui.ui.text.sanitize import fit

_WHEEL_ROWS: Final = 3
_LOOKS: Final = frozenset(
    f"run--{look}"
    for look in ("header", "cursor", "cursor-blurred", "lease", "half", "low", "message")
)


class InFlight(Widget, can_focus=True):
    """One line a run: those in flight first, in the order of their claims, then the ended ones.

    Without a cursor it shows the top as it changes. A cursor, once moved, keeps its run and
    its line on the screen, whatever comes and goes.
    """

    DEFAULT_CSS = """
    InFlight {
        height: 1fr;
        background: $surface;
        & > .run--header { background: $panel; text-style: bold dim; }
        & > .run--cursor {
            color: $block-cursor-foreground; background: $block-cursor-background;
            text-style: bold;
        }
        & > .run--cursor-blurred {
            color: $foreground; background: $block-cursor-blurred-background;
        }
        & > .run--lease { color: $text-muted; }
        & > .run--half { color: $text-warning; }
        & > .run--low { color: $text-error; }
        & > .run--message { text-style: dim; }
    }
    """ + state_css("InFlight")

    COMPONENT_CLASSES: ClassVar[set[str]] = {*_LOOKS, *STATE_CLASSES}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "top", "First", show=False),
        Binding("end,G", "bottom", "Last", show=False),
        Binding("escape", "leave", "All tasks", show=False),
    ]

    @dataclass
    class CursorMoved(Message):
        """The cursor is on another run; None where there is no cursor."""

        key: RunKey | None

    def __init__(
        self, clock: Callable[[], float], *, id: str | None = None, classes: str | None = None
    ) -> None:
        """Make an empty table; `clock` is the monotonic one that the runs' times are of."""
        super().__init__(id=id, classes=classes)
        self._clock = clock
        self._runs: list[Run] = []
        self._cursor: RunKey | None = None
        self._row = 0
        self._offset = 0
        self._message: tuple[str, ...] = ()
        self._columns = widths(0)
        self._lines: list[RunLine] = []

    @property
    def current(self) -> Run | None:
        """The run under the cursor."""
        return None if self._cursor is None else self._runs[self._row]

    def show(self, runs: Runs, message: tuple[str, ...] = ()) -> None:
        """Show `runs` as they stand, or `message`, a line each, if there is none."""
        self._runs = list(runs)
        self._message = message
        self._keep_cursor()
        self._sync()

    def select(self, key: RunKey | None) -> None:
        """Put the cursor on a run, or take it away."""
        row = next((i for i, run in enumerate(self._runs) if run.key == key), None)
        if row is None:
            self._set_cursor(None)
            self._offset = 0
        else:
            self._go(row)
        self._sync()

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows; the first move puts it on the first line in view."""
        self._go(self._offset if self._cursor is None else self._row + rows)
        self._sync()

    def action_page(self, pages: int) -> None:
        """Move by whole screens."""
        self._go(self._row + pages * max(self._height - 1, 1))
        self._sync()

    def action_top(self) -> None:
        """Go to the first run."""
        self._go(0)
        self._sync()

    def action_bottom(self) -> None:
        """Go to the last run."""
        self._go(len(self._runs) - 1)
        self._sync()

    def action_leave(self) -> None:
        """Take the cursor away: the top is shown again, and what concerns all tasks."""
        self.select(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape goes on to the screen where there is no cursor."""
        del parameters
        return action != "leave" or self._cursor is not None

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line clicked."""
        event.stop()
        spot = event.get_content_offset(self)
        if spot is not None and 0 < spot.y <= min(self._height, len(self._runs) - self._offset):
            self._go(self._offset + spot.y - 1)
            self._sync()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move by the wheel."""
        event.stop()
        self.action_move(_WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move by the wheel."""
        event.stop()
        self.action_move(-_WHEEL_ROWS)

    @property
    def _height(self) -> int:
        return max(self.size.height - 1, 0)

    def _go(self, row: int) -> None:
        if not self._runs:
            return
        self._row = max(min(row, len(self._runs) - 1), 0)
        self._offset = max(min(self._offset, self._row), self._row - self._height + 1, 0)
        self._set_cursor(self._runs[self._row].key)

    def _set_cursor(self, key: RunKey | None) -> None:
        if key != self._cursor:
            self._cursor = key
            self.post_message(self.CursorMoved(key))

    def _keep_cursor(self) -> None:
        """Find the cursor's run again and keep it on its line; if it is gone, the next one."""
        if self._cursor is None:
            self._row = self._offset = 0
        elif not self._runs:
            self._set_cursor(None)
        else:
            line = self._row - self._offset
            rows = (i for i, run in enumerate(self._runs) if run.key == self._cursor)
            row = next(rows, min(self._row, len(self._runs) - 1))
            self._offset = max(min(row - line, len(self._runs) - self._height), 0)
            self._go(row)

    def _sync(self) -> None:
        """Repaint the lines that changed."""
        if not self.size:
            return
        lines = self._compose_lines()
        old, self._lines = self._lines, lines
        if len(lines) != len(old):
            self.refresh()
        elif changed := [y for y, line in enumerate(lines) if line != old[y]]:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def _compose_lines(self) -> list[RunLine]:
        now = self._clock()
        look = "cursor" if self.has_focus else "cursor-blurred"
        lines = [header(self._columns)]
        for run in self._runs[self._offset : self._offset + self._height]:
            here = run.key == self._cursor
            lines.append(run_line(run, self._columns, now, look if here else ""))
        if not self._runs:
            room = max(self.size.width - GUTTER, 0)
            lines += [RunLine("message", (Cell(fit(text, room)),)) for text in self._message]
        blank = RunLine("", ())
        return (lines + [blank] * self.size.height)[: self.size.height]

    def on_resize(self, event: events.Resize) -> None:
        """Choose the columns that fit."""
        self._columns = widths(event.size.width)
        self._lines = []
        self._keep_cursor()
        self._sync()

    def on_focus(self) -> None:
        """Show the cursor as the one keys move."""
        self._sync()

    def on_blur(self) -> None:
        """Show that keys go elsewhere."""
        self._sync()

    def render_line(self, y: int) -> Strip:
        """One line of the table."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        return draw(self._lines[y], self.size.width, self._style_of)

    def _style_of(self, name: str) -> Style:
        if not name:
            return self.rich_style
        return self.get_component_rich_style(name, partial=True)
