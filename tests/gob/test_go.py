"""Both ways against Go's own encoder and decoder."""

import enum
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, ClassVar

import msgspec
import pytest

from tasq_core.args import gob

pytestmark = pytest.mark.xdist_group("go")  # one worker builds the peer, not each

KEY = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
WHEN = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
ODD_ZONE = timezone(timedelta(hours=-4, minutes=-30, seconds=-5))


@dataclass
class Line:
    SKU: str
    Quantity: int
    Price: float = 0.0
    Gift: bool = False


class Address(msgspec.Struct, rename="pascal"):
    street: str
    city: str = ""
    geo: Annotated[list[float], gob.GoType("[2]float64")] = (0.0, 0.0)  # type: ignore[assignment]


@dataclass
class Order:
    number: int = field(metadata={"gob": "ID"})
    Key: uuid.UUID
    Created: datetime
    Ship: Address
    Customer: str = ""
    Bill: Address | None = None
    Lines: list[Line] = field(default_factory=list)
    Labels: dict[str, str] | None = None
    Retries: Annotated[int, gob.GoType("uint32")] = 0
    Signature: bytes = b""
    Parent: "Order | None" = None
    cache: Any = field(default=None, metadata={"gob": "-"})


@dataclass
class Event:
    __gob_name__: ClassVar[str] = "main.Event"
    What: str


class Level(enum.IntEnum):
    HIGH = 3


class Color(enum.StrEnum):
    RED = "red"


SCALARS: list[tuple[str, Any, dict[str, Any], Any]] = [
    ("bool", True, {}, True),
    ("bool", False, {}, False),
    ("int", -(2**63), {}, -(2**63)),
    ("int", 2**63 - 1, {}, 2**63 - 1),
    ("int64", 0, {}, 0),
    ("int8", -128, {"go_type": "int8"}, -128),
    ("int", Level.HIGH, {}, 3),
    ("uint64", 2**64 - 1, {}, 2**64 - 1),
    ("uint8", 255, {"go_type": "uint8"}, 255),
    ("float64", 0.1, {}, 0.1),
    ("float64", -1e308, {}, -1e308),
    ("float64", 3, {"go_type": "float64"}, 3),
    ("float32", 1.5, {"go_type": "float32"}, 1.5),
    ("complex128", 1.5 - 2j, {}, "(1.5-2i)"),
    ("string", "żółć 🦊 \0", {}, "żółć 🦊 \0"),
    ("string", "", {}, ""),
    ("string", Color.RED, {}, "red"),
    ("string", "x" * 70_000, {}, "x" * 70_000),
    ("[]byte", b"\0\xff", {}, "AP8="),
    ("[]byte", b"", {}, None),
    ("time.Time", WHEN, {}, "2026-03-04T05:06:07.890123Z"),
    ("time.Time", WHEN.astimezone(timezone(timedelta(hours=5, minutes=30))), {},
     "2026-03-04T10:36:07.890123+05:30"),
    ("time.Time", datetime(1, 1, 1, tzinfo=UTC), {}, "0001-01-01T00:00:00Z"),
    ("time.Duration", timedelta(seconds=1.5), {}, 1_500_000_000),
    ("uuid.UUID", KEY, {}, KEY.hex),
]  # fmt: skip

