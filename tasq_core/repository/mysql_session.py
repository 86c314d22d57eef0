"""Statements on one PyMySQL connection, whatever settings its owner gave it."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import pymysql
from pymysql.constants import FIELD_TYPE, SERVER_STATUS
from pymysql.converters import conversions
from pymysql.cursors import Cursor

from tasq_core.errors import InvalidInputError
from tasq_core.repository.driver import Params, Row
from tasq_core.repository.mysql_closing import close_at_once
from tasq_core.repository.mysql_errors import is_duplicate, was_answered

_ROWS_MATCHED: Final = re.compile(rb"Rows matched: (\d+)")


_ALWAYS_FITS: Final = 200_000
"""Characters of a statement that are below the smallest limit in use, whatever they are."""
_OVERHEAD: Final = 16
"""Bytes of a packet beside the statement."""


def _read_datetime(text: str) -> datetime | str:
    """A tenth of the time of PyMySQL's own; a zero date stays text."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


CONVERSIONS: Final[dict[Any, Any]] = {**conversions, FIELD_TYPE.DATETIME: _read_datetime}
_ENCODERS: Final = {key: value for key, value in CONVERSIONS.items() if type(key) is not int}
_DECODERS: Final = {key: value for key, value in CONVERSIONS.items() if type(key) is int}


def _args_bytes(row: Sequence[object]) -> int:
    return len(row[2]) if isinstance(row[2], bytes) else 0


class MySQLSession:
    """Statements on one connection; it is closed where one of them is cut off in the middle.

    `foreign`: the caller made the connection, so its settings aren't ours.

    Raises:
        InvalidInputError: a connection whose character set can't carry every text.
    """

    def __init__(self, raw: Any, *, foreign: bool = False) -> None:
        self.raw = raw
        self.foreign = foreign
        if foreign and raw.charset != "utf8mb4":
            raise InvalidInputError(
                f"the connection's character set is {raw.charset}, which can't carry every text:"
                " connect with charset='utf8mb4'"
            )

    def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        with self._cursor() as cursor:
            self._execute(cursor, cursor.mogrify(sql, dict(params)))
            return list(cursor.fetchall())

    def change(self, sql: str, params: Params) -> int:
        """How many rows a statement matched; an insert of an id that exists matches none."""
        with self._cursor() as cursor:
            try:
                count = self._execute(cursor, cursor.mogrify(sql, dict(params) or None))
            except pymysql.IntegrityError as error:
                if is_duplicate(error):
                    return 0
                raise
            # A connection of the caller's counts the changed rows alone.
            matched = _ROWS_MATCHED.search(cursor._result.message or b"")  # noqa: SLF001 - no other way
            return int(matched[1]) if matched else count

    def change_many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        """Insert rows whose third value is the arguments; how many.

        PyMySQL makes statements of a megabyte at most, or of one row.
        """
        with self._cursor() as cursor:
            largest = max(rows, key=_args_bytes)
            if _args_bytes(largest) > _ALWAYS_FITS:
                self._check_size(cursor, cursor.mogrify(sql, largest))
            return int(self._in_step(lambda: cursor.executemany(sql, rows)) or 0)

    def command(self, name: str) -> None:
        """`begin`, `commit` or `rollback`."""
        self._in_step(getattr(self.raw, name))

    def in_transaction(self) -> bool:
        """Whether one was begun; PyMySQL learns of it from some answers only, so ask."""
        self._in_step(lambda: self.raw.ping(reconnect=False))
        return bool(self.raw.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)

    def autocommits(self) -> bool:
        """Whether each statement commits by itself."""
        return bool(self.raw.get_autocommit())

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        if not self.foreign:
            with self.raw.cursor() as cursor:
                yield cursor
            return
        raw = self.raw
        own = raw.encoders, raw.decoders, raw.use_unicode
        raw.encoders, raw.decoders, raw.use_unicode = _ENCODERS, _DECODERS, True
        try:
            with self.raw.cursor(Cursor) as cursor:
                yield cursor
        finally:
            raw.encoders, raw.decoders, raw.use_unicode = own

    def _execute(self, cursor: Any, query: str) -> int:
        if len(query) > _ALWAYS_FITS:
            self._check_size(cursor, query)
        return int(self._in_step(lambda: cursor.execute(query)))

    def _check_size(self, cursor: Any, query: str) -> None:
        """Refuse what the server would answer by hanging up.

        Raises:
            InvalidInputError: the statement is longer than the server takes.
        """
        self._in_step(lambda: cursor.execute("SELECT @@max_allowed_packet"))
        limit = int(cursor.fetchone()[0])
        size = len(query.encode(self.raw.encoding, "surrogateescape")) + _OVERHEAD
        if size > limit:
            raise InvalidInputError(
                f"a statement of {size} bytes doesn't fit: the server's max_allowed_packet is"
                f" {limit}; store large arguments elsewhere and submit where they are, or raise it"
            )

    def _in_step(self, call: Callable[[], Any]) -> Any:
        """Do `call`; where the server's answer wasn't read to its end, close the connection.

        Another call's answer would be read in its place.
        """
        try:
            return call()
        except BaseException as error:
            if not was_answered(error):
                close_at_once(self.raw)
            raise
