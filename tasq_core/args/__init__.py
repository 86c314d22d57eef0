"""Task arguments: plain values to the bytes of the `args` column and back.

JSON is the default; gob is what Go's library writes. Which of the two some bytes are
needs no marker: a gob stream always holds bytes that JSON text can't (a NUL or a
control character), so whatever parses as JSON is JSON.
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from tasq_core.args.json_text import JsonCodec
from tasq_core.errors import ArgsDecodeError, InvalidInputError, InvalidTypeError

T = TypeVar("T")


class Codec(Protocol):
    """Turns plain values into bytes and back."""

    @property
    def name(self) -> str:
        """The short name, as in `codec="json"`."""

    def encode(self, value: Any) -> bytes:
        """`value` as bytes.

        Raises:
            ArgsEncodeError: it holds something this format has no form for.
        """

    def decode(self, data: bytes) -> Any:
        """The plain value in `data`.

        Raises:
            ArgsDecodeError: `data` isn't of this format.
        """


class GobCodec:
    """Go's encoding/gob; a dict travels as `map[string]any`, a dataclass as a struct."""

    name = "gob"

    def encode(self, value: Any) -> bytes:
        """`value` as a gob stream."""
        from tasq_core.args import gob  # noqa: PLC0415 - loaded by those who use it

        return gob.encode(value)

    def decode(self, data: bytes) -> Any:
        """The first value of a gob stream."""
        from tasq_core.args import gob  # noqa: PLC0415

        return gob.decode(data)


@dataclass(frozen=True, slots=True)
class RawArgs:
    """Arguments that are encoded already: stored as they are, whatever the codec."""

    data: bytes
    """JSON text or a gob stream, for `unmarshal_args` to read."""

    def __post_init__(self) -> None:
        if not isinstance(self.data, bytes | bytearray | memoryview):
            raise InvalidTypeError(f"RawArgs takes bytes, not {type(self.data).__name__}")
        object.__setattr__(self, "data", bytes(self.data))


_JSON: Final = JsonCodec()
JSON: Final[Codec] = _JSON
GOB: Final[Codec] = GobCodec()


def codec_named(name: str) -> Codec:
    """The codec called `name`: "json" or "gob".

    Raises:
        InvalidInputError: there is none of that name.
    """
    for codec in (JSON, GOB):
        if codec.name == name:
            return codec
    raise InvalidInputError(f"unknown codec {name!r}: use 'json' or 'gob'")


def encode_args(
    args: Any, codec: Codec | str, *, go_type: str | None = None, as_struct: bool = False
) -> bytes:
    """`args` as bytes: `RawArgs` as they are, gob where a Go type is named, else by `codec`.

    Raises:
        InvalidInputError: RawArgs with a Go type, or no such codec.
        ArgsEncodeError: there is no form for the value.
    """
    if isinstance(args, RawArgs):
        if go_type is not None or as_struct:
            raise InvalidInputError("RawArgs are encoded already: leave go_type and as_struct out")
        return args.data
    if go_type is not None or as_struct:
        from tasq_core.args import gob  # noqa: PLC0415 - loaded by those who use it

        return gob.encode(args, go_type=go_type, as_struct=as_struct)
    return (codec_named(codec) if isinstance(codec, str) else codec).encode(args)


def decode_args(data: bytes) -> Any:
    """The value in `data`, be it JSON or gob.

    Raises:
        ArgsDecodeError: it is neither; says why for the likelier of the two.
    """
    try:
        return JSON.decode(data)
    except ArgsDecodeError as not_json:
        try:
            return GOB.decode(data)
        except ArgsDecodeError as not_gob:
            raise _neither(data, not_json, not_gob) from not_gob


def convert_args(data: bytes, into: type[T]) -> T:
    """The value in `data`, JSON or gob, as the type `into`.

    Raises:
        ArgsDecodeError: it is neither, or doesn't fit; says where.
    """
    try:
        JSON.decode(data)
    except ArgsDecodeError as not_json:
        from tasq_core.args.gob.fit import fit  # noqa: PLC0415 - loaded where gob is met
        from tasq_core.args.gob.stream import decode_sent  # noqa: PLC0415

        try:
            value = decode_sent(data)
        except ArgsDecodeError as not_gob:
            raise _neither(data, not_json, not_gob) from not_gob
        return fit(value, into)
    return _JSON.convert(data, into)


def _neither(data: bytes, not_json: ArgsDecodeError, not_gob: ArgsDecodeError) -> ArgsDecodeError:
    likelier = not_json if _looks_like_json(data) else not_gob
    return ArgsDecodeError(f"args are neither JSON nor gob: {likelier}")


def _looks_like_json(data: bytes) -> bool:
    return data.lstrip()[:1] in (b"{", b"[", b'"') and b"\0" not in data