CONTAINERS: list[tuple[str, Any, dict[str, Any], Any]] = [
    ("[]int", [1, -2, 300, 2**40], {"go_type": "[]int"}, [1, -2, 300, 2**40]),
    ("[]int", [], {"go_type": "[]int64"}, None),
    ("[]string", ["a", "", "ü"], {"as_struct": True}, ["a", "", "ü"]),
    ("[][]string", [["a"], []], {"go_type": "[][]string"}, [["a"], None]),
    ("[3]int", (7, 0, 9), {"go_type": "[3]int"}, [7, 0, 9]),
    ("map[string]int", {"a": 1, "b": -2}, {"go_type": "map[string]int"}, {"a": 1, "b": -2}),
    ("map[int]string", {5: "five"}, {"go_type": "map[int]string"}, {"5": "five"}),
    ("map[string][]float64", {"x": [1, 2.5]}, {"go_type": "map[string][]float64"},
     {"x": [1, 2.5]}),
    ("map[string]map[string]int", {"x": {"y": 1}, "z": {}},
     {"go_type": "map[string]map[string]int"}, {"x": {"y": 1}, "z": {}}),
    ("[]any", [None, 1, 2.5, "x", True, [[]], {"k": 2**63}], {},
     [None, 1, 2.5, "x", True, [None], {"k": 2**63}]),
    ("map[string]any", {"a": 1, "n": None, "l": [1, {"m": [2]}], "t": WHEN, "b": b"\1",
                        "e": [Event("one"), Event("two")], "m": {}},
     {},
     {"a": 1, "n": None, "l": [1, {"m": [2]}], "t": "2026-03-04T05:06:07.890123Z", "b": "AQ==",
      "e": [{"What": "one"}, {"What": "two"}], "m": {}}),
    ("Line", {"SKU": "s", "Quantity": 2, "Price": 0.5, "Gift": True}, {"as_struct": True},
     {"SKU": "s", "Quantity": 2, "Price": 0.5, "Gift": True}),
    ("[]Line", [{"SKU": "s"}, {"Price": 1, "Gift": True}, {"Price": 0.5}], {"as_struct": True},
     [{"SKU": "s", "Quantity": 0, "Price": 0, "Gift": False},
      {"SKU": "", "Quantity": 0, "Price": 1, "Gift": True},
      {"SKU": "", "Quantity": 0, "Price": 0.5, "Gift": False}]),
    ("[]Line", [{"SKU": "s"}], {"go_type": "[]struct{SKU string; Quantity, Other int8}"},
     [{"SKU": "s", "Quantity": 0, "Price": 0, "Gift": False}]),
]  # fmt: skip

# An empty slice arrives in Go as nil, which its JSON writes as null.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "value", "options", "expected"),
    SCALARS + CONTAINERS,
    ids=[f"{number}-{one[0]}" for number, one in enumerate(SCALARS + CONTAINERS)],
)
def test_go_reads_what_python_writes(go_peer, target, value, options, expected):
    assert go_peer.read_one(target, gob.encode(value, **options)) == expected


def test_go_reads_every_width_of_a_struct(go_peer):
    go_type = """struct {
        I8 int8; I16 int16; I32 rune; I64 int64
        U8 byte; U16 uint16; U32 uint32; U64 uint64 `json:"u64"`
        F32 float32; F64 float64; B bool; S string; Y []byte; T time.Time; D time.Duration
        P *int; Any interface{}; L []any; M map[string]any; A [3]int; AB [4]byte
    }"""
    value = {
        "I8": -8, "I16": -1600, "I32": 2**30, "I64": -(2**62), "U8": 8, "U16": 1600,
        "U32": 2**31, "U64": 2**63, "F32": 1.5, "F64": -0.1, "B": True, "S": "s", "Y": b"\0\xff",
        "T": WHEN, "D": timedelta(minutes=1), "P": 7, "Any": {"deep": [1]}, "L": [True, [[]]],
        "M": {"x": 1}, "A": [1, 2, 3], "AB": b"\1\2\3\4",
    }  # fmt: skip

    read = go_peer.read_one("Widths", gob.encode(value, go_type=go_type))

    assert read == {
        **value, "Y": "AP8=", "T": "2026-03-04T05:06:07.890123Z", "D": 60_000_000_000,
        "L": [True, [None]], "AB": [1, 2, 3, 4],
    }  # fmt: skip


def test_go_reads_zero_fields_as_zero(go_peer):
    value = {"I8": 0, "S": "", "Y": b"", "F64": 0.0, "B": False, "L": [], "Any": None, "P": None}
    go_type = "struct{I8 int8; S string; Y []byte; F64 float64; B bool; L []any; Any any; P *int}"

    read = go_peer.read_one("Widths", gob.encode(value, go_type=go_type))

    assert read["I8"] == 0
    assert read["S"] == ""
    assert read["L"] is None
    assert read["P"] is None


