"""Go types as the encoder needs them: which values they hold, how Go spells them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from weakref import ReferenceType

from tasq_core.args.gob.types import (
    BOOL_ID,
    BYTES_ID,
    COMPLEX_ID,
    FLOAT_ID,
    INT_ID,
    INTERFACE_ID,
    STRING_ID,
    UINT_ID,
    Kind,
)


@dataclass(frozen=True, slots=True)
class Basic:
    """A type every stream knows: numbers, strings, `[]byte`, interfaces."""

    name: str
    kind: Kind
    type_id: int
    low: int = 0
    high: int = 0

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Opaque:
    """A type that encodes itself: time.Time, uuid.UUID."""

    name: str
    wire_name: str
    registered_name: str
    """What `gob.Register` calls it: the path of its package, and its name."""
    binary_marshaler: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Slice:
    """`[]elem`."""

    elem: "GoType"

    def __str__(self) -> str:
        return f"[]{self.elem}"


@dataclass(frozen=True, slots=True)
class Array:
    """`[length]elem`."""

    elem: "GoType"
    length: int

    def __str__(self) -> str:
        return f"[{self.length}]{self.elem}"


@dataclass(frozen=True, slots=True)
class Map:
    """`map[key]elem`."""

    key: "GoType"
    elem: "GoType"

    def __str__(self) -> str:
        return f"map[{self.key}]{self.elem}"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct, and the attribute or key its value is read from."""

    name: str
    type: "GoType"
    source: str
    sends_zero: bool = False
    """Whether a zero is written: left out it would read back as another value."""
    sends_none: bool = False
    """Whether None can't be left out, since it would read back as another value."""


@dataclass(eq=False, slots=True)
class Struct:
    """A struct; equal to itself only, since it may contain itself."""

    name: str = ""
    fields: list[Field] = field(default_factory=list)
    python_class: ReferenceType[type] | None = None
    """Whose attributes hold the fields; None for a dict's keys."""
    writer: Any = field(default=None, repr=False)
    """What `writers` compiled it to; kept here, to go when its class goes."""
    definitions: Any = field(default=None, repr=False)
    """Its ids and wire definitions, by `encoder`; kept here likewise."""

    def __str__(self) -> str:
        if self.name:
            return self.name
        return f"struct {{ {'; '.join(f'{one.name} {one.type}' for one in self.fields)} }}"


GoType: TypeAlias = Basic | Opaque | Slice | Array | Map | Struct


def _integers(kind: Kind, type_id: int, name: str, bits: int) -> Basic:
    if kind is Kind.UINT:
        return Basic(name, kind, type_id, 0, 2**bits - 1)
    return Basic(name, kind, type_id, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _int(name: str, bits: int) -> Basic:
    return _integers(Kind.INT, INT_ID, name, bits)


def _uint(name: str, bits: int) -> Basic:
    return _integers(Kind.UINT, UINT_ID, name, bits)


BOOL: Final = Basic("bool", Kind.BOOL, BOOL_ID)
INT: Final = _int("int", 64)
UINT8: Final = _uint("uint8", 8)
UINT64: Final = _uint("uint64", 64)
FLOAT64: Final = Basic("float64", Kind.FLOAT, FLOAT_ID)
FLOAT32: Final = Basic("float32", Kind.FLOAT, FLOAT_ID)
COMPLEX128: Final = Basic("complex128", Kind.COMPLEX, COMPLEX_ID)
STRING: Final = Basic("string", Kind.STRING, STRING_ID)
BYTES: Final = Basic("[]uint8", Kind.BYTES, BYTES_ID)
ANY: Final = Basic("interface {}", Kind.INTERFACE, INTERFACE_ID)
DURATION: Final = _int("time.Duration", 64)
TIME: Final = Opaque("time.Time", "Time", "time.Time")
UUID: Final = Opaque("uuid.UUID", "UUID", "github.com/google/uuid.UUID", binary_marshaler=True)
MAP_OF_ANY: Final = Map(STRING, ANY)
LIST_OF_ANY: Final = Slice(ANY)

NAMED_TYPES: Final[Mapping[str, GoType]] = {
    "bool": BOOL,
    "int": INT,
    "int8": _int("int8", 8),
    "int16": _int("int16", 16),
    "int32": _int("int32", 32),
    "int64": _int("int64", 64),
    "rune": _int("int32", 32),
    "uint": _uint("uint", 64),
    "uint8": UINT8,
    "byte": UINT8,
    "uint16": _uint("uint16", 16),
    "uint32": _uint("uint32", 32),
    "uint64": UINT64,
    "uintptr": _uint("uintptr", 64),
    "float32": FLOAT32,
    "float64": FLOAT64,
    "complex64": Basic("complex64", Kind.COMPLEX, COMPLEX_ID),
    "complex128": COMPLEX128,
    "string": STRING,
    "any": ANY,
    "time.Time": TIME,
    "time.Duration": DURATION,
    "uuid.UUID": UUID,
}


def slice_of(elem: GoType) -> GoType:
    """`[]elem`; of bytes it is a type of its own."""
    return BYTES if elem == UINT8 else Slice(elem)


def field_name_trouble(name: object) -> str | None:
    """Why Go would not send or find a field called `name`, or None."""
    if not isinstance(name, str) or not name.isidentifier():
        return f"{name!r} is not a name for a Go field"
    if not name[0].isupper():
        return (
            f"{name!r} is not an exported field in Go, which gob never fills;"
            f" spell it as the Go struct does, say {name.lstrip('_').title().replace('_', '')!r}"
        )
    return None
