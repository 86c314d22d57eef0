"""Plain values and dataclasses to a gob stream that Go's decoder reads.

All type definitions stand before the value, those of interface values included (Go writes
these in the middle of it, and reads both): so equal types make equal first bytes, which a
decoder can know again.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, Final

from tasq_core.args.gob import gotypes as go
from tasq_core.args.gob.classes import is_struct_class, struct_of_class
from tasq_core.args.gob.infer import scalar_type, struct_type
from tasq_core.args.gob.syntax import parse_type
from tasq_core.args.gob.types import FIRST_USER_ID
from tasq_core.args.gob.wire import float_bytes, int_bytes, string_bytes, uint_bytes
from tasq_core.args.gob.writers import MisfitError, descend, shown, writer_of
from tasq_core.errors import ArgsEncodeError

_Ids = dict[go.GoType, int]


def encode(value: Any, *, as_struct: bool = False, go_type: str | None = None) -> bytes:
    """`value` as a gob stream; equal values in equal order give equal bytes.

    A dict is sent as `map[string]any`, a list as `[]any`, an int as `int` (or `uint64` where
    it must), a datetime as `time.Time`, a timedelta as `time.Duration`, a UUID as
    `uuid.UUID`, an enum as its value. A dataclass or msgspec Struct is sent as a struct by
    its annotations: `list[int]` is `[]int`, an Optional field that is None is left out.
    Its fields are named as in Go, with a capital; `field(metadata={"gob": "UserID"})` or the
    Struct's `rename=` gives another name, `Annotated[int, gob.GoType("uint32")]` another type.

    What travels as `any` Go must know by name. It knows numbers, strings, bools and `[]byte`;
    for the others the Go program calls `gob.Register(map[string]any{})`,
    `gob.Register([]any{})`, `gob.Register(time.Time{})` before it decodes. A dataclass in
    such a place says what Go registered: `__gob_name__ = "main.Event"`.

    Args:
        value: the arguments.
        as_struct: dicts are structs with a field for each key, lists slices of one type.
        go_type: the type as Go spells it, say `"map[string]int"`, `"[]struct{ID uint8}"`.

    Raises:
        ArgsEncodeError: a value its Go type can't hold, a field name Go would not fill, no
            Go type; says where in the value.
    """
    if as_struct and go_type is not None:
        raise ArgsEncodeError(f"both as_struct and go_type {go_type!r} are given; pass one")
    try:
        if go_type is not None:
            chosen = parse_type(go_type)
            if chosen == go.ANY:
                chosen = _concrete_type(value)
        else:
            chosen = struct_type(value) if as_struct else _concrete_type(value)
        return _encode(value, chosen)
    except MisfitError as trouble:
        raise ArgsEncodeError(f"gob: {trouble}") from None
    except RecursionError:
        raise ArgsEncodeError("gob: values are nested too deeply for this call stack") from None


def _encode(value: Any, go_type: go.GoType) -> bytes:
    ids, definitions = _definitions(go_type)
    session = _Session(ids)
    body = bytearray(int_bytes(session.ids[go_type]))
    if not isinstance(go_type, go.Struct):
        body.append(0)
    writer_of(go_type)(body, value, session)
    return b"".join((definitions, session.definitions, uint_bytes(len(body)), body))


def _concrete_type(value: Any) -> go.GoType:
    """The type a value has where nothing else is asked.

    Raises:
        MisfitError: there is none.
    """
    if isinstance(value, Mapping):
        return go.MAP_OF_ANY
    if isinstance(value, list | tuple | AbstractSet):
        return go.LIST_OF_ANY
    if is_struct_class(type(value)):
        return struct_of_class(type(value))
    found = scalar_type(value)
    if found is None:
        if value is None:
            raise MisfitError("None has no Go type; gob can't send nil by itself")
        raise MisfitError(
            f"{shown(value)} has no form in gob; use dicts, lists, str, numbers, bytes,"
            " datetime, timedelta, UUID, dataclasses"
        )
    return found


class _Session:
    """One encoding: the ids given out so far and the definitions of those beyond the plan."""

    __slots__ = ("definitions", "depth", "ids")

    def __init__(self, ids: _Ids) -> None:
        self.ids = ids
        self.definitions = b""
        self.depth = 0

    def write_any(self, out: bytearray, value: Any) -> None:
        """Append `value` as an interface value: its registered name, type id, length, bytes."""
        if value is None:
            out.append(0)
            return
        quick = _QUICK_FORMS.get(type(value))
        if quick is not None:
            head, as_bytes = quick
            try:
                raw = as_bytes(value)
            except (OverflowError, UnicodeEncodeError):
                raw = b""  # a wider integer, or text that is refused below
            if raw:
                out += head + uint_bytes(len(raw) + 1) + b"\0" + raw
                return
        go_type = _concrete_type(value)
        out += _registered_name(go_type, value)
        out += int_bytes(self._id(go_type))
        inner = bytearray() if isinstance(go_type, go.Struct) else bytearray(1)
        descend(self)
        writer_of(go_type)(inner, value, self)
        self.depth -= 1
        out += uint_bytes(len(inner))
        out += inner

    def _id(self, go_type: go.GoType) -> int:
        found = self.ids.get(go_type)
        if found is None:
            self.ids = dict(self.ids)  # the plan's are shared
            added: list[go.GoType] = []
            found = _give_id(go_type, self.ids, added)
            self.definitions += _define(go_type, self.ids, set(added))
        return found


def _int64_bytes(value: int) -> bytes:
    if not go.INT.low <= value <= go.INT.high:
        raise OverflowError
    return int_bytes(value)


_QUICK_FORMS: Final[Mapping[type, tuple[bytes, Any]]] = {
    bool: (string_bytes("bool") + int_bytes(go.BOOL.type_id), lambda value: bytes((value,))),
    int: (string_bytes("int") + int_bytes(go.INT.type_id), _int64_bytes),
    float: (string_bytes("float64") + int_bytes(go.FLOAT64.type_id), float_bytes),
    str: (string_bytes("string") + int_bytes(go.STRING.type_id), string_bytes),
}


def _registered_name(go_type: go.GoType, value: Any) -> bytes:
    if isinstance(go_type, go.Struct):
        name = getattr(type(value), "__gob_name__", None)
        if not isinstance(name, str) or not name:
            raise MisfitError(
                f"{shown(value)} stands where Go has an interface, and needs the name Go"
                f" registered: set __gob_name__ = 'main.{go_type}' on {type(value).__name__}"
            )
        return string_bytes(name)
    if isinstance(go_type, go.Opaque):
        return string_bytes(go_type.registered_name)
    return string_bytes(str(go_type))


def _definitions(go_type: go.GoType) -> tuple[_Ids, bytes]:
    """The ids of the type and what it is made of, and the messages that define them."""
    if isinstance(go_type, go.Struct):
        if go_type.definitions is None:
            go_type.definitions = _all_definitions(go_type)
        found: tuple[_Ids, bytes] = go_type.definitions
        return found
    return _kept_definitions(go_type)


def _all_definitions(go_type: go.GoType) -> tuple[_Ids, bytes]:
    ids: _Ids = {}
    added: list[go.GoType] = []
    _give_id(go_type, ids, added)
    return ids, _define(go_type, ids, set(added))


_kept_definitions = lru_cache(maxsize=256)(_all_definitions)


def _parts(go_type: go.GoType) -> list[go.GoType]:
    match go_type:
        case go.Slice() | go.Array():
            return [go_type.elem]
        case go.Map():
            return [go_type.key, go_type.elem]
        case go.Struct():
            return [one.type for one in go_type.fields]
    return []


def _give_id(go_type: go.GoType, ids: _Ids, added: list[go.GoType]) -> int:
    """The id of the type, new where it has none; in Go's order (`newTypeObject`)."""
    if go_type in ids:
        return ids[go_type]
    if isinstance(go_type, go.Basic):
        ids[go_type] = go_type.type_id
        return go_type.type_id
    if not isinstance(go_type, go.Struct):  # a struct's id is known inside it
        for part in _parts(go_type):
            _give_id(part, ids, added)
    users = sum(not isinstance(one, go.Basic) for one in ids)
    ids[go_type] = FIRST_USER_ID + users
    added.append(go_type)
    for part in _parts(go_type):
        _give_id(part, ids, added)
    return ids[go_type]


