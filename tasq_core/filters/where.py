"""A Filter into the text of a WHERE clause and the values bound to it.

Values are always bound. Statuses and the words of `is:` are written out: they come from
closed sets, and a partial index is used only where it sees them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from tasq_core.filters.arguments import bytes_held, name_held
from tasq_core.filters.dialects import Bind, MySQLWhere, PostgresWhere, SQLiteWhere
from tasq_core.filters.model import WORD, Filter, Term
from tasq_core.filters.values import (
    Age,
    ArgValue,
    IdPrefix,
    Lengths,
    Moment,
    Name,
    Needle,
    Numbers,
    Piece,
    Span,
    State,
    Value,
    could_be_id,
    reads_as_id,
)
from tasq_core.task import TaskStatus

__all__ = ["MySQLWhere", "PostgresWhere", "SQLiteWhere", "Where", "WhereDialect", "build"]

_EVERYTHING: Final = "1 = 1"
_NOTHING: Final = "1 = 0"

_COLUMNS: Final = {
    "queue": "queue",
    "type": "type",
    "prio": "priority",
    "receives": "receive_count",
    "max": "max_receives",
    "error": "last_error",
    "args": "args",
    "created": "created_at",
    "started": "started_at",
    "finished": "finished_at",
    "visible": "visible_at",
}
_BETWEEN: Final = {
    "took": ("started_at", "finished_at"),
    "waited": ("created_at", "started_at"),
}
"""From which time to which one a length of time goes."""
_NULLABLE: Final = frozenset({"last_error", "started_at", "finished_at"})

# A task's attempts are used up at a max_receives above 0; 0 is no limit.
_RECEIVES_LEFT: Final = "(max_receives = 0 OR receive_count < max_receives)"
_USED_UP: Final = "max_receives > 0 AND receive_count >= max_receives"


class WhereDialect(Protocol):
    """The conditions that differ between databases."""

    @property
    def now(self) -> str:
        """The database's clock, as an expression that `visible_at` compares with."""

    def placeholder(self, name: str) -> str:
        """How the bound value `name` is written."""

    def any_of(self, column: str, names: Sequence[str], bind: Bind) -> str:
        """The column is one of `names`, byte for byte, found along an index."""

    def matches(self, column: str, name: Name, bind: Bind) -> str:
        """The column begins with, ends with or holds the name, byte for byte."""

    def finds(self, column: str, piece: Piece, bind: Bind) -> str:
        """The column begins with, ends with or holds the piece, ASCII case ignored."""

    def bytes_contain(self, column: str, needle: bytes, bind: Bind) -> str:
        """The binary column holds `needle`."""

    def between_ids(self, low: UUID, high: UUID, bind: Bind) -> str:
        """The id lies from `low` to `high`, found along the primary key."""

    def time(self, at: datetime, bind: Bind) -> str:
        """The aware time `at`, as an expression."""

    def ago(self, seconds: float, bind: Bind) -> str:
        """So many seconds before `now`, as an expression."""

    def later(self, column: str, seconds: float, bind: Bind) -> str:
        """So many seconds after the time in the column, as an expression."""


@dataclass(frozen=True, slots=True)
class Where:
    """A condition in SQL, never empty, and its values by name (w0, w1, …)."""

    sql: str
    params: dict[str, object]


def build(wanted: Filter, dialect: WhereDialect) -> Where:
    """The condition that holds for the rows of `wanted`.

    It never becomes NULL, so that a negated term also finds rows without the value.
    """
    builder = _Builder(dialect, wanted.statuses())
    return Where(builder.all_of(wanted.terms), builder.params)


