"""Whether an index is what the schema says, by what it holds and not by its name alone."""

import re
from collections.abc import Mapping
from typing import Final

from tasq_core.sql import OLDER_SHAPES

_BODY: Final = re.compile(r"(?:\bON\b|\bADD\s+INDEX\s)[^(]*(?=\()", re.IGNORECASE)
_STATUS: Final = re.compile(r"'([A-Z_]+)'")
_COLUMN: Final = re.compile(
    r"\b(?:status|queue|type|priority|visible_at|created_at|finished_at|started_at|"
    r"receive_count|max_receives)\b"
)
_COMPARISON: Final = re.compile(r"<=|>=|(?<![<>])[<>](?![<>=])")


def is_as_defined(found: str, wanted: str) -> bool:
    """Whether two definitions have the same columns, in order, and an equivalent condition.

    Args:
        found: as the server tells it: its own spelling of CREATE INDEX, or MySQL's columns.
        wanted: the statement of `schema.sql`.
    """
    return _shape(found) == _shape(wanted)


def is_of_older_version(found: str, folder: str, index: str) -> bool:
    """Whether `index`, without its table's name, has the columns that an older version gave it."""
    older = OLDER_SHAPES.get(folder, {}).get(index)
    return older is not None and is_as_defined(found, older)


def of_older_version(indexes: Mapping[str, str], folder: str, table: str) -> list[str]:
    """Which of these indexes `is_of_older_version`, by their names without the table's."""
    return [
        index
        for index in OLDER_SHAPES.get(folder, ())
        if is_of_older_version(indexes.get(f"{table}_tasq_{index}", ""), folder, index)
    ]


def _shape(definition: str) -> tuple[tuple[str, ...], frozenset[str]]:
    columns, condition = _split(definition)
    return tuple(_column(text) for text in columns), _condition(condition)


def _split(definition: str) -> tuple[list[str], str]:
    """The texts of the columns, and what stands behind WHERE."""
    begun = _BODY.search(definition)
    rest = definition[begun.end() :] if begun else f"({definition})"
    depth, columns, current = 0, [], ""
    for place, letter in enumerate(rest):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            columns.append(current)
            return columns, rest[place + 1 :].partition("WHERE")[2]
        if letter == "," and depth == 1:
            columns.append(current)
            current = ""
        elif place:
            current += letter
    return [*columns, current], ""


def _column(text: str) -> str:
    return re.sub(r"\s+asc\b|[\"`]", "", " ".join(text.lower().split()))


def _condition(text: str) -> frozenset[str]:
    """What a condition speaks of: servers rewrite IN as ANY, and add casts and brackets."""
    without_unequal = text.replace("<>", "")
    return frozenset(
        [*_STATUS.findall(text), *_COLUMN.findall(text), *_COMPARISON.findall(without_unequal)]
    )
