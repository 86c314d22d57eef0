import dataclasses
import enum
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, NewType, NotRequired, TypedDict

import msgspec
import pytest

from tasq_core.args import gob
from tasq_core.errors import ArgsEncodeError

CYCLE: list = []
CYCLE.append(CYCLE)
DEEP: list = []
for _ in range(300):
    DEEP = [DEEP]


@dataclass
class Plain:
    user_id: int


@dataclass
class Unregistered:
    ID: int


@dataclass
class Sneaky:
    Name: str
    When: date | None = None


@pytest.mark.parametrize(
    ("value", "options", "why"),
    [
        (None, {}, "None has no Go type"),
        (2**64, {}, "use 0 to 18446744073709551615"),
        (-(2**63) - 1, {}, "use -9223372036854775808 to"),
        (256, {"go_type": "uint8"}, r"256 \(int\) can't be encoded as uint8; use 0 to 255"),
        (-1, {"go_type": "uint"}, "can't be encoded as uint; use 0"),
        (True, {"go_type": "int"}, r"True \(bool\) can't be encoded as int"),
        (1.0, {"go_type": "int"}, "can't be encoded as int; pass a whole number"),
        (2**53 + 1, {"go_type": "float64"}, "can't hold it exactly"),
        (1e39, {"go_type": "float32"}, "use float64"),
        (b"x", {"go_type": "string"}, r"bytes go into \[\]byte"),
        ("x", {"go_type": "[]byte"}, "pass bytes"),
        ("\ud800", {}, "lone surrogate"),
        (range(2), {}, r"\(range\) has no form in gob"),
        ({"a": [date(2026, 1, 1)]}, {}, r"^gob: \['a'\]\[0\]: datetime.date"),
        ({5: 1}, {}, r"^gob: \[5\]: 5 \(int\) can't be encoded as string"),
        (datetime(2026, 1, 1), {}, "no time zone"),  # noqa: DTZ001
        ([1, 2], {"go_type": "[3]int"}, r"2 elements for \[3\]int; pass 3"),
        (
            {"a": "x"},
            {"go_type": "map[string]int"},
            r"^gob: \['a'\]: 'x' \(str\) can't be encoded as int",
        ),
        ([None], {"go_type": "[]int"}, r"^gob: \[0\]: None"),
        ([1], {"go_type": "map[string]int"}, "pass a dict"),
        ({"id": 1}, {"as_struct": True}, "'id' is not an exported field .* say 'Id'"),
        ({"A": {"b c": 1}}, {"as_struct": True}, "^gob: A: 'b c' is not a name"),
        ({}, {"as_struct": True}, "struct without fields"),
        ({"Typo": 1}, {"go_type": "struct{ID int; Name string}"}, "no field 'Typo'; .* ID, Name"),
        ({"ID": 1}, {"as_struct": True, "go_type": "int"}, "pass one"),
        (CYCLE, {}, "contain themselves"),
        (CYCLE, {"as_struct": True}, "contain themselves"),
        (DEEP, {}, "nested too deeply"),
        (Plain(1), {}, r"Plain\.user_id: 'user_id' is not an exported field .* say 'UserId'"),
        ([Unregistered(1)], {}, "set __gob_name__ = 'main.Unregistered'"),
        (Sneaky("x"), {}, r"Sneaky\.When: gob has no form for .*date"),
        (1, {"go_type": "map[strin]int"}, "'strin' at character 4 is not a Go type"),
        (1, {"go_type": "map[string]"}, "the end at character 11"),
        (1, {"go_type": "[]int x"}, "'x' at character 6 stands where the end should"),
        (1, {"go_type": "chan int"}, "'chan' at character 0"),
        (1, {"go_type": "struct{}"}, "without fields"),
        (1, {"go_type": "struct{ID int, Name string}"}, "',' at character 13"),
        (1, {"go_type": "map[[]int]string"}, "can't use as one"),
        (1, {"go_type": "[]" * 5000 + "int"}, "nested too deeply"),
        (1, {"go_type": "int§"}, "'§' at character 3"),
    ],
)
def test_what_gob_can_not_hold_is_refused_with_the_place_and_a_fix(value, options, why):
    with pytest.raises(ArgsEncodeError, match=why):
        gob.encode(value, **options)