def test_go_reads_dataclasses_and_msgspec_structs(go_peer):
    order = Order(
        7, KEY, WHEN, Address("Long Street", "Springfield", [1.5, -2.5]),
        Lines=[Line("a", 1, 9.5, True), Line("b", 0)], Labels={"tier": "gold"}, Retries=3,
        Signature=b"\1", Parent=Order(8, KEY, WHEN, Address("x")), cache=object(),
    )  # fmt: skip

    read = go_peer.read_one("Order", gob.encode(order))

    assert read["ID"] == 7
    assert read["Key"] == KEY.hex
    assert read["Bill"] is None
    assert read["Ship"] == {
        "Street": "Long Street", "City": "Springfield", "Zip": "", "Geo": [1.5, -2.5],
    }  # fmt: skip
    assert read["Lines"][1] == {"SKU": "b", "Quantity": 0, "Price": 0, "Gift": False}
    assert read["Parent"]["ID"] == 8
    assert read["Labels"] == {"tier": "gold"}


def test_go_reads_structs_that_contain_themselves(go_peer):
    value = {"Name": "root", "Kids": [{"Name": "kid", "Kids": [], "Next": {}}]}

    read = go_peer.read_one("Node", gob.encode(Node.of(value)))

    assert read["Kids"][0]["Name"] == "kid"


@dataclass
class Node:
    Name: str
    Kids: list["Node"] = field(default_factory=list)
    Next: dict[str, "Node"] | None = None

    @classmethod
    def of(cls, value):
        return cls(value["Name"], [cls.of(kid) for kid in value.get("Kids", ())], {})


def test_go_reads_complex_fields(go_peer):
    value = {"C": 1 + 2j, "Cs": [0j, 3.5j]}

    assert go_peer.read_one("Complexes", gob.encode(value, as_struct=True)) == (
        "{(1+2i) [(0+0i) (0+3.5i)]}"
    )


def test_a_zone_with_seconds_survives():
    read = gob.decode(gob.encode({"T": WHEN.astimezone(ODD_ZONE)}, as_struct=True))

    assert read["T"] == WHEN
    assert read["T"].utcoffset() == WHEN.astimezone(ODD_ZONE).utcoffset()


def test_invalid_utf8_goes_to_go_and_back(go_peer):
    text = b"caf\xe9".decode("utf-8", "surrogateescape")

    assert gob.decode(gob.encode(text)) == text
    assert go_peer.read_one("string", gob.encode(text)) == "caf�"


@pytest.fixture(scope="module")
def emitted(go_peer):
    return {
        one["name"]: (gob.decode(bytes.fromhex(one["hex"])), one["json"]) for one in go_peer.emit()
    }


def test_python_reads_a_large_struct_of_go(emitted):
    value, expected = emitted["order"]

    assert value["ID"] == 123456789
    assert value["Key"] == bytes([1, 2, 3]) + bytes(13)
    assert value["Lines"] == expected["Lines"]
    assert value["Ship"] == expected["Ship"]
    assert value["Due"].isoformat() == "2026-03-05T00:00:00+01:00"
    assert value["Created"].isoformat() == "2026-03-04T05:06:07.890123+00:00"
    assert value["Scores"] == expected["Scores"]
    assert value["Parent"] is None


def test_python_reads_types_that_go_defines_in_the_middle_of_a_value(emitted):
    value, _ = emitted["widths"]

    assert value["Any"] == {"nested": [None, 1, "x", {"deep": 2.5}]}
    assert value["L"] == [True, b"\1", 9, [[]]]
    assert value["M"] == {
        "e": {"What": "inner"}, "strings": ["a"], "t": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
    }  # fmt: skip
    assert emitted["any_twice"][0] == {"a": {"What": "one"}, "b": [{"What": "two"}]}


def test_python_reads_recursive_values_of_go(emitted):
    value, _ = emitted["node"]

    assert value["Kids"][0]["Kids"][0]["Name"] == "grandkid"
    assert value["Next"]["a"]["Name"] == "next"


@dataclass
class Limited:
    I8: int = 5
    P: int | None = None
    S: str = "x"
    L: set = field(default_factory=lambda: {"y"})


def test_go_reads_zeros_that_a_python_default_would_hide(go_peer):
    """Left out, they would read back in Python as the default; so they are sent."""
    stored = gob.encode(Limited(0, 0, "", {"a"}))

    read = go_peer.read_one("Widths", stored)

    assert (read["I8"], read["P"], read["S"], read["L"]) == (0, 0, "", ["a"])
