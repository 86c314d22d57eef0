"""What the lines of the in-flight table say, whatever its width. Pure but for the strip."""

from collections.abc import Callable
from typing import Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tasq_tui.ui.consumer.runs import Run, RunState
from tasq_tui.ui.text import formats
from tasq_tui.ui.text.bars import bar
from tasq_tui.ui.text.sanitize import fit, safe

POINTER: Final = "►"
GUTTER: Final = 2
_GAP: Final = " "
_LEASE_BAR: Final = 5
_HALF_LEASE: Final = 0.5
_LOW_LEASE: Final = 0.34
"""Of a lease; pings come every third of it, so less than this left means that one failed."""

GLYPHS: Final[dict[RunState, str]] = {
    RunState.CLAIMED: "◐",
    RunState.WAITING: "◆",
    RunState.RUNNING: "●",
    RunState.SUCCEEDED: "✓",
    RunState.FAILED: "\u00d7",
    RunState.RETRYING: "↻",
    RunState.REQUEUED: "○",
    RunState.LOST: "!",
    RunState.RELEASED: "←",
    RunState.ABANDONED: "!",
    RunState.UNKNOWN: "?",
}

_STYLES: Final[dict[RunState, str]] = {
    RunState.CLAIMED: "color: $text-accent",
    RunState.WAITING: "color: $text-warning",
    RunState.RUNNING: "color: $text-warning",
    RunState.SUCCEEDED: "color: $text-success",
    RunState.FAILED: "color: $text-error",
    RunState.RETRYING: "color: $text-error",
    RunState.REQUEUED: "color: $text-primary",
    RunState.LOST: "color: $text-error",
    RunState.RELEASED: "text-style: dim",
    RunState.ABANDONED: "color: $text-error",
    RunState.UNKNOWN: "text-style: dim",
}


class Cell(NamedTuple):
    """A cell's text, and the component class of its colour; "" for the line's own."""

    text: str
    look: str = ""


class RunLine(NamedTuple):
    """All that decides how a line looks: equal lines are drawn once."""

    look: str
    cells: tuple[Cell, ...]


class Column(NamedTuple):
    """One column: its title, its least width, its part of the room left over, where it shows."""

    title: str
    width: int
    share: int = 0
    from_width: int = 0


STATE: Final = Column("state", 12)
ID: Final = Column("id", 8, from_width=50)
TYPE: Final = Column("type", 8, share=3)
QUEUE: Final = Column("queue", 6, share=2, from_width=65)
ATTEMPT: Final = Column("att", 5, from_width=58)
TIME: Final = Column("time", 6)
LEASE: Final = Column("lease", 10, from_width=41)
_COLUMNS: Final = (STATE, ID, TYPE, QUEUE, ATTEMPT, TIME, LEASE)

Widths = tuple[tuple[Column, int], ...]


def state_class(state: RunState) -> str:
    """The component class that colours `state`."""
    return f"run--{state.name.lower()}"


STATE_CLASSES: Final = frozenset(state_class(state) for state in RunState)


def state_css(widget: str) -> str:
    """Rules for the component classes of `STATE_CLASSES` inside `widget`."""
    return "\n".join(
        f"{widget} > .{state_class(state)} {{ {token}; }}" for state, token in _STYLES.items()
    )


def state_text(run: Run) -> str:
    """Glyph and state, as in "● running"; a dry run says so."""
    if run.dry:
        return f"{GLYPHS[run.state]} dry run" if run.in_flight else f"{GLYPHS[run.state]} dry"
    return f"{GLYPHS[run.state]} {run.state.value}"


def widths(width: int) -> Widths:
    """The columns that fit a table `width` cells wide, with what each gets."""
    room = max(width - GUTTER, 0)
    chosen = [column for column in _COLUMNS if width >= column.from_width]
    spare = room - sum(column.width for column in chosen) - len(_GAP) * (len(chosen) - 1)
    shares = sum(column.share for column in chosen)
    given = [column.width + max(spare, 0) * column.share // shares for column in chosen]
    given[chosen.index(TYPE)] += max(room - sum(given) - len(_GAP) * (len(chosen) - 1), 0)
    return tuple(zip(chosen, given, strict=True))


def header(columns: Widths) -> RunLine:
    """The titles."""
    return RunLine(
        "header",
        tuple(Cell(fit(c.title, width, right=c is TIME)) for c, width in columns),
    )


def run_line(run: Run, columns: Widths, now: float, look: str) -> RunLine:
    """The line of `run` at a monotonic time in seconds."""
    return RunLine(look, tuple(_cell(column, width, run, now) for column, width in columns))


def _cell(column: Column, width: int, run: Run, now: float) -> Cell:
    if column is STATE:
        return Cell(fit(state_text(run), width), state_class(run.state))
    if column is LEASE:
        return _lease(run, width, now)
    return Cell(fit(_text(column, run, now), width, right=column is TIME))


def _text(column: Column, run: Run, now: float) -> str:
    task = run.task
    if column is ID:
        return task.id.hex[:8]
    if column is TYPE:
        return safe(task.type, 200)
    if column is QUEUE:
        return safe(task.queue, 200)
    if column is ATTEMPT:
        return formats.receives(task.receive_count, task.max_receives)
    if run.in_flight:
        return formats.duration(max(now - run.since, 0.0))
    return formats.duration(run.seconds)


def _lease(run: Run, width: int, now: float) -> Cell:
    left = run.lease_left(now)
    if left is None:
        return Cell(" " * width)
    # Rounded up: a lease that reads 0s is over.
    text = f"{formats.span(-(-left // 1)):>4}"
    if left >= _HALF_LEASE * run.lease_seconds:
        return Cell(fit(text, width), "run--lease")  # pinged in time: nothing to look at
    low = left < _LOW_LEASE * run.lease_seconds
    text += f" {bar(left, run.lease_seconds, _LEASE_BAR)}"
    return Cell(fit(text, width), "run--low" if low else "run--half")


def draw(line: RunLine, width: int, style_of: Callable[[str], Style]) -> Strip:
    """`line` as a strip exactly `width` cells wide; `style_of` knows the component classes."""
    base = style_of("")
    if line.look:
        base += style_of(f"run--{line.look}")
    pointer = POINTER if line.look.startswith("cursor") else " "
    segments = [Segment(pointer.ljust(GUTTER), base)]
    for index, cell in enumerate(line.cells):
        if index:
            segments.append(Segment(_GAP, base))
        segments.append(Segment(cell.text, base + style_of(cell.look) if cell.look else base))
    return Strip(segments).adjust_cell_length(width, base)
