"""One grammar for durations and times, wherever a person types one."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core import InvalidInputError
from tasq_core.durations import duration_text, parse_duration, read_duration
from tasq_core.moments import Moment, parse_moment, read_moment

NOW = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Kathmandu"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90), ("90s", 90), ("1.5h", 5400), ("7d", 604800), ("2w", 1209600), ("2W", 1209600),
        ("1h30m", 5400), ("1H30M", 5400), (" 5m ", 300), ("0.25", 0.25), ("0", 0),
    ],
)  # fmt: skip
def test_durations_are_read_in_any_case(text: str, seconds: float):
    assert parse_duration("--age", text) == timedelta(seconds=seconds)
    assert read_duration(duration_text(seconds)) == seconds


@pytest.mark.parametrize(
    "text", ["", "7x", "-5s", "h", "1 h", "1e3", "\u0661d", "5m3", "in 2h", "9" * 13]
)
def test_what_isnt_a_duration_says_what_one_is(text: str):
    with pytest.raises(InvalidInputError, match=r"--age .* is not a duration: write 90, 90s"):
        parse_duration("--age", text)


def local(*parts: int) -> datetime:
    return datetime(*parts).astimezone(UTC)  # type: ignore[arg-type, misc]


def test_times_without_a_zone_are_this_machines(zone: str):
    """Read as UTC, an operator's "09:00" would be hours off, and delete other rows."""
    assert parse_moment("--at", "2026-11-26 09:00") == local(2026, 11, 26, 9)
    assert parse_moment("--at", "2026-11-26T09:00:01.5") == local(2026, 11, 26, 9, 0, 1, 500_000)
    assert read_moment("2026-11-26") == Moment(local(2026, 11, 26), local(2026, 11, 27))
    assert read_moment("2026-12") == Moment(local(2026, 12, 1), local(2027, 1, 1))


@pytest.mark.parametrize(
    "text", ["2026-11-26T09:00Z", "2026-11-26 10:00+01:00", "2026-11-26 09:00 utc", "2026-11-26 04:00 -0500"]
)  # fmt: skip
def test_a_zone_can_be_named(zone: str, text: str):
    assert parse_moment("--at", text) == datetime(2026, 11, 26, 9, tzinfo=UTC)


def test_words_count_from_now(zone: str):
    assert parse_moment("--at", "NOW", NOW) == NOW
    assert parse_moment("--at", "in 2h", NOW) == NOW + timedelta(hours=2)
    assert parse_moment("--at", "1.5D ago", NOW) == NOW - timedelta(days=1.5)
    today, yesterday = read_moment("today"), read_moment("Yesterday")
    assert today.start == yesterday.end
    assert today.start is not None
    assert today.start <= datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026", "2026-13", "2026-02-30", "25:00", "in", "ago", "in 2x", "0001-01-01", "9999-12-31"]
)  # fmt: skip
def test_what_isnt_a_time_says_what_one_is(text: str):
    with pytest.raises(
        InvalidInputError, match=r"--at .* is not a time: .*(write 2026-11-26|years)"
    ):
        parse_moment("--at", text)
