"""From a stream's type definitions to readers of its values.

A `Plan` is a set of types and the readers compiled for them; it is shared by all streams that
define the same types with the same bytes. A `Run` is one decoding.
"""

# ruff: noqa: PLR2004 - the numbers are the wire format's own

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from tasq_core.args.gob import limits, readers, wire
from tasq_core.args.gob.times import read_time
from tasq_core.args.gob.types import (
    BUILTIN_TYPES,
    FIRST_USER_ID,
    INTERFACE_ID,
    WIRE_TYPE_ID,
    Kind,
    WireType,
    defined_type,
)
from tasq_core.args.gob.wire import Reader, read_int, read_uint, trouble
from tasq_core.wording import counted

Types = Mapping[int, WireType]


class Label(Protocol):
    """Makes of each value what stands for it, and back."""

    def __call__(self, types: Types, type_id: int, value: Any, registered: str) -> Any:
        """What stands for `value`; `registered` is its name if it was in an interface."""

    def plain(self, value: Any) -> Any:
        """The value some labelled one stands for, as `decode` gives it."""


_PLAIN_READERS: Final[dict[Kind, Reader]] = {
    Kind.BOOL: wire.read_bool,
    Kind.INT: wire.read_int,
    Kind.UINT: wire.read_uint,
    Kind.FLOAT: wire.read_float,
    Kind.BYTES: wire.read_bytes,
    Kind.STRING: wire.read_string,
    Kind.COMPLEX: wire.read_complex,
    Kind.OPAQUE: wire.read_bytes,
}

_ZERO_VALUES: Final[dict[Kind, Any]] = {
    Kind.BOOL: False,
    Kind.INT: 0,
    Kind.UINT: 0,
    Kind.FLOAT: 0.0,
    Kind.BYTES: b"",
    Kind.STRING: "",
    Kind.COMPLEX: 0j,
}

_HASHABLE_KINDS: Final = frozenset(_PLAIN_READERS)


class Plan:
    """The types of a stream and the readers compiled for them so far."""

    __slots__ = ("label", "readers", "room", "sent_only", "successors", "types")

    def __init__(
        self, types: dict[int, WireType], label: Label | None = None, *, sent_only: bool = False
    ) -> None:
        self.types = types
        self.label = label
        self.sent_only = sent_only
        self.readers: dict[int, tuple[Reader, bool]] = {}
        """By id: the reader, and whether a value that stands alone follows a zero byte."""
        self.successors: dict[int, tuple[bytes, Plan]] = {}
        """By the id of a type defined next: the definition's bytes, and the plan with it."""
        self.room = [0]
        """How many more successors this plan and its successors may keep between them."""

    def with_type(self, type_id: int, wire_type: WireType) -> "Plan":
        """A plan with one type more."""
        plan = Plan({**self.types, type_id: wire_type}, self.label, sent_only=self.sent_only)
        plan.readers.update(self.readers)
        return plan

    def reader(self, type_id: int, pos: int) -> tuple[Reader, bool]:
        """The reader of a type, compiled if need be.

        Raises:
            ArgsDecodeError: the type, or one it is made of, isn't defined.
        """
        found = self.readers.get(type_id)
        if found is None:
            reader = _Compiler(self, pos).compile(type_id)
            found = reader, self.types[type_id].kind is not Kind.STRUCT
            self.readers[type_id] = found
        return found


