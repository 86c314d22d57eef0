"""Task arguments made readable: what they are, as a tree, as text, as bytes. All bounded."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

import msgspec

from tasq_core.args import GOB, JSON
from tasq_core.errors import ArgsDecodeError
from tasq_tui.ui.text.formats import size
from tasq_tui.ui.text.sanitize import safe, safe_lines

DECODED_BYTES: Final = 256 * 1024
"""Larger arguments aren't decoded: drawing them would keep the keys waiting."""
TEXT_BYTES: Final = 64 * 1024
HEX_BYTES: Final = 16 * 1024
CHILDREN: Final = 500
"""The most entries shown of one list or mapping."""
_LONGEST_SCALAR: Final = 400
_LONGEST_KEY: Final = 80


@dataclass(frozen=True, slots=True)
class DecodedArgs:
    """Arguments, and what could be made of them."""

    data: bytes
    encoding: str
    """json, gob, text or binary."""
    value: Any = None
    """The plain value of json and gob."""
    problem: str = ""
    """Why there is no value."""

    @property
    def has_value(self) -> bool:
        """Whether it could be decoded."""
        return self.encoding in {"json", "gob"}

    @property
    def title(self) -> str:
        """Encoding and size, as in "json · 1.2 kB"."""
        return f"{self.encoding} · {size(len(self.data))}"


def decoded(data: bytes) -> DecodedArgs:
    """`data` as JSON, else gob, else text, else bytes; never raises, never takes long."""
    if len(data) > DECODED_BYTES:
        problem = f"over {size(DECODED_BYTES)}: shown undecoded"
        return DecodedArgs(data, _plain_encoding(data), problem=problem)
    problem = "neither JSON nor gob"
    try:
        return DecodedArgs(data, JSON.name, JSON.decode(data))
    except ArgsDecodeError as error:
        if (encoding := _plain_encoding(data)) == "text":
            problem = safe(error)
    try:
        return DecodedArgs(data, GOB.name, GOB.decode(data))
    except ArgsDecodeError:
        return DecodedArgs(data, encoding, problem=problem)


def text_lines(args: DecodedArgs) -> Iterator[str]:
    """The arguments as inert text: JSON indented, gob as its value, the rest as it is."""
    text = _indented(args) if len(args.data) <= TEXT_BYTES else None
    if text is None:
        text = args.data[:TEXT_BYTES].decode("utf-8", "replace")
    yield from safe_lines(text)
    yield from _cut_notice(args.data, TEXT_BYTES)


def _indented(args: DecodedArgs) -> str | None:
    """The value as indented JSON; None without one, or where JSON has no form for it."""
    try:
        if args.encoding == "json":
            return msgspec.json.format(args.data, indent=2).decode()
        if args.encoding == "gob":
            return json.dumps(args.value, indent=2, ensure_ascii=False, default=_scalar)
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError):
        return None
    return None


def hex_lines(data: bytes, width: int = 16) -> Iterator[str]:
    """Offset, bytes and printable characters, `width` bytes a line."""
    shown = data[:HEX_BYTES]
    for offset in range(0, len(shown), width):
        chunk = shown[offset : offset + width]
        printable = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in chunk)  # noqa: PLR2004 - ASCII
        yield f"{offset:06x}  {chunk.hex(' '):<{3 * width - 1}}  {printable}"
    yield from _cut_notice(data, HEX_BYTES)


def children(value: Any) -> Iterator[tuple[str, Any]]:
    """The entries of a mapping or list with inert labels, at most `CHILDREN`."""
    entries = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, child in islice(entries, CHILDREN):
        yield safe(key, _LONGEST_KEY), child


def is_branch(value: Any) -> bool:
    """Whether `value` has entries to show."""
    return isinstance(value, Mapping | list | tuple) and bool(value)


def brief(value: Any) -> str:
    """One inert line for `value`: a scalar as JSON, a branch as its size."""
    if isinstance(value, Mapping):
        return f"{{{len(value):,}}}"
    if isinstance(value, list | tuple):
        return f"[{len(value):,}]"
    return safe(_scalar_text(value), _LONGEST_SCALAR)


def _scalar_text(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value[:_LONGEST_SCALAR]}"'
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(_scalar(value))


def _scalar(value: Any) -> Any:
    """A value JSON has no form for, as text."""
    if isinstance(value, bytes):
        head = value[:64].hex(" ")
        return f"bytes({size(len(value))}) {head}{' …' if len(value) > 64 else ''}"  # noqa: PLR2004 - as above
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def _plain_encoding(data: bytes) -> str:
    head = data[:4096]
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # A character that the cut went through doesn't make it binary.
        if len(data) == len(head) or error.start < len(head) - 3:
            return "binary"
    return "binary" if b"\0" in head else "text"


def _cut_notice(data: bytes, limit: int) -> Iterator[str]:
    if len(data) > limit:
        yield f"… the first {size(limit)} of {size(len(data))}"
