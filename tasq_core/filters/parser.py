r"""The filter language's parser.

filter = term (space term)*          all terms must hold
term   = ["-"] [key ":"] value ("," value)*      one value must; "-" negates
value  = characters, "quoted text", \escaped characters, and * at either end
"""

import difflib
import re
from typing import Final

from tasq_core.errors import FilterSyntaxError
from tasq_core.filters.hints import refuse_foreign
from tasq_core.filters.keys import ALIASES, ARGS_PATH, KEYS
from tasq_core.filters.model import WORD, Filter, Term, in_order
from tasq_core.filters.readers import READERS, read_arg, read_word
from tasq_core.filters.scanner import RawTerm, RawValue, scan
from tasq_core.filters.times import UnreadableError
from tasq_core.filters.values import Name, Value
from tasq_core.task import TaskStatus

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_MOST_CONDITIONS: Final = 500
"""SQLite refuses expressions deeper than 1000."""


def parse(text: str) -> Filter:
    """The filter that `text` stands for; blank text matches all.

    Raises:
        FilterSyntaxError: it can't be read; says where, and what would do.
    """
    if bad := _UNSTORABLE.search(text):
        raise FilterSyntaxError(text, bad.start(), "no database stores this character; take it out")
    terms: dict[Term, None] = {}
    conditions = 0
    for raw in scan(text):
        term = _term(text, raw)
        conditions += 1 + sum(
            not (isinstance(value, Name) and value.is_exact) for value in term.values
        )
        if conditions > _MOST_CONDITIONS:
            raise FilterSyntaxError(
                text, raw.start, "too many conditions; split the filter into several"
            )
        terms[term] = None
    return Filter(tuple(terms))


def _term(text: str, raw: RawTerm) -> Term:
    refuse_foreign(text, raw)
    key = WORD if raw.key is None else _key(text, raw)
    values: dict[Value, None] = {}
    for position, value in enumerate(raw.values):
        _check_shape(text, raw, key, position)
        try:
            read = read_word if key == WORD else READERS.get(key, read_arg)
            found = read(value)
        except UnreadableError as error:
            raise FilterSyntaxError(text, value.start, str(error)) from None
        values.update(dict.fromkeys(found))
    if key == "status":
        statuses = frozenset(value for value in values if isinstance(value, TaskStatus))
        return Term(key, in_order(statuses), raw.negated)
    return Term(key, tuple(values), raw.negated)


def _key(text: str, raw: RawTerm) -> str:
    name = (raw.key or "").lower()
    key = ALIASES.get(name, name)
    if key in KEYS:
        return key
    if key.startswith(ARGS_PATH):
        return _args_key(text, raw)
    if not name:
        raise FilterSyntaxError(text, raw.key_start, f"a key is missing; use one of {_all_keys()}")
    close = difflib.get_close_matches(name, [*KEYS, *ALIASES], n=1)
    advice = f"did you mean {close[0]}:" if close else f"use one of {_all_keys()}"
    raise FilterSyntaxError(
        text, raw.key_start, f'unknown key "{raw.key}"; {advice} (or quote it, to find the text)'
    )


def _args_key(text: str, raw: RawTerm) -> str:
    """`args.` and a path, whose names are as they stand in the arguments."""
    path = (raw.key or "")[len(ARGS_PATH) :]
    if not all(path.split(".")):
        raise FilterSyntaxError(
            text, raw.key_start, "name what to look at in the arguments: args.to:a@b.c"
        )
    return f"{ARGS_PATH}{path}"


def _all_keys() -> str:
    return ", ".join(KEYS)


def _check_shape(text: str, raw: RawTerm, key: str, position: int) -> None:
    """Refuse a value that is missing or whose quotes never end."""
    value = raw.values[position]
    if value.unclosed is not None:
        raise FilterSyntaxError(text, value.unclosed, 'unterminated quote; add a "')
    if not value.is_empty:
        return
    if len(raw.values) > 1:
        raise FilterSyntaxError(
            text, _comma_beside(raw, position), "a value is missing beside this comma"
        )
    if key == WORD:
        raise FilterSyntaxError(text, raw.start, "- needs a term right after it: -queue:tmp")
    example = KEYS[key].examples[0] if key in KEYS else "args.to:a@b.c"
    empty = '; the queue without a name is queue:""' if key == "queue" else ""
    raise FilterSyntaxError(
        text, value.start, f"{key}: needs a value right after it: {example}{empty}"
    )


def _comma_beside(raw: RawTerm, position: int) -> int:
    value: RawValue = raw.values[position]
    return value.start - 1 if position else value.end
