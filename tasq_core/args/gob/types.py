"""The types a stream defines, as the wire describes them; "Types and Values", `wireType`.

Types refer to each other by id, since they may refer to themselves. Ids below 64 are Go's
own; a stream's start there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from tasq_core.args.gob.times import TIME_TYPE_NAME
from tasq_core.args.gob.wire import trouble

FIRST_USER_ID: Final = 64


class Kind(Enum):
    """What a value of a type looks like on the wire."""

    BOOL = auto()
    INT = auto()
    UINT = auto()
    FLOAT = auto()
    BYTES = auto()
    STRING = auto()
    COMPLEX = auto()
    INTERFACE = auto()
    ARRAY = auto()
    SLICE = auto()
    MAP = auto()
    STRUCT = auto()
    OPAQUE = auto()
    """A type with an encoder of its own: GobEncoder, BinaryMarshaler."""


@dataclass(frozen=True, slots=True)
class WireType:
    """One type. `key` and `elem` are ids, and so are those of `fields`."""

    kind: Kind
    name: str = ""
    key: int = 0
    elem: int = 0
    length: int = 0
    fields: tuple[tuple[str, int], ...] = ()

    @property
    def is_time(self) -> bool:
        """Whether this is Go's time.Time, as far as a stream can tell."""
        return self.kind is Kind.OPAQUE and self.name == TIME_TYPE_NAME


BOOL_ID, INT_ID, UINT_ID, FLOAT_ID, BYTES_ID, STRING_ID, COMPLEX_ID, INTERFACE_ID = range(1, 9)
WIRE_TYPE_ID: Final = 16


def _struct(name: str, **fields: int) -> WireType:
    return WireType(Kind.STRUCT, name, fields=tuple(fields.items()))


BUILTIN_TYPES: Final[Mapping[int, WireType]] = {
    BOOL_ID: WireType(Kind.BOOL, "bool"),
    INT_ID: WireType(Kind.INT, "int"),
    UINT_ID: WireType(Kind.UINT, "uint"),
    FLOAT_ID: WireType(Kind.FLOAT, "float64"),
    BYTES_ID: WireType(Kind.BYTES, "[]byte"),
    STRING_ID: WireType(Kind.STRING, "string"),
    COMPLEX_ID: WireType(Kind.COMPLEX, "complex128"),
    INTERFACE_ID: WireType(Kind.INTERFACE, "interface {}"),
    WIRE_TYPE_ID: _struct(
        "wireType", ArrayT=17, SliceT=19, StructT=20, MapT=23,
        GobEncoderT=24, BinaryMarshalerT=24, TextMarshalerT=24,
    ),
    17: _struct("arrayType", CommonType=18, Elem=INT_ID, Len=INT_ID),
    18: _struct("CommonType", Name=STRING_ID, Id=INT_ID),
    19: _struct("sliceType", CommonType=18, Elem=INT_ID),
    20: _struct("structType", CommonType=18, Field=22),
    21: _struct("fieldType", Name=STRING_ID, Id=INT_ID),
    22: WireType(Kind.SLICE, elem=21),
    23: _struct("mapType", CommonType=18, Key=INT_ID, Elem=INT_ID),
    24: _struct("gobEncoderType", CommonType=18),
}  # fmt: skip

_DEFINED_KINDS: Final = {
    "ArrayT": Kind.ARRAY,
    "SliceT": Kind.SLICE,
    "StructT": Kind.STRUCT,
    "MapT": Kind.MAP,
    "GobEncoderT": Kind.OPAQUE,
    "BinaryMarshalerT": Kind.OPAQUE,
    "TextMarshalerT": Kind.OPAQUE,
}


def defined_type(definition: dict[str, Any], pos: int) -> WireType:
    """The type described by a decoded wireType, which stood at byte `pos`.

    Raises:
        ArgsDecodeError: it describes none, several or an impossible one.
    """
    found = [(_DEFINED_KINDS[form], part) for form, part in definition.items() if part is not None]
    if len(found) != 1:
        raise trouble(pos, f"a type definition of {len(found)} forms; 1 is needed")
    kind, part = found[0]
    length = part.get("Len", 0)
    if length < 0:
        raise trouble(pos, f"an array type of length {length}")
    fields = tuple((field["Name"], field["Id"]) for field in part.get("Field") or ())
    if len(dict(fields)) < len(fields):
        raise trouble(pos, "a struct type with two fields of one name")
    return WireType(
        kind,
        name=(part["CommonType"] or {}).get("Name", ""),
        key=part.get("Key", 0),
        elem=part.get("Elem", 0),
        length=length,
        fields=fields,
    )