class _Compiler:
    """Compiles one type and what it is made of."""

    def __init__(self, plan: Plan, pos: int) -> None:
        self.types = plan.types
        self.label = plan.label
        self.sent_only = plan.sent_only
        self.pos = pos
        self.done: dict[int, Reader] = {}
        self.open: set[int] = set()

    def compile(self, type_id: int) -> Reader:
        """A reader of the type; where it contains itself, one that looks it up when it runs."""
        if type_id in self.done:
            return self.done[type_id]
        if type_id in self.open:
            return self._deferred(type_id)
        if len(self.open) > limits.MAX_DEPTH:
            raise trouble(self.pos, "types are nested too deeply")
        self.open.add(type_id)
        reader = self._labelled(type_id, self._compile(self._type(type_id)))
        self.open.discard(type_id)
        self.done[type_id] = reader
        return reader

    def _type(self, type_id: int) -> WireType:
        try:
            return self.types[type_id]
        except KeyError:
            raise trouble(self.pos, f"type {type_id} is not defined") from None

    def _compile(self, wire_type: WireType) -> Reader:
        match wire_type.kind:
            case Kind.STRUCT:
                return readers.struct_reader(
                    [
                        (name, self.compile(field_id), self._zero(field_id))
                        for name, field_id in wire_type.fields
                    ],
                    sent_only=self.sent_only,
                )
            case Kind.SLICE:
                return readers.list_reader(self.compile(wire_type.elem))
            case Kind.ARRAY:
                return readers.list_reader(self.compile(wire_type.elem), wire_type.length)
            case Kind.MAP:
                return readers.map_reader(
                    self._key_reader(wire_type.key),
                    self.compile(wire_type.elem),
                    self._freezer(self._type(wire_type.key)),
                )
            case Kind.INTERFACE:
                return read_interface
            case _ if wire_type.is_time:
                return read_time
        return _PLAIN_READERS[wire_type.kind]

    def _key_reader(self, type_id: int) -> Reader:
        if self.label is None:
            return self.compile(type_id)
        return _Compiler(Plan(dict(self.types)), self.pos).compile(type_id)

    def _freezer(self, key_type: WireType) -> Callable[[Any], Any] | None:
        if key_type.kind in _HASHABLE_KINDS:
            return None
        label = self.label  # of which a key in an interface has one already
        return readers.frozen if label is None else lambda key: readers.frozen(label.plain(key))

    def _zero(self, type_id: int) -> Any:
        value = _ZERO_VALUES.get(self._type(type_id).kind)
        return value if self.label is None else self.label(self.types, type_id, value, "")

    def _labelled(self, type_id: int, reader: Reader) -> Reader:
        label, types = self.label, self.types
        if label is None or types[type_id].kind is Kind.INTERFACE:
            return reader

        def read_labelled(data: bytes, pos: int, depth: int, run: Run) -> tuple[Any, int]:
            run.left -= limits.LABEL_BYTES
            if run.left < 0:
                readers.take(run, 0, pos)
            value, pos = reader(data, pos, depth, run)
            return label(types, type_id, value, ""), pos

        return read_labelled

    def _deferred(self, type_id: int) -> Reader:
        done = self.done

        def read_deferred(data: bytes, pos: int, depth: int, run: Run) -> tuple[Any, int]:
            if not depth:
                raise readers.too_deep(pos)
            return done[type_id](data, pos, depth - 1, run)

        return read_deferred


