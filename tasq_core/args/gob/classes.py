"""Dataclasses, msgspec Structs, pydantic models, TypedDicts: their annotations as Go types."""

import dataclasses
import enum
import types
import typing
import uuid
import weakref
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from tasq_core.args.gob.gotypes import (
    ANY,
    BOOL,
    BYTES,
    COMPLEX128,
    DURATION,
    FLOAT64,
    INT,
    STRING,
    TIME,
    UUID,
    Field,
    Map,
    Slice,
    Struct,
    field_name_trouble,
    slice_of,
)
from tasq_core.args.gob.gotypes import GoType as AnyGoType
from tasq_core.args.gob.syntax import parse_type
from tasq_core.args.models import fields_of, is_model_class, written_name
from tasq_core.errors import ArgsEncodeError

METADATA_KEY: Final = "gob"

_SCALARS: Final[Mapping[Any, AnyGoType]] = {
    bool: BOOL,
    int: INT,
    float: FLOAT64,
    complex: COMPLEX128,
    str: STRING,
    bytes: BYTES,
    bytearray: BYTES,
    memoryview: BYTES,
    datetime: TIME,
    timedelta: DURATION,
    uuid.UUID: UUID,
    Decimal: STRING,
    Any: ANY,
    object: ANY,
    dict: Map(STRING, ANY),
    list: Slice(ANY),
    tuple: Slice(ANY),
    set: Slice(ANY),
    frozenset: Slice(ANY),
}

_structs: "weakref.WeakKeyDictionary[type, Struct]" = weakref.WeakKeyDictionary()


@dataclasses.dataclass(frozen=True, slots=True)
class GoType:
    """The Go type of an annotated field: `Annotated[int, GoType("uint32")]`."""

    text: str


def is_struct_class(python_class: type) -> bool:
    """Whether instances of the class travel as structs."""
    return (
        dataclasses.is_dataclass(python_class)
        or issubclass(python_class, msgspec.Struct)
        or is_model_class(python_class)
    )


def struct_of_class(python_class: type) -> Struct:
    """The struct a dataclass, msgspec Struct, pydantic model or TypedDict stands for.

    Raises:
        ArgsEncodeError: a field Go would not fill, or a type gob has no form for.
    """
    found = _structs.get(python_class)
    if found is None:
        built: dict[type, Struct] = {}
        found = _build(python_class, built)
        _structs.update(built)
    return found


def _build(python_class: type, built: dict[type, Struct]) -> Struct:
    if python_class in built:
        return built[python_class]
    struct = built[python_class] = Struct(
        python_class.__name__,
        python_class=None if typing.is_typeddict(python_class) else weakref.ref(python_class),
    )
    try:
        hints = typing.get_type_hints(python_class, include_extras=True)
    except (NameError, TypeError) as error:
        raise ArgsEncodeError(
            f"{python_class.__qualname__}: its annotations can't be resolved: {error}"
        ) from error
    defaults = _defaults(python_class)
    optional: frozenset[str] = getattr(python_class, "__optional_keys__", frozenset())
    for source, name in field_names(python_class, hints):
        if why := field_name_trouble(name):
            raise ArgsEncodeError(
                f"{python_class.__qualname__}.{source}: {why};"
                " or rename it: field(metadata={'gob': 'Name'}) in a dataclass,"
                " rename= in a msgspec Struct, an alias in a pydantic model"
                " ('gob': '-' leaves a field out)"
            )
        where = f"{python_class.__qualname__}.{source}"
        if any(one.name == name for one in struct.fields):
            raise ArgsEncodeError(f"{where}: another field is called {name!r} as well")
        default = defaults.get(source, _NO_DEFAULT)
        struct.fields.append(
            Field(
                name,
                _annotated(hints[source], where, built),
                source,
                # What is left out reads back as the default, or as the zero of the type.
                sends_zero=source in optional
                or _takes_none(hints[source])
                or default is None
                or (default is not _NO_DEFAULT and bool(default)),
                sends_none=default is not _NO_DEFAULT and default is not None,
            )
        )
    if not struct.fields:
        raise ArgsEncodeError(f"{python_class.__qualname__} has no fields; gob can't send it")
    return struct


