"""Filter text into raw terms with their positions. Reads anything: judging is the parser's."""

import re
from dataclasses import dataclass
from typing import Final

_SPACES: Final = re.compile(r"\s*")
_KEY: Final = re.compile(r'([^\s:",*\\]*):')
_PART: Final = re.compile(
    r"""
      "(?P<quoted>(?:[^"\\]|\\.)*)(?P<close>"?)
    | \\(?P<escaped>[\s",*\\:-])
    | (?P<star>\*)
    | (?P<plain>[^\s",*\\]+|\\)
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTED_ESCAPE: Final = re.compile(r'\\(["\\])')


@dataclass(frozen=True, slots=True)
class RawValue:
    """One value as typed, from `start` to `end`."""

    text: str
    """Unquoted, without its stars."""
    start: int
    end: int
    stars: tuple[int, ...] = ()
    """Where in `text` a wildcard stands."""
    is_quoted: bool = False
    """Whether a part of it is quoted or escaped."""
    unclosed: int | None = None
    """Where a quote begins that never ends."""
    plain: int = 0
    """How many of the first characters are neither quoted nor escaped: those may be operators."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed, not even quotes."""
        return self.start == self.end


@dataclass(frozen=True, slots=True)
class RawTerm:
    """One term as typed."""

    start: int
    negated: bool
    key: str | None
    """None where there is no colon: a bare word."""
    values: tuple[RawValue, ...]
    """At least one, which may be empty."""

    @property
    def key_start(self) -> int:
        """Where the key begins."""
        return self.start + self.negated

    @property
    def end(self) -> int:
        """Where the term ends."""
        return self.values[-1].end


def scan(text: str) -> list[RawTerm]:
    """The terms of `text`, in order."""
    terms: list[RawTerm] = []
    at = 0
    while (at := _after_spaces(text, at)) < len(text):
        terms.append(_term(text, at))
        at = terms[-1].end
    return terms


def _after_spaces(text: str, at: int) -> int:
    found = _SPACES.match(text, at)
    return found.end() if found else at


def _term(text: str, start: int) -> RawTerm:
    negated = text.startswith("-", start)
    key = _KEY.match(text, start + negated)
    values = [_value(text, key.end() if key else start + negated)]
    while text.startswith(",", values[-1].end):
        values.append(_value(text, values[-1].end + 1))
    return RawTerm(start, negated, key[1] if key else None, tuple(values))


def _value(text: str, start: int) -> RawValue:
    at = start
    read = ""
    stars: list[int] = []
    is_quoted = False
    unclosed: int | None = None
    plain: int | None = None
    while part := _PART.match(text, at):
        if part["star"]:
            stars.append(len(read))
        elif part["quoted"] is not None:
            is_quoted = True
            plain = len(read) if plain is None else plain
            read += _QUOTED_ESCAPE.sub(r"\1", part["quoted"])
            unclosed = unclosed if part["close"] else at
        else:
            if part["escaped"] is not None:
                is_quoted = True
                plain = len(read) if plain is None else plain
            read += part["escaped"] or part["plain"]
        at = part.end()
    plain = len(read) if plain is None else plain
    return RawValue(read, start, at, tuple(stars), is_quoted, unclosed, plain)
