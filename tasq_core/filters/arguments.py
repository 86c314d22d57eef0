"""Terms that look into the arguments: `args.to:a@b.c`, `args.amount.cents:>100`.

Arguments are JSON or gob, which a database can't tell apart nor take apart. So a condition in
SQL finds the rows whose bytes hold the last name of the path, and the terms are judged here,
on decoded arguments.
"""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from tasq_core.args import decode_args
from tasq_core.errors import ArgsDecodeError
from tasq_core.filters.keys import ARGS_PATH
from tasq_core.filters.model import Filter, Term
from tasq_core.filters.values import ArgValue

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_PLAIN_PIECE: Final = re.compile(r"[A-Za-z0-9 @._:+-]+")
_PLAIN_TEXT: Final = re.compile(r"[A-Za-z][A-Za-z0-9 @._:+-]*")
"""Begins with a letter, as no number and no time does."""
_WORDS: Final = {"true": True, "false": False, "null": None}
_MISSING: Final = object()


def argument_terms(where: Filter) -> tuple[Term, ...]:
    """The terms of a filter that look into the arguments."""
    return tuple(term for term in where.terms if term.key.startswith(ARGS_PATH))


def path_of(term: Term) -> tuple[str, ...]:
    """The names from the outermost value to the one that is compared."""
    return tuple(term.key.removeprefix(ARGS_PATH).split("."))


def name_held(term: Term) -> bytes | None:
    """The last name of the path, where any arguments that have the path hold it in their bytes."""
    names = [name for name in path_of(term) if not name.isdecimal()]
    return names[-1].encode() if names and _PLAIN_PIECE.fullmatch(names[-1]) else None


def bytes_held(wanted: ArgValue) -> bytes | None:
    """Bytes that arguments hold, by either codec, where their value equals; None if none surely.

    Numbers, times and words like `true` are written in several ways, and JSON may escape what
    isn't plain.
    """
    is_piece = wanted.star_before or wanted.star_after
    plain = _PLAIN_PIECE if is_piece else _PLAIN_TEXT
    if wanted.operator != "=" or not plain.fullmatch(wanted.text):
        return None
    if not is_piece and not wanted.is_text and wanted.text.lower() in _WORDS:
        return None
    return wanted.text.encode()


def arguments_match(terms: tuple[Term, ...], args: bytes) -> bool:
    """Whether all terms hold for these arguments; of those that can't be decoded, none does."""
    try:
        value = decode_args(args)
    except ArgsDecodeError:
        return all(term.negated for term in terms)
    return all(_holds(term, value) for term in terms)


def _holds(term: Term, value: Any) -> bool:
    found = _at(value, path_of(term))
    matched = found is not _MISSING and any(
        _compares(one, found) for one in term.values if isinstance(one, ArgValue)
    )
    return matched != term.negated


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if isinstance(value, Mapping):
            value = value.get(name, _MISSING)
            if value is _MISSING:
                return _MISSING
        elif isinstance(value, list) and name.isdecimal() and int(name[:9]) < len(value):
            value = value[int(name[:9])]
        else:
            return _MISSING
    return value


def _compares(wanted: ArgValue, found: Any) -> bool:
    if wanted.star_before or wanted.star_after:
        return isinstance(found, str) and _piece(wanted, found)
    if isinstance(found, bool) or found is None:
        word = wanted.text.lower()
        is_same = not wanted.is_text and word in _WORDS and _WORDS[word] is found
        return is_same and wanted.operator == "="
    compare = _COMPARE[wanted.operator]
    if isinstance(found, int | float):
        number = _number(wanted.text) if _is_number(wanted) else None
        return number is not None and compare(Decimal(found), number)
    text = _as_text(found)
    if text is None or (wanted.operator != "=" and _is_number(wanted)):
        return False  # more than a number is a number
    return compare(text, wanted.text)


def _piece(wanted: ArgValue, found: str) -> bool:
    if wanted.star_before and wanted.star_after:
        return wanted.text in found
    return found.endswith(wanted.text) if wanted.star_before else found.startswith(wanted.text)


def _is_number(wanted: ArgValue) -> bool:
    return not wanted.is_text and _number(wanted.text) is not None


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _as_text(found: Any) -> str | None:
    match found:
        case str():
            return found
        case datetime():
            return found.isoformat()
        case UUID():
            return str(found)
    return None