def field_names(python_class: type, hints: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The attributes and the names they travel under."""
    if is_model_class(python_class):
        return [(name, written_name(name, info)) for name, info in fields_of(python_class).items()]
    if issubclass(python_class, msgspec.Struct):
        return [(one.name, one.encode_name) for one in msgspec.structs.fields(python_class)]
    if dataclasses.is_dataclass(python_class):
        names = [
            (one.name, str(one.metadata.get(METADATA_KEY, one.name)))
            for one in dataclasses.fields(python_class)
        ]
        return [(source, name) for source, name in names if name != "-"]
    return [(name, name) for name in hints]


_NO_DEFAULT: Final = object()


def _defaults(python_class: type) -> dict[str, Any]:
    """What each field with a default is where nothing is given."""
    if is_model_class(python_class):
        return {
            name: _default(info.default, info.default_factory)
            for name, info in fields_of(python_class).items()
            if not info.is_required()
        }
    if issubclass(python_class, msgspec.Struct):
        nothing = msgspec.NODEFAULT
        return {
            one.name: _default(
                one.default, None if one.default_factory is nothing else one.default_factory
            )
            for one in msgspec.structs.fields(python_class)
            if not one.required
        }
    if not dataclasses.is_dataclass(python_class):
        return {}
    missing = dataclasses.MISSING
    return {
        one.name: _default(
            one.default, None if one.default_factory is missing else one.default_factory
        )
        for one in dataclasses.fields(python_class)
        if one.default is not missing or one.default_factory is not missing
    }


def _default(value: Any, factory: Any) -> Any:
    if factory is None:
        return value
    return factory() if isinstance(factory, type) else _UNKNOWN


_UNKNOWN: Final = object()
"""The default of a factory that may do anything."""


def _takes_none(annotation: Any) -> bool:
    if get_origin(annotation) in (Annotated, typing.Required, typing.NotRequired):
        return _takes_none(get_args(annotation)[0])
    return get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation)


def _annotated(annotation: Any, where: str, built: dict[type, Struct]) -> AnyGoType:
    try:
        if annotation in _SCALARS:
            return _SCALARS[annotation]
    except TypeError:  # unhashable: a Literal or Annotated of lists
        pass
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        asked = [one for one in args[1:] if isinstance(one, GoType)]
        return parse_type(asked[0].text) if asked else _annotated(args[0], where, built)
    if origin in (Union, types.UnionType):
        given = [one for one in args if one is not type(None)]
        return _annotated(given[0], where, built) if len(given) == 1 else ANY
    if origin is Literal:
        members = {type(one) for one in args if one is not None}
        return _annotated(members.pop(), where, built) if len(members) == 1 else ANY
    if origin in (typing.Required, typing.NotRequired, typing.ClassVar):
        return _annotated(args[0], where, built)
    # A NewType, or `type X = …`.
    meant = getattr(annotation, "__supertype__", getattr(annotation, "__value__", None))
    if meant is not None:
        return _annotated(meant, where, built)
    if origin is not None:
        return _container(origin, args, where, built)
    return _class(annotation, where, built)


def _container(
    origin: Any, args: tuple[Any, ...], where: str, built: dict[type, Struct]
) -> AnyGoType:
    if isinstance(origin, type):
        if issubclass(origin, Mapping):
            return Map(_annotated(args[0], where, built), _annotated(args[1], where, built))
        if issubclass(origin, Sequence | AbstractSet):
            elements = {one for one in args if one is not Ellipsis and one != ()} or {Any}
            elem = elements.pop()
            return slice_of(ANY if elements else _annotated(elem, where, built))
    raise _no_form(origin, where)


def _class(annotation: Any, where: str, built: dict[type, Struct]) -> AnyGoType:
    if isinstance(annotation, type):
        if is_struct_class(annotation) or typing.is_typeddict(annotation):
            return _structs.get(annotation) or _build(annotation, built)
        if issubclass(annotation, enum.Enum):
            members = {type(one.value) for one in annotation}
            return _annotated(members.pop(), where, built) if len(members) == 1 else ANY
        for base, go_type in _SCALARS.items():
            if isinstance(base, type) and base is not object and issubclass(annotation, base):
                return go_type
    raise _no_form(annotation, where)


def _no_form(annotation: Any, where: str) -> ArgsEncodeError:
    return ArgsEncodeError(
        f"{where}: gob has no form for {annotation!r}; use numbers, str, bytes, datetime,"
        " timedelta, UUID, lists, dicts, dataclasses, or Annotated[…, gob.GoType('…')]"
    )
