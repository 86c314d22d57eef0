"""What only MySQL and MariaDB do: wall time of a zone, strictness, charsets."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tasq_core import Lease, MutationResult, RepositoryError, TaskStatus
from tests.contract.rows import insert_row, make_go_table
from tests.support.builders import make_task
from tests.support.databases import Database

pytestmark = pytest.mark.parametrize("backend", ["mysql"], indirect=True)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Asia/Kathmandu", "local"])
def test_times_are_read_and_written_as_wall_time_of_gos_zone(database: Database, zone: str):
    make_go_table(database)
    table = database.open(time_zone=zone)
    wall = datetime.now(UTC if zone == "local" else ZoneInfo(zone)).replace(tzinfo=None)
    stamp = wall.isoformat(" ", "microseconds")
    past = insert_row(database, id=make_task().id, created_at=stamp, visible_at=stamp)
    ahead = (wall + timedelta(minutes=10)).isoformat(" ", "microseconds")
    later = insert_row(database, id=make_task().id, created_at=stamp, visible_at=ahead)
    now = table.now()
    (ready, delayed) = table.get_tasks([past, later])
    assert abs(ready.created_at - now) < timedelta(seconds=30)
    assert timedelta(minutes=9) < delayed.visible_at - now < timedelta(minutes=11)
    (claimed,) = table.poll_tasks("email", "mail", 30)
    assert claimed.id == past
    assert timedelta(seconds=20) < claimed.visible_at - now < timedelta(seconds=40)
    assert table.ping_leases([Lease.of(claimed)], 60) == {Lease.of(claimed)}
    stored = database.execute(
        f"SELECT visible_at FROM {database.table} WHERE id = %s", [past.bytes]
    )[0][0]
    assert timedelta(seconds=50) < stored - wall < timedelta(seconds=90)
    assert table.delete_tasks([past], True) == MutationResult(0, 1)
    assert table.register_finish(claimed, "SUCCESSFUL").finished_at is not None


@pytest.fixture
def berlin() -> Iterator[None]:
    """This process runs in Berlin, as a Go program beside it would."""
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    yield
    os.environ["TZ"] = "UTC"
    time.tzset()


def test_the_local_zone_follows_summer_time(database: Database, berlin: None):
    make_go_table(database)
    local, named = database.open(time_zone="local"), database.open(time_zone="Europe/Berlin")
    for month in (1, 7):
        at = datetime(2026, month, 1, 12, tzinfo=UTC)
        task = local.submit_task(make_task(created_at=at, visible_at=at))
        assert local.get_tasks([task.id]) == named.get_tasks([task.id]) == [task]


def test_text_the_columns_charset_cant_hold_is_refused_and_not_mangled(database: Database):
    make_go_table(database)
    database.execute(f"ALTER TABLE {database.table} CONVERT TO CHARACTER SET latin1")
    repository = database.open()
    plain, foreign = make_task(type="caf\u00e9"), make_task(type="\u4e16")
    repository.submit_task(plain)
    for submit in (repository.submit_task, lambda task: repository.submit_tasks([task])):
        with pytest.raises(RepositoryError, match="type"):
            submit(foreign)
    assert repository.count_tasks(None, None, None) == 1
    assert [task.type for task in repository.poll_tasks("caf\u00e9", "mail", 30)] == ["caf\u00e9"]


@pytest.mark.parametrize("mode", ["", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES", "TRADITIONAL"])
def test_any_sql_mode_of_a_borrowed_connection_will_do(database: Database, mode: str):
    from tasq_core import MySQLRepository

    connection = database.connect(autocommit=True)
    connection.cursor().execute("SET sql_mode = %s", [mode])
    mine = MySQLRepository(connection, database.prefix)
    mine.migrate()
    task = make_task(type="a'b", queue='c"d', args=bytes(range(256)))
    assert mine.submit_tasks([task]) == 1
    (claimed,) = mine.poll_tasks("a'b", 'c"d', 30)
    assert claimed.args == task.args
    assert mine.register_finish(claimed, "FAILED").status is TaskStatus.FAILED
