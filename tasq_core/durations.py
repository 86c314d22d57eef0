"""Durations come as seconds or `timedelta`; inside they are seconds."""

import math
from datetime import timedelta

from tasq_core.errors import InvalidInputError, InvalidTypeError

Duration = float | timedelta
"""Seconds, or a timedelta."""

LONGEST_SECONDS = 100 * 365 * 86400.0


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
