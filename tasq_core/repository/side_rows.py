"""Rows of the side tables, column by column: what can't be read is replaced, and named.

Other programs write there too: a newer tasq, a hand with SQL. One odd row must not hide the rest.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from tasq_core.repository.odd_rows import MISREAD
from tasq_core.repository.rows import text_of

T = TypeVar("T")

_LARGEST: Final = 2**63


class Columns:
    """The columns of one row by name, each read as what it should hold."""

    def __init__(self, names: Sequence[str], row: Sequence[Any]) -> None:
        self._values = dict(zip(names, row, strict=True))
        self._wrong: list[str] = []

    @property
    def problem(self) -> str | None:
        """What of the row can't be read, for people; None where all can."""
        return f"its row can't be read: {', '.join(self._wrong)}" if self._wrong else None

    def read(self, name: str, reader: Callable[[Any], T], otherwise: T) -> T:
        """A column as `reader` reads it; `otherwise`, and named, where it can't."""
        try:
            return reader(self._values[name])
        except MISREAD:
            if name not in self._wrong:
                self._wrong.append(name)
            return otherwise

    def read_or_none(self, name: str, reader: Callable[[Any], T]) -> T | None:
        """The same of a column that may be NULL."""
        return None if self._values[name] is None else self.read(name, reader, None)

    def text(self, name: str) -> str:
        """A text; whatever else stands there is spelt out."""
        value = self._values[name]
        return self.read(name, exact_text, "" if value is None else str(value))

    def number(self, name: str) -> int:
        """A whole number; 0 where there is none."""
        return self.read(name, whole, 0)


def exact_text(value: Any) -> str:
    """A text column, which some databases give as bytes.

    Raises:
        TypeError: it holds something else.
    """
    if isinstance(value, str | bytes | bytearray):
        return text_of(value)
    raise TypeError


def raw(value: Any) -> bytes:
    """A column of bytes; never as many zeros as a number says.

    Raises:
        TypeError: it holds something else.
    """
    return value.encode() if isinstance(value, str) else bytes(memoryview(value))


def whole(value: Any) -> int:
    """A number that a column of any database can hold.

    Raises:
        TypeError, ValueError: it is something else.
    """
    if not isinstance(value, int):
        raise TypeError
    if not -_LARGEST <= value < _LARGEST:
        raise ValueError
    return value


def loaded(text: Any) -> Any:
    """What a column holds as JSON.

    Raises:
        TypeError, ValueError: it holds something else, or is nested too deeply.
    """
    try:
        return json.loads(exact_text(text))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
