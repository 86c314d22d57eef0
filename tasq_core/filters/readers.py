"""Raw values into typed ones, a reader for each kind of key."""

import re
from collections.abc import Callable
from typing import Final

from tasq_core.filters.scanner import RawValue
from tasq_core.filters.times import UnreadableError, read_lengths, read_times, refuse_stars, shown
from tasq_core.filters.values import (
    ArgValue,
    IdPrefix,
    Name,
    Needle,
    Numbers,
    Piece,
    State,
    Value,
    quoted,
    reads_as_id,
)
from tasq_core.task import MAX_INT16, MAX_INT32, TaskStatus, TaskStatusGroup, get_task_statuses

_NUMBER: Final = re.compile(r"(>=|<=|>|<|=)?(-?[0-9]+)")
_NUMBERS: Final = re.compile(r"(-?[0-9]+)\.\.(-?[0-9]+)")
_HEX: Final = re.compile(r"[0-9a-f]{1,32}")


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
    """A number of attempts, a comparison or a range."""
    return (_numbers(raw, 0, MAX_INT32),)


def _numbers(raw: RawValue, least: int, most: int) -> Numbers:
    refuse_stars(raw)
    text = raw.text.strip()
    if between := _NUMBERS.fullmatch(text):
        low, high = (_number(part, least, most) for part in between.groups())
        if low > high:
            raise UnreadableError(f"the range is empty; swap the bounds: {high}..{low}")
        return Numbers(low, high)
    single = _NUMBER.fullmatch(text)
    if not single:
        raise UnreadableError(
            f"{shown(text)} is not a number; use 5, >=5, <5 or a range 1..5"
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
        raise UnreadableError(f"{shown(text)} is out of range: use {least} to {most}")
    return number


def _named(raw: RawValue, names: list[str], what: str) -> str:
    """The one of `names` that `raw` is, or is the beginning of."""
    refuse_stars(raw)
    wanted = raw.text.strip().lower().replace("-", "_").replace(" ", "_")
    found = [name for name in names if name.startswith(wanted)] if wanted else []
    if wanted in names:
        return wanted
    if len(found) == 1:
        return found[0]
    listed = ", ".join(names)
    if found:
        raise UnreadableError(f"{shown(raw.text)} could be {' or '.join(found)}")
    raise UnreadableError(f"unknown {what} {shown(raw.text)}; use one of {listed}")


def _stars(raw: RawValue) -> tuple[bool, bool]:
    """Whether a star stands before and after the text."""
    if any(0 < at < len(raw.text) for at in raw.stars):
        raise UnreadableError('* matches at the start or the end only; quote a real star: "*"')
    return 0 in raw.stars, len(raw.text) in raw.stars


_OPERATOR: Final = re.compile(r">=|<=|>|<|=")


def read_arg(raw: RawValue) -> tuple[Value, ...]:
    """What an argument is compared with: text, a number, true, false or null, or a range."""
    before, after = _stars(raw)
    if not raw.text and not raw.stars:
        if raw.is_quoted:
            return (ArgValue("=", "", is_text=True),)
        raise UnreadableError("give the value to look for: args.to:a@b.c, args.amount:>100")
    if before or after:
        return (ArgValue("=", raw.text, before, after),)
    found = _OPERATOR.match(raw.text, 0, raw.plain)
    operator, text = (found[0], raw.text[found.end() :]) if found else ("=", raw.text)
    if not text and not raw.is_quoted:
        raise UnreadableError(f"give the value after {operator}: args.amount:{operator}100")
    # What can be printed in quotes only is text, however it was typed.
    return (ArgValue(operator, text, is_text=raw.is_quoted or quoted(text) != text),)


READERS: Final[dict[str, Callable[[RawValue], tuple[Value, ...]]]] = {
    "status": read_status,
    "is": read_state,
    "queue": read_name,
    "type": read_name,
    "prio": read_priority,
    "receives": read_receives,
    "max": read_receives,
    "id": read_id,
    "error": read_piece,
    "args": read_needle,
    "created": read_times,
    "started": read_times,
    "finished": read_times,
    "visible": read_times,
    "took": read_lengths,
    "waited": read_lengths,
}
