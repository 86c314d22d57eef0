"""Streams of about 1 MB made to cost far more than their bytes."""

from collections.abc import Iterator

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


def _inline_types() -> bytes:
    values = b"".join(
        b"\x01n" + int_bytes(-number) + slice_body(number, INT) + b"\x05" + int_bytes(number)
        + b"\x03\0\0" for number in range(100, 45_000)
    )  # fmt: skip
    return slice_type(65, ANY) + message(65, b"\0" + uint_bytes(44_900) + values)


def bombs() -> Iterator[tuple[str, bytes]]:
    """Names and streams."""
    any_int = b"\x01n\x04\x02\x00\x02"
    empty = struct_type(66, [])
    one = struct_type(66, [("A", INT)])
    wide = struct_type(66, [(f"F{number}", INT) for number in range(5_000)])
    yield "ints", _slice_of(b"\x02", INT)
    yield "wide ints", _slice_of(b"\xf8\x7f\xff\xff\xff\xff\xff\xff\xff", UINT)
    yield "two-byte ints", _slice_of(b"\xff\x80", INT)
    yield "bools", _slice_of(b"\x01", BOOL)
    yield "floats", _slice_of(b"\x40", FLOAT)
    yield "wide floats", _slice_of(b"\xfe\xf0\x3f", FLOAT)
    yield "complex", _slice_of(b"\x40\x40", COMPLEX)
    yield "strings", _slice_of(b"\x02ab", STRING)
    yield "empty strings", _slice_of(b"\0", STRING)
    yield "invalid strings", _slice_of(b"\x01\xff", STRING)
    yield "long invalid string", message(STRING, b"\0" + uint_bytes(SIZE) + b"\xff" * SIZE)
    yield "byte slices", _slice_of(b"\x02\x80\x80", BYTES)
    yield "nils", _slice_of(b"\0", ANY)
    yield "any ints", _slice_of(any_int, ANY)
    yield "any strings", _slice_of(b"\x01n\x0c\x04\0\x02ab", ANY)
    yield "empty structs", _slice_of(b"\0", 66, empty)
    yield "zero structs", _slice_of(b"\0", 66, one)
    yield "small structs", _slice_of(b"\x01\x02\0", 66, one)
    yield "wide structs", _slice_of(b"\0", 66, wide)
    yield "empty slices", _slice_of(b"\0", 66, slice_type(66, INT))
    yield "small slices", _slice_of(b"\x01\x02", 66, slice_type(66, INT))
    yield "empty maps", _slice_of(b"\0", 66, map_type(66, INT, INT))
    yield "small maps", _slice_of(b"\x01\x02\x02", 66, map_type(66, INT, INT))
    yield "empty arrays", _slice_of(b"\0", 66, array_type(66, INT, 0))
    yield "struct keys", _slice_of(b"\x01\x01\x02\0\x02", 67, one + map_type(67, 66, INT))
    times = opaque_type(66, "Time")
    yield "times", _slice_of(b"\x0f\x01" + bytes(7) + b"\x07" + bytes(6), 66, times)
    yield (
        "zoned times",
        times
        + slice_type(65, 66)
        + message(
            65,
            b"\0"
            + uint_bytes(62_000)
            + b"".join(
                b"\x0f\x01" + bytes(12) + (number % 1400 + 1).to_bytes(2, "big")
                for number in range(62_000)
            ),
        ),
    )
    yield (
        "one map",
        map_type(65, INT, INT)
        + message(
            65,
            b"\0"
            + uint_bytes(240_000)
            + b"".join(int_bytes(number) + b"\x02" for number in range(240_000)),
        ),
    )
    yield (
        "big keys",
        map_type(65, UINT, INT)
        + message(
            65,
            b"\0"
            + uint_bytes(170_000)
            + b"".join(uint_bytes(number + 300_000) + b"\x02" for number in range(170_000)),
        ),
    )
    yield "definitions", b"".join(slice_type(number, INT) for number in range(65, 70_000))
    yield "empty definitions", b"\x02\x01\0" * (SIZE // 3)
    yield (
        "many fields",
        struct_type(65, [(f"F{number}", INT) for number in range(90_000)]) + message(65, b"\0"),
    )
    yield "one name", struct_type(65, [("A", INT)] * 160_000) + message(65, b"\0")
    yield "types in interfaces", _inline_types()
    yield "deep slices", slice_type(65, 65) + message(65, b"\0" + b"\x01" * SIZE)
    deep = any_int[:2] + int_bytes(65) + b"\x01\0\x01"
    yield "deep interfaces", slice_type(65, ANY) + message(65, b"\0\x01" + deep * 150_000)
    yield (
        "nested types",
        b"".join(slice_type(number, number + 1) for number in range(65, 3000))
        + (slice_type(3000, INT) + message(65, b"\0\0")),
    )
    yield "a giant count", slice_type(65, INT) + message(65, b"\0" + uint_bytes(2**63))
    yield "a giant string", message(STRING, b"\0" + uint_bytes(2**62))
    yield "a giant message", uint_bytes(2**64 - 1) + b"\x0c\0"
    yield "a giant array", array_type(65, INT, 2**40) + message(65, b"\0" + uint_bytes(2**40))
    yield "messages without end", b"\0" * SIZE
