"""A Go table in local time: the command must not take running tasks for abandoned ones. It stole
and deleted leases of running tasks before it could be told the zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

ZONES = {"New York": "America/New_York", "Tokyo": "Asia/Tokyo", "Kathmandu": "Asia/Kathmandu"}


@pytest.fixture(params=["mysql"])
def backend(request):
    """Only there are times stored without their zone."""
    return request.param


@pytest.fixture
def go_table(tasq, database):
    """Makes a table as a Go program in a zone leaves it: two running tasks, one waiting."""

    def make(zone):
        tasq("migrate")
        now = datetime.now(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        rows = [
            ("IN_PROGRESS", 1, now - timedelta(seconds=3), now + timedelta(seconds=12)),
            ("ENQUEUED", 1, now - timedelta(seconds=2), now + timedelta(seconds=14)),
            ("NEW", 0, now - timedelta(seconds=1), datetime.min),  # noqa: DTZ901,
        ]
        for number, (status, receives, created, visible) in enumerate(rows):
            database.execute(
                f"INSERT INTO {database.table} (id, type, args, queue, priority, status,"
                " receive_count, created_at, started_at, visible_at)"
                " VALUES (%s, 'go', '', '', 0, %s, %s, %s, %s, %s)",
                (
                    bytes([number]) * 16, status, receives, created,
                    created if status == "IN_PROGRESS" else None, visible,
                ),
            )  # fmt: skip
        return lambda: database.execute(f"SELECT * FROM {database.table} ORDER BY id")

    return make


CHANGES = [
    ("purge", "--all", "--yes"),
    ("delete", "--where", "status:in_progress", "--yes"),
    ("requeue", "--all", "--yes"),
]


@pytest.mark.parametrize("zone", ZONES.values(), ids=ZONES)
def test_nothing_is_changed_before_the_zone_is_told(tasq, go_table, zone):
    rows = go_table(zone)
    before = rows()

    for change in CHANGES:
        done = tasq(*change)
        assert (done.code, rows()) == (2, before), change
        assert "--time-zone" in done.err

    assert "local time" in tasq("doctor").out
    assert tasq("list", "-o", "ids").code == 0


@pytest.mark.parametrize("zone", ZONES.values(), ids=ZONES)
def test_told_the_zone_the_command_leaves_running_tasks_alone(tasq, go_table, zone):
    rows = go_table(zone)
    running = rows()[:2]

    done = tasq("purge", "--all", "--yes", "--time-zone", zone)

    assert (done.code, rows()) == (6, running), done.err
    assert "local time" not in tasq("doctor", "--time-zone", zone).out


def test_times_in_utc_are_not_suspected(tasq, go_table):
    rows = go_table("UTC")
    running = rows()[:2]

    assert tasq("purge", "--all", "--yes").code == 6  # the leased ones are skipped
    assert rows() == running


def test_a_time_that_no_zone_explains_refuses_nothing(tasq, database, go_table):
    """One row from a wrong clock, or written by hand, kept each change from the whole table."""
    go_table("UTC")
    database.execute(f"UPDATE {database.table} SET created_at = '9999-12-31' WHERE status = 'NEW'")

    assert "local time" not in tasq("doctor").out
    assert tasq("delete", "--where", "status:new", "--yes").code == 0
