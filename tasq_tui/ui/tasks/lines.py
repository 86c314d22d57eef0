"""What the lines of the task list say, and how one becomes a strip of styled cells."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tasq_core.task import TaskStatus
from tasq_tui.ui.tasks.columns import GAP, Layout
from tasq_tui.ui.tasks.window import PROBE_LIMIT, Window
from tasq_tui.ui.text import theme
from tasq_tui.ui.text.sanitize import fit

POINTER: Final = "►"
MARKED: Final = "■"
GUTTER: Final = 2
BAR: Final = 1
_THUMB: Final = "┃"
_TRACK: Final = "│"

_LOOKS: Final = (
    "header", "notice", "cursor", "cursor-blurred", "marked", "gone", "bar", "message", "error",
)  # fmt: skip
COMPONENT_CLASSES: Final = frozenset(f"task-list--{look}" for look in _LOOKS)


CSS: Final = """
TaskList {
    height: 1fr;
    background: $surface;
    & > .task-list--header { color: $text-muted; background: $panel; text-style: bold; }
    & > .task-list--notice { color: $text-accent; background: $panel; text-style: bold; }
    & > .task-list--cursor {
        color: $block-cursor-foreground; background: $block-cursor-background;
        text-style: bold;
    }
    & > .task-list--cursor-blurred {
        color: $foreground; background: $block-cursor-blurred-background;
    }
    & > .task-list--marked { color: $text-accent; }
    & > .task-list--gone { color: $text-muted; text-style: strike; }
    & > .task-list--bar { color: $scrollbar; }
    & > .task-list--message { color: $text-muted; }
    & > .task-list--error { color: $text-error; }
    &.-stale { opacity: 60%; }
}
""" + theme.status_css("TaskList")


class Line(NamedTuple):
    """All that decides how a line looks: equal lines are drawn once."""

    look: str
    """The component class, without `task-list--`; "" for a plain row."""
    cells: tuple[str, ...]
    status: TaskStatus | None = None
    gutter: str = "  "
    bar: str = " "


def header_line(window: Window, layout: Layout) -> Line:
    """The titles; the first ones make room for what is newer, or for the wait."""
    titles = layout.titles(window.order)
    if window.loading:
        return Line("notice", _over(titles, "loading…"))
    if window.newer:
        arrow = "↑" if window.order.descends else "↓"
        more = "+" if window.newer >= PROBE_LIMIT else ""
        return Line("notice", _over(titles, f"{arrow} {window.newer}{more} newer"))
    return Line("header", titles)


def _over(titles: tuple[str, ...], text: str) -> tuple[str, ...]:
    """`text` over as many titles as it takes, the first at least."""
    room = len(titles[0])
    for place in range(1, len(titles)):
        if room >= len(text):
            return fit(text, room), *titles[place:]
        room += GAP + len(titles[place])
    return (fit(text, room),)


def row_lines(
    window: Window,
    layout: Layout,
    marked: Collection[UUID],
    now: datetime,
    total: int | None,
    *,
    focused: bool,
) -> list[Line]:
    """One line a row in view."""
    bar = scroll_bar(window, total)
    lines = []
    for index, task in enumerate(window.visible):
        look = ""
        if window.offset + index == window.cursor:
            look = "cursor" if focused else "cursor-blurred"
        elif task.id in window.vanished:
            look = "gone"
        elif task.id in marked:
            look = "marked"
        gutter = (POINTER if look.startswith("cursor") else " ") + (
            MARKED if task.id in marked else " "
        )
        cells = layout.cells(task, now)
        lines.append(Line(look, cells, task.status, gutter, bar[index]))
    return lines


def message_line(text: str, width: int, *, error: bool) -> Line:
    """What an empty list says."""
    return Line("error" if error else "message", (fit(text, width),))


def scroll_bar(window: Window, total: int | None) -> str:
    """The scroll bar, a character a line; blank where all is in view."""
    height = window.height
    before, length = window.position(total)
    if length <= height:
        return " " * height
    size = max(height * height // length, 1)
    room = height - size
    top = round(room * min(before / (length - height), 1))
    # Only the very ends touch the ends: that one is there can be told from the bar.
    if before and room > 1:
        top = max(top, 1)
    if before + height < length and room > 1:
        top = min(top, room - 1)
    return _TRACK * top + _THUMB * size + _TRACK * (room - top)


def draw(line: Line, width: int, style_of: Callable[[str], Style]) -> Strip:
    """`line` as a strip exactly `width` cells wide.

    Args:
        line: what to draw.
        width: the list's width, gutter and bar included.
        style_of: the style of a component class; "" is the list's own.
    """
    own = style_of("")
    base = own + style_of(f"task-list--{line.look}") if line.look else own
    segments = [Segment(line.gutter, base)]
    gap = Segment(" " * GAP, base)
    for index, cell in enumerate(line.cells):
        if index:
            segments.append(gap)
        style = base
        if not index and line.status is not None and line.look != "gone":
            style += style_of(theme.status_class(line.status))
        segments.append(Segment(cell, style))
    used = GUTTER + sum(segment.cell_length for segment in segments[1:])
    if (spare := width - BAR - used) > 0:
        segments.append(Segment(" " * spare, base))
    segments.append(Segment(line.bar, own + style_of("task-list--bar") if line.status else base))
    strip = Strip(segments)
    return strip if strip.cell_length == width else strip.adjust_cell_length(width, own)
