"""Task arguments: plain values to the bytes of the `args` column and back.

JSON is the default; gob is what Go's library writes. Which of the two some bytes are
needs no marker: a gob stream always holds bytes that JSON text can't (a NUL or a
control character), so whatever parses as JSON is JSON.
"""

from typing import Any, Final, Protocol, TypeVar

import msgspec

from tasq_core.errors import ArgsDecodeError, ArgsEncodeError, InvalidInputError

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


class JsonCodec:
    """JSON text in UTF-8. Datetimes become ISO 8601, bytes base64, dataclasses objects."""

    name = "json"

    def encode(self, value: Any) -> bytes:
        """`value` as JSON text."""
        try:
            return msgspec.json.encode(value)
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise ArgsEncodeError(
                f"args can't be written as JSON: {str(error) or 'nested too deeply'};"
                " pass dicts, lists, text, numbers, dates, dataclasses"
            ) from error

    def decode(self, data: bytes) -> Any:
        """The value of JSON text."""
        try:
            return msgspec.json.decode(data)
        except (ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise ArgsDecodeError(
                f"args are not JSON: {str(error) or 'nested too deeply'}"
            ) from error


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


JSON: Final[Codec] = JsonCodec()
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
            likelier = not_json if _looks_like_json(data) else not_gob
            raise ArgsDecodeError(f"args are neither JSON nor gob: {likelier}") from likelier


def _looks_like_json(data: bytes) -> bool:
    return data.lstrip()[:1] in (b"{", b"[", b'"') and b"\0" not in data


def convert(value: Any, into: type[T]) -> T:
    """`value`, plain, as the type `into`.

    Raises:
        ArgsDecodeError: it doesn't fit; says where.
    """
    try:
        return msgspec.convert(value, into, strict=True)
    except (msgspec.MsgspecError, TypeError) as error:
        raise ArgsDecodeError(f"args don't fit {into!r}: {error}") from error
