"""Figures about the table: timings, activity, and the open tasks of each queue and type."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from tasq_core.errors import InvalidInputError
from tasq_core.repository.inspection_sql import SqlInspection
from tasq_core.repository.odd_rows import MISREAD
from tasq_core.repository.rows import text_of
from tasq_core.sql import fill
from tasq_core.task import EPOCH, MICROSECOND, TaskStatus

_MOST_ROWS: Final = {"mysql": 10_000}
"""There each ended task is looked up in another index; where that lacks its names (MySQL, older
indexes) in the rows, each in another page."""
_NAMES: Final[Mapping[str | None, str]] = {None: "''", "queue": "queue", "type": "type"}


class TimingRow(NamedTuple):
    """The ended tasks of one name. Waits and runs are (p50, p95, longest) in seconds."""

    name: str
    done: int
    failed: int
    wait: tuple[float, float, float] | None
    run: tuple[float, float, float] | None
    first: datetime
    """When the first of them ended."""


class BucketRow(NamedTuple):
    """How many tasks of one name and status fall into one bucket of time."""

    start: datetime
    name: str
    status: TaskStatus
    number: int
    first: datetime
    """The time of the first of them."""


class OpenPair(NamedTuple):
    """The open tasks of one queue and type."""

    queue: str
    type: str
    ready: int
    delayed: int
    leased: int
    lapsed: int
    """ENQUEUED or IN_PROGRESS with a lease that has ended (part of ready, or exhausted)."""
    exhausted: int
    retrying: int
    """NEW again after a failure."""
    ready_since: datetime | None
    """Since when the first of the ready ones could have been claimed."""
    lapsed_since: datetime | None
    """Since when the first of the lapsed leases has been over."""


class Blocker(NamedTuple):
    """What holds the table up."""

    kind: str
    """lock (who waits for one), transaction (who has it open on the table), snapshot (who keeps
    dead rows from being cleaned up), standby, or read-only (the server itself)."""
    who: str
    seconds: float
    detail: str


class FigureReader:
    """Runs the statements of `sql/<dialect>/figures.sql` on one repository's database."""

    def __init__(self, repository: object) -> None:
        """For the table of `repository`.

        Raises:
            InvalidInputError: a repository of another kind than this library's.
        """
        repository = getattr(repository, "observed", repository)
        if not isinstance(repository, SqlInspection):
            raise InvalidInputError(f"{type(repository).__name__} has no figures")
        self._repository = repository
        self._rows = repository._rows  # noqa: SLF001 - of this package

    @property
    def most_rows(self) -> int:
        """How many rows of a window are read at most: the newest."""
        return _MOST_ROWS.get(self._repository._family, 40_000)  # noqa: SLF001

    def timings(
        self,
        by: str | None,
        since: datetime,
        until: datetime,
        limit: int,
        queue: str | None = None,
    ) -> list[TimingRow]:
        """Of the newest `limit` tasks that ended in [since, until), by name; of `queue` alone."""
        found = []
        for name, done, failed, *spreads, first in self._read(
            "timings", by, since, until, {"limit": limit, "queue": queue}
        ):
            with suppress(*MISREAD):
                at = self._rows.read_time(first)
                wait, run = _spread(spreads[:3]), _spread(spreads[3:])
                found.append(TimingRow(text_of(name), int(done), int(failed), wait, run, at))
        return sorted(found, key=lambda row: row.name)

    def ended(
        self, by: str | None, since: datetime, until: datetime, bucket: timedelta, limit: int
    ) -> list[BucketRow]:
        """The newest `limit` tasks that ended in [since, until), counted."""
        return self._buckets("ended", by, since, until, bucket, limit)

    def arrived(
        self, by: str | None, since: datetime, until: datetime, bucket: timedelta, limit: int
    ) -> list[BucketRow]:
        """The newest `limit` tasks created in [since, until), counted; all as NEW."""
        return self._buckets("arrived", by, since, until, bucket, limit)

    def open_pairs(self) -> list[OpenPair]:
        """The open tasks of each queue and type, exactly."""
        found = []
        repository = self._repository
        sql = fill(repository._sql.open_pairs, repository._figure_slots(None))  # noqa: SLF001
        for queue, kind, *counts, ready, lapsed in repository._rows_of(sql, {}):  # noqa: SLF001
            numbers = [int(count or 0) for count in counts]
            times = [self._time(ready), self._time(lapsed)]
            found.append(OpenPair._make([text_of(queue), text_of(kind), *numbers, *times]))
        return sorted(found, key=lambda pair: (pair.queue, pair.type))

    def blockers(self, lock_seconds: float, long_seconds: float) -> list[Blocker]:
        """Who waits for a lock, holds a transaction open, or lags, for longer than this.

        Raises:
            RepositoryError: this user may not ask, as on MySQL without the right PROCESS.
        """
        slots = self._repository._slots  # noqa: SLF001
        by = "name" if self._repository._family == "mysql" else "tasks"  # noqa: SLF001
        params = {
            "lock_seconds": lock_seconds, "long_seconds": long_seconds,
            "table": slots[by],
        }  # fmt: skip
        rows = self._repository._rows_of(self._repository._sql.blockers, params)  # noqa: SLF001
        return _blockers(rows)

    def standing(self) -> list[Blocker]:
        """Whether this server takes no writes; nothing where only reading was asked for."""
        repository, driver = self._repository, self._repository._driver  # noqa: SLF001
        if any(getattr(one, "_read_only", False) for one in (repository, driver)):
            return []
        return _blockers(self._repository._rows_of(self._repository._sql.standing, {}))  # noqa: SLF001

    def _time(self, value: Any) -> datetime | None:
        with suppress(*MISREAD):
            return None if value is None else self._rows.read_time(value)
        return None

    def _buckets(  # noqa: PLR0917 - as the two that call it
        self,
        statement: str,
        by: str | None,
        since: datetime,
        until: datetime,
        bucket: timedelta,
        limit: int,
    ) -> list[BucketRow]:
        params = {
            "limit": limit,
            "bucket": bucket // MICROSECOND,
            "zone": self._zone(until) // MICROSECOND,
        }
        found = []
        for ordinal, name, status, count, first in self._read(statement, by, since, until, params):
            with suppress(*MISREAD, OverflowError):
                label = TaskStatus(self._rows.status_of(status))
                at = self._rows.read_time(first)
                start = EPOCH + int(ordinal) * bucket
                found.append(BucketRow(start, text_of(name), label, int(count), at))
        return sorted(found)

    def _zone(self, at: datetime) -> timedelta:
        """How far the table's times are from UTC: MySQL's may be wall times."""
        written = self._rows.time(at)
        if not isinstance(written, datetime) or written.tzinfo is not None:
            return timedelta()
        return written.replace(tzinfo=UTC) - at

    def _read(
        self, statement: str, by: str | None, since: datetime, until: datetime,
        params: Mapping[str, object],
    ) -> list[tuple[Any, ...]]:  # fmt: skip
        if by not in _NAMES:
            raise InvalidInputError(f"can't group by {by!r}: use 'queue' or 'type'")
        slots = {"by": _NAMES[by], **self._repository._figure_slots(by)}  # noqa: SLF001
        sql = fill(getattr(self._repository._sql, statement), slots)  # noqa: SLF001
        between = {"since": self._rows.time(since), "until": self._rows.time(until)}
        return self._repository._rows_of(sql, {**params, **between})  # noqa: SLF001


def _blockers(rows: Iterable[Any]) -> list[Blocker]:
    return [
        Blocker(text_of(kind), str(who), float(seconds), text_of(detail))
        for kind, who, seconds, detail in rows
    ]


def _spread(microseconds: list[Any]) -> tuple[float, float, float] | None:
    if microseconds[0] is None:
        return None
    p50, p95, longest = (float(value) / 1e6 for value in microseconds)
    return p50, p95, longest
