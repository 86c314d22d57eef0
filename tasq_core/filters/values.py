"""What stands right of a key: small frozen values, each printing the text it is read from.

`*` outside quotes is a wildcard; quotes make everything inside them plain text.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from tasq_core.task import FINISHED_STATUSES, OPEN_STATUSES, TaskStatus

_NEEDS_QUOTES: Final = re.compile(r'[\s",*\\]')
_LOOKS_LIKE_ID: Final = re.compile(r"-*(?:[0-9a-f]-*){4,32}", re.IGNORECASE)
_UNITS: Final = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_DAY: Final = timedelta(days=1)

UNIT_SECONDS: Final = dict(_UNITS)


class State(StrEnum):
    """What `is:` asks for: a status seen together with the clock and the receives."""

    READY = "ready"
    DELAYED = "delayed"
    LEASED = "leased"
    STALE = "stale"
    EXHAUSTED = "exhausted"
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
        """Its text as a bare word: not to be taken for an id, a key or a negation."""
        plain = ":" not in self.text and not self.text.startswith("-")
        if plain and not reads_as_id(self.text):
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


@dataclass(frozen=True, slots=True, order=True)
class Age:
    """So many seconds before now."""

    seconds: int

    def __str__(self) -> str:
        for unit, size in _UNITS:
            if self.seconds >= size and self.seconds % size == 0:
                return f"{self.seconds // size}{unit}"
        return f"{self.seconds}s"


Moment = Age | datetime
"""A time before now, or an aware UTC time."""


@dataclass(frozen=True, slots=True)
class Span:
    """Times from `low` to `high`; None is unbounded, an open end is itself left out.

    Both ends are ages or both are times.
    """

    low: Moment | None = None
    high: Moment | None = None
    low_open: bool = False
    high_open: bool = False

    def __str__(self) -> str:
        low, high = self.low, self.high
        if low is None or high is None:
            return self._one_sided()
        if isinstance(low, Age) or isinstance(high, Age):
            return f"{high}..{low}"
        first = _time_text(low, as_day=True)
        last = _time_text(high - _DAY, as_day=True) if self.high_open else _time_text(high)
        return first if first == last and self.high_open else f"{first}..{last}"

    def _one_sided(self) -> str:
        older = self.low is None
        moment, is_open = (self.high, self.high_open) if older else (self.low, self.low_open)
        equal = "" if is_open else "="
        if isinstance(moment, datetime):
            # ">=" and "<" of a day mean its first instant, ">" and "<=" its end.
            text = _time_text(moment, as_day=older == is_open)
            return f"{'<' if older else '>'}{equal}{text}"
        return f"{'>' if older else '<'}{equal}{moment}"


Value = TaskStatus | State | Name | Piece | Needle | IdPrefix | Numbers | Span


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


def _time_text(at: datetime, *, as_day: bool = False) -> str:
    """ISO 8601 in UTC; midnight as its day where that means the same."""
    text = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return text.removesuffix("T00:00:00Z") if as_day else text
