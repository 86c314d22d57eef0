"""What a producer stores, a handler reads back equal, by either codec and as its own type."""

import enum
import json
import math
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

import tasq_core as tasq
from tasq_core.args import gob

CODECS = ["json", "gob"]


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    NONE = 0
    HIGH = 3


@dataclass
class Line:
    SKU: str
    Quantity: int = 1
    Gift: bool | None = None


class Point(msgspec.Struct, rename="pascal"):
    x: float = 1.5
    y: float = 0.0


class Extra(TypedDict):
    Note: str
    Count: NotRequired[int]


class Pair(NamedTuple):
    first: int
    second: str


@dataclass
class Order:
    number: int = field(metadata={"gob": "ID"})
    Wait: timedelta
    Price: Decimal
    Tags: set[str]
    Names: dict[int, str]
    Delays: dict[str, timedelta]
    Lines: list[Line]
    Point: Point
    Key: uuid.UUID
    At: datetime
    Raw: bytes
    Color: Color
    Level: Level
    Fixed: tuple[int, str]
    Pair: Pair
    Nested: list[list[int]]
    Frozen: frozenset[int]
    Small: Annotated[int, gob.GoType("int16")]
    Extra: Extra
    Maybe: int | None
    Parent: "Order | None" = None
    Retries: int = 3
    Limit: float | None = 2.5
    Labels: list[str] = field(default_factory=lambda: ["new"])
    hidden: int = field(default=7, metadata={"gob": "-"})


INTS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(max_size=5)
WAITS = st.timedeltas(timedelta(days=-90_000), timedelta(days=90_000))
TIMES = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
LINES = st.builds(Line, TEXTS, INTS, st.none() | st.booleans())
EXTRAS = st.fixed_dictionaries({"Note": TEXTS}, optional={"Count": INTS})
ORDERS = st.recursive(
    st.none(),
    lambda inner: st.builds(
        Order,
        INTS, WAITS, st.decimals(allow_nan=False, allow_infinity=False, places=3), st.sets(TEXTS),
        st.dictionaries(INTS, TEXTS), st.dictionaries(TEXTS, WAITS), st.lists(LINES, max_size=3),
        st.builds(Point, FLOATS, FLOATS), st.uuids(), TIMES, st.binary(max_size=5),
        st.sampled_from(Color), st.sampled_from(Level), st.tuples(INTS, TEXTS),
        st.builds(Pair, INTS, TEXTS), st.lists(st.lists(INTS, max_size=2), max_size=2),
        st.frozensets(INTS), st.integers(-(2**15), 2**15 - 1), EXTRAS, st.none() | INTS,
        Parent=inner, Retries=INTS, Limit=FLOATS, Labels=st.lists(TEXTS, max_size=2),
    ),
    max_leaves=2,
).filter(lambda order: order is not None)  # fmt: skip


@pytest.mark.parametrize("codec", CODECS)
@given(order=ORDERS)
@settings(deadline=None, max_examples=100)
def test_a_dataclass_of_every_kind_of_field_comes_back_equal(codec: str, order: Order):
    """A handler that asks for its producer's class would get other arguments, or an error."""
    task = tasq.Task.new("t", order, codec=codec)

    assert task.unmarshal_args(Order) == order


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("value", "into"),
    [
        (Line("", 0, None), Line),
        (Line("", 0, False), Line),
        (Line("x", 1, True), Line),
        (Point(0.0, 0.0), Point),
        ([], list[int]),
        ({}, dict[str, int]),
        (set(), set[int]),
        ((1, "a"), tuple[int, str]),
        ({"wait": None}, dict[str, Any]),
        (timedelta(seconds=-1.5), timedelta),
        (Decimal("-0.10"), Decimal),
        (uuid.UUID(int=0), uuid.UUID),
        (datetime(1, 1, 1, tzinfo=UTC), datetime),
        (b"", bytes),
        (Color.RED, Color),
        (Level.NONE, Level),
        (True, bool),
        (0, int | None),
        (0.0, float),
    ],
    ids=str,
)
def test_values_come_back_as_what_they_were(codec: str, value: Any, into: Any):
    read = tasq.Task.new("t", value, codec=codec).unmarshal_args(into)

    assert read == value
    assert type(read) is type(value)


