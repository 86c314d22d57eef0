"""Times and lengths of time in a filter: ages, moments, days, ranges of them."""

import re
from datetime import UTC, datetime
from typing import Final

from tasq_core import durations, moments
from tasq_core.durations import LONGEST_SECONDS, read_duration
from tasq_core.filters.scanner import RawValue
from tasq_core.filters.values import Age, Lengths, Moment, Span, Value
from tasq_core.moments import UnreadableMomentError, read_moment

_COMPARED: Final = re.compile(r"(>=|<=|>|<)?(.*)", re.DOTALL)
_YEAR: Final = re.compile(r"(19|20)\d\d")


class UnreadableError(Exception):
    """A value that can't be read; the message is the hint."""


def read_times(raw: RawValue) -> tuple[Value, ...]:
    """An age or a moment compared, a day or month, or a range."""
    refuse_stars(raw)
    text = raw.text.strip()
    low, dots, high = text.partition("..")
    if dots:
        return (_range(low.strip(), high.strip()),)
    compared = _COMPARED.fullmatch(text)
    operator, rest = (compared[1], compared[2].strip()) if compared else (None, text)
    if operator is None:
        return (_one_day(rest),)
    age = _age(rest)
    if age is not None:
        # An age counts backwards: more than 2 h ago is before now - 2 h.
        is_open = len(operator) == 1
        older = Span(high=age, high_open=is_open)
        return (older if operator[0] == ">" else Span(low=age, low_open=is_open),)
    return (_compared(operator, _moment(rest)),)


def read_lengths(raw: RawValue) -> tuple[Value, ...]:
    """A length of time compared, or a range."""
    refuse_stars(raw)
    text = raw.text.strip()
    first, dots, last = text.partition("..")
    if dots:
        low, high = _length(first), _length(last)
        if low > high:
            raise UnreadableError(f"the range is empty; swap the bounds: {last}..{first}")
        return (Lengths(low, high),)
    compared = _COMPARED.fullmatch(text)
    if not compared or not compared[1]:
        raise UnreadableError("say >5s (longer), <5s (shorter), or a range 1s..5s")
    operator, seconds = compared[1], _length(compared[2])
    is_open = len(operator) == 1
    if operator[0] == ">":
        return (Lengths(low=seconds, low_open=is_open),)
    return (Lengths(high=seconds, high_open=is_open),)


def refuse_stars(raw: RawValue) -> None:
    """Refuse wildcards.

    Raises:
        UnreadableError: there is one.
    """
    if raw.stars:
        raise UnreadableError("* has no meaning here; it goes with type, queue, error and words")


def shown(text: str) -> str:
    """`text` in quotes, short."""
    return f'"{text}"' if len(text) <= 40 else f'"{text[:39]}…"'  # noqa: PLR2004 - fits a line


def _length(text: str) -> float:
    found = read_duration(text)
    if found is None:
        raise UnreadableError(f"{shown(text)} is not a duration; write {durations.EXAMPLES}")
    return _bounded(found)


def _bounded(seconds: float) -> float:
    if seconds > LONGEST_SECONDS:
        raise UnreadableError("a duration goes up to a century")
    return int(seconds) if seconds == int(seconds) else seconds


def _age(text: str) -> Age | None:
    found = read_duration(text)
    if found is None:
        return None
    if _YEAR.fullmatch(text):
        raise UnreadableError(f"{text} could be a year or seconds; write {text}-01 or {text}s")
    return Age(_bounded(found))


def _moment(text: str) -> moments.Moment:
    try:
        return read_moment(text)
    except UnreadableMomentError as error:
        why = str(error)
        if why.startswith("write "):
            why = f"write an age (90s, 15m, 2h, 1d, 1w) or a time: {moments.EXAMPLES}"
        raise UnreadableError(f"{shown(text)} can't be read; {why}") from None


def _start(moment: moments.Moment) -> Moment:
    return Age(_bounded(-moment.ahead)) if moment.start is None else moment.start


def _compared(operator: str, moment: moments.Moment) -> Span:
    # A day is all of its hours: after it means after its end.
    start = _start(moment)
    if operator == ">":
        return Span(low=moment.end) if moment.end else Span(low=start, low_open=True)
    if operator == ">=":
        return Span(low=start)
    if operator == "<":
        return Span(high=start, high_open=True)
    return Span(high=moment.end, high_open=True) if moment.end else Span(high=start)


def _one_day(text: str) -> Span:
    if _age(text) is not None:
        raise UnreadableError(f"say <{text} (within the last {text}) or >{text} (longer ago)")
    moment = _moment(text)
    if moment.end is None:
        raise UnreadableError(
            "say > (after) or < (before) a time, or give a day, a month or a range a..b"
        )
    return Span(moment.start, moment.end, high_open=True)


def _range(first: str, last: str) -> Span:
    start, end = _age(first), _age(last)
    if start is not None and end is not None:
        if start > end:
            raise UnreadableError(f"the range is empty; swap the bounds: {last}..{first}")
        return Span(end, start)
    if start is not None or end is not None:
        raise UnreadableError("a range is from age to age (1h..2h) or from time to time")
    low, until = _moment(first), _moment(last)
    now = datetime.now(UTC)
    if low.at(now) > until.at(now):
        raise UnreadableError(f"the range is empty; swap the bounds: {last}..{first}")
    if until.end is not None:
        return Span(_start(low), until.end, high_open=True)
    return Span(_start(low), _start(until))
