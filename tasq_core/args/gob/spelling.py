"""Spells the Go type of a stream so that `encode(go_type=…)` writes the same type again."""

from typing import Any, Final

from tasq_core.args.gob.decoder import Types
from tasq_core.args.gob.stream import decode_labelled
from tasq_core.args.gob.syntax import parse_type
from tasq_core.args.gob.types import Kind, WireType
from tasq_core.errors import ArgsDecodeError, ArgsEncodeError

_LONGEST: Final = 10_000
_DEEPEST: Final = 32


def type_of(data: bytes) -> str:
    """The Go type of the first value in `data`, as in `struct{ID int; Tags []string}`.

    A stream knows no widths of integers and no names that `encode` would need: an int8 is
    spelled `int`, a named struct by its fields.

    Raises:
        ArgsDecodeError: as `decode`; or a type that refers to itself, or has an encoder of its
            own, which can't be spelled.
    """
    speller = _Speller()
    decode_labelled(data, speller)
    spelled = speller.spell()
    try:
        parse_type(spelled)
    except ArgsEncodeError as error:
        raise ArgsDecodeError(f"gob: its type can't be written again: {error}") from None
    return spelled


class _Speller:
    """Remembers the type of the value seen last: the outermost."""

    def __init__(self) -> None:
        self._seen: tuple[Types, int] | None = None
        self._length = 0

    def __call__(self, types: Types, type_id: int, value: Any, registered: str) -> Any:
        del registered
        self._seen = types, type_id
        return value

    def plain(self, value: Any) -> Any:
        """The value, which carries no label."""
        return value

    def spell(self) -> str:
        """The outermost type."""
        if self._seen is None:
            raise ArgsDecodeError("gob: there is no value")
        return self._spell(*self._seen, 0)

    def _spell(self, types: Types, type_id: int, depth: int) -> str:
        known = types.get(type_id)
        if known is None or depth > _DEEPEST or self._length > _LONGEST:
            raise ArgsDecodeError("gob: a type that refers to itself, or is too large to spell")
        spelled = self._of(types, known, depth)
        self._length += len(spelled)
        return spelled

    def _of(self, types: Types, known: WireType, depth: int) -> str:
        if known.is_time:
            return "time.Time"
        match known.kind:
            case Kind.STRUCT:
                fields = (
                    f"{name} {self._spell(types, id, depth + 1)}" for name, id in known.fields
                )
                return f"struct{{{'; '.join(fields)}}}"
            case Kind.MAP:
                key = self._spell(types, known.key, depth + 1)
                return f"map[{key}]{self._spell(types, known.elem, depth + 1)}"
            case Kind.SLICE:
                return f"[]{self._spell(types, known.elem, depth + 1)}"
            case Kind.ARRAY:
                return f"[{known.length}]{self._spell(types, known.elem, depth + 1)}"
            case Kind.OPAQUE:
                if known.name.rpartition(".")[2] == "UUID":
                    return "uuid.UUID"
                raise ArgsDecodeError(f"gob: {known.name!r} has an encoder of its own")
            case _:
                return known.name