def _define(go_type: go.GoType, ids: _Ids, wanted: set[go.GoType]) -> bytes:
    """The messages that define the types in `wanted`, outer ones first."""
    if go_type not in wanted:
        return b""
    wanted.discard(go_type)
    body = int_bytes(-ids[go_type]) + _wire_type(go_type, ids)
    inner = [_define(part, ids, wanted) for part in _parts(go_type)]
    return uint_bytes(len(body)) + body + b"".join(inner)


def _wire_type(go_type: go.GoType, ids: _Ids) -> bytes:
    """The `wireType` value; a byte before each field says how many field numbers on it is."""
    own = int_bytes(ids[go_type])
    match go_type:
        case go.Array():
            length = b"\x01" + int_bytes(go_type.length) if go_type.length else b""
            return b"\x01" + _common("", own) + _numbered(ids, go_type.elem) + length + b"\0\0"
        case go.Slice():
            return b"\x02" + _common("", own) + _numbered(ids, go_type.elem) + b"\0\0"
        case go.Struct():
            fields = b"".join(
                b"\x01" + string_bytes(one.name) + _numbered(ids, one.type) + b"\0"
                for one in go_type.fields
            )
            count = uint_bytes(len(go_type.fields))
            return b"\x03" + _common(go_type.name, own) + b"\x01" + count + fields + b"\0\0"
        case go.Map():
            parts = _numbered(ids, go_type.key) + _numbered(ids, go_type.elem)
            return b"\x04" + _common("", own) + parts + b"\0\0"
        case go.Opaque():
            form = b"\x06" if go_type.binary_marshaler else b"\x05"
            return form + _common(go_type.wire_name, own) + b"\0\0"
    raise AssertionError(go_type)  # a basic type is never defined


def _common(name: str, own_id: bytes) -> bytes:
    if not name:
        return b"\x01\x02" + own_id + b"\0"
    return b"\x01\x01" + string_bytes(name) + b"\x01" + own_id + b"\0"


def _numbered(ids: _Ids, go_type: go.GoType) -> bytes:
    return b"\x01" + int_bytes(ids[go_type])
