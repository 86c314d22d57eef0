from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasq_core.args import gob

ZONES = st.integers(-23 * 60, 23 * 60).filter(lambda minutes: minutes != -1)
TIMES = st.builds(
    lambda moment, minutes: moment.replace(tzinfo=timezone(timedelta(minutes=minutes))),
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),  # noqa: DTZ001
    ZONES,
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False),
    st.text(), st.binary(), TIMES, st.complex_numbers(allow_nan=False),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)
INTS = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.slow
@given(st.dictionaries(st.text(), VALUES, max_size=5) | st.lists(VALUES, max_size=5))
@settings(max_examples=300, deadline=None)
def test_any_value_comes_back(value):
    assert gob.decode(gob.encode(value)) == value


@given(st.lists(INTS))
@settings(deadline=None)
def test_integers_come_back(value):
    assert gob.decode(gob.encode(value, go_type="[]int64")) == value


@given(st.lists(st.floats()))
@settings(deadline=None)
def test_floats_come_back_bit_for_bit(value):
    assert repr(gob.decode(gob.encode(value, go_type="[]float64"))) == repr(value)


@given(st.dictionaries(INTS, st.lists(st.text())))
@settings(deadline=None)
def test_typed_maps_come_back(value):
    assert gob.decode(gob.encode(value, go_type="map[int][]string")) == value


@given(st.binary())
@settings(deadline=None)
def test_any_bytes_in_a_string_come_back(raw):
    text = raw.decode("utf-8", "surrogateescape")

    assert gob.decode(gob.encode([text])) == [text]


@given(TIMES)
@settings(deadline=None)
def test_times_keep_their_zone(moment):
    read = gob.decode(gob.encode(moment))

    assert read == moment
    assert read.utcoffset() == moment.utcoffset()


@given(st.lists(st.integers(0, 2**64 - 1)), st.text(), INTS)
@settings(deadline=None)
def test_structs_come_back(numbers, text, number):
    value = {"Numbers": numbers, "Text": text, "Number": number}
    go_type = "struct{Numbers []uint64; Text string; Number int}"

    assert gob.decode(gob.encode(value, go_type=go_type)) == {
        **value, "Numbers": numbers or None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=9))),
    ],
)
def test_the_first_and_the_last_moment_come_back(moment):
    assert gob.decode(gob.encode([moment])) == [moment]


def test_a_moment_before_year_1_in_utc_comes_back_as_its_bytes():
    moment = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9)))

    assert isinstance(gob.decode(gob.encode(moment)), bytes)
