"""Writers: one closure per Go type, which checks a Python value and appends its bytes.

What is sent and what is left out follows "Encoding Details": a struct's zero scalars, nil
and empty slices are omitted, nested structs, arrays and maps are not.
"""

import struct
import uuid
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NoReturn, Protocol, TypeAlias

from tasq_core.args.gob import gotypes as go
from tasq_core.args.gob.limits import MAX_DEPTH
from tasq_core.args.gob.times import time_bytes
from tasq_core.args.gob.types import Kind
from tasq_core.args.gob.wire import float_bytes, int_bytes, string_bytes, uint_bytes
from tasq_core.wording import counted


class Session(Protocol):
    """One encoding, as its writers see it."""

    depth: int

    def write_any(self, out: bytearray, value: Any) -> None:
        """Append `value` as an interface value."""


Writer: TypeAlias = Callable[[bytearray, Any, Session], None]


class MisfitError(Exception):
    """A value its Go type can't hold; containers add where it stands on the way out."""

    def __init__(self, why: str) -> None:
        self.why = why
        self.path: list[str] = []
        super().__init__(why)

    def __str__(self) -> str:
        parts = self.path[::-1]
        if len(parts) > _SHOWN_PARTS:
            parts[_SHOWN_PARTS:] = [" …"]
        return f"{''.join(parts).lstrip('.') or 'the value'}: {self.why}"


_SHOWN: Final = 60
_SHOWN_PARTS: Final = 8
_MICROSECOND: Final = timedelta(microseconds=1)
_MAX_FLOAT32: Final = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
_INFINITY: Final = float("inf")


def shown(value: Any) -> str:
    """`value` and its type, short."""
    text = repr(value)
    return f"{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'} ({type(value).__name__})"


def _refuse(value: Any, go_type: go.GoType, fix: str) -> NoReturn:
    raise MisfitError(f"{shown(value)} can't be encoded as {go_type}; {fix}")


def _write_bool(out: bytearray, value: Any, _session: Session) -> None:
    if value is not True and value is not False:
        _refuse(value, go.BOOL, "pass True or False")
    out.append(value)


def _integer_writer(go_type: go.Basic) -> Writer:
    low, high, signed = go_type.low, go_type.high, go_type.kind is Kind.INT

    def write_integer(out: bytearray, value: Any, _session: Session) -> None:
        if type(value) is not int:
            value = _as_integer(value, go_type)
        if not low <= value <= high:
            _refuse(value, go_type, f"use {low} to {high}")
        out += int_bytes(value) if signed else uint_bytes(value)

    return write_integer


def _as_integer(value: Any, go_type: go.GoType) -> int:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, timedelta) and go_type == go.DURATION:
        return value // _MICROSECOND * 1000
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        _refuse(value, go_type, "pass a whole number")
    return int(value.__index__())


def _float_writer(go_type: go.Basic) -> Writer:
    narrow = go_type is go.FLOAT32

    def write_float(out: bytearray, value: Any, _session: Session) -> None:
        if type(value) is not float:
            value = _as_float(value, go_type)
        if narrow and _MAX_FLOAT32 < abs(value) < _INFINITY:
            _refuse(value, go_type, "it is too large; use float64")
        out += float_bytes(value)

    return write_float


def _as_float(value: Any, go_type: go.GoType) -> float:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        _refuse(value, go_type, "pass a number")
    try:
        number = float(value.__index__())
    except OverflowError:
        number = _INFINITY
    if number != value:
        _refuse(value, go_type, "a float can't hold it exactly; pass a float")
    return number


def _write_complex(out: bytearray, value: Any, _session: Session) -> None:
    if isinstance(value, bool) or not isinstance(value, complex | float | int):
        _refuse(value, go.COMPLEX128, "pass a complex number")
    number = complex(value)
    out += float_bytes(number.real)
    out += float_bytes(number.imag)


