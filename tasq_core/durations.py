"""Durations: seconds or `timedelta`, inside they are seconds; as text `90`, `1.5h`, `7d`."""

import math
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from tasq_core.errors import InvalidInputError, InvalidTypeError

Duration = float | timedelta
"""Seconds, or a timedelta."""

LONGEST_SECONDS = 100 * 365 * 86400.0

UNIT_SECONDS: Final[Mapping[str, int]] = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}

_NUMBER: Final = r"(\d{1,12}(?:\.\d{1,9})?)"
_TEXT: Final = re.compile(rf"{_NUMBER}|(?:{_NUMBER}[smhdw])+", re.ASCII | re.IGNORECASE)
_PART: Final = re.compile(rf"{_NUMBER}([smhdw])", re.ASCII | re.IGNORECASE)

EXAMPLES: Final = "90, 90s, 15m, 1.5h, 7d, 2w or 1h30m"
"""What a DURATION looks like."""


def seconds(name: str, duration: Duration, *, positive: bool = False) -> float:
    """`duration` in seconds.

    Args:
        name: what the duration is, for the error.
        duration: seconds or a timedelta.
        positive: refuse 0 as well.

    Raises:
        InvalidTypeError: neither a number nor a timedelta.
        InvalidInputError: negative, no number, or over a hundred years.
    """
    if isinstance(duration, timedelta):
        value = duration.total_seconds()
    elif type(duration) in (int, float):
        value = float(duration)
    else:
        raise InvalidTypeError(f"{name} must be seconds or a timedelta, not {duration!r}")
    if not math.isfinite(value) or value < 0 or value > LONGEST_SECONDS or (positive and not value):
        least = "more than 0" if positive else "0 or more"
        raise InvalidInputError(
            f"{name} {duration!r} can't be used: {least} seconds, up to a century"
        )
    return value


def read_duration(text: str) -> float | None:
    """The seconds that `text` stands for, or None where it isn't a duration.

    A number alone is seconds; units (s, m, h, d, w, in either case) add up: `1h30m`.
    """
    plain = text.strip()
    if not _TEXT.fullmatch(plain):
        return None
    parts = _PART.findall(plain)
    if not parts:
        return float(plain)
    return sum(float(number) * UNIT_SECONDS[unit.lower()] for number, unit in parts)


def parse_duration(name: str, text: str, *, positive: bool = False) -> timedelta:
    """The duration that `text` stands for.

    Args:
        name: what the duration is, for the error.
        text: a number of seconds, or numbers with units: `90`, `1.5h`, `1h30m`, `7D`.
        positive: refuse 0 as well.

    Raises:
        InvalidInputError: it can't be read, or is over a hundred years.
    """
    found = read_duration(text)
    if found is None:
        raise InvalidInputError(f"{name} {text!r} is not a duration: write {EXAMPLES}")
    return timedelta(seconds=seconds(name, found, positive=positive))


def duration_text(duration: float) -> str:
    """`duration`, in seconds, as `read_duration` reads it back: in its largest whole unit."""
    for unit, size in UNIT_SECONDS.items():
        if duration >= size and duration % size == 0:
            return f"{int(duration // size)}{unit}"
    return f"{duration:.6f}".rstrip("0").rstrip(".") + "s"