def test_lists_of_a_class_come_back():
    lines = [Line("a"), Line("", 0)]

    assert tasq.Task.new("t", lines).unmarshal_args(list[Line]) == lines
    assert tasq.Task.new("t", lines, as_struct=True).unmarshal_args(list[Line]) == lines


@dataclass
class Wanted:
    Name: str
    Count: int
    Ratio: float
    On: bool
    Tags: list[str]
    Labels: dict[str, str]
    Line: Line
    At: datetime
    Key: uuid.UUID
    Wait: timedelta
    Maybe: str | None
    Tries: int = 5


def test_fields_that_go_left_out_are_their_defaults_or_zeros():
    """Go leaves out every zero: a handler's class would be refused for most real tasks."""
    go_type = "struct{Name string; Other int}"
    task = tasq.Task.new("t", {"Other": 1}, go_type=go_type)

    assert task.unmarshal_args(Wanted) == Wanted(
        "", 0, 0.0, False, [], {}, Line("", 1, None), datetime(1, 1, 1, tzinfo=UTC),
        uuid.UUID(int=0), timedelta(0), None, 5,
    )  # fmt: skip


def test_a_key_that_a_map_lacks_is_still_missing():
    """Only structs leave zeros out; a forgotten key must not become a zero."""
    task = tasq.Task.new("t", {"SKU": "x"}, codec="gob")

    assert task.unmarshal_args(Line) == Line("x")
    with pytest.raises(tasq.ArgsDecodeError, match="missing required field `SKU`"):
        tasq.Task.new("t", {"Quantity": 1}, codec="gob").unmarshal_args(Line)


def test_plain_values_of_a_go_struct_have_all_their_fields():
    task = tasq.Task.new("t", {"Other": 1}, go_type="struct{Name string; Other int}")

    assert task.unmarshal_args() == {"Name": "", "Other": 1}
    assert task.unmarshal_args(dict[str, Any]) == {"Name": "", "Other": 1}


class Money(BaseModel):
    model_config = ConfigDict(strict=True)
    amount: Decimal = Field(alias="Amount")
    wait: timedelta = Field(default=timedelta(seconds=5), alias="Wait")


class Invoice(BaseModel):
    number: int = Field(alias="Number")
    lines: list[Line] = Field(default=[], alias="Lines")
    money: Money | None = Field(default=None, alias="Money")
    tags: set[str] = Field(default=set(), alias="Tags")
    at: datetime = Field(default=datetime(2026, 1, 1, tzinfo=UTC), alias="At")
    counts: dict[int, str] = Field(default={}, alias="Counts")


INVOICE = Invoice(
    Number=0, Lines=[Line("a", 0)], Money=Money(Amount=Decimal("1.50")), Tags={"x"},
    Counts={7: "seven"},
)  # fmt: skip


@dataclass
class Envelope:
    To: str
    Invoice: Invoice


@pytest.mark.parametrize("codec", CODECS)
def test_pydantic_models_go_in_and_come_out(codec: str):
    """Alone, empty, and inside a dataclass."""
    for value in (INVOICE, Invoice(Number=3), Envelope("x", INVOICE)):
        task = tasq.Task.new("t", value, codec=codec)

        assert task.unmarshal_args(type(value)) == value


def test_a_model_that_doesnt_fit_says_where():
    task = tasq.Task.new("t", {"Number": "many"})

    with pytest.raises(tasq.ArgsDecodeError, match="Number"):
        task.unmarshal_args(Invoice)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("shape", ["{}", "list", "dict", "key", "dataclass", "model"])
def test_json_refuses_what_it_would_store_as_null(number: float, shape: str):
    """The handler would get None for a number, and nobody would know."""
    value: Any = {
        "{}": number, "list": [1, None, number], "dict": {"a": {"b": number}}, "key": {number: 1},
        "dataclass": Point(number, None), "model": Reading(value=number),  # type: ignore[arg-type]
    }[shape]  # fmt: skip

    with pytest.raises(tasq.ArgsEncodeError, match=rf"args.* is {number}, which JSON can't hold"):
        tasq.Task.new("t", value)
    if shape in ("{}", "list", "dict"):
        read = tasq.Task.new("t", value, codec="gob").unmarshal_args()
        assert repr(read) == repr(value)


class Reading(BaseModel):
    value: float