class _Builder:
    """Writes one condition, collecting its values."""

    def __init__(self, dialect: WhereDialect, statuses: tuple[TaskStatus, ...] | None) -> None:
        self.params: dict[str, object] = {}
        self._dialect = dialect
        self._statuses = statuses

    def all_of(self, terms: Iterable[Term]) -> str:
        """All terms; the statuses they allow come first, as one list."""
        if self._statuses == ():
            return _NOTHING
        written = [] if self._statuses is None else [_status_in(self._statuses)]
        written += [self._term(term) for term in terms if not term.is_about_status_only]
        return " AND ".join(written) or _EVERYTHING

    def _term(self, term: Term) -> str:
        if isinstance(term.values[0], ArgValue):
            return self._arguments(term)
        parts: list[str] = []
        exact = [v.text for v in term.values if isinstance(v, Name) and v.is_exact]
        if exact:
            parts.append(self._dialect.any_of(_COLUMNS[term.key], exact, self._bind))
        parts += [
            self._value(term.key, value)
            for value in term.values
            if not (isinstance(value, Name) and value.is_exact)
        ]
        either = parts[0] if len(parts) == 1 else _any(parts)
        return f"NOT ({either})" if term.negated else either

    def _value(self, key: str, value: Value) -> str:
        match value:
            case State():
                return self._state(value)
            case IdPrefix():
                return self._ids(value)
            case Piece() if key == WORD:
                return self._word(value)
            case TaskStatus():
                return _status_in((value,))
            case Lengths():
                return self._lengths(*_BETWEEN[key], value)
            case ArgValue():
                return _EVERYTHING  # judged on decoded arguments
        column = _COLUMNS[key]
        written = self._of_column(column, value)
        return f"({column} IS NOT NULL AND {written})" if column in _NULLABLE else written

    def _arguments(self, term: Term) -> str:
        """What any match holds somewhere in its bytes: the last name of the path, and the text."""
        if term.negated:
            return _EVERYTHING
        name = name_held(term)
        held = [] if name is None else [self._dialect.bytes_contain("args", name, self._bind)]
        texts = [bytes_held(value) for value in term.values if isinstance(value, ArgValue)]
        found = [text for text in texts if text is not None]
        if len(found) == len(texts):
            held.append(
                _any([self._dialect.bytes_contain("args", text, self._bind) for text in found])
            )
        return " AND ".join(held) or _EVERYTHING

    def _lengths(self, first: str, last: str, lengths: Lengths) -> str:
        parts = [f"{first} IS NOT NULL AND {last} IS NOT NULL"]
        if lengths.low is not None:
            beyond = self._dialect.later(first, lengths.low, self._bind)
            parts.append(f"{last} {'>' if lengths.low_open else '>='} {beyond}")
        if lengths.high is not None:
            beyond = self._dialect.later(first, lengths.high, self._bind)
            parts.append(f"{last} {'<' if lengths.high_open else '<='} {beyond}")
        return f"(({' AND '.join(parts)}) IS TRUE)"  # past the calendar's end MySQL says NULL

    def _of_column(self, column: str, value: Name | Piece | Needle | Numbers | Span) -> str:
        match value:
            case Name():
                return self._dialect.matches(column, value, self._bind)
            case Piece(text=""):
                return f"{column} IS NOT NULL"
            case Piece():
                return self._dialect.finds(column, value, self._bind)
            case Needle():
                return self._dialect.bytes_contain(column, value.text.encode(), self._bind)
            case Numbers():
                return self._numbers(column, value)
            case Span():
                return self._span(column, value)

    def _word(self, word: Piece) -> str:
        parts = [self._value("type", word), self._value("error", word)]
        is_whole = not (word.at_start or word.at_end)
        if is_whole and could_be_id(word.text) and not reads_as_id(word.text):
            parts.append(self._ids(IdPrefix(word.text.replace("-", "").lower())))
        return _any(parts)

    def _ids(self, prefix: IdPrefix) -> str:
        low, high = (UUID(prefix.digits.ljust(32, digit)) for digit in "0f")
        return self._dialect.between_ids(low, high, self._bind)

    def _numbers(self, column: str, numbers: Numbers) -> str:
        low, high = numbers.low, numbers.high
        if low == high:
            return f"{column} = {self._bind(low)}"
        if low is not None and high is not None:
            return f"{column} BETWEEN {self._bind(low)} AND {self._bind(high)}"
        return (
            f"{column} >= {self._bind(low)}" if high is None else f"{column} <= {self._bind(high)}"
        )

    def _span(self, column: str, span: Span) -> str:
        parts: list[str] = []
        if span.low is not None:
            parts.append(f"{column} {'>' if span.low_open else '>='} {self._moment(span.low)}")
        if span.high is not None:
            parts.append(f"{column} {'<' if span.high_open else '<='} {self._moment(span.high)}")
        return parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})"

    def _moment(self, moment: Moment) -> str:
        if isinstance(moment, Age):
            return self._dialect.ago(moment.seconds, self._bind)
        return self._dialect.time(moment, self._bind)

    def _state(self, state: State) -> str:
        now = self._dialect.now
        conditions = {
            State.READY: [f"visible_at <= {now}", _RECEIVES_LEFT],
            State.DELAYED: [f"visible_at > {now}"],
            State.LEASED: [f"visible_at > {now}"],
            State.STALE: [f"visible_at <= {now}"],
            State.EXHAUSTED: [f"visible_at <= {now}", _USED_UP],
            State.RETRYING: ["receive_count > 0"],
        }.get(state, [])
        # The list in front may say it already; twice would mislead the planner's estimates.
        if self._statuses is None or not set(self._statuses) <= set(state.statuses):
            conditions.insert(0, _status_in(state.statuses))
        return f"({' AND '.join(conditions) or _EVERYTHING})"

    def _bind(self, value: object) -> str:
        name = f"w{len(self.params)}"
        self.params[name] = value
        return self._dialect.placeholder(name)


def _status_in(statuses: Iterable[TaskStatus]) -> str:
    written = [f"'{status.value}'" for status in statuses]
    return f"status = {written[0]}" if len(written) == 1 else f"status IN ({', '.join(written)})"


def _any(parts: list[str]) -> str:
    return f"({' OR '.join(parts)})"
