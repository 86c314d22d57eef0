"""The numbers and strings of gob; see "Encoding Details" in Go's package documentation.

A reader takes the data, a position, the depth left and the run, and gives the value and
the position after it. Reading past the end raises IndexError, which `decode` explains:
a check for each byte would cost more than the reading.
"""

# ruff: noqa: PLR2004 - the numbers are the wire format's own

from collections.abc import Callable
from struct import Struct
from typing import Any, Final, TypeAlias

from tasq_core.errors import ArgsDecodeError
from tasq_core.wording import counted

Reader: TypeAlias = Callable[[bytes, int, int, Any], tuple[Any, int]]

_DOUBLE: Final = Struct("<d")
unpack_double: Final = _DOUBLE.unpack
_from_bytes: Final = int.from_bytes

SMALL_INTS: Final = tuple(~(u >> 1) if u & 1 else u >> 1 for u in range(128))
SHORT_STRINGS: Final = tuple(
    bytes((byte,)).decode("utf-8", "surrogateescape") for byte in range(256)
)
SMALL_FLOATS: Final = tuple(_DOUBLE.unpack(bytes(7) + bytes((u,)))[0] for u in range(128))
FLOAT_FILLERS: Final = {head: bytes(head - 248) for head in range(248, 256)}
"""What fills a float up to eight bytes, by the byte that heads it."""
_SMALL_UINT_BYTES: Final = tuple(bytes((u,)) for u in range(128))
_LENGTH_HEADS: Final = tuple(bytes((256 - n & 255,)) for n in range(9))


def trouble(position: int, why: str) -> ArgsDecodeError:
    """The error for bad data at `position`, in bytes from 0."""
    return ArgsDecodeError(f"gob: byte {position}: {why}")


def read_uint(data: bytes, pos: int, _depth: int = 0, _run: Any = None) -> tuple[int, int]:
    """An unsigned integer: one byte below 128, or a negated length and big-endian bytes."""
    head = data[pos]
    if head < 128:
        return head, pos + 1
    end = pos + 257 - head
    if head < 248:
        raise trouble(pos, f"an integer of {counted(256 - head, 'byte')}; 8 is the most")
    if end > len(data):
        raise trouble(pos, "the data ends inside an integer")
    return _from_bytes(data[pos + 1 : end], "big"), end


def read_int(data: bytes, pos: int, _depth: int = 0, _run: Any = None) -> tuple[int, int]:
    """A signed integer: bit 0 says whether the others are complemented."""
    head = data[pos]
    if head < 128:
        return SMALL_INTS[head], pos + 1
    end = pos + 257 - head
    if head < 248 or end > len(data):
        read_uint(data, pos)  # says what is wrong
    unsigned = _from_bytes(data[pos + 1 : end], "big")
    return (~(unsigned >> 1) if unsigned & 1 else unsigned >> 1), end


def read_bool(data: bytes, pos: int, _depth: int = 0, _run: Any = None) -> tuple[bool, int]:
    """A boolean: zero or not."""
    unsigned, pos = read_uint(data, pos)
    return unsigned != 0, pos


def read_float(data: bytes, pos: int, _depth: int = 0, _run: Any = None) -> tuple[float, int]:
    """A float64, sent as an unsigned integer with its bytes reversed."""
    head = data[pos]
    if head < 128:
        return SMALL_FLOATS[head], pos + 1
    end = pos + 257 - head
    if head < 248 or end > len(data):
        read_uint(data, pos)  # says what is wrong
    return unpack_double(FLOAT_FILLERS[head] + data[pos + 1 : end])[0], end


def read_complex(data: bytes, pos: int, _depth: int = 0, _run: Any = None) -> tuple[complex, int]:
    """A complex: two floats, the real part first."""
    real, imaginary = data[pos], data[pos + 1]
    if real < 128 and imaginary < 128:
        return complex(SMALL_FLOATS[real], SMALL_FLOATS[imaginary]), pos + 2
    first, pos = read_float(data, pos)
    second, pos = read_float(data, pos)
    return complex(first, second), pos


def read_bytes(data: bytes, pos: int, _depth: int = 0, _run: Any = None) -> tuple[bytes, int]:
    """Bytes after their count."""
    start = pos
    length = data[pos]
    pos += 1
    if length > 127:
        length, pos = read_uint(data, start)
    end = pos + length
    if end > len(data):
        raise trouble(start, f"{counted(length, 'byte')} announced, {len(data) - pos} left")
    return data[pos:end], end


def read_string(data: bytes, pos: int, _depth: int = 0, _run: Any = None) -> tuple[str, int]:
    """UTF-8 text after its count of bytes; bytes that are not UTF-8 survive as surrogates.

    Go's strings may hold any bytes. `text.encode("utf-8", "surrogateescape")` gives them
    back (PEP 383), and so does encoding the text as gob again.
    """
    start = pos
    length = data[pos]
    pos += 1
    if length > 127:
        length, pos = read_uint(data, start)
    end = pos + length
    if end > len(data):
        raise trouble(
            start, f"a string of {counted(length, 'byte')} announced, {len(data) - pos} left"
        )
    return data[pos:end].decode("utf-8", "surrogateescape"), end


def read_count(data: bytes, pos: int, least_bytes: int = 1) -> tuple[int, int]:
    """How many elements follow, each of `least_bytes` or more."""
    start = pos
    count, pos = read_uint(data, pos)
    if count * least_bytes > len(data) - pos:
        raise trouble(
            start, f"{counted(count, 'element')} announced, {counted(len(data) - pos, 'byte')} left"
        )
    return count, pos


def uint_bytes(value: int) -> bytes:
    """`value`, 0 to 2**64 - 1, as an unsigned integer."""
    if value < 128:
        return _SMALL_UINT_BYTES[value]
    length = (value.bit_length() + 7) >> 3
    return _LENGTH_HEADS[length] + value.to_bytes(length, "big")


def int_bytes(value: int) -> bytes:
    """`value`, of 64 bits, as a signed integer."""
    return uint_bytes(~value << 1 | 1 if value < 0 else value << 1)


def float_bytes(value: float) -> bytes:
    """`value` as a float64."""
    return uint_bytes(int.from_bytes(_DOUBLE.pack(value), "big"))


def string_bytes(value: str) -> bytes:
    """`value` in UTF-8 after its count of bytes."""
    raw = value.encode("utf-8", "surrogateescape")
    return uint_bytes(len(raw)) + raw
