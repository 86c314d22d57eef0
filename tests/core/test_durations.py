"""Durations: seconds or a timedelta in, seconds out."""

import math
from datetime import timedelta
from decimal import Decimal

import pytest

from tasq_core import InvalidInputError, InvalidTypeError
from tasq_core.durations import LONGEST_SECONDS, seconds


@pytest.mark.parametrize(
    ("given", "expected"),
    [(0, 0.0), (5, 5.0), (0.25, 0.25), (timedelta(minutes=2), 120.0), (LONGEST_SECONDS, LONGEST_SECONDS)],
)  # fmt: skip
def test_seconds_and_timedeltas_are_seconds(given: object, expected: float):
    found = seconds("wait", given)  # type: ignore[arg-type]
    assert found == expected
    assert isinstance(found, float)


@pytest.mark.parametrize(
    "given", [-1, -0.001, math.nan, math.inf, 1e12, timedelta(days=-1), timedelta.max]
)
def test_what_is_no_length_of_time_is_refused(given: object):
    with pytest.raises(InvalidInputError, match="wait"):
        seconds("wait", given)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["5", None, True, Decimal(5), [5], 1j])
def test_what_is_no_number_is_refused(given: object):
    with pytest.raises(InvalidTypeError, match="wait must be seconds or a timedelta"):
        seconds("wait", given)  # type: ignore[arg-type]


def test_zero_is_refused_where_it_makes_no_sense():
    with pytest.raises(InvalidInputError, match="more than 0"):
        seconds("wait", 0, positive=True)
    assert seconds("wait", 1e-9, positive=True) > 0
