"""Texts that a database's character set can't hold: refused by name; errors are kept as escapes."""

import codecs
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from tasq_core.errors import RepositoryError

R = TypeVar("R")
Escape = Callable[[str | None], str | None]

TWO_BYTES: Final = "utf8mb3"
"""MySQL's set of letters up to U+FFFF."""
ANYWHERE: Final = "ascii"
_LAST_OF_TWO_BYTES: Final = "\uffff"


class UnstorableTextError(RepositoryError):
    """A text holds letters that the database's character set doesn't have.

    `codecs`: sets that may be the database's, largest first.
    """

    def __init__(self, message: str, codecs: Sequence[str]) -> None:
        super().__init__(message)
        self.codecs = (*codecs, ANYWHERE)


def codec_of(encoding: str) -> str:
    """Python's codec for PostgreSQL's name of an encoding; ASCII where there is none."""
    name = encoding.upper().replace("WIN", "CP", 1)
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ANYWHERE


def escaped(text: str, codec: str) -> str:
    r"""`text` with what `codec` can't hold written as \u65e5."""
    if codec == TWO_BYTES:
        return "".join(
            letter if letter <= _LAST_OF_TWO_BYTES else f"\\U{ord(letter):08x}" for letter in text
        )
    return text.encode(codec, "backslashreplace").decode(codec)


def with_escapes(write: Callable[[Escape], R]) -> R:
    """Do `write` with its text as it is, and where that can't be stored with escapes in it.

    Raises:
        RepositoryError: what `write` raises for another reason, or with ASCII only.
    """
    try:
        return write(lambda text: text)
    except UnstorableTextError as error:
        refused = error
    for codec in refused.codecs:
        try:
            return write(lambda text, codec=codec: text and escaped(text, codec))  # type: ignore[misc]
        except UnstorableTextError as error:
            refused = error
    raise refused
