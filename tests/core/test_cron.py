"""Cron lines: what they mean around daylight saving, and what is said of those that can't be read."""

from datetime import UTC, datetime, timedelta

import pytest

from tasq_core.errors import CronSyntaxError, InvalidInputError
from tasq_core.fleet.cron import Cron


def ticks(line, zone, after, hours):
    start = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = Cron(line, zone).between(start, start + timedelta(hours=hours))
    return [f"{tick:%d %H:%M}" for tick in found]


def test_a_nightly_task_runs_once_in_the_night_that_loses_an_hour():
    """Berlin, 29 March 2026: 02:00 to 03:00 doesn't exist. Lost, a night's report is missing."""
    assert ticks("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00", 72) == [
        "28 01:30", "29 01:00", "30 00:30",
    ]  # fmt: skip


def test_a_nightly_task_runs_once_in_the_night_that_has_an_hour_twice():
    """Berlin, 25 October 2026: 02:00 to 03:00 comes twice. Twice run, customers are billed twice."""
    assert ticks("30 2 * * *", "Europe/Berlin", "2026-10-24T00:00", 72) == [
        "24 00:30", "25 00:30", "26 01:30",
    ]  # fmt: skip


def test_within_the_hour_that_comes_twice_the_next_tick_is_never_in_the_past():
    """A schedule that is declared in the second 02:10 would fire at once, and again forever."""
    second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)

    assert Cron("30 2 * * *", "Europe/Berlin").next_after(second_pass) == datetime(
        2026, 10, 26, 1, 30, tzinfo=UTC
    )


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_an_hourly_task_runs_every_hour_that_passes(day):
    """With wall time alone it would leave one out in spring, and stand still for one in autumn."""
    hourly = ticks("0 * * * *", "Europe/Berlin", f"{day}T00:00", 5)

    assert hourly == [f"{day[-2:]} 0{hour}:00" for hour in range(1, 6)]


def test_a_fixed_second_keeps_the_rules_of_daylight_saving():
    assert ticks("5 30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", 48) == [
        "25 00:30",
        "26 01:30",
    ]


def test_the_latest_tick_of_a_long_outage_is_found_at_once():
    """Walking every second of six years would hold a consumer up for minutes."""
    long_ago, now = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, 0, 0, 5, tzinfo=UTC)

    assert Cron("* * * * * *").latest(long_ago, now) == now
    assert Cron("0 0 1 1 *").latest(long_ago, now) == datetime(2026, 1, 1, tzinfo=UTC)
    assert Cron("0 0 29 2 *").latest(datetime(2020, 2, 29, tzinfo=UTC), now) == datetime(
        2024, 2, 29, tzinfo=UTC
    )
    assert Cron("0 0 1 1 *").latest(datetime(2026, 1, 1, tzinfo=UTC), now).month == 1


@pytest.mark.parametrize(
    ("line", "position", "said"),
    [
        ("0 25 * * *", 2, "'25' is not a hour: use 0-23"),
        ("1,2,99 * * * *", 4, "'99' is not a minute: use 0-59"),
        ("0 0 * FOO *", 6, "'FOO' is not a month"),
        ("1, * * * *", 2, "'' is not a minute"),
        ("* * *", 5, "five fields (minute, hour, day of the month, month, day of the week), not 3"),
        ("* * * * * * 7", 12, "not 7"),
        ("61 * * * * *", 0, "'61' is not a second"),
        ("@noon", 0, "unknown name '@noon'"),
        ("0 0 30 FEB *", 4, "never comes"),
        ("", 0, "not 0"),
    ],
)
def test_a_bad_line_is_refused_with_a_caret_at_the_place(line, position, said):
    with pytest.raises(CronSyntaxError) as refused:
        Cron(line)

    hint, shown, caret = str(refused.value).splitlines()
    assert said in hint
    assert (shown, caret) == (f"  {line}", f"  {' ' * position}^")


@pytest.mark.parametrize(("zone", "said"), [("Mars/Base", "unknown time zone 'Mars/Base'"), ("local", "differs from machine to machine"), ("../etc", "unknown")])  # fmt: skip
def test_a_zone_that_cannot_be_used_is_named(zone, said):
    with pytest.raises(InvalidInputError, match=said):
        Cron("0 3 * * *", zone)


@pytest.mark.parametrize("line", ["@daily", "0 3 * * MON#2", "*/5 9-17 * * MON-FRI", "0 0 L * *"])
def test_what_cron_knows_is_read(line):
    assert Cron(line, "America/New_York").next_after(datetime(2026, 1, 1, tzinfo=UTC))
