"""Plain values to short text. Pure: the current time is always given."""
# ruff: noqa: PLR2004 - the numbers are the units' own

from datetime import datetime
from itertools import pairwise
from typing import Final

from tasq_core.durations import UNIT_SECONDS
from tasq_core.task import TaskStatus
from tasq_tui.admin.wording import UNITS

NOTHING: Final = "\u2013"

GLYPHS: Final[dict[TaskStatus, str]] = {
    TaskStatus.NEW: "○",
    TaskStatus.ENQUEUED: "◐",
    TaskStatus.IN_PROGRESS: "●",
    TaskStatus.SUCCESSFUL: "✓",
    TaskStatus.FAILED: "\u00d7",
}
"""A shape per status, so that colour is never all that tells them apart."""

LABELS: Final[dict[TaskStatus, str]] = {
    status: status.value.lower().replace("_", " ") for status in TaskStatus
}

_HOUR: Final = UNIT_SECONDS["h"]
_DAY: Final = UNIT_SECONDS["d"]
_EARLIEST_YEAR: Final = 1


def status_text(status: TaskStatus) -> str:
    """Glyph and name, as in "● in progress"."""
    return f"{GLYPHS[status]} {LABELS[status]}"


def span(seconds: float) -> str:
    """A time span in at most six cells: "42s", "3m", "2h 5m", "14h", "5d 2h", "3y"."""
    whole = int(abs(seconds))
    if _HOUR <= whole < 10 * _HOUR or _DAY <= whole < 7 * _DAY:
        return _two_units(whole)
    for unit, length in (("y", 365 * _DAY), *UNITS):
        if whole >= length:
            return f"{whole // length}{unit}"
    return "0s"


def _two_units(whole: int) -> str:
    for (unit, length), (next_unit, next_length) in pairwise(UNITS):
        if whole >= length:
            rest = whole % length // next_length
            return f"{whole // length}{unit}" + (f" {rest}{next_unit}" if rest else "")
    return f"{whole}s"


def age(then: datetime | None, now: datetime) -> str:
    """How long ago: "3m"; ahead: "in 3m"; a dash for None and for year 1 ("at once")."""
    if then is None or then.year == _EARLIEST_YEAR:
        return NOTHING
    seconds = (now - then).total_seconds()
    return f"in {span(seconds)}" if seconds <= -1 else span(max(seconds, 0))


def duration(seconds: float | None) -> str:
    """How long something took: "850µs", "12ms", "1.2s", "42s", "3m 5s", "2h 5m", "3d 4h"."""
    if seconds is None or seconds < 0:
        return NOTHING
    for per_second, unit in ((1_000_000, "µs"), (1000, "ms")):
        if (amount := round(seconds * per_second)) < 1000:
            return f"{amount}{unit}"
    if seconds < 9.95:  # from here one decimal would read 10.0
        return f"{seconds:.1f}s"
    return _two_units(round(seconds))


def took(started: datetime | None, ended: datetime | None) -> str:
    """The duration from one time to the other, a dash where either is missing."""
    if started is None or ended is None:
        return NOTHING
    return duration((ended - started).total_seconds())


def moment(at: datetime | None) -> str:
    """A time in UTC to the second: "2026-03-01 14:05:09Z"; "at once" for year 1."""
    if at is None:
        return NOTHING
    if at.year == _EARLIEST_YEAR:
        return "at once"
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def count(number: int, *, approximate: bool = False, at_least: bool = False) -> str:
    """A number with separators: "12,345", "~12,345", "≥1,000"."""
    glyph = "≥" if at_least else "~" if approximate else ""
    return f"{glyph}{number:,}"


def compact(number: int) -> str:
    """A number in at most five cells: "999", "12.3k", "4.5M"."""
    value, unit = float(number), ""
    for larger in "kMG":
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f}{unit}" if unit and value < 99.95 else f"{value:.0f}{unit}"


def receives(received: int, allowed: int) -> str:
    """Claims used of those allowed: "1/5"; without a limit just "1"."""
    return f"{received}/{allowed}" if allowed else str(received)


def attempts(made: int, allowed: int) -> str:
    """Which attempt of how many: "2 of 5"; without a limit just "2"."""
    return f"{made} of {allowed}" if allowed else str(made)


def size(octets: int) -> str:
    """A size in bytes: "512 B", "1.5 kB", "30.0 MB"."""
    if octets < 1000:
        return f"{octets} B"
    value = octets / 1000
    for unit in ("kB", "MB"):
        if value < 999.95:
            return f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
