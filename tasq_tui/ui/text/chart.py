"""A stacked chart of what ended when, out of block characters. Pure: widths and times are given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple

from textual.content import Content

from tasq_core.task import TaskStatus
from tasq_tui.ui.text.formats import compact
from tasq_tui.ui.text.sanitize import fit

DONE: Final = "$success-darken-1"
FAILED: Final = "$error"

_LEVELS: Final = " ▁▂▃▄▅▆▇█"
_EIGHTHS: Final = 8
_AXIS: Final = 7
"""Cells left of the plot: the scale and its line."""
_BUCKETS: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440)
_STEPS: Final = (5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880)
_DAY: Final = 1440
_TICK_CELLS: Final = 9
_MINUTE: Final = timedelta(minutes=1)
_HALVED_ROWS: Final = 4


class Column(NamedTuple):
    """What ended in one bucket."""

    done: int
    failed: int


Minutes = Mapping[tuple[datetime, TaskStatus], int]
"""How many ended in a minute (UTC, seconds 0), SUCCESSFUL or FAILED."""


@dataclass(frozen=True, slots=True)
class Plot:
    """The columns of a chart, from the oldest to the newest, and what they stand for."""

    columns: tuple[Column, ...]
    start: datetime
    bucket_minutes: int

    @classmethod
    def of(cls, ended: Minutes, now: datetime, span: timedelta, width: int) -> "Plot":
        """The last `span` before `now` in as many whole buckets as fit in `width` cells."""
        minutes = span // _MINUTE
        fitting = (b for b in _BUCKETS if minutes // b <= max(width - _AXIS, 1))
        bucket = next(fitting, _BUCKETS[-1])
        number = max(minutes // bucket, 1)
        last = int(now.timestamp()) // 60 // bucket
        done, failed = [0] * number, [0] * number
        for (minute, status), count in ended.items():
            index = number - 1 - (last - int(minute.timestamp()) // 60 // bucket)
            if 0 <= index < number:
                (failed if status is TaskStatus.FAILED else done)[index] += count
        start = datetime.fromtimestamp((last - number + 1) * bucket * 60, UTC)
        return cls(tuple(map(Column, done, failed)), start, bucket)

    @property
    def unit(self) -> str:
        """What a column stands for: "minute", "10 minutes", "hour"."""
        if self.bucket_minutes >= 60:  # noqa: PLR2004 - minutes of an hour
            hours = self.bucket_minutes // 60
            return "hour" if hours == 1 else f"{hours} hours"
        return "minute" if self.bucket_minutes == 1 else f"{self.bucket_minutes} minutes"

    def lines(self, width: int, height: int, *, colour: bool = True) -> list[Content]:
        """The chart, `height` lines of `width` cells: plot, axis, times.

        Args:
            width: cells of a line.
            height: lines; the last two are the axis and its times.
            colour: whether failures are told by colour; else by another pattern.
        """
        rows, room = max(height - 2, 1), max(width - _AXIS, 1)
        top = nice_top(max((c.done + c.failed for c in self.columns), default=0))
        number = len(self.columns)
        columns = [self.columns[x * number // room] for x in range(room)]
        paint = _cell if colour else _plain_cell
        lines = []
        for row in reversed(range(rows)):
            scale = self._scale(row, rows, top)
            cells = [paint(*_heights(column, top, rows), row) for column in columns]
            lines.append(Content.assemble((scale, "$text-muted"), *_runs(cells)))
        ticks, times = self._times(room)
        lines.append(Content.styled(f"{fit('0', 5, right=True)} ┼{ticks}", "$text-muted"))
        lines.append(Content.styled(" " * _AXIS + times, "$text-muted"))
        return lines

    def _scale(self, row: int, rows: int, top: int) -> str:
        halved = row == rows // 2 - 1 and rows >= _HALVED_ROWS and not rows % 2
        value = top if row == rows - 1 else top // 2 if halved else None
        return f"{fit('' if value is None else compact(value), 5, right=True)} ┤"

    def _times(self, room: int) -> tuple[str, str]:
        """The axis with its ticks, and the times below them, both `room` cells."""
        minutes = len(self.columns) * self.bucket_minutes
        wanted = minutes * _TICK_CELLS / room
        step = next((step for step in _STEPS if step >= wanted), _STEPS[-1])
        axis, below = ["─"] * room, [" "] * room
        first = int(self.start.timestamp()) // 60
        for minute in range(-(-first // step) * step, first + minutes, step):
            at = (minute - first) * room // minutes
            when = datetime.fromtimestamp(minute * 60, UTC)
            text = f"{when:%b %d}" if minutes > _DAY else f"{when:%H:%M}"
            begin = at - len(text) // 2
            if begin >= 0 and begin + len(text) <= room:
                axis[at] = "┬"
                below[begin : begin + len(text)] = text
        return "".join(axis), "".join(below)


def nice_top(most: int) -> int:
    """The end of a scale that holds `most`: 2, 4, 10, 20, 40, 100 and so on."""
    top, steps = 2, (2.0, 2.5, 2.0)
    place = 0
    while top < most:
        top = round(top * steps[place % 3])
        place += 1
    return top


def _heights(column: Column, top: int, rows: int) -> tuple[int, int]:
    """Eighths of a line of failures and of all; anything above 0 can be seen."""
    scale = _EIGHTHS * rows / top
    failed = max(round(column.failed * scale), 1 if column.failed else 0)
    both = round((column.done + column.failed) * scale)
    return failed, max(both, failed + (1 if column.done else 0))


def _cell(failed: int, both: int, row: int) -> tuple[str, str]:
    """The character and style of one cell: failures at the bottom, so that they share a base."""
    low = _EIGHTHS * row
    red, full = (min(max(height - low, 0), _EIGHTHS) for height in (failed, both))
    if not full:
        return " ", ""
    if not red:
        return _LEVELS[full], DONE
    if red < full == _EIGHTHS:
        return _LEVELS[red], f"{FAILED} on {DONE}"
    return _LEVELS[full], FAILED  # three zones in one cell: a failure isn't hidden


def _plain_cell(failed: int, both: int, row: int) -> tuple[str, str]:
    low = _EIGHTHS * row
    if failed - low >= _EIGHTHS // 2:
        return "▒", ""
    return _LEVELS[min(max(both - low, 0), _EIGHTHS)], ""


def _runs(cells: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    style_of: Callable[[tuple[str, str]], str] = lambda cell: cell[1]  # noqa: E731 - typed key
    return [("".join(c for c, _ in run), style) for style, run in groupby(cells, style_of)]
