"""Moments as text: one grammar for options, filters and configuration.

A month `2026-11`, a day `2026-11-26`, a time of it `2026-11-26 09:00`, with a zone (`Z`, `+01:00`)
or in this machine's; `today`, `yesterday`, `tomorrow`, `now`; `in 2h` and `2h ago`. Any case.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from tasq_core.durations import LONGEST_SECONDS, read_duration
from tasq_core.errors import InvalidInputError

EXAMPLES: Final = (
    "2026-11-26, 2026-11-26 09:00, 2026-11-26T09:00Z, today, yesterday, now, in 2h or 2h ago"
)
"""What a TIME looks like."""

_MONTH: Final = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_RELATIVE: Final = re.compile(r"(?:in\s+(?P<ahead>.+)|(?P<ago>.+?)\s+ago)", re.IGNORECASE)
_ZONE_AFTER_SPACE: Final = re.compile(r"\s+(?=(?:[zZ]|utc|UTC|[+-]\d{2}(?::?\d{2})?)$)")
_DAYS: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
# Away from year 1 and the last day there is room for time zones and for the end of a day.
_FIRST: Final = datetime(2, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)
YEARS: Final = "years go from 2 to 9998"


class UnreadableMomentError(Exception):
    """Text that is not a moment; the message is the hint."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, a whole day or month, or a time from now."""

    start: datetime | None = None
    """Aware UTC; None where it is relative."""
    end: datetime | None = None
    """Where a day or month ends, itself not in it; None of an instant."""
    ahead: float = 0.0
    """Seconds from now, where `start` is None; negative ones are past."""

    def at(self, now: datetime) -> datetime:
        """The instant, or the first of the day or month.

        Raises:
            OverflowError: it leaves the calendar.
        """
        return now + timedelta(seconds=self.ahead) if self.start is None else self.start


def read_moment(text: str) -> Moment:
    """The moment that `text` stands for, by this machine's clock and zone.

    Raises:
        UnreadableMomentError: it can't be read.
    """
    plain = " ".join(text.split())
    word = plain.lower()
    if word == "now":
        return Moment()
    if word in _DAYS:
        return _day(datetime.now().astimezone().date() + timedelta(days=_DAYS[word]))
    if relative := _RELATIVE.fullmatch(plain):
        return _relative(relative["ahead"], relative["ago"])
    if month := _MONTH.fullmatch(plain):
        return _month(int(month[1]), int(month[2]))
    try:
        return _day(date.fromisoformat(plain))
    except ValueError:
        return _instant(plain)


def parse_moment(name: str, text: str, now: datetime | None = None) -> datetime:
    """The time that `text` stands for, aware UTC; of a day or month its first instant.

    Args:
        name: what the time is, for the error.
        text: a moment.
        now: what `now`, `in 2h` and `2h ago` count from; this machine's clock if None.

    Raises:
        InvalidInputError: it can't be read.
    """
    try:
        return _in_calendar(read_moment(text).at(now or datetime.now(UTC)))
    except UnreadableMomentError as error:
        raise InvalidInputError(f"{name} {text!r} is not a time: {error}") from None
    except OverflowError:
        raise InvalidInputError(f"{name} {text!r} is not a time: {YEARS}") from None


def _relative(ahead: str | None, ago: str | None) -> Moment:
    length = read_duration(ahead or ago or "")
    if length is None:
        raise UnreadableMomentError(f"write {EXAMPLES}")
    if length > LONGEST_SECONDS:
        raise UnreadableMomentError("at most a century")
    return Moment(ahead=length if ahead else -length)


def _month(year: int, month: int) -> Moment:
    try:
        first = date(year, month, 1)
        following = date(year + month // 12, month % 12 + 1, 1)
    except ValueError as error:
        raise UnreadableMomentError(f"{error}; write {EXAMPLES}") from None
    return Moment(_midnight(first), _midnight(following))


def _day(day: date) -> Moment:
    try:
        following = day + timedelta(days=1)
    except OverflowError:
        raise UnreadableMomentError(YEARS) from None
    return Moment(_midnight(day), _midnight(following))


def _instant(text: str) -> Moment:
    iso = _ZONE_AFTER_SPACE.sub("", text)
    if iso[-3:].lower() == "utc":
        iso = iso[:-3] + "Z"
    try:
        at = datetime.fromisoformat(iso)
        return Moment(_in_calendar(at.astimezone(UTC)))  # without a zone it is local time
    except (ValueError, OverflowError):
        raise UnreadableMomentError(f"write {EXAMPLES}") from None


def _midnight(day: date) -> datetime:
    """The first instant of a day by this machine's zone."""
    try:
        return _in_calendar(datetime(day.year, day.month, day.day).astimezone(UTC))
    except (ValueError, OverflowError):
        raise UnreadableMomentError(YEARS) from None


def _in_calendar(at: datetime) -> datetime:
    if not _FIRST <= at <= _LAST:
        raise UnreadableMomentError(YEARS)
    return at


def day_text(at: datetime) -> str | None:
    """The day that begins at `at` in this machine's zone, as ISO 8601; None where none does."""
    local = at.astimezone()
    return local.date().isoformat() if _midnight(local.date()) == at else None