def _write_string(out: bytearray, value: Any, _session: Session) -> None:
    if isinstance(value, Decimal):
        value = str(value)
    if not isinstance(value, str):
        if not (isinstance(value, Enum) and isinstance(value.value, str)):
            _refuse(value, go.STRING, "pass text; bytes go into []byte")
        value = value.value
    try:
        out += string_bytes(value)
    except UnicodeEncodeError:
        _refuse(value, go.STRING, "it holds a lone surrogate; pass valid Unicode")


def _write_bytes(out: bytearray, value: Any, _session: Session) -> None:
    if not isinstance(value, bytes | bytearray | memoryview):
        _refuse(value, go.BYTES, "pass bytes")
    raw = bytes(value)
    out += uint_bytes(len(raw))
    out += raw


def _write_time(out: bytearray, value: Any, _session: Session) -> None:
    if not isinstance(value, datetime):
        _refuse(value, go.TIME, "pass an aware datetime")
    try:
        raw = time_bytes(value)
    except ValueError as error:
        raise MisfitError(f"{value!r} {error}") from None
    out.append(len(raw))
    out += raw


def _write_uuid(out: bytearray, value: Any, _session: Session) -> None:
    if not isinstance(value, uuid.UUID):
        _refuse(value, go.UUID, "pass a uuid.UUID")
    out.append(16)
    out += value.bytes


def _write_any(out: bytearray, value: Any, session: Session) -> None:
    session.write_any(out, value)


def descend(session: Session) -> None:
    """Go one container or interface value deeper; the decoder counts the same.

    Raises:
        MisfitError: that is too deep.
    """
    session.depth += 1
    if session.depth > MAX_DEPTH:
        raise MisfitError("values are nested too deeply, or contain themselves")


def _list_writer(go_type: go.Slice | go.Array) -> Writer:
    write_elem = writer_of(go_type.elem)
    length = go_type.length if isinstance(go_type, go.Array) else None
    of_bytes = go_type.elem == go.UINT8
    accepted: tuple[type[Any], ...] = (list, tuple, AbstractSet)
    if of_bytes:
        accepted += (bytes, bytearray)

    def write_list(out: bytearray, value: Any, session: Session) -> None:
        if not isinstance(value, accepted):
            _refuse(value, go_type, "pass a list")
        if length is not None and len(value) != length:
            raise MisfitError(f"{counted(len(value), 'element')} for {go_type}; pass {length}")
        descend(session)
        out += uint_bytes(len(value))
        index = 0
        try:
            for elem in value:
                write_elem(out, elem, session)
                index += 1
        except MisfitError as trouble:
            trouble.path.append(f"[{index}]")
            raise
        session.depth -= 1

    return write_list


def _map_writer(go_type: go.Map) -> Writer:
    write_key, write_elem = writer_of(go_type.key), writer_of(go_type.elem)

    def write_map(out: bytearray, value: Any, session: Session) -> None:
        if not isinstance(value, Mapping):
            _refuse(value, go_type, "pass a dict")
        descend(session)
        out += uint_bytes(len(value))
        key = None
        # Keys of several types may be the same to Go: 1 and an enum of it.
        written: set[bytes] | None = set() if len(set(map(type, value))) > 1 else None
        try:
            for key, elem in value.items():
                start = len(out)
                write_key(out, key, session)
                if written is not None:
                    _refuse_repeat(bytes(out[start:]), written)
                write_elem(out, elem, session)
        except MisfitError as trouble:
            trouble.path.append(f"[{key!r}]")
            raise
        session.depth -= 1

    return write_map


def _refuse_repeat(key: bytes, written: set[bytes]) -> None:
    if key in written:
        raise MisfitError("another key is the same to Go, and one value would be lost")
    written.add(key)


