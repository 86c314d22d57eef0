"""Decoded gob as the types a program asks for, the zeros that Go leaves out put back.

`shaped` makes of each value what msgspec converts: a duration of a count of nanoseconds, a
field's own name of the one it travels under, a default or a zero of a field that wasn't sent.
"""

import collections.abc
import dataclasses
import enum
import types
import typing
import uuid
import weakref
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec

from tasq_core.args.gob.classes import field_names, is_struct_class
from tasq_core.args.gob.readers import Sent
from tasq_core.args.models import fields_of, is_model_class, read_name
from tasq_core.errors import ArgsDecodeError

T = TypeVar("T")

_NANOSECONDS: Final = 1000
_ZEROS: Final[Mapping[Any, Any]] = {
    bool: False,
    int: 0,
    float: 0.0,
    complex: 0j,
    str: "",
    bytes: b"",
    bytearray: b"",
    Decimal: Decimal(0),
    timedelta: timedelta(0),
    datetime: datetime(1, 1, 1, tzinfo=UTC),
    uuid.UUID: uuid.UUID(int=0),
}
_QUALIFIERS: Final = (typing.Required, typing.NotRequired, typing.ClassVar, typing.Final)
_LISTS: Final = (collections.abc.Sequence, collections.abc.Set, collections.abc.Collection)


def fit(value: Any, into: type[T]) -> T:
    """`value`, decoded with structs as `Sent`, as the type `into`.

    Raises:
        ArgsDecodeError: it doesn't fit; says where.
    """
    try:
        ready = shaped(value, into)
        if is_model_class(into):
            model: T = into.model_validate(ready)  # type: ignore[attr-defined]
            return model
        return msgspec.convert(ready, into, strict=True, dec_hook=_instance)
    except (
            ArithmeticError, ValueError, TypeError, NameError, RecursionError, msgspec.MsgspecError,
    ) as error:  # fmt: skip
        raise ArgsDecodeError(f"args don't fit {into!r}: {error}") from error


def _instance(into: Any, value: Any) -> Any:
    if is_model_class(into):
        return into.model_validate(value)
    if isinstance(value, into):
        return value
    raise TypeError(f"no way to make {into.__name__} of {type(value).__name__}")


def plain(value: Any) -> Any:
    """`value` as `decode` gives it: dicts with all their fields."""
    if isinstance(value, Sent):
        value = {**value.zeros, **value}
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list) else value


def shaped(value: Any, wanted: Any) -> Any:
    """`value` as msgspec converts it to `wanted`."""
    wanted = _bare(wanted)
    members = _members(wanted)
    if members is not None:
        return _shaped_union(value, members)
    if not isinstance(value, dict | list):
        return _shaped_scalar(value, wanted)
    fields = fields_of_class(wanted)
    if fields is not None:
        return _shaped_struct(value, wanted, fields) if isinstance(value, dict) else plain(value)
    base, args = get_origin(wanted) or wanted, get_args(wanted)
    if isinstance(base, type) and issubclass(base, Mapping) and isinstance(value, dict):
        if isinstance(value, Sent):
            value = {**value.zeros, **value}
        key_type, part_type = args if len(args) == 2 else (Any, Any)  # noqa: PLR2004 - key and value
        return {shaped(key, key_type): shaped(part, part_type) for key, part in value.items()}
    if _is_list(base) and isinstance(value, list):
        parts = _shaped_list(value, base, args)
        return base(parts) if base in (tuple, set, frozenset) else parts
    return plain(value)


