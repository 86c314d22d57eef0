"""Gob for people: values with the Go types the stream names, as a tree or as JSON.

What a stream holds may be hostile: nothing of it reaches a terminal unescaped.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tasq_core.args.gob.decoder import Types
from tasq_core.args.gob.stream import decode_labelled
from tasq_core.args.gob.types import Kind
from tasq_core.wording import counted

MAX_LINES: Final = 1000
_MAX_NAME_CHARACTERS: Final = 100
_MAX_NAME_DEPTH: Final = 8
_MAX_TEXT_CHARACTERS: Final = 200
_MAX_SHOWN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class GoValue:
    """A value and its Go type, as far as the stream names it: it knows no widths of integers."""

    type_name: str
    value: Any
    """A plain scalar; a list of GoValue; or a dict with GoValue for values."""


def inspect(data: bytes) -> GoValue:
    """The first value of the stream in `data` with its Go types.

    Raises:
        ArgsDecodeError: as `decode`.
    """
    labelled: GoValue = decode_labelled(data, _Labeller())
    return labelled


class _Labeller:
    """Makes GoValues; keeps the names of types, whose ids mean the same all through a stream."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}

    def __call__(self, types: Types, type_id: int, value: Any, registered: str) -> GoValue:
        if registered and isinstance(value, GoValue):
            return GoValue(registered, value.value)
        return GoValue(self._name(types, type_id, 0), value)

    def plain(self, value: Any) -> Any:
        """The value without its types."""
        if isinstance(value, GoValue):
            return self.plain(value.value)
        if isinstance(value, dict):
            return {key: self.plain(part) for key, part in value.items()}
        return [self.plain(part) for part in value] if isinstance(value, list) else value

    def _name(self, types: Types, type_id: int, depth: int) -> str:
        name = self.names.get(type_id)
        if name is None:
            name = self._spell(types, type_id, depth)
            if len(name) > _MAX_NAME_CHARACTERS:
                name = name[:_MAX_NAME_CHARACTERS] + "…"
            if not depth:
                self.names[type_id] = name
        return name

    def _spell(self, types: Types, type_id: int, depth: int) -> str:
        known = types.get(type_id)
        if known is None or depth > _MAX_NAME_DEPTH:
            return "…"
        if known.is_time:
            return "time.Time"
        if known.name:
            return known.name
        if known.kind is Kind.STRUCT:
            return "struct"
        elem = self._name(types, known.elem, depth + 1)
        if known.kind is Kind.ARRAY:
            return f"[{known.length}]{elem}"
        if known.kind is Kind.MAP:
            return f"map[{self._name(types, known.key, depth + 1)}]{elem}"
        return f"[]{elem}" if known.kind is Kind.SLICE else "opaque"


def describe(data: bytes, max_lines: int = MAX_LINES) -> str:
    """The first value of the stream in `data` as a tree of lines for a terminal.

    Raises:
        ArgsDecodeError: as `decode`.
    """
    lines: list[str] = []
    for line in _tree(inspect(data)):
        if len(lines) >= max_lines:
            lines.append("…")
            break
        lines.append(line)
    return "\n".join(lines)


def _tree(root: GoValue) -> Iterator[str]:
    yield _line("", root)
    stack = [("", _children(root))]
    while stack:
        indent, children = stack[-1]
        following = next(children, None)
        if following is None:
            stack.pop()
            continue
        label, child, is_last = following
        yield f"{indent}{'└─' if is_last else '├─'} {_line(label, child)}"
        stack.append((indent + ("   " if is_last else "│  "), _children(child)))


def _children(parent: GoValue) -> Iterator[tuple[str, GoValue, bool]]:
    value = parent.value
    if isinstance(value, dict):
        for number, (key, child) in enumerate(value.items(), 1):
            yield printable(key if isinstance(key, str) else repr(key)), child, number == len(value)
    elif isinstance(value, list):
        for number, child in enumerate(value, 1):
            yield f"[{number - 1}]", child, number == len(value)


def _line(label: str, shown: GoValue) -> str:
    head = f"{label} {printable(shown.type_name)}".lstrip()
    if isinstance(shown.value, dict | list):
        return f"{head} ({len(shown.value)})"
    return f"{head} = {_scalar(shown.value)}"


def _scalar(value: Any) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        more = f"… ({counted(len(value), 'byte')})" if len(value) > _MAX_SHOWN_BYTES else ""
        return f"0x{value[:_MAX_SHOWN_BYTES].hex()}{more}" if value else "empty"
    if isinstance(value, str):
        more = f"… ({len(value)} characters)" if len(value) > _MAX_TEXT_CHARACTERS else ""
        return f"{value[:_MAX_TEXT_CHARACTERS]!r}{more}"
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def printable(text: str) -> str:
    """`text` on one line, control and other invisible characters escaped, bounded."""
    if len(text) > _MAX_TEXT_CHARACTERS:
        text = text[:_MAX_TEXT_CHARACTERS] + "…"
    return text if text.isprintable() else repr(text)[1:-1]


def to_json(value: Any) -> Any:
    """A decoded value as what JSON has: `{"$bytes": hex}`, `{"$time": ISO 8601}` and so on.

    Bytes, `$float` (inf, -inf, nan), `$complex`, `$time`; keys become their text, or pairs
    under `$map` where two texts are the same; invalid UTF-8 becomes U+FFFD.
    """
    if isinstance(value, Mapping):
        pairs = [(_key(key), to_json(part)) for key, part in value.items()]
        members = dict(pairs)
        return members if len(members) == len(pairs) else {"$map": [list(pair) for pair in pairs]}
    if isinstance(value, list | tuple):
        return [to_json(part) for part in value]
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if isinstance(value, complex):
        return {"$complex": [to_json(value.real), to_json(value.imag)]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    return _valid(value) if isinstance(value, str) else value


def _key(key: Any) -> str:
    return _valid(key) if isinstance(key, str) else _valid(str(key))


def _valid(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