class Run:
    """One decoding: what it may still allocate, its types, where its message ends."""

    __slots__ = ("definitions_left", "end", "left", "plan", "shared")

    def __init__(self, plan: Plan, size: int, end: int) -> None:
        self.plan = plan
        self.shared = True
        self.left = max(limits.MEMORY_FLOOR_BYTES, limits.MEMORY_PER_INPUT_BYTE * size)
        self.definitions_left = limits.DEFINITIONS_BYTES
        self.end = end

    def define(self, data: bytes, pos: int, type_id: int) -> int:
        """Read the definition of `type_id`, and give the position after it.

        Raises:
            ArgsDecodeError: bad data, or an id that is taken.
        """
        plan = self.plan
        known = plan.successors.get(type_id)
        if known is not None and data.startswith(known[0], pos):
            self.plan = known[1]
            return pos + len(known[0])
        if type_id < FIRST_USER_ID or type_id in plan.types:
            raise trouble(pos, f"type {type_id} is defined twice, or is Go's own")
        values_left, self.left = self.left, self.definitions_left
        definition, end = _READ_WIRE_TYPE(data, pos, limits.MAX_DEPTH, self)
        self.definitions_left, self.left = self.left, values_left
        wire_type = defined_type(definition, pos)
        if not self.shared:
            plan.types[type_id] = wire_type
            return end
        self.plan = plan.with_type(type_id, wire_type)
        if plan.room[0] > 0 and end - pos <= limits.MAX_SUCCESSOR_BYTES:
            plan.room[0] -= 1
            self.plan.room = plan.room
            plan.successors[type_id] = data[pos:end], self.plan
        else:
            self.shared = False
        return end

    def next_type(self, data: bytes, pos: int) -> tuple[int, int]:
        """The id of the value in an interface, after the definitions that may stand first."""
        while True:
            start = pos
            type_id, pos = read_int(data, pos)
            if type_id >= 0:
                return type_id, pos
            pos = self.define(data, pos, -type_id)
            # A definition ends its message; what follows is the count of the next one, be
            # it of the stream's or of the interface value's own (Go's decodeTypeSequence).
            at_end = pos == self.end
            count, pos = read_uint(data, pos)
            if pos + count > len(data):
                raise trouble(
                    start, f"a message of {counted(count, 'byte')}, {len(data) - pos} left"
                )
            if at_end:
                self.end = pos + count


def read_interface(data: bytes, pos: int, depth: int, run: Run) -> tuple[Any, int]:
    """An interface value: the registered name, the type's id, a count of bytes, the value."""
    start = pos
    length = data[pos]
    if not length:
        return _nil(run, pos), pos + 1
    if not depth:
        raise readers.too_deep(pos)
    if length > 127:
        length, pos = read_uint(data, pos)
        if length > limits.MAX_NAME_BYTES:
            raise trouble(start, f"a type name of {counted(length, 'byte')}")
        pos += length
    else:
        pos += 1 + length
    name_end = pos
    head = data[pos]
    if head < 128 and not head & 1:
        type_id = head >> 1
        pos += 1
    else:
        type_id, pos = run.next_type(data, pos)
    if data[pos] > 127:
        _, pos = read_uint(data, pos)
    else:
        pos += 1
    plan = run.plan
    reader, alone = plan.readers.get(type_id) or plan.reader(type_id, pos)
    if alone:
        if data[pos]:
            raise trouble(pos, "a value that is not a struct must follow a zero byte")
        pos += 1
    value, pos = reader(data, pos, depth - 1, run)
    if plan.label is not None:
        readers.take(run, limits.LABEL_BYTES, start)
        name = data[name_end - length : name_end].decode("utf-8", "backslashreplace")
        value = plan.label(plan.types, type_id, value, name)
    return value, pos


def _read_interfaces(
    data: bytes, pos: int, depth: int, run: Run, count: int
) -> tuple[list[Any], int]:
    values: list[Any] = []
    append = values.append
    nil_is_plain = run.plan.label is None
    for _ in range(count):
        if nil_is_plain and not data[pos]:
            append(None)
            pos += 1
        else:
            value, pos = read_interface(data, pos, depth, run)
            append(value)
    return values, pos


readers.BULK_READERS[read_interface] = _read_interfaces


def _nil(run: Run, pos: int) -> Any:
    label = run.plan.label
    if label is None:
        return None
    readers.take(run, limits.LABEL_BYTES, pos)
    return label(BUILTIN_TYPES, INTERFACE_ID, None, "")


BUILTIN_PLAN: Final = Plan(dict(BUILTIN_TYPES))
SENT_PLAN: Final = Plan(dict(BUILTIN_TYPES), sent_only=True)
"""The same for `readers.Sent` instead of dicts."""
_READ_WIRE_TYPE: Final[Reader] = BUILTIN_PLAN.reader(WIRE_TYPE_ID, 0)[0]
