"""Raw values into typed ones, a reader for each kind of key."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from tasq_core.durations import LONGEST_SECONDS
from tasq_core.filters.scanner import RawValue
from tasq_core.filters.values import (
    UNIT_SECONDS,
    Age,
    IdPrefix,
    Moment,
    Name,
    Needle,
    Numbers,
    Piece,
    Span,
    State,
    Value,
    reads_as_id,
)
from tasq_core.task import MAX_INT16, MAX_INT32, TaskStatus, TaskStatusGroup, get_task_statuses

_NUMBER: Final = re.compile(r"(>=|<=|>|<|=)?(-?[0-9]+)")
_NUMBERS: Final = re.compile(r"(-?[0-9]+)\.\.(-?[0-9]+)")
_COMPARED: Final = re.compile(r"(>=|<=|>|<)?(.*)", re.DOTALL)
_AGE: Final = re.compile(r"(?:[0-9]{1,12}[smhdw])+")
_AGE_PART: Final = re.compile(r"([0-9]+)([smhdw])")
_HEX: Final = re.compile(r"[0-9a-f]{1,32}")
_DAY: Final = timedelta(days=1)
# Away from year 1 and the last day there is room for time zones and for the end of a day.
_FIRST_TIME: Final = datetime(2, 1, 1, tzinfo=UTC)
_LAST_TIME: Final = datetime(9999, 1, 1, tzinfo=UTC)


class UnreadableError(Exception):
    """A value that can't be read; the message is the hint."""


def read_status(raw: RawValue) -> tuple[Value, ...]:
    """One status, or a group's; a beginning of its name will do."""
    statuses = [status.value.lower() for status in TaskStatus]
    groups = [group.value.lower() for group in TaskStatusGroup]
    name = _named(raw, statuses + groups, "status").upper()
    return tuple(get_task_statuses(name)) if name.lower() in groups else (TaskStatus(name),)


def read_state(raw: RawValue) -> tuple[Value, ...]:
    """One state of `is:`."""
    return (State(_named(raw, [state.value for state in State], "state")),)


def read_name(raw: RawValue) -> tuple[Value, ...]:
    """A type or queue, with stars at its ends."""
    before, after = _stars(raw)
    if not raw.text and raw.stars:
        raise UnreadableError("* alone matches everything; leave the term out")
    return (Name(raw.text, before, after),)


def read_piece(raw: RawValue) -> tuple[Value, ...]:
    """A piece of free text; `*` alone stands for any."""
    before, after = _stars(raw)
    if not raw.text and not raw.stars:
        raise UnreadableError("give the text to look for")
    if before == after:
        return (Piece(raw.text),)
    return (Piece(raw.text, at_start=after, at_end=before),)


def read_word(raw: RawValue) -> tuple[Value, ...]:
    """A bare word: the beginning of an id where it looks like one, else a piece of text."""
    before, _ = _stars(raw)
    if reads_as_id(raw.text) and not raw.is_quoted and not before:
        return (IdPrefix(raw.text.replace("-", "").lower()),)
    if not raw.text:
        raise UnreadableError("give the text to look for")
    return read_piece(raw)


def read_needle(raw: RawValue) -> tuple[Value, ...]:
    """A piece of the encoded arguments."""
    if raw.stars:
        raise UnreadableError('args: looks anywhere in the arguments; quote a real star: "*"')
    if not raw.text:
        raise UnreadableError("give the text to look for")
    return (Needle(raw.text),)


def read_id(raw: RawValue) -> tuple[Value, ...]:
    """An id, or its first digits."""
    before, _ = _stars(raw)
    digits = raw.text.replace("-", "").lower()
    if before or not _HEX.fullmatch(digits):
        raise UnreadableError("an id is up to 32 hex digits; its first few will do: id:ab12")
    return (IdPrefix(digits),)


def read_priority(raw: RawValue) -> tuple[Value, ...]:
    """A priority, a comparison or a range."""
    return (_numbers(raw, -MAX_INT16 - 1, MAX_INT16),)


def read_receives(raw: RawValue) -> tuple[Value, ...]:
    """A number of receives, a comparison or a range."""
    return (_numbers(raw, 0, MAX_INT32),)


def read_times(raw: RawValue) -> tuple[Value, ...]:
    """An age or a time compared, a day, or a range."""
    _refuse_stars(raw)
    text = raw.text.strip()
    low, dots, high = text.partition("..")
    if dots:
        return (_range(low, high),)
    compared = _COMPARED.fullmatch(text)
    operator, rest = (compared[1], compared[2]) if compared else (None, text)
    if operator is None:
        return (_one_day(rest),)
    moment = _moment(rest)
    if isinstance(moment, Age):
        # An age counts backwards: more than 2 h ago is before now - 2 h.
        is_open = len(operator) == 1
        older = Span(high=moment, high_open=is_open)
        return (older if operator[0] == ">" else Span(low=moment, low_open=is_open),)
    return (_compared(operator, moment, is_day=_is_day(rest)),)


