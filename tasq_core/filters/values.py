"""What stands right of a key: small frozen values, each printing the text it is read from.

`*` outside quotes is a wildcard; quotes make everything inside them plain text.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from tasq_core.durations import duration_text
from tasq_core.moments import day_text
from tasq_core.task import FINISHED_STATUSES, OPEN_STATUSES, TaskStatus

TYPOGRAPHIC_QUOTES: Final = "\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02"
LEADING_QUOTES: Final = "\u2018\u2019\u201a\u201b`"
"""Quotes too where a value begins; further in they are apostrophes."""

_NEEDS_QUOTES: Final = re.compile(rf'[\s",*\\{TYPOGRAPHIC_QUOTES}]|^[{LEADING_QUOTES}]')
_IS_WORD: Final = re.compile(r"\w[\w.-]*", re.ASCII)
_RESERVED: Final = frozenset({"or", "and", "not"})
_LOOKS_LIKE_ID: Final = re.compile(r"-*(?:[0-9a-f]-*){4,32}", re.IGNORECASE)
_INSTANT: Final = timedelta(microseconds=1)


class State(StrEnum):
    """What `is:` asks for: a status seen together with the clock and the attempts."""

    READY = "ready"
    DELAYED = "delayed"
    LEASED = "leased"
    STALE = "stale"
    EXHAUSTED = "exhausted"
    RETRYING = "retrying"
    OPEN = "open"
    FINISHED = "finished"

    @property
    def statuses(self) -> tuple[TaskStatus, ...]:
        """The statuses that a task in this state can have."""
        return _STATE_STATUSES[self]

    @property
    def is_status_group(self) -> bool:
        """Whether the status alone decides."""
        return self in (State.OPEN, State.FINISHED)


_CLAIMED: Final = (TaskStatus.ENQUEUED, TaskStatus.IN_PROGRESS)
_STATE_STATUSES: Final = {
    State.READY: OPEN_STATUSES,
    State.DELAYED: (TaskStatus.NEW,),
    State.LEASED: _CLAIMED,
    State.STALE: _CLAIMED,
    State.EXHAUSTED: OPEN_STATUSES,
    State.RETRYING: (TaskStatus.NEW,),
    State.OPEN: OPEN_STATUSES,
    State.FINISHED: FINISHED_STATUSES,
}


@dataclass(frozen=True, slots=True)
class Name:
    """A type or queue, byte for byte; a star widens it at that end."""

    text: str
    star_before: bool = False
    star_after: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether it stands for one name only."""
        return not (self.star_before or self.star_after)

    def __str__(self) -> str:
        return f"{'*' * self.star_before}{quoted(self.text)}{'*' * self.star_after}"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of free text, ASCII case ignored: anywhere, at the start, or at the end.

    An empty one stands for any text at all.
    """

    text: str
    at_start: bool = False
    at_end: bool = False

    def __str__(self) -> str:
        return self.spelled(quoted(self.text))

    def as_word(self) -> str:
        """Its text as a bare word: not to be taken for an id, a key or an operator."""
        is_plain = _IS_WORD.fullmatch(self.text) and self.text.lower() not in _RESERVED
        if is_plain and not reads_as_id(self.text):
            return str(self)
        return self.spelled(in_quotes(self.text))

    def spelled(self, text: str) -> str:
        """`text` with the stars that say where it is looked for."""
        if not self.text:
            return "*"
        return f"{'*' * self.at_end}{text}{'*' * self.at_start}"


@dataclass(frozen=True, slots=True)
class Needle:
    """Bytes looked for in the encoded arguments: this text in UTF-8."""

    text: str

    def __str__(self) -> str:
        return quoted(self.text)


@dataclass(frozen=True, slots=True)
class IdPrefix:
    """The first 1 to 32 hex digits of ids, in lower case, without dashes."""

    digits: str

    def __str__(self) -> str:
        cuts = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
        return "-".join(self.digits[low:high] for low, high in cuts if self.digits[low:])


@dataclass(frozen=True, slots=True)
class Numbers:
    """Whole numbers from `low` to `high`, both included; None is unbounded."""

    low: int | None = None
    high: int | None = None

    def __str__(self) -> str:
        if self.low == self.high:
            return str(self.low)
        if self.high is None:
            return f">={self.low}"
        return f"<={self.high}" if self.low is None else f"{self.low}..{self.high}"


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of time, in seconds, from `low` to `high`; an open end is itself left out."""

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{duration_text(self.low)}..{duration_text(self.high)}"
        if self.low is not None:
            return f">{'' if self.low_open else '='}{duration_text(self.low)}"
        return f"<{'' if self.high_open else '='}{duration_text(self.high or 0)}"


