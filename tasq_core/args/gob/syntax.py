"""Reads Go's type syntax: `map[string][]struct{ID int; Name string}`."""

import re
from functools import lru_cache
from typing import Final, NoReturn

from tasq_core.args.gob.gotypes import (
    ANY,
    NAMED_TYPES,
    Array,
    Field,
    GoType,
    Map,
    Slice,
    Struct,
    field_name_trouble,
    slice_of,
)
from tasq_core.args.gob.limits import MAX_TYPE_DEPTH
from tasq_core.errors import ArgsEncodeError

_WORD: Final = re.compile(
    r"[ \t\r]*(?:(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)?)|(?P<number>\d+)|(?P<tag>`[^`]*`"
    r'|"[^"]*")|(?P<sign>[\[\]{}();,*\n]))'
)
_END: Final = ""
_UNHASHABLE: Final = (Slice, Map)


@lru_cache(maxsize=256)
def parse_type(text: str) -> GoType:
    """The Go type spelled `text`.

    Raises:
        ArgsEncodeError: it is none that gob sends; points at the place.
    """
    return _Parser(text).whole()


class _Parser:
    """A recursive descent over the words of one type."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words: list[tuple[str, int]] = []
        pos = 0
        stripped = text.rstrip()
        while pos < len(stripped):
            match = _WORD.match(stripped, pos)
            if match is None:
                self.fail("is not a part of a Go type", pos)
            self.words.append((match[0].lstrip(" \t\r"), match.end()))
            pos = match.end()
        self.words.append((_END, len(stripped)))
        self.index = 0
        self.depth = 0

    def whole(self) -> GoType:
        found = self.type()
        self.expect(_END)
        return found

    @property
    def word(self) -> str:
        return self.words[self.index][0]

    def next(self) -> str:
        word = self.word
        self.index = min(self.index + 1, len(self.words) - 1)
        return word

    def expect(self, wanted: str) -> None:
        if self.word != wanted:
            self.fail(f"stands where {repr(wanted) if wanted else 'the end'} should")
        self.next()

    def fail(self, why: str, pos: int | None = None) -> NoReturn:
        if pos is None:
            word, end = self.words[self.index]
            pos = end - len(word)
            what = repr(word) if word else "the end"
        else:
            what = repr(self.text[pos : pos + 1])
        raise ArgsEncodeError(
            f"go_type {self.text!r}: {what} at character {pos} {why};"
            " write it as Go does, say 'map[string]int' or 'struct{ID int; Tags []string}'"
        )

    def type(self) -> GoType:
        self.depth += 1
        if self.depth > MAX_TYPE_DEPTH:
            self.fail("is nested too deeply")
        found = self._type()
        self.depth -= 1
        return found

    def _type(self) -> GoType:
        word = self.word
        if word == "[":
            return self._list()
        if word == "map":
            return self._map()
        if word == "struct":
            return self._struct()
        if word == "interface":
            self.next()
            self.expect("{")
            self.expect("}")
            return ANY
        if word == "*":  # pointers are flattened
            self.next()
            return self.type()
        if word not in NAMED_TYPES:
            self.fail("is not a Go type known here")
        return NAMED_TYPES[self.next()]

    def _list(self) -> GoType:
        self.next()
        if self.word == "]":
            self.next()
            return slice_of(self.type())
        if not self.word.isdecimal():
            self.fail("is not a length of an array")
        length = int(self.next())
        self.expect("]")
        return Array(self.type(), length)

    def _map(self) -> GoType:
        self.next()
        self.expect("[")
        key = self.type()
        if isinstance(key, _UNHASHABLE) or str(key) == "[]uint8":
            self.fail(f"ends a key type, {key}, that Go can't use as one")
        self.expect("]")
        return Map(key, self.type())

    def _struct(self) -> GoType:
        self.next()
        self.expect("{")
        struct = Struct()
        while self._skip_separators() != "}":
            for name in self._names():
                if why := field_name_trouble(name):
                    self.fail(f"follows a field: {why}")
                if any(known.name == name for known in struct.fields):
                    self.fail(f"follows field {name!r}, which is there twice")
                struct.fields.append(Field(name, _PENDING, name))
            field_type = self.type()
            struct.fields = [
                Field(one.name, field_type if one.type is _PENDING else one.type, one.source)
                for one in struct.fields
            ]
            if self.word[:1] in ("`", '"'):
                self.next()
            if self.word not in (";", "\n", "}"):
                self.fail("stands where ';' or '}' should")
        self.next()
        if not struct.fields:
            self.fail("ends a struct without fields, which gob can't send")
        return struct

    def _names(self) -> list[str]:
        names = [self.next()]
        while self.word == ",":
            self.next()
            names.append(self.next())
        return names

    def _skip_separators(self) -> str:
        while self.word in (";", "\n"):
            self.next()
        return self.word


_PENDING: Final = Array(ANY, -1)
