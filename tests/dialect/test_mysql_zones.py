"""Wall time of zones whose clocks change: no lease and no delay ends early, on any day.

The server's clock is set for one session (`SET timestamp`); the library's own is set beside it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasq_core import Lease, MySQLRepository, Outcome, TaskStatus
from tasq_core.filters import parse
from tasq_core.repository import zones
from tasq_core.task import END_OF_TIME, IMMEDIATELY
from tests.support.builders import make_task
from tests.support.databases import Database

ZONES = (
    "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe",
    "Africa/Casablanca", "Pacific/Chatham", "Europe/Dublin",
)  # fmt: skip
HOUR = timedelta(hours=1)


def changes_of(zone: str, year: int = 2027) -> list[datetime]:
    """When the offset of `zone` changes in a year, to the second."""
    found, at = [], datetime(year, 1, 1, tzinfo=UTC)
    offset = lambda moment: moment.astimezone(ZoneInfo(zone)).utcoffset()  # noqa: E731
    while at.year == year:
        if offset(at) != offset(at + HOUR):
            step = timedelta(minutes=1)
            found.append(
                next(at + n * step for n in range(61) if offset(at + n * step) != offset(at))
            )
        at += HOUR
    return found


CHANGES = [(zone, at) for zone in ZONES for at in changes_of(zone)]


class Clock:
    """One session's time, and the library's, which may be off by `skew`."""

    def __init__(self, connection: Any, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._connection, self._prefix = connection, prefix
        self.skew = timedelta()
        self.at = datetime(2027, 1, 1, tzinfo=UTC)
        monkeypatch.setattr(zones, "utc_now", lambda: self.at + self.skew)

    def repository(self, zone: str) -> MySQLRepository:
        """A new one on this session; each remembers the change that was nearest at first."""
        return MySQLRepository(self._connection, self._prefix, time_zone=zone)

    def set(self, at: datetime) -> None:
        """It is `at` now, and stays so."""
        self.at = at
        self._connection.cursor().execute(f"SET timestamp = {at.timestamp():.6f}")


Opened = Callable[[str], MySQLRepository]


@pytest.fixture
def opened(database: Database, monkeypatch: pytest.MonkeyPatch) -> tuple[Opened, Clock]:
    """Opens a repository of a zone, on a session with a clock of its own."""
    database.open().migrate()
    connection = database.connect(autocommit=True)
    clock = Clock(connection, database.prefix, monkeypatch)

    def open_it(zone: str) -> MySQLRepository:
        database.execute(f"DELETE FROM {database.table}")
        return clock.repository(zone)

    return open_it, clock


pytestmark = pytest.mark.parametrize("backend", ["mysql"], indirect=True)


def at_most_late(zone: str, at: datetime) -> timedelta:
    """By how much the clocks of `zone` are set back within a day of `at`."""
    wall = [(at + timedelta(days=days)).astimezone(ZoneInfo(zone)).utcoffset() for days in (-1, 1)]
    assert wall[0] is not None and wall[1] is not None  # noqa: PT018
    return max(timedelta(), wall[0] - wall[1])


MINUTES = st.integers(-150, 150)
SKEWS = st.sampled_from([0, -20, 20, 7200, -7200])


def _takes(repository: MySQLRepository) -> list[UUID]:
    return [task.id for task in repository.poll_tasks("email", "mail", 15)]


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_no_lease_and_no_delay_ends_early(
    opened: tuple[Opened, Clock], zone: str, change: datetime
):
    """A task under a live lease would run twice; a delayed one at once."""
    open_it, clock = opened
    late = at_most_late(zone, change)

    @settings(max_examples=12, deadline=None)
    @given(
        minutes=MINUTES, length=st.sampled_from([9.0, 15.0, 700.0, 5400.0]), skew=SKEWS,
        way=st.sampled_from(["claim", "ping", "ping_tasks", "retry", "delay"]),
    )  # fmt: skip
    def check(minutes: int, length: float, skew: int, way: str) -> None:
        begin = change + timedelta(minutes=minutes, seconds=-5)
        clock.skew = timedelta(seconds=skew)
        clock.set(begin)
        repository = open_it(zone)
        task = repository.submit_task(make_task(created_at=begin))
        if way == "delay":
            repository.delete_tasks([task.id], False)
            at = repository.now() + timedelta(seconds=length)
            assert repository.now() == begin
            repository.submit_task(make_task(id=task.id, created_at=begin, visible_at=at))
        else:
            (claimed,) = repository.poll_tasks("email", "mail", length)
            lease = Lease.of(claimed)
            if way == "ping":
                assert repository.ping_leases([lease], length) == {lease}
            if way == "ping_tasks":
                repository.ping_tasks([task.id], length)
            if way == "retry":
                back = Outcome(lease, TaskStatus.NEW, retry_in=length)
                assert repository.record_outcomes([back]) == {lease}
        ends = begin + timedelta(seconds=length)
        for share in (0.01, 0.3, 0.6, 0.99):
            clock.set(begin + share * (ends - begin))
            assert _takes(repository) == []
            if way not in {"delay", "retry"}:
                assert repository.delete_tasks([task.id], True).done == 0
            assert repository.count(parse("is:ready")) == 0
        clock.set(ends + late + timedelta(seconds=1))
        assert _takes(repository) == [task.id]

    check()


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_away_from_the_hour_that_comes_twice_times_are_exact(
    opened: tuple[Opened, Clock], zone: str, change: datetime
):
    """Else leases last an hour longer, and starts and ends are shown an hour off."""
    open_it, clock = opened
    twice = at_most_late(zone, change)
    for begin in (change - twice - timedelta(seconds=20), change + twice + timedelta(seconds=1)):
        clock.set(begin)
        repository = open_it(zone)
        task = repository.submit_task(make_task(created_at=begin))
        (claimed,) = repository.poll_tasks("email", "mail", 15)
        assert claimed.visible_at - begin == timedelta(seconds=15)
        assert repository.register_start(claimed).started_at == begin
        assert repository.register_finish(claimed, "FAILED").finished_at == begin
        stored = repository.get_tasks([task.id])[0]
        assert (stored.created_at, stored.started_at, stored.finished_at) == (begin,) * 3
        for text, count in (("finished:>3d", 0), ("finished:<1h", 1)):
            assert repository.count(parse(text)) == count
        clock.set(begin + timedelta(days=3, seconds=5))
        assert repository.count(parse("finished:>3d")) == 1
        clock.set(begin + timedelta(days=3, seconds=-5))
        assert repository.count(parse("finished:>3d")) == 0


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Chatham"])
def test_retries_and_ages_of_months_count_every_change_between(
    opened: tuple[Opened, Clock], zone: str
):
    """A retry in a year is not an hour early; a task kept for 200 days isn't deleted early."""
    open_it, clock = opened
    for month in (1, 4, 7, 11):
        for days in (100, 200, 300):
            begin = datetime(2027, month, 15, 12, tzinfo=UTC)
            clock.set(begin)
            repository = open_it(zone)
            task = repository.submit_task(make_task(created_at=begin))
            (claimed,) = repository.poll_tasks("email", "mail", 15)
            lease = Lease.of(claimed)
            repository.record_outcomes([Outcome(lease, TaskStatus.NEW, retry_in=days * 86400.0)])
            (stored,) = repository.get_tasks([task.id])
            assert stored.visible_at - begin == timedelta(days=days)
            for seconds, found in ((-60, 0), (60, 1)):
                clock.set(begin + timedelta(days=days, seconds=seconds))
                repository = clock.repository(zone)
                assert repository.count(parse(f"created:>{days}d")) == found


