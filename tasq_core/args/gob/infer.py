"""The Go struct a plain value stands for, by its shape: `encode(..., as_struct=True)`."""

import uuid
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from tasq_core.args.gob import gotypes as go
from tasq_core.args.gob.classes import is_struct_class, struct_of_class
from tasq_core.args.gob.limits import MAX_TYPE_DEPTH
from tasq_core.args.gob.writers import MisfitError, shown

SCALARS: Final[Mapping[type, go.GoType]] = {
    bool: go.BOOL,
    int: go.INT,
    float: go.FLOAT64,
    complex: go.COMPLEX128,
    str: go.STRING,
    bytes: go.BYTES,
    bytearray: go.BYTES,
    memoryview: go.BYTES,
    datetime: go.TIME,
    timedelta: go.DURATION,
    uuid.UUID: go.UUID,
    Decimal: go.STRING,
}


def scalar_type(value: Any) -> go.GoType | None:
    """The Go type of a value that is not a container, or None."""
    found = SCALARS.get(type(value))
    if found is None:
        if isinstance(value, Enum):
            return scalar_type(value.value)
        found = next((SCALARS[base] for base in type(value).__mro__ if base in SCALARS), None)
    if found is go.INT and int(value) > go.INT.high:
        return go.UINT64
    return found


def struct_type(value: Any) -> go.GoType:
    """The type of `value`, dicts being structs and lists slices of one type.

    Raises:
        MisfitError: a key Go has no field for, or a value without a Go type.
    """
    found = _shape(value, 0)
    if found is None:
        raise MisfitError("None has no Go type; gob can't send nil by itself")
    return found


def _shape(value: Any, depth: int) -> go.GoType | None:
    """The type of `value`; None where nothing is known of it (None, an empty list)."""
    if depth > MAX_TYPE_DEPTH:
        raise MisfitError("values are nested too deeply, or contain themselves")
    if value is None:
        return None
    if isinstance(value, Mapping):
        return _struct(value, depth)
    if isinstance(value, list | tuple | AbstractSet):
        elem = _merged(_shape(one, depth + 1) for one in value)
        return go.LIST_OF_ANY if elem is None else go.slice_of(elem)
    if is_struct_class(type(value)):
        return struct_of_class(type(value))
    found = scalar_type(value)
    if found is None:
        raise MisfitError(f"{shown(value)} has no form in gob")
    return found


def _struct(value: Mapping[Any, Any], depth: int) -> go.Struct:
    struct = go.Struct()
    for name, part in value.items():
        if why := go.field_name_trouble(name):
            raise MisfitError(why)
        try:
            part_type = _shape(part, depth + 1) or go.ANY
        except MisfitError as trouble:
            trouble.path.append(f".{name}")
            raise
        struct.fields.append(go.Field(name, part_type, name))
    if not struct.fields:
        raise MisfitError("an empty dict is a struct without fields, which gob can't send")
    return struct


def _merged(found: Iterable[go.GoType | None]) -> go.GoType | None:
    merged: go.GoType | None = None
    for one in found:
        merged = _merge(merged, one)
    return merged


def _merge(left: go.GoType | None, right: go.GoType | None) -> go.GoType | None:
    """One type for both: the same, the wider number, a struct of all fields, or any."""
    if left is None or right is None or left == right:
        return left or right
    if isinstance(left, go.Struct) and isinstance(right, go.Struct):
        if left.python_class is None and right.python_class is None:
            return _merge_structs(left, right)
    elif isinstance(left, go.Slice) and isinstance(right, go.Slice):
        return go.Slice(_merge(left.elem, right.elem) or go.ANY)
    elif {left, right} == {go.INT, go.FLOAT64}:
        return go.FLOAT64
    return go.ANY


def _merge_structs(left: go.Struct, right: go.Struct) -> go.Struct:
    fields = {one.name: one for one in left.fields}
    for one in right.fields:
        known = fields.get(one.name)
        merged = one.type if known is None else _merge(known.type, one.type)
        fields[one.name] = go.Field(one.name, merged or go.ANY, one.source)
    return go.Struct(fields=list(fields.values()))
