"""Time spans in words short enough for a line."""

from datetime import datetime, timedelta
from typing import Final

from tasq_core.durations import UNIT_SECONDS

UNITS: Final = tuple(UNIT_SECONDS.items())[1:]
"""Unit and seconds, the largest first; weeks are said in days."""


def span(duration: timedelta | float) -> str:
    """Its two largest units: "2d 5h", "5m", "3s"; "0s" for less than one."""
    whole = int(abs(duration.total_seconds() if isinstance(duration, timedelta) else duration))
    for place, (unit, length) in enumerate(UNITS):
        if whole >= length:
            rest = whole % length
            next_unit, next_length = UNITS[min(place + 1, len(UNITS) - 1)]
            more = (
                f" {rest // next_length}{next_unit}"
                if rest >= next_length > 0 and unit != "s"
                else ""
            )
            return f"{whole // length}{unit}{more}"
    return "0s"


def ago(then: datetime, now: datetime) -> str:
    """As in "3m ago", "in 2h" or "now"."""
    seconds = (now - then).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(seconds)}"
