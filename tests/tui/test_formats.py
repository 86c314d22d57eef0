from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tasq_core.task import IMMEDIATELY, TaskStatus
from tasq_tui.ui.text import formats

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (0, "0s"), (42, "42s"), (185, "3m"), (7500, "2h 5m"), (7200, "2h"), (14 * 3600, "14h"),
        (5 * 86400, "5d"), (5 * 86400 + 7200, "5d 2h"), (300 * 86400, "300d"),
        (800 * 86400, "2y"), (-300, "in 5m"), (-0.4, "0s"),
    ],
)  # fmt: skip
def test_ages(ago, shown):
    assert formats.age(NOW - timedelta(seconds=ago), NOW) == shown


def test_a_time_that_means_at_once_has_no_age():
    assert formats.age(IMMEDIATELY, NOW) == formats.NOTHING
    assert formats.moment(IMMEDIATELY) == "at once"
    assert formats.age(None, NOW) == formats.NOTHING


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.00085, "850µs"), (0.0009996, "1ms"), (0.012, "12ms"), (0.9996, "1.0s"), (1.24, "1.2s"),
        (9.96, "10s"), (42, "42s"), (185, "3m 5s"), (180, "3m"), (7500, "2h 5m"),
        (273600, "3d 4h"), (None, formats.NOTHING), (-1, formats.NOTHING),
    ],
)  # fmt: skip
def test_durations(seconds, shown):
    assert formats.duration(seconds) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (12_345, "12.3k"), (999_499, "999k"),
     (999_501, "1.0M"), (12_300_000, "12.3M")],
)  # fmt: skip
def test_compact_numbers(number, shown):
    assert formats.compact(number) == shown


def test_counts_say_how_exact_they_are():
    assert formats.count(12345) == "12,345"
    assert formats.count(12345, approximate=True) == "~12,345"
    assert formats.count(1000, at_least=True) == "≥1,000"


@pytest.mark.parametrize(
    ("octets", "shown"), [(512, "512 B"), (1500, "1.5 kB"), (999_999, "1.0 MB"), (3e7, "30.0 MB")]
)
def test_sizes(octets, shown):
    assert formats.size(int(octets)) == shown


def test_every_status_has_a_glyph_of_its_own():
    assert len({formats.GLYPHS[status] for status in TaskStatus}) == len(TaskStatus)


@given(st.floats(0, 3e9))
def test_spans_fit_their_column(seconds):
    assert cell_len(formats.span(seconds)) <= 6


@given(st.integers(0, 10**12))
def test_compact_numbers_fit_their_column(number):
    assert len(formats.compact(number)) <= 5