def _shaped_scalar(value: Any, wanted: Any) -> Any:
    """Strict pydantic models take a Decimal or an Enum only as such."""
    base = get_origin(wanted) or wanted
    match value:
        case int() if wanted is timedelta:
            return timedelta(microseconds=value // _NANOSECONDS)
        case str() if wanted is Decimal:
            return Decimal(value)
        case bytes() if wanted is uuid.UUID:
            return uuid.UUID(bytes=value)
        case bytes() if _is_list(base):  # Go's []uint8
            return list(value)
    if isinstance(base, type) and issubclass(base, enum.Enum):
        return base(value)
    return value


def _bare(wanted: Any) -> Any:
    """`wanted` without what says nothing of its values: Annotated, NewType, aliases."""
    while True:
        if get_origin(wanted) is Annotated or get_origin(wanted) in _QUALIFIERS:
            wanted = get_args(wanted)[0]
        elif isinstance(wanted, typing.NewType):
            wanted = wanted.__supertype__
        elif hasattr(wanted, "__value__"):  # type X = …
            wanted = wanted.__value__
        else:
            return wanted


def _members(wanted: Any) -> tuple[Any, ...] | None:
    return get_args(wanted) if get_origin(wanted) in (Union, types.UnionType) else None


def _is_list(base: Any) -> bool:
    return (
        isinstance(base, type)
        and not issubclass(base, str | bytes | bytearray | memoryview | enum.Enum)
        and (base in _LISTS or issubclass(base, (list, tuple, set, frozenset, *_LISTS)))
        and not issubclass(base, Mapping)
    )


def _shaped_union(value: Any, members: tuple[Any, ...]) -> Any:
    """By the first member that values of this kind can be."""
    bare = [_bare(one) for one in members]
    if type(value) in bare or value is None:
        return plain(value)
    for one in bare:
        base = get_origin(one) or one
        if one is type(None):
            continue
        is_dict = fields_of_class(one) is not None or (
            isinstance(base, type) and issubclass(base, Mapping)
        )
        if isinstance(value, dict):
            fits = is_dict
        elif isinstance(value, list):
            fits = _is_list(base)
        else:
            fits = not is_dict and (not _is_list(base) or isinstance(value, bytes))
        if fits:
            return shaped(value, one)
    return plain(value)


def _shaped_list(value: list[Any], base: Any, args: tuple[Any, ...]) -> list[Any]:
    if issubclass(base, tuple):
        if hasattr(base, "_fields"):
            args = tuple(typing.get_type_hints(base, include_extras=True).values())
        if args and args[-1] is not Ellipsis:
            return [
                shaped(part, args[index]) if index < len(args) else plain(part)
                for index, part in enumerate(value)
            ]
    elem = args[0] if args else Any
    return [shaped(part, elem) for part in value]


class _Member(NamedTuple):
    """A field of a class: what msgspec or pydantic calls it, and what the stream does."""

    name: str
    sent_as: str
    type: Any
    may_be_missing: bool
    """It has a default, or needn't be there."""


_members_of: "weakref.WeakKeyDictionary[type, tuple[_Member, ...]]" = weakref.WeakKeyDictionary()


def fields_of_class(wanted: Any) -> tuple[_Member, ...] | None:
    """The fields of a dataclass, Struct, TypedDict or pydantic model; None of anything else."""
    if not isinstance(wanted, type) or not (is_struct_class(wanted) or typing.is_typeddict(wanted)):
        return None
    found = _members_of.get(wanted)
    if found is None:
        found = _members_of[wanted] = tuple(_read_fields(wanted))
    return found


def _read_fields(wanted: Any) -> list[_Member]:
    hints = typing.get_type_hints(wanted, include_extras=True)
    sent_as = dict(field_names(wanted, hints))
    if is_model_class(wanted):
        return [
            _Member(read_name(name, info), sent_as[name], hints[name], not info.is_required())
            for name, info in fields_of(wanted).items()
        ]
    if issubclass(wanted, msgspec.Struct):
        return [
            _Member(one.encode_name, one.encode_name, hints[one.name], not one.required)
            for one in msgspec.structs.fields(wanted)
        ]
    if dataclasses.is_dataclass(wanted):
        return [
            _Member(
                one.name,
                sent_as.get(one.name, ""),
                hints[one.name],
                one.default is not dataclasses.MISSING
                or one.default_factory is not dataclasses.MISSING,
            )
            for one in dataclasses.fields(wanted)
            if one.init
        ]
    required: frozenset[str] = getattr(wanted, "__required_keys__", frozenset())
    return [_Member(name, name, hint, name not in required) for name, hint in hints.items()]


def _shaped_struct(value: dict[Any, Any], wanted: Any, fields: tuple[_Member, ...]) -> Any:
    """A dict by the names of `wanted`; a map keeps what it lacks missing, a struct doesn't."""
    left_out = isinstance(value, Sent)
    made: dict[Any, Any] = {}
    for name, sent_as, hint, may_be_missing in fields:
        key = sent_as if sent_as in value else name
        if key in value:
            made[name] = shaped(value[key], hint)
        elif left_out and not may_be_missing:
            made[name] = zero_of(hint)
    known = {one.sent_as for one in fields} | {one.name for one in fields}
    made.update((key, plain(part)) for key, part in value.items() if key not in known)
    config = getattr(wanted, "__struct_config__", None)
    if config is not None and config.array_like:
        return _in_order(made, wanted)
    return made


def _in_order(made: dict[Any, Any], wanted: Any) -> list[Any]:
    values = []
    for one in msgspec.structs.fields(wanted):
        if one.encode_name in made:
            values.append(made[one.encode_name])
        elif one.default_factory is not msgspec.NODEFAULT:
            factory: Callable[[], Any] = one.default_factory
            values.append(factory())
        else:
            values.append(one.default)
    return values


def zero_of(wanted: Any) -> Any:
    """The value of a field that Go left out, for a class that has no default for it."""
    wanted = _bare(wanted)
    members = _members(wanted)
    if members is not None:
        return None if type(None) in members else zero_of(members[0])
    base, args = get_origin(wanted) or wanted, get_args(wanted)
    if base is Literal:
        return zero_of(type(args[0]))
    if not isinstance(base, type):
        return None
    fields = fields_of_class(base)
    if fields is not None:
        nothing = Sent()
        nothing.zeros = {}
        return _shaped_struct(nothing, base, fields)
    if issubclass(base, enum.Enum):
        return zero_of(type(next(iter(base)).value))
    if issubclass(base, Mapping):
        return {}
    if _is_list(base):
        is_fixed = issubclass(base, tuple) and args and args[-1] is not Ellipsis
        return [zero_of(one) for one in args] if is_fixed else []
    return next((_ZEROS[one] for one in base.__mro__ if one in _ZEROS), None)