@pytest.mark.parametrize(
    ("value", "codec"),
    [
        ({1: "a", "1": "b"}, "json"),
        ({"deep": [{0.5: 1, "0.5": 2}]}, "json"),
        ({uuid.UUID(int=1): 1, str(uuid.UUID(int=1)): 2}, "json"),
        ({Color.RED: 1, "red": 2}, "gob"),
    ],
)
def test_keys_that_become_the_same_are_refused(value: Any, codec: str):
    """One of the two values would be lost without a word."""
    with pytest.raises(tasq.ArgsEncodeError, match="one value would be lost"):
        tasq.Task.new("t", value, codec=codec)


def test_none_where_gob_would_give_the_default_back_is_refused():
    @dataclass
    class Limited:
        Limit: int | None = 5

    with pytest.raises(tasq.ArgsEncodeError, match=r"Limit: None is left out by gob"):
        tasq.Task.new("t", Limited(None), codec="gob")
    assert tasq.Task.new("t", Limited(0), codec="gob").unmarshal_args(Limited) == Limited(0)


def test_two_fields_of_one_go_name_are_refused():
    @dataclass
    class Twice:
        a: int = field(metadata={"gob": "A"})
        b: int = field(metadata={"gob": "A"})

    with pytest.raises(tasq.ArgsEncodeError, match="another field is called 'A' as well"):
        tasq.Task.new("t", Twice(1, 2), codec="gob")


def test_lone_surrogates_are_called_what_they_are():
    """ "Input data was truncated" sends one looking for lost bytes that were never there."""
    stored = tasq.Task.new("t", tasq.RawArgs(b'{"a":"\\ud800"}'))
    with pytest.raises(tasq.ArgsDecodeError, match=r"lone surrogate, '\\ud800'"):
        stored.unmarshal_args()
    with pytest.raises(tasq.ArgsEncodeError, match=r"lone surrogate, '\\ud800' at character 1"):
        tasq.Task.new("t", {"a": "x\ud800"})
    with pytest.raises(tasq.ArgsEncodeError, match="lone surrogate"):
        tasq.Task.new("t", {"a": "x\ud800"}, codec="gob")
    with pytest.raises(tasq.InvalidInputError, match=r"lone surrogate, '\\ud800'"):
        tasq.Task.new("t\ud800", None)


@pytest.mark.parametrize("raw", [gob.encode([1, 2], go_type="[]int"), b'{"a": 1}', b"\0\1"])
def test_raw_args_are_stored_as_they_are(raw: bytes):
    """Bytes that are encoded already would be encoded twice."""
    with tasq.connect("sqlite://", codec="gob") as client:
        client.migrate()
        producer = client.new_producer()
        task = producer.submit("t", tasq.RawArgs(raw))
        producer.submit_many([tasq.Task.new("t", tasq.RawArgs(bytearray(raw)))])  # type: ignore[arg-type]

        assert {one.args for one in client.new_inspector().scan()} == {raw}
        assert task.args == raw


def test_a_go_type_can_be_named():
    with tasq.connect("sqlite://") as client:
        client.migrate()
        producer = client.new_producer()
        typed = producer.submit("t", [1, 2], go_type="[]int")
        struct = producer.submit("t", {"ID": 7}, as_struct=True)

    assert typed.args == gob.encode([1, 2], go_type="[]int")
    assert struct.args == gob.encode({"ID": 7}, as_struct=True)


@pytest.mark.parametrize(
    ("args", "options", "why"),
    [
        (tasq.RawArgs(b"1"), {"go_type": "int"}, "encoded already"),
        (tasq.RawArgs(b"1"), {"as_struct": True}, "encoded already"),
        ([1], {"go_type": "[]string"}, "can't be encoded as string"),
        ([1], {"go_type": "[]int", "as_struct": True}, "pass one"),
        (deque(), {}, "deque"),
    ],
)
def test_args_that_contradict_are_refused(args: Any, options: dict[str, Any], why: str):
    with pytest.raises(tasq.TasqError, match=why):
        tasq.Task.new("t", args, **options)


def test_raw_args_take_bytes_only():
    with pytest.raises(tasq.InvalidTypeError, match="RawArgs takes bytes, not str"):
        tasq.RawArgs("{}")  # type: ignore[arg-type]


@given(value=st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
))  # fmt: skip
@settings(deadline=None, max_examples=200)
def test_json_values_come_back(value: Any):
    task = tasq.Task.new("t", value)

    assert task.unmarshal_args() == value
    assert json.loads(task.args) == value
