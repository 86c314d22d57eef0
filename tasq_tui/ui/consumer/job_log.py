"""What handlers printed, logged and raised: the end of it as it comes, or held still to read."""

import sys
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tasq_tui.ui.consumer.task_logs import LONGEST_LINE, LineLog, LogLine
from tasq_tui.ui.text.formats import count
from tasq_tui.ui.text.sanitize import fit, folded, safe

_WHEEL_ROWS: Final = 3
_LOOKS: Final = ("stdout", "stderr", "log", "warning", "error", "note", "events")
_GUTTERS: Final = {"note": "· ", "warning": "! ", "error": "\u00d7 "}
"""A mark as well as a colour; two cells, as the indent of the rest."""
_INDENT: Final = "  "
_LABEL: Final = 9
_TAB: Final = 4


class Row(NamedTuple):
    """A line of the screen: how it looks, whose it is, and what it says."""

    look: str
    label: str
    text: str


class JobLog(Widget, can_focus=True):
    """Shows a LineLog, its end first of all.

    Scrolled up it stands still, and counts what has come since; End follows again. The pane
    around it shows title and note: `Titled` tells them.
    """

    DEFAULT_CSS = """
    JobLog {
        height: 1fr;
        background: $surface;
        & > .job-log--label { text-style: dim; }
        & > .job-log--stderr { color: $text-warning; }
        & > .job-log--log { color: $text-primary; }
        & > .job-log--warning { color: $text-warning; }
        & > .job-log--error { color: $text-error; }
        & > .job-log--note { text-style: dim; }
        & > .job-log--events { color: $text-error; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"job-log--{look}" for look in ("label", *_LOOKS)}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_by(1)", "Down", show=False),
        Binding("up,k", "scroll_by(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f,space", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "top", "First line", show=False),
        Binding("end,G", "follow", "Follow", show=False),
    ]

    @dataclass
    class Titled(Message):
        """What is shown, and how much of it."""

        title: str
        note: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._title = self._note = ""
        self._log = LineLog()
        self._labelled = False
        self._held: list[Row] | None = None
        """The rows while it stands still."""
        self._held_at = 0
        self._top = 0
        self._rows: list[Row] = []

    @property
    def following(self) -> bool:
        """Whether the end is shown as it comes."""
        return self._held is None

    def show(self, title: str, log: LineLog, *, labelled: bool = False) -> None:
        """Show `log` under `title`; another log than before is shown from its end.

        Args:
            title: what it is; made inert here.
            log: read again at each call of `poll`.
            labelled: whether each line names its task.
        """
        if log is not self._log:
            self._held = None
        if title != self._title:
            self._title, self._note = title, ""
            self.post_message(self.Titled(title, ""))
        self._log, self._labelled = log, labelled
        self.poll()

    def poll(self) -> None:
        """Show what came since; repaint only the lines that changed."""
        if not self.size:
            return
        rows = self._body()
        if (note := self._noted()) != self._note:
            self._note = note
            self.post_message(self.Titled(self._title, note))
        old, self._rows = self._rows, rows
        if len(rows) != len(old):
            self.refresh()
        elif changed := [y for y, row in enumerate(rows) if row != old[y]]:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def action_scroll_by(self, rows: int) -> None:
        """Scroll; up from the end makes it stand still, down to the end follows again."""
        self._scroll(rows)

    def action_page(self, pages: int) -> None:
        """Scroll by whole screens."""
        self._scroll(pages * max(self._height - 1, 1))

    def action_top(self) -> None:
        """Go to the first line that is kept."""
        self._scroll(-sys.maxsize)

    def action_follow(self) -> None:
        """Go to the end and follow."""
        self._held = None
        self.poll()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll by the wheel."""
        event.stop()
        self._scroll(_WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll by the wheel."""
        event.stop()
        self._scroll(-_WHEEL_ROWS)

    @property
    def _height(self) -> int:
        return self.size.height

    def _scroll(self, rows: int) -> None:
        if self._held is None:
            if rows >= 0:
                return
            self._held = [row for line in self._log for row in self._fold(line)]
            self._held_at = self._log.added
            self._top = len(self._held) - self._height
        last = len(self._held) - self._height
        self._top = max(self._top + rows, 0)
        if self._top >= last:
            self._held = None
        self.poll()

    def _noted(self) -> str:
        """How much of the log is shown."""
        if self._held is not None:
            return f"held still, {count(self._log.added - self._held_at)} new · End follows"
        if dropped := self._log.dropped:
            return f"the last {count(len(self._log))} of {count(len(self._log) + dropped)}"
        return ""

    def _body(self) -> list[Row]:
        if self._held is not None:
            rows = self._held[self._top : self._top + self._height]
        else:
            rows = []
            for line in reversed(self._log):
                rows[:0] = self._fold(line)
                if len(rows) >= self._height:
                    break
            rows = rows[len(rows) - self._height :] if len(rows) > self._height else rows
        return rows + [Row("", "", "")] * (self._height - len(rows))

    def _fold(self, line: LogLine) -> list[Row]:
        label = ""
        if self._labelled:
            label = (line.run.task_id.hex[:8] if line.run else "").ljust(_LABEL)
        room = max(self.size.width - len(label) - len(_INDENT), 1)
        text = safe(line.text.expandtabs(_TAB), LONGEST_LINE * _TAB)
        gutter = _GUTTERS.get(line.kind, _INDENT)
        return [
            Row(line.kind, label if not i else " " * len(label), (_INDENT if i else gutter) + part)
            for i, part in enumerate(folded(text, room))
        ]

    def on_resize(self, event: events.Resize) -> None:
        """Fold to the new width, and follow: the old lines are gone."""
        del event
        self._held = None
        self._rows = []
        self.poll()

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        width, own = self.size.width, self.rich_style
        if y >= len(self._rows):
            return Strip.blank(width, own)
        look, label, text = self._rows[y]
        style = own + self._style_of(look)
        segments = [Segment(label, own + self._style_of("label"))] if label else []
        segments.append(Segment(fit(text, width - len(label)), style))
        return Strip(segments).adjust_cell_length(width, style)

    def _style_of(self, look: str) -> Style:
        name = f"job-log--{look}"
        if name not in self.COMPONENT_CLASSES:
            return Style.null()
        return self.get_component_rich_style(name, partial=True)
