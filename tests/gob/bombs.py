"""Streams of about 1 MB made to cost far more than their bytes.

Each is made when it is asked for: all of them take longer to make than most tests.
"""

from collections.abc import Callable

from tasq_core.args.gob.wire import int_bytes, string_bytes, uint_bytes

SIZE = 1_000_000
BOOL, INT, UINT, FLOAT, BYTES, STRING, COMPLEX, ANY = range(1, 9)


def message(type_id: int, body: bytes) -> bytes:
    content = int_bytes(type_id) + body
    return uint_bytes(len(content)) + content


def common(type_id: int) -> bytes:
    return b"\x01\x02" + int_bytes(type_id) + b"\0"


def slice_body(type_id: int, elem: int) -> bytes:
    return b"\x02" + common(type_id) + b"\x01" + int_bytes(elem) + b"\0\0"


def slice_type(type_id: int, elem: int) -> bytes:
    return message(-type_id, slice_body(type_id, elem))


def array_type(type_id: int, elem: int, length: int) -> bytes:
    body = b"\x01" + common(type_id) + b"\x01" + int_bytes(elem) + b"\x01" + int_bytes(length)
    return message(-type_id, body + b"\0\0")


def map_type(type_id: int, key: int, elem: int) -> bytes:
    parts = b"\x01" + int_bytes(key) + b"\x01" + int_bytes(elem)
    return message(-type_id, b"\x04" + common(type_id) + parts + b"\0\0")


def struct_type(type_id: int, fields: list[tuple[str, int]]) -> bytes:
    listed = b"".join(
        b"\x01" + string_bytes(name) + b"\x01" + int_bytes(elem) + b"\0" for name, elem in fields
    )
    body = b"\x03" + common(type_id) + b"\x01" + uint_bytes(len(fields)) + listed + b"\0\0"
    return message(-type_id, body)


def opaque_type(type_id: int, name: str) -> bytes:
    named = b"\x01\x01" + string_bytes(name) + b"\x01" + int_bytes(type_id) + b"\0"
    return message(-type_id, b"\x05" + named + b"\0\0")


def many(unit: bytes, definitions: bytes, type_id: int = 65) -> bytes:
    """A slice of as many `unit`s as a megabyte holds."""
    count = (SIZE - len(definitions)) // len(unit)
    return definitions + message(type_id, b"\0" + uint_bytes(count) + unit * count)


def _slice_of(unit: bytes, elem: int, definitions: bytes = b"") -> bytes:
    return many(unit, slice_type(65, elem) + definitions)


_ANY_INT = b"\x01n\x04\x02\x00\x02"
_EMPTY = struct_type(66, [])
_ONE = struct_type(66, [("A", INT)])
_TIMES = opaque_type(66, "Time")


def _wide_structs() -> bytes:
    wide = struct_type(66, [(f"F{number}", INT) for number in range(5_000)])
    return _slice_of(b"\0", 66, wide)


def _zoned_times() -> bytes:
    times = b"".join(
        b"\x0f\x01" + bytes(12) + (number % 1400 + 1).to_bytes(2, "big") for number in range(62_000)
    )
    return _TIMES + slice_type(65, 66) + message(65, b"\0" + uint_bytes(62_000) + times)


def _map_of(key: int, keys: list[bytes]) -> bytes:
    body = b"\0" + uint_bytes(len(keys)) + b"".join(one + b"\x02" for one in keys)
    return map_type(65, key, INT) + message(65, body)


def _many_fields() -> bytes:
    fields = [(f"F{number}", INT) for number in range(90_000)]
    return struct_type(65, fields) + message(65, b"\0")


def _inline_types() -> bytes:
    values = b"".join(
        b"\x01n" + int_bytes(-number) + slice_body(number, INT) + b"\x05" + int_bytes(number)
        + b"\x03\0\0" for number in range(100, 45_000)
    )  # fmt: skip
    return slice_type(65, ANY) + message(65, b"\0" + uint_bytes(44_900) + values)


