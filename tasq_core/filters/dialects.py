"""How each database spells a condition: the few places where they differ.

Every value is bound; the text holds column names and placeholders only. `bind` takes a value
and returns its placeholder, which may stand in the text more than once.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from tasq_core.filters.values import Name, Piece
from tasq_core.task import EPOCH, MICROSECOND

Bind = Callable[[object], str]

SQLITE_LOWER: Final = "tasq_lower"
"""The function that the SQLite driver adds to its connections."""


@dataclass(frozen=True, slots=True)
class PostgresWhere:
    """PostgreSQL, by psycopg."""

    now: str = "statement_timestamp()"

    def placeholder(self, name: str) -> str:
        """As `WhereDialect` says."""
        return f"%({name})s"

    def any_of(self, column: str, names: Sequence[str], bind: Bind) -> str:
        """As `WhereDialect` says."""
        return f"{column} = ANY({bind(list(names))}::text[])"

    def matches(self, column: str, name: Name, bind: Bind) -> str:
        """As `WhereDialect` says."""
        pattern = _like(name.text, name.star_before, name.star_after)
        return f"{column} LIKE {bind(pattern)} ESCAPE '|'"

    def finds(self, column: str, piece: Piece, bind: Bind) -> str:
        """As `WhereDialect` says; letters beyond ASCII are folded here, some locales don't."""
        if not piece.text.isascii():
            return f"{column} ~ {bind(_pattern(piece))}"
        pattern = _like(piece.text, not piece.at_start, not piece.at_end)
        return f"{column} ILIKE {bind(pattern)} ESCAPE '|'"

    def bytes_contain(self, column: str, needle: bytes, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return f"position({bind(needle)}::bytea IN {column}) > 0"

    def between_ids(self, low: UUID, high: UUID, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return f"id BETWEEN {bind(low)}::uuid AND {bind(high)}::uuid"

    def time(self, at: datetime, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return f"{bind(at)}::timestamptz"

    def ago(self, seconds: float, bind: Bind) -> str:
        """As `WhereDialect` says."""
        # Whole days of an interval would follow the session's time zone; seconds don't.
        return f"{self.now} - make_interval(secs => {bind(seconds)}::float8)"

    def later(self, column: str, seconds: float, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return f"{column} + make_interval(secs => {bind(seconds)}::float8)"


def _naive_utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class MySQLWhere:
    """MySQL and MariaDB, by PyMySQL. The connection's character set is utf8mb4.

    `now`, `encode_time` and `wall_ago` agree on the zone whose wall time the table holds; the
    last is needed where its offset from UTC changes.
    """

    now: str = "UTC_TIMESTAMP(6)"
    encode_time: Callable[[datetime], datetime] = _naive_utc
    wall_ago: Callable[[float, Bind], str] | None = None

    def placeholder(self, name: str) -> str:
        """As `WhereDialect` says."""
        return f"%({name})s"

    def any_of(self, column: str, names: Sequence[str], bind: Bind) -> str:
        """As `WhereDialect` says."""
        listed = bind(tuple(names))
        same = f"{_bytes_of(column)} IN {listed}"
        # The collation takes "A" for "a" and "a " for "a", but its index narrows the rows. Names
        # beyond ASCII can't be compared with a column whose character set doesn't hold them.
        return f"({column} IN {listed} AND {same})" if all(map(str.isascii, names)) else same

    def matches(self, column: str, name: Name, bind: Bind) -> str:
        """As `WhereDialect` says."""
        pattern = bind(_like(name.text, name.star_before, name.star_after))
        return f"{_bytes_of(column)} LIKE {pattern} ESCAPE '|'"

    def finds(self, column: str, piece: Piece, bind: Bind) -> str:
        """As `WhereDialect` says; all letters are folded, accents tell them apart."""
        pattern = bind(_like(piece.text, not piece.at_start, not piece.at_end))
        folded = f"LOWER(CONVERT({column} USING utf8mb4)) COLLATE utf8mb4_bin"
        return f"{folded} LIKE LOWER({pattern}) ESCAPE '|'"

    def bytes_contain(self, column: str, needle: bytes, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return f"LOCATE(UNHEX({bind(needle.hex())}), {column}) > 0"

    def between_ids(self, low: UUID, high: UUID, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return f"id BETWEEN UNHEX({bind(low.hex)}) AND UNHEX({bind(high.hex)})"

    def time(self, at: datetime, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return bind(self.encode_time(at))

    def ago(self, seconds: float, bind: Bind) -> str:
        """As `WhereDialect` says."""
        if self.wall_ago is not None:
            return self.wall_ago(seconds, bind)
        return f"{self.now} - INTERVAL {bind(seconds)} SECOND"

    def later(self, column: str, seconds: float, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return f"{column} + INTERVAL {bind(seconds)} SECOND"


@dataclass(frozen=True, slots=True)
class SQLiteWhere:
    """SQLite: times are whole microseconds since 1970, and the repository binds `now`."""

    now: str = ":now"

    def placeholder(self, name: str) -> str:
        """As `WhereDialect` says."""
        return f":{name}"

    def any_of(self, column: str, names: Sequence[str], bind: Bind) -> str:
        """As `WhereDialect` says."""
        listed = bind(json.dumps(list(names), ensure_ascii=False))
        return f"{column} IN (SELECT value FROM json_each({listed}))"  # noqa: S608 - a column's name

    def matches(self, column: str, name: Name, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return _placed(column, bind(name.text), not name.star_before, not name.star_after)

    def finds(self, column: str, piece: Piece, bind: Bind) -> str:
        """As `WhereDialect` says."""
        # Unlike LIKE, lower() has no limit on the pattern and no setting that changes it. It
        # folds ASCII only; the driver's function folds all, and takes a call of Python's a row.
        folded = "lower" if piece.text.isascii() else SQLITE_LOWER
        text = f"{folded}({bind(piece.text)})"
        return _placed(f"{folded}({column})", text, piece.at_start, piece.at_end)

    def bytes_contain(self, column: str, needle: bytes, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return f"instr({column}, {bind(needle)}) > 0"

    def between_ids(self, low: UUID, high: UUID, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return f"id BETWEEN {bind(low.bytes)} AND {bind(high.bytes)}"

    def time(self, at: datetime, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return bind((at - EPOCH) // MICROSECOND)

    def ago(self, seconds: float, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return f"{self.now} - {bind(round(seconds * 1_000_000))}"

    def later(self, column: str, seconds: float, bind: Bind) -> str:
        """As `WhereDialect` says."""
        return f"{column} + {bind(round(seconds * 1_000_000))}"


def _pattern(piece: Piece) -> str:
    """A regular expression that finds the piece with each letter in either case."""
    written = "".join(_either_case(char) for char in piece.text)
    return f"{'^' * piece.at_start}{written}{'$' * piece.at_end}"


def _either_case(char: str) -> str:
    cases = dict.fromkeys((char, char.lower(), char.upper()))
    single = [one for one in cases if len(one) == 1]
    if len(single) > 1:
        return f"[{''.join(single)}]"
    return char if char.isalnum() or not char.isascii() or char == " " else f"\\{char}"


def _like(text: str, before: bool, after: bool) -> str:
    """A LIKE pattern, escaped by `|`: the backslash depends on a server's settings."""
    for special in "|%_":
        text = text.replace(special, f"|{special}")
    return f"{'%' * before}{text}{'%' * after}"


def _bytes_of(column: str) -> str:
    return f"CAST(CONVERT({column} USING utf8mb4) AS BINARY)"


def _placed(column: str, text: str, at_start: bool, at_end: bool) -> str:
    if at_start:
        return f"substr({column}, 1, length({text})) = {text}"
    if at_end:
        return f"substr({column}, -length({text})) = {text}"
    return f"instr({column}, {text}) > 0"