def _struct_writer(go_type: go.Struct) -> Writer:
    owner = go_type.python_class
    sources: frozenset[str] = frozenset()
    compiled: _Slots | None = None

    def write_struct(out: bytearray, value: Any, session: Session) -> None:
        nonlocal compiled, sources
        slots = compiled
        if slots is None:  # only now: the struct may contain itself
            sources = frozenset(one.source for one in go_type.fields)
            slots = compiled = _slots(go_type)
        from_keys = isinstance(value, Mapping)
        if from_keys:
            for key in value:
                if key not in sources:
                    raise _no_field(go_type, key)
        elif owner is None or not isinstance(value, owner() or ()):
            _refuse(value, go_type, "pass a dict of its fields")
        descend(session)
        last = 0
        name = ""
        try:
            for number, name, source, left_out, write in slots:  # noqa: B007 - read where it fails
                part = value.get(source, _ABSENT) if from_keys else getattr(value, source)
                if type(part) in left_out and not part:
                    continue
                out += uint_bytes(number - last)
                last = number
                write(out, part, session)
        except MisfitError as trouble:
            trouble.path.append(f".{name}")
            raise
        out.append(0)
        session.depth -= 1

    return write_struct


class _Absent:
    """Stands for a key that a dict doesn't have."""

    def __bool__(self) -> bool:
        return False


_ABSENT: Final = _Absent()
_NOTHING: Final = frozenset((type(None), _Absent))
_Slots: TypeAlias = tuple[tuple[int, str, str, frozenset[type], Writer], ...]
"""Of each field: number from 1, name, source, types whose falsy value is left out, writer."""


def _slots(go_type: go.Struct) -> _Slots:
    return tuple(
        (number, one.name, one.source, _left_out(one), _field_writer(one))
        for number, one in enumerate(go_type.fields, 1)
    )


def _left_out(field: go.Field) -> frozenset[type]:
    nothing = frozenset((_Absent,)) if field.sends_none else _NOTHING
    return nothing if field.sends_zero else nothing | _zero_types(field.type)


def _field_writer(field: go.Field) -> Writer:
    write = writer_of(field.type)
    if not field.sends_none:
        return write

    def write_unless_none(out: bytearray, value: Any, session: Session) -> None:
        if value is None:
            raise MisfitError(
                "None is left out by gob and would read back as the field's default;"
                " make None the default"
            )
        write(out, value, session)

    return write_unless_none


def _no_field(go_type: go.Struct, key: object) -> MisfitError:
    known = ", ".join(one.source for one in go_type.fields)
    return MisfitError(f"{go_type} has no field {key!r}; its fields are {known}")


_ZERO_TYPES: Final[Mapping[Kind, frozenset[type]]] = {
    Kind.BOOL: frozenset((bool,)),
    Kind.INT: frozenset((int, timedelta)),
    Kind.UINT: frozenset((int,)),
    Kind.FLOAT: frozenset((float, int)),
    Kind.COMPLEX: frozenset((complex, float, int)),
    Kind.STRING: frozenset((str,)),
    Kind.BYTES: frozenset((bytes, bytearray)),
}


def _zero_types(go_type: go.GoType) -> frozenset[type]:
    """Of which Python types a struct leaves out the falsy value of a field of this type."""
    match go_type:
        case go.Slice():
            return frozenset((list, tuple, set, frozenset))
        case go.Basic():
            return _ZERO_TYPES.get(go_type.kind, frozenset())
    return frozenset()


_KIND_WRITERS: Final[Mapping[Kind, Writer]] = {
    Kind.BOOL: _write_bool,
    Kind.COMPLEX: _write_complex,
    Kind.STRING: _write_string,
    Kind.BYTES: _write_bytes,
    Kind.INTERFACE: _write_any,
}


def writer_of(go_type: go.GoType) -> Writer:
    """The writer of the type, compiled the first time."""
    if not isinstance(go_type, go.Struct):
        return _compile(go_type)
    if go_type.writer is None:
        go_type.writer = _struct_writer(go_type)
    writer: Writer = go_type.writer
    return writer


@lru_cache(maxsize=1024)
def _compile(go_type: go.GoType) -> Writer:
    match go_type:
        case go.Slice() | go.Array():
            return _list_writer(go_type)
        case go.Map():
            return _map_writer(go_type)
        case go.Basic(kind=Kind.INT | Kind.UINT):
            return _integer_writer(go_type)
        case go.Basic(kind=Kind.FLOAT):
            return _float_writer(go_type)
        case go.Basic():
            return _KIND_WRITERS[go_type.kind]
    return _write_time if go_type == go.TIME else _write_uuid
