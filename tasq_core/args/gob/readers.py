"""Readers of containers: one closure per type, compiled once and cached by `decoder`.

Each takes (data, position, depth left, run) and gives (value, position after it). What a
closure allocates it first takes from the run, see `limits`.
"""

# ruff: noqa: PLR2004 - the numbers are the wire format's own

from collections.abc import Callable, Sequence
from sys import getsizeof
from typing import Any, Final

from tasq_core.args.gob import wire
from tasq_core.args.gob.limits import CONTAINER_BYTES
from tasq_core.args.gob.wire import Reader, read_count, read_uint, trouble
from tasq_core.wording import counted

_POINTER_BYTES: Final = 8
_MAP_BYTES: Final = 240
_MAP_ENTRY_BYTES: Final = 48
_FROZEN_ENTRY_BYTES: Final = 348
_COLLECTOR_BYTES: Final = 24  # the garbage collector's head of a container, and the list's pointer


def too_deep(pos: int) -> Exception:
    """The error for values inside values inside values."""
    return trouble(pos, "values are nested too deeply")


def take(run: Any, amount: int, pos: int) -> None:
    """Take `amount` bytes from what the run may still allocate.

    Raises:
        ArgsDecodeError: there is less left.
    """
    run.left -= amount
    if run.left < 0:
        raise trouble(pos, "the values take far more memory than their bytes; refused")


class Sent(dict[str, Any]):
    """A struct's fields that were sent; `zeros` has all, as they are where they are left out."""

    __slots__ = ("zeros",)
    zeros: dict[str, Any]


def struct_reader(fields: Sequence[tuple[str, Reader, Any]], *, sent_only: bool = False) -> Reader:
    """A reader of structs; `fields` are name, reader and the value where it was left out."""
    zero = {name: value for name, _, value in fields}
    slots = tuple((name, reader, reader is wire.read_string) for name, reader, _ in fields)
    cost = max(CONTAINER_BYTES, getsizeof(zero) + _COLLECTOR_BYTES)

    def only_sent() -> Sent:
        value = Sent()
        value.zeros = zero
        return value

    make: Callable[[], dict[str, Any]] = only_sent if sent_only else zero.copy

    def read_struct(data: bytes, pos: int, depth: int, run: Any) -> tuple[dict[str, Any], int]:
        if not depth:
            raise too_deep(pos)
        run.left -= cost
        if run.left < 0:
            take(run, 0, pos)
        depth -= 1
        value = make()
        size = len(data)
        number = -1
        while step := data[pos]:
            if step > 127:
                step, pos = read_uint(data, pos)
                if not step:
                    return value, pos
            else:
                pos += 1
            number += step
            try:
                name, reader, is_string = slots[number]
            except IndexError:
                raise trouble(pos, f"field {number} of a struct of {len(slots)}") from None
            if is_string and (length := data[pos]) < 128 and (end := pos + 1 + length) <= size:
                value[name] = data[pos + 1 : end].decode("utf-8", "surrogateescape")
                pos = end
            else:
                value[name], pos = reader(data, pos, depth, run)
        return value, pos + 1

    return read_struct


def list_reader(read_elem: Reader, length: int | None = None) -> Reader:
    """A reader of slices, or of arrays of `length`."""
    read_elems = BULK_READERS.get(read_elem) or _one_by_one(read_elem)

    def read_list(data: bytes, pos: int, depth: int, run: Any) -> tuple[list[Any], int]:
        if not depth:
            raise too_deep(pos)
        start = pos
        count = data[pos]
        if count < 128 and pos + count < len(data):
            pos += 1
        else:
            count, pos = read_count(data, pos)
        if length is not None and count != length:
            raise trouble(start, f"{counted(count, 'element')} of an array of {length}")
        run.left -= CONTAINER_BYTES + _POINTER_BYTES * count
        if run.left < 0:
            take(run, 0, start)
        if not count:
            return [], pos
        return read_elems(data, pos, depth - 1, run, count)

    return read_list


Bulk = Callable[[bytes, int, int, Any, int], tuple[list[Any], int]]


def _one_by_one(read_elem: Reader) -> Bulk:
    def read_elems(
        data: bytes, pos: int, depth: int, run: Any, count: int
    ) -> tuple[list[Any], int]:
        values: list[Any] = []
        append = values.append
        for _ in range(count):
            value, pos = read_elem(data, pos, depth, run)
            append(value)
        return values, pos

    return read_elems