@dataclass(frozen=True, slots=True)
class ArgValue:
    """What the value at a path of the arguments is compared with.

    Numbers compare as numbers and text as text; stars widen text at that end.
    """

    operator: str
    """One of = > >= < <=."""
    text: str
    star_before: bool = False
    star_after: bool = False
    is_text: bool = False
    """Whether it stood in quotes, so that digits and `null` are text."""

    def __str__(self) -> str:
        text = in_quotes(self.text) if self.is_text else quoted(self.text)
        if self.operator != "=":
            return f"{self.operator}{text}"
        return f"{'*' * self.star_before}{text}{'*' * self.star_after}"


@dataclass(frozen=True, slots=True, order=True)
class Age:
    """So many seconds before now; negative ones are ahead."""

    seconds: float

    def __str__(self) -> str:
        return duration_text(self.seconds)

    def as_moment(self) -> str:
        """The time it stands for: `now`, `2h ago`, `in 2h`."""
        if not self.seconds:
            return "now"
        if self.seconds < 0:
            return in_quotes(f"in {duration_text(-self.seconds)}")
        return in_quotes(f"{duration_text(self.seconds)} ago")


Moment = Age | datetime
"""A time before or after now, or an aware UTC time."""


@dataclass(frozen=True, slots=True)
class Span:
    """Times from `low` to `high`; None is unbounded, an open end is itself left out."""

    low: Moment | None = None
    high: Moment | None = None
    low_open: bool = False
    high_open: bool = False

    def __str__(self) -> str:
        low, high = self.low, self.high
        if low is None or high is None:
            return self._one_sided()
        if isinstance(low, Age) and isinstance(high, Age) and min(low, high).seconds >= 0:
            return f"{high}..{low}"
        first = _time_text(low, as_day=True)
        if not self.high_open or isinstance(high, Age):
            return f"{first}..{_time_text(high)}"
        last = _time_text(high - _INSTANT, as_day=True, last=True)
        return first if first == last else f"{first}..{last}"

    def _one_sided(self) -> str:
        older = self.low is None
        moment, is_open = (self.high, self.high_open) if older else (self.low, self.low_open)
        equal = "" if is_open else "="
        if isinstance(moment, datetime) or (isinstance(moment, Age) and moment.seconds < 0):
            # ">=" and "<" of a day mean its first instant, ">" and "<=" its end.
            text = _time_text(moment, as_day=older == is_open)
            return f"{'<' if older else '>'}{equal}{text}"
        return f"{'>' if older else '<'}{equal}{moment}"


Value = TaskStatus | State | Name | Piece | Needle | IdPrefix | Numbers | Span | Lengths | ArgValue


def quoted(text: str) -> str:
    """`text` as a value, in quotes where it needs them."""
    return in_quotes(text) if not text or _NEEDS_QUOTES.search(text) else text


def in_quotes(text: str) -> str:
    """`text` in quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def could_be_id(text: str) -> bool:
    """Whether `text` is 4 to 32 hex digits, dashes aside."""
    return _LOOKS_LIKE_ID.fullmatch(text) is not None


def reads_as_id(text: str) -> bool:
    """Whether a bare word is taken for an id, and not for text.

    Letters alone ("feed", "cafe") are more often a word: those are looked for as both.
    """
    return could_be_id(text) and any(char in "0123456789" for char in text)


def _time_text(at: Moment, *, as_day: bool = False, last: bool = False) -> str:
    """ISO 8601 in UTC; the first (or last) instant of a local day as that day, if asked."""
    if isinstance(at, Age):
        return at.as_moment()
    begins = at if not last else _day_of(at)
    day = day_text(begins) if as_day else None
    return day or at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _day_of(at: datetime) -> datetime:
    """The first instant of the local day that `at` is in."""
    local = at.astimezone()
    return datetime(local.year, local.month, local.day).astimezone(UTC)