EXTREMES = [
    IMMEDIATELY, datetime(1, 1, 2, 1, tzinfo=UTC), datetime(1, 6, 1, tzinfo=UTC),
    datetime(2, 1, 1, tzinfo=UTC),
    datetime(1582, 10, 10, tzinfo=UTC), datetime(1883, 11, 18, 12, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(2038, 1, 19, 4, tzinfo=UTC),
    datetime(9998, 12, 31, 23, tzinfo=UTC), datetime(9999, 6, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 5, tzinfo=UTC), END_OF_TIME,
]  # fmt: skip
EXTREME_ZONES: list[Any] = [
    "UTC", "local", "Pacific/Kiritimati", "Etc/GMT+12", "America/New_York", "Asia/Kathmandu",
    timezone(timedelta(hours=-23, minutes=-59)), timezone(timedelta(hours=23, minutes=59)),
]  # fmt: skip


@pytest.mark.parametrize("zone", EXTREME_ZONES, ids=str)
def test_every_time_from_year_1_to_9999_is_stored_and_read_in_every_zone(
    opened: tuple[Opened, Clock], zone: Any
):
    """One overflow ends a page or a claim; a time read as another is claimed too early."""
    open_it, clock = opened
    clock.set(datetime(2027, 1, 1, tzinfo=UTC))
    repository = open_it(zone)
    for at in EXTREMES:
        task = repository.submit_task(make_task(created_at=at, visible_at=at))
        (stored,) = repository.get_tasks([task.id])
        for read in (stored.created_at, stored.visible_at):
            if at.year == at.month == 1:  # Go's year 1 is at another hour in each zone
                assert read in {IMMEDIATELY, at}
            elif at.year == 9999 and at.month == 12:
                assert read >= at - timedelta(days=1) or read == END_OF_TIME
            else:
                assert read == at
    past = sum(at.year < 2027 for at in EXTREMES)
    assert repository.count(parse("is:ready")) == past
    seen: list[UUID] = []
    after = None
    while page := repository.page(parse(""), "oldest", after, 2):
        seen += [task.id for task in page]
        after = (page[-1].created_at, page[-1].id)
    assert len(seen) == len(set(seen)) == len(EXTREMES)
