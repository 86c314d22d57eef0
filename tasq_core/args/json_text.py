"""JSON arguments: refuses what JSON can't hold instead of storing something else."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from tasq_core.args.models import dump, is_model_class
from tasq_core.errors import ArgsDecodeError, ArgsEncodeError

T = TypeVar("T")

_TEXT: Final = frozenset((str,))
_SCALARS: Final = frozenset((str, int, float, bool, type(None)))
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class JsonCodec:
    """JSON text in UTF-8. Datetimes become ISO 8601, bytes base64, dataclasses objects."""

    name = "json"

    def encode(self, value: Any) -> bytes:
        """`value` as JSON text.

        Raises:
            ArgsEncodeError: JSON has no form for it, NaN and infinity included, or two of
                its keys would become the same text.
        """
        try:
            data = _ENCODER.encode(value)
        except UnicodeEncodeError as error:
            raise ArgsEncodeError(
                f"args can't be written as JSON: {lone_surrogate(error)}"
            ) from error
        except (
            TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError,
        ) as error:  # fmt: skip
            raise ArgsEncodeError(
                f"args can't be written as JSON: {str(error) or 'nested too deeply'};"
                " pass dicts, lists, text, numbers, dates, dataclasses, pydantic models"
            ) from error
        if b"null" in data or b'nan":' in data or b'inf":' in data:  # msgspec writes NaN as null
            _refuse_non_finite(value)
        # Where keys became the same text, what that decodes to is shorter.
        if not _is_flat(value) and len(_ENCODER.encode(_DECODER.decode(data))) != len(data):
            json.loads(data, object_pairs_hook=_without_repeats)
        return data

    def decode(self, data: bytes) -> Any:
        """The value of JSON text."""
        try:
            return _DECODER.decode(data)
        except (ValueError, RecursionError, msgspec.MsgspecError) as error:
            why = _surrogate_in(data) or str(error) or "nested too deeply"
            raise ArgsDecodeError(f"args are not JSON: {why}") from error

    def convert(self, data: bytes, into: type[T]) -> T:
        """JSON text as the type `into`.

        Raises:
            ArgsDecodeError: it doesn't fit; says where.
        """
        try:
            if is_model_class(into):
                model: T = into.model_validate_json(data)  # type: ignore[attr-defined]
                return model
            return msgspec.json.decode(data, type=into, dec_hook=_from_json)
        except (ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
            raise ArgsDecodeError(f"args don't fit {into!r}: {error}") from error


def lone_surrogate(error: UnicodeEncodeError) -> str:
    """What a failure to write text as UTF-8 means."""
    half = error.object[error.start]
    return (
        f"the text holds a lone surrogate, {half!a} at character {error.start}: half of a"
        " character, which UTF-8 can't hold; pass whole Unicode text, or bytes"
    )


def _is_flat(value: Any) -> bool:
    """Whether this is a dict of text to scalars, by the fastest test there is."""
    return (
        type(value) is dict
        and _TEXT.issuperset(map(type, value))
        and _SCALARS.issuperset(map(type, value.values()))
    )


def _plain(value: Any) -> Any:
    if is_model_class(type(value)):
        return dump(value)
    raise TypeError(f"no form for {type(value).__name__} objects")


def _from_json(into: type, value: Any) -> Any:
    if is_model_class(into):  # read as JSON: a strict model takes dates as text there
        return into.model_validate_json(_ENCODER.encode(value))  # type: ignore[attr-defined]
    raise TypeError(f"no way to make {into.__name__} of JSON")


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_plain)
_DECODER: Final = msgspec.json.Decoder()


def _refuse_non_finite(value: Any) -> None:
    stack = [("", msgspec.to_builtins(value, enc_hook=_plain))]
    while stack:
        path, part = stack.pop()
        if isinstance(part, float) and not math.isfinite(part):
            raise ArgsEncodeError(
                f"args{path} is {part}, which JSON can't hold; pass None or text instead,"
                " or use codec='gob'"
            )
        if isinstance(part, Mapping):
            stack += ((f"{path}[key]", key) for key in part)
            stack += ((f"{path}[{key!r}]", inner) for key, inner in part.items())
        elif isinstance(part, list | tuple | set | frozenset):
            stack += ((f"{path}[{index}]", inner) for index, inner in enumerate(part))


def _without_repeats(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise ArgsEncodeError(
                f"args can't be written as JSON: two keys of a dict are both {key!r} as text,"
                " and one value would be lost"
            )
        seen.add(key)


def _surrogate_in(data: bytes) -> str:
    """Says so where JSON text escapes half a character; a reader calls it all sorts of things."""
    if not _SURROGATE.search(data):
        return ""
    try:
        text = json.dumps(json.loads(data), ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        return f"a text in it holds a lone surrogate, {half!a}: half of a character"
    except (ValueError, RecursionError):
        pass
    return ""
