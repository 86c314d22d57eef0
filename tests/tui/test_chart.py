"""The Overview's chart: one scale, whole buckets, and no failure that can't be seen."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasq_core.task import TaskStatus
from tasq_tui.ui.overview.ended import Ended
from tasq_tui.ui.text.chart import FAILED, Plot, nice_top

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DONE, FAIL = TaskStatus.SUCCESSFUL, TaskStatus.FAILED


def at(minutes_ago: int) -> datetime:
    return NOW.replace(second=0) - minutes_ago * MINUTE


def styles_at(lines, column: int) -> list[str]:
    """The styles of one column, from the top."""
    return [
        next((str(s.style) for s in line.spans if s.start <= column < s.end), "") for line in lines
    ]


@pytest.mark.parametrize("hours", [1, 24, 168])
@given(ended=st.lists(st.tuples(st.integers(0, 59), st.booleans(), st.integers(1, 10**6))))
def test_every_end_of_the_range_is_in_one_column(hours, ended):
    minutes = {}
    for ago, failed, number in ended:
        key = (at(ago), FAIL if failed else DONE)
        minutes[key] = minutes.get(key, 0) + number
    plot = Plot.of(minutes, NOW, timedelta(hours=hours), 100)

    assert sum(c.done + c.failed for c in plot.columns) == sum(minutes.values())


def test_the_newest_minute_is_the_last_column_and_older_ends_are_left_out():
    minutes = {(at(0), DONE): 7, (at(59), DONE): 3, (at(60), DONE): 100}
    plot = Plot.of(minutes, NOW, timedelta(hours=1), 100)

    assert plot.unit == "minute"
    assert plot.columns[-1].done == 7
    assert plot.columns[0].done == 3


@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=40),
    st.integers(9, 200),
    st.integers(3, 30),
    st.booleans(),
)
def test_lines_are_exactly_as_wide_as_asked(columns, width, height, colour):
    minutes = {}
    for ago, (done, failed) in enumerate(columns):
        minutes[at(ago), DONE], minutes[at(ago), FAIL] = done, failed
    lines = Plot.of(minutes, NOW, timedelta(hours=1), width).lines(width, height, colour=colour)

    assert len(lines) == height
    assert {line.cell_length for line in lines} == {width}


@given(st.integers(0, 10**9))
def test_one_failure_beside_any_number_of_successes_is_seen(done):
    """A failure that is drawn over is one that nobody looks into."""
    plot = Plot.of({(at(0), DONE): done, (at(0), FAIL): 1}, NOW, timedelta(hours=1), 67)
    lines = plot.lines(67, 8)

    assert any(style.startswith(FAILED) for style in styles_at(lines, 66))


def test_the_scale_holds_the_highest_column_and_names_its_half():
    plot = Plot.of({(at(5), DONE): 1700}, NOW, timedelta(hours=1), 67)
    text = [line.plain for line in plot.lines(67, 8)]

    assert text[0].startswith(" 2.0k ┤")
    assert text[3].startswith(" 1.0k ┤")
    assert text[6].startswith("    0 ┼")
    assert "11:10" in text[7]


@given(st.integers(0, 10**12))
def test_a_scale_is_never_too_small_nor_three_times_too_large(most):
    assert most <= nice_top(most) <= max(2.5 * most, 2)


def test_a_reading_of_the_last_minutes_replaces_them_and_keeps_the_rest():
    """Its first minute is cut by `since`: taking it would lose what ended before."""
    ended = Ended()
    ended.replace([(at(10), DONE, 5), (at(3), DONE, 8), (at(1), DONE, 2)])
    ended.update([(at(3), DONE, 1), (at(1), DONE, 3), (at(0), FAIL, 1)], NOW - 3 * MINUTE)

    assert ended.minutes == {
        (at(10), DONE): 5, (at(3), DONE): 8, (at(1), DONE): 3, (at(0), FAIL): 1
    }  # fmt: skip
    assert ended.since(NOW - 5 * MINUTE) == (11, 1)