@pytest.mark.parametrize(
    ("value", "options", "raw"),
    [
        (7, {}, "0304000e"),
        ("hi", {}, "050c00026869"),
        (b"raw", {}, "060a0003726177"),
        ([1, -2, 300], {"go_type": "[]int"}, "0b7f020102ff80000104000009ff8000030203fe0258"),
        ({"ID": 1, "Value": 0.5}, {"as_struct": True},
         "1c7f030102ff8000010201024944010400010556616c7565010800000009ff80010201fee03f00"),
        ({"a": 1}, {}, "0d7f040102ff8000010c011000000eff800001016103696e7404020002"),
    ],
)  # fmt: skip
def test_the_bytes_are_those_of_go(value, options, raw):
    assert gob.encode(value, **options).hex() == raw


def test_equal_values_give_equal_bytes():
    value = {"a": [1, {"t": datetime(2026, 1, 1, tzinfo=UTC)}], "b": {"c": None}}

    assert gob.encode(value) == gob.encode(dict(value))


UserID = NewType("UserID", int)


class Color(enum.Enum):
    RED = "red"


class Extra(TypedDict):
    Note: str
    Count: NotRequired[int]


class Tag(msgspec.Struct, rename={"text": "Text"}):
    text: str


@dataclass
class Everything:
    ID: UserID
    Small: Annotated[int, gob.GoType("uint8"), "counted"]
    Color: Color
    Level: Literal["low", "high"]
    Tags: tuple[Tag, ...]
    Pair: tuple[int, str]
    Extra: Extra
    Names: dict[str, list[str]]
    Any: Any
    Either: int | str
    Raw: list[Annotated[int, gob.GoType("byte")]]
    Took: timedelta = timedelta()
    Key: uuid.UUID | None = None
    Z: complex = 0j
    note: str = field(default="", metadata={"gob": "Note"})


def test_annotations_of_every_kind_become_go_types():
    value = Everything(
        UserID(1), 2, Color.RED, "low", (Tag("a"), Tag("b")), (1, "x"), {"Note": "n"},
        {"k": ["v"]}, {"x": 1}, "either", b"\1\2", timedelta(microseconds=3), uuid.UUID(int=5),
        1j, "renamed",
    )  # fmt: skip

    assert gob.decode(gob.encode(value)) == {
        "ID": 1, "Small": 2, "Color": "red", "Level": "low",
        "Tags": [{"Text": "a"}, {"Text": "b"}], "Pair": [1, "x"],
        "Extra": {"Note": "n", "Count": 0}, "Names": {"k": ["v"]}, "Any": {"x": 1},
        "Either": "either", "Raw": b"\1\2", "Took": 3000, "Key": uuid.UUID(int=5).bytes, "Z": 1j,
        "Note": "renamed",
    }  # fmt: skip


def test_a_class_made_anew_each_time_is_not_kept():
    import gc
    import weakref

    made = dataclasses.make_dataclass("Made", [("ID", int)])
    gob.encode(made(1))
    watched = weakref.ref(made)
    del made
    gc.collect()

    assert watched() is None


def test_lists_of_dicts_become_one_struct_with_all_their_fields():
    raw = gob.encode([{"A": 1}, {"A": 2.5, "B": ["x"]}, {"B": []}], as_struct=True)

    assert gob.decode(raw) == [
        {"A": 1.0, "B": None}, {"A": 2.5, "B": ["x"]}, {"A": 0.0, "B": None},
    ]  # fmt: skip


def test_what_is_written_deepest_can_be_read():
    value: list = []
    for _ in range(199):
        value = [value]

    assert gob.decode(gob.encode(value)) == value