def _compared(operator: str, at: datetime, *, is_day: bool) -> Span:
    # A day is all of its 24 hours: after it means after its end.
    if operator == ">":
        return Span(low=_next(at)) if is_day else Span(low=at, low_open=True)
    if operator == ">=":
        return Span(low=at)
    if operator == "<":
        return Span(high=at, high_open=True)
    return Span(high=_next(at), high_open=True) if is_day else Span(high=at)


def _one_day(text: str) -> Span:
    moment = _moment(text)
    if isinstance(moment, Age):
        raise UnreadableError(f"say <{text} (within the last {text}) or >{text} (longer ago)")
    if not _is_day(text):
        raise UnreadableError("say > (after) or < (before) a time, or give a day or a range a..b")
    return Span(moment, _next(moment), high_open=True)


def _range(first: str, last: str) -> Span:
    start, end = _moment(first), _moment(last)
    if isinstance(start, Age) and isinstance(end, Age):
        low: Moment = end
        high: Moment = start
        is_day, is_empty = False, start > end
    elif isinstance(start, datetime) and isinstance(end, datetime):
        is_day, is_empty = _is_day(last), start > end
        low, high = start, _next(end) if is_day else end
    else:
        raise UnreadableError("a range is from age to age (1h..2h) or from day to day")
    if is_empty:
        raise UnreadableError(f"the range is empty; swap the bounds: {last}..{first}")
    return Span(low, high, high_open=is_day)


def _moment(text: str) -> Moment:
    if _AGE.fullmatch(text):
        seconds = sum(int(count) * UNIT_SECONDS[unit] for count, unit in _AGE_PART.findall(text))
        if seconds > LONGEST_SECONDS:
            raise UnreadableError("an age goes up to a century")
        return Age(seconds)
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnreadableError(
            f"{_shown(text)} is no age (90s, 15m, 2h, 1d, 1w) and no time "
            "(2026-01-31, 2026-01-31T12:00Z)"
        ) from None
    return _in_calendar(at)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _next(day: datetime) -> datetime:
    return _in_calendar(day + _DAY)


def _in_calendar(at: datetime) -> datetime:
    if not _FIRST_TIME <= at <= _LAST_TIME:
        raise UnreadableError("years go from 2 to 9998")
    return at


def _numbers(raw: RawValue, least: int, most: int) -> Numbers:
    _refuse_stars(raw)
    text = raw.text.strip()
    if between := _NUMBERS.fullmatch(text):
        low, high = (_number(part, least, most) for part in between.groups())
        if low > high:
            raise UnreadableError(f"the range is empty; swap the bounds: {high}..{low}")
        return Numbers(low, high)
    single = _NUMBER.fullmatch(text)
    if not single:
        raise UnreadableError(
            f"{_shown(text)} is no number; use 5, >=5, <5 or a range 1..5"
            if text else "give a number: 5, >=5, <5 or a range 1..5"
        )  # fmt: skip
    operator, number = single[1] or "=", _number(single[2], least, most)
    low_bound = number + (operator == ">") if operator in ("=", ">", ">=") else None
    high_bound = number - (operator == "<") if operator in ("=", "<", "<=") else None
    if (low_bound or 0) > most or (high_bound or 0) < least:
        raise UnreadableError(f"no task can match: the numbers go from {least} to {most}")
    return Numbers(low_bound, high_bound)


def _number(text: str, least: int, most: int) -> int:
    # Longer than any number in range; int() itself refuses thousands of digits.
    number = int(text) if len(text.lstrip("-0")) < len(str(MAX_INT32)) + 1 else most + 1
    if not least <= number <= most:
        raise UnreadableError(f"{_shown(text)} is out of range: use {least} to {most}")
    return number


def _named(raw: RawValue, names: list[str], what: str) -> str:
    """The one of `names` that `raw` is, or is the beginning of."""
    _refuse_stars(raw)
    wanted = raw.text.strip().lower().replace("-", "_").replace(" ", "_")
    found = [name for name in names if name.startswith(wanted)] if wanted else []
    if wanted in names:
        return wanted
    if len(found) == 1:
        return found[0]
    listed = ", ".join(names)
    if found:
        raise UnreadableError(f"{_shown(raw.text)} could be {' or '.join(found)}")
    raise UnreadableError(f"unknown {what} {_shown(raw.text)}; use one of {listed}")


def _stars(raw: RawValue) -> tuple[bool, bool]:
    """Whether a star stands before and after the text."""
    if any(0 < at < len(raw.text) for at in raw.stars):
        raise UnreadableError('* matches at the start or the end only; quote a real star: "*"')
    return 0 in raw.stars, len(raw.text) in raw.stars


def _refuse_stars(raw: RawValue) -> None:
    if raw.stars:
        raise UnreadableError("* has no meaning here; it goes with type, queue, error and words")


def _shown(text: str) -> str:
    return f'"{text}"' if len(text) <= 40 else f'"{text[:39]}…"'  # noqa: PLR2004 - fits a line


READERS: Final[dict[str, Callable[[RawValue], tuple[Value, ...]]]] = {
    "status": read_status,
    "is": read_state,
    "queue": read_name,
    "type": read_name,
    "prio": read_priority,
    "receives": read_receives,
    "id": read_id,
    "error": read_piece,
    "args": read_needle,
    "created": read_times,
    "started": read_times,
    "finished": read_times,
    "visible": read_times,
}