def _deep_interfaces() -> bytes:
    deep = _ANY_INT[:2] + int_bytes(65) + b"\x01\0\x01"
    return slice_type(65, ANY) + message(65, b"\0\x01" + deep * 150_000)


def _nested_types() -> bytes:
    types = b"".join(slice_type(number, number + 1) for number in range(65, 3000))
    return types + slice_type(3000, INT) + message(65, b"\0\0")


BOMBS: dict[str, Callable[[], bytes]] = {
    "ints": lambda: _slice_of(b"\x02", INT),
    "wide ints": lambda: _slice_of(b"\xf8\x7f\xff\xff\xff\xff\xff\xff\xff", UINT),
    "two-byte ints": lambda: _slice_of(b"\xff\x80", INT),
    "bools": lambda: _slice_of(b"\x01", BOOL),
    "floats": lambda: _slice_of(b"\x40", FLOAT),
    "wide floats": lambda: _slice_of(b"\xfe\xf0\x3f", FLOAT),
    "complex": lambda: _slice_of(b"\x40\x40", COMPLEX),
    "strings": lambda: _slice_of(b"\x02ab", STRING),
    "empty strings": lambda: _slice_of(b"\0", STRING),
    "invalid strings": lambda: _slice_of(b"\x01\xff", STRING),
    "long invalid string": lambda: message(STRING, b"\0" + uint_bytes(SIZE) + b"\xff" * SIZE),
    "byte slices": lambda: _slice_of(b"\x02\x80\x80", BYTES),
    "nils": lambda: _slice_of(b"\0", ANY),
    "any ints": lambda: _slice_of(_ANY_INT, ANY),
    "any strings": lambda: _slice_of(b"\x01n\x0c\x04\0\x02ab", ANY),
    "empty structs": lambda: _slice_of(b"\0", 66, _EMPTY),
    "zero structs": lambda: _slice_of(b"\0", 66, _ONE),
    "small structs": lambda: _slice_of(b"\x01\x02\0", 66, _ONE),
    "wide structs": _wide_structs,
    "empty slices": lambda: _slice_of(b"\0", 66, slice_type(66, INT)),
    "small slices": lambda: _slice_of(b"\x01\x02", 66, slice_type(66, INT)),
    "empty maps": lambda: _slice_of(b"\0", 66, map_type(66, INT, INT)),
    "small maps": lambda: _slice_of(b"\x01\x02\x02", 66, map_type(66, INT, INT)),
    "empty arrays": lambda: _slice_of(b"\0", 66, array_type(66, INT, 0)),
    "struct keys": lambda: _slice_of(b"\x01\x01\x02\0\x02", 67, _ONE + map_type(67, 66, INT)),
    "times": lambda: _slice_of(b"\x0f\x01" + bytes(7) + b"\x07" + bytes(6), 66, _TIMES),
    "zoned times": _zoned_times,
    "one map": lambda: _map_of(INT, [*map(int_bytes, range(240_000))]),
    "big keys": lambda: _map_of(UINT, [*map(uint_bytes, range(300_000, 470_000))]),
    "definitions": lambda: b"".join(slice_type(number, INT) for number in range(65, 70_000)),
    "empty definitions": lambda: b"\x02\x01\0" * (SIZE // 3),
    "many fields": _many_fields,
    "one name": lambda: struct_type(65, [("A", INT)] * 160_000) + message(65, b"\0"),
    "types in interfaces": _inline_types,
    "deep slices": lambda: slice_type(65, 65) + message(65, b"\0" + b"\x01" * SIZE),
    "deep interfaces": _deep_interfaces,
    "nested types": _nested_types,
    "a giant count": lambda: slice_type(65, INT) + message(65, b"\0" + uint_bytes(2**63)),
    "a giant string": lambda: message(STRING, b"\0" + uint_bytes(2**62)),
    "a giant message": lambda: uint_bytes(2**64 - 1) + b"\x0c\0",
    "a giant array": lambda: array_type(65, INT, 2**40) + message(65, b"\0" + uint_bytes(2**40)),
    "messages without end": lambda: b"\0" * SIZE,
}
"""What makes each stream, by its name."""
