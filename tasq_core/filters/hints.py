"""Filters of other languages: recognised, so that none is taken for words that match nothing."""

import re
from typing import Final

from tasq_core.errors import FilterSyntaxError
from tasq_core.filters.keys import ALIASES, ARGS_PATH, KEYS
from tasq_core.filters.scanner import RawTerm
from tasq_core.filters.values import LEADING_QUOTES, TYPOGRAPHIC_QUOTES

_COMPARISON: Final = re.compile(
    r"(?P<key>[\w.]+)(?P<operator>==?|!=|<>|=~|>=|<=|>|<|~)(?P<value>.*)", re.DOTALL
)
_COLONS: Final = re.compile(
    "(?P<key>[\\w.]+)(?P<colon>[\uff1a\u2236\ufe55\ua789])(?P<value>.*)", re.DOTALL
)
_DASHES: Final = "\u2013\u2014\u2212\u2010\u2011"
_WORDS: Final = {
    "or": "values of one key are alternatives, by commas: status:failed,new; terms can't be",
    "and": "terms are all required already; leave it out",
    "not": "- right before a term negates it: -queue:tmp",
    "&&": "terms are all required already; leave it out",
    "&": "terms are all required already; leave it out",
    "||": "values of one key are alternatives, by commas: status:failed,new; terms can't be",
    "|": "values of one key are alternatives, by commas: status:failed,new; terms can't be",
}


def refuse_foreign(text: str, raw: RawTerm) -> None:
    """Refuse a term that another language's filter would have.

    Raises:
        FilterSyntaxError: says how it is written here.
    """
    for value in raw.values:
        _refuse_quotes(text, value.start, value.end)
    if raw.key is not None:
        _refuse_key(text, raw)
        return
    word = raw.values[0]
    written = text[raw.start : word.end]
    if word.is_quoted:
        return
    if advice := _WORDS.get(written.lower()):
        raise FilterSyntaxError(text, raw.start, f'{advice} (or quote it: "{written}")')
    if re.fullmatch(r"==?|!=|[<>]=?|~", written):
        raise FilterSyntaxError(
            text, raw.start, "a colon stands between key and value, without spaces: status:failed"
        )
    found = _COMPARISON.fullmatch(text[raw.key_start : word.end])
    if found and is_key(found["key"]):
        raise FilterSyntaxError(
            text, raw.key_start + found.start("operator"), _as_written_here(found)
        )
    found = _COLONS.fullmatch(text[raw.key_start : word.end])
    if found and is_key(found["key"]):
        raise FilterSyntaxError(
            text,
            raw.key_start + found.start("colon"),
            f"this is not a plain colon; write {found['key']}:{found['value']}",
        )
    _refuse_sign(text, raw, written)


def is_key(name: str) -> bool:
    """Whether a term can begin with `name`, in any case."""
    lowered = name.lower()
    return lowered in KEYS or lowered in ALIASES or lowered.startswith(ARGS_PATH)


def _as_written_here(found: re.Match[str]) -> str:
    key, operator, value = found["key"], found["operator"], found["value"] or "…"
    if operator in ("!=", "<>"):
        return f"write -{key}:{value}"
    if operator in ("~", "=~"):
        return f"write {key}:*{value}* (a piece of it)"
    sign = "" if operator in ("=", "==") else operator
    return f"a colon stands between key and value: write {key}:{sign}{value}"


def _refuse_quotes(text: str, start: int, end: int) -> None:
    """Typographic quotes, which a word processor or a chat makes of plain ones."""
    if '"' in text[start:end]:
        return
    for place in range(start, end):
        if text[place] in TYPOGRAPHIC_QUOTES + LEADING_QUOTES * (place == start):
            raise FilterSyntaxError(
                text, place, f'{text[place]} is not a plain quote; write " around the text'
            )


def _refuse_key(text: str, raw: RawTerm) -> None:
    key = raw.key or ""
    _refuse_sign(text, raw, key)
    if key.isdigit():
        raise FilterSyntaxError(
            text, raw.start, 'quote a time with a space in it: created:>"2026-11-26 09:00"'
        )


def _refuse_sign(text: str, raw: RawTerm, written: str) -> None:
    if written[:1] == "!" and is_key(_key_of(written[1:])):
        raise FilterSyntaxError(text, raw.start, f"- negates a term: -{written[1:]}")
    if written[:1] in _DASHES and is_key(_key_of(written[1:])):
        raise FilterSyntaxError(text, raw.start, f"this is not a plain minus; write -{written[1:]}")
    if written[:1] in "([{" and is_key(_key_of(written.lstrip("([{"))):
        raise FilterSyntaxError(
            text,
            raw.start,
            "there are no parentheses: all terms must hold, commas are alternatives",
        )


def _key_of(term: str) -> str:
    found = re.match(r"[\w.]+", term)
    return found[0] if found else ""