def _numbers(read_elem: Reader, small: Sequence[Any]) -> Bulk:
    """Most numbers take one byte; `small` says which one that is."""

    def read_numbers(
        data: bytes, pos: int, depth: int, run: Any, count: int
    ) -> tuple[list[Any], int]:
        raw = data[pos : pos + count]
        if raw.isascii():
            return [small[byte] for byte in raw], pos + count
        values: list[Any] = []
        append = values.append
        for _ in range(count):
            byte = data[pos]
            if byte < 128:
                append(small[byte])
                pos += 1
            else:
                value, pos = read_elem(data, pos, depth, run)
                append(value)
        return values, pos

    return read_numbers


def _ints(data: bytes, pos: int, depth: int, run: Any, count: int) -> tuple[list[int], int]:
    small = wire.SMALL_INTS
    raw = data[pos : pos + count]
    if raw.isascii():
        return [small[byte] for byte in raw], pos + count
    values: list[int] = []
    append = values.append
    for _ in range(count):
        byte = data[pos]
        if byte < 128:
            append(small[byte])
            pos += 1
        elif byte == 255:
            byte = data[pos + 1]
            append(~(byte >> 1) if byte & 1 else byte >> 1)
            pos += 2
        else:
            value, pos = wire.read_int(data, pos, depth, run)
            append(value)
    return values, pos


def _floats(data: bytes, pos: int, depth: int, run: Any, count: int) -> tuple[list[float], int]:
    small, fillers, unpack = wire.SMALL_FLOATS, wire.FLOAT_FILLERS, wire.unpack_double
    values: list[float] = []
    append = values.append
    size = len(data)
    for _ in range(count):
        byte = data[pos]
        if byte < 128:
            append(small[byte])
            pos += 1
            continue
        end = pos + 257 - byte
        if byte < 248 or end > size:
            wire.read_float(data, pos, depth, run)  # says what is wrong
        append(unpack(fillers[byte] + data[pos + 1 : end])[0])
        pos = end
    return values, pos


def _complexes(
    data: bytes, pos: int, depth: int, run: Any, count: int
) -> tuple[list[complex], int]:
    parts, pos = _floats(data, pos, depth, run, 2 * count)
    return list(map(complex, parts[::2], parts[1::2])), pos


def _strings(data: bytes, pos: int, depth: int, run: Any, count: int) -> tuple[list[str], int]:
    values: list[Any] = []
    append = values.append
    short = wire.SHORT_STRINGS
    size = len(data)
    for _ in range(count):
        length = data[pos]
        end = pos + 1 + length
        if length > 127 or end > size:
            value, pos = wire.read_string(data, pos, depth, run)
            append(value)
            continue
        pos += 1
        if length > 1:
            append(data[pos:end].decode("utf-8", "surrogateescape"))
        else:
            append(short[data[pos]] if length else "")
        pos = end
    return values, pos


BULK_READERS: Final[dict[Reader, Bulk]] = {
    wire.read_bool: _numbers(wire.read_bool, (False,) + (True,) * 127),
    wire.read_int: _ints,
    wire.read_uint: _numbers(wire.read_uint, range(128)),
    wire.read_float: _floats,
    wire.read_complex: _complexes,
    wire.read_string: _strings,
}
"""Readers of many values, by the reader of one."""


def map_reader(read_key: Reader, read_elem: Reader, freeze: Callable[[Any], Any] | None) -> Reader:
    """A reader of maps; `freeze` makes keys hashable that may not be."""
    entry_bytes = _FROZEN_ENTRY_BYTES if freeze else _MAP_ENTRY_BYTES
    by_string = read_key is wire.read_string

    def read_map(data: bytes, pos: int, depth: int, run: Any) -> tuple[dict[Any, Any], int]:
        if not depth:
            raise too_deep(pos)
        start = pos
        count, pos = read_count(data, pos, 2)
        run.left -= _MAP_BYTES + entry_bytes * count
        if run.left < 0:
            take(run, 0, start)
        depth -= 1
        size = len(data)
        value = {}
        for _ in range(count):
            if by_string and (length := data[pos]) < 128 and (end := pos + 1 + length) <= size:
                key = data[pos + 1 : end].decode("utf-8", "surrogateescape")
                pos = end
            else:
                key, pos = read_key(data, pos, depth, run)
                if freeze is not None:
                    key = freeze(key)
            value[key], pos = read_elem(data, pos, depth, run)
        return value, pos

    return read_map


def frozen(key: Any) -> Any:
    """`key` as something hashable: a struct as pairs of name and value, an array as a tuple."""
    if isinstance(key, dict):
        return tuple((name, frozen(value)) for name, value in key.items())
    if isinstance(key, list):
        return tuple(frozen(value) for value in key)
    return key
