"""How long tasks wait and run, what arrives and ends: read from the table's own times."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from tasq_core.durations import Duration, seconds
from tasq_core.errors import InvalidInputError
from tasq_core.repository.figures_sql import BucketRow, FigureReader, OpenPair
from tasq_core.task import TaskStatus

MOST_BUCKETS: Final = 10_000

Since = datetime | Duration
"""A moment with a zone, or how many seconds ago it was."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median, the 95th percentile and the longest of some times, in seconds."""

    p50: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class Timing:
    """The tasks of one name that ended in a window."""

    name: str
    done: int
    """SUCCESSFUL."""
    failed: int
    wait: Spread | None
    """From the submit to the last start; None where none of them started."""
    run: Spread | None
    """From the last start to the end; None where none of them started."""

    @property
    def failed_share(self) -> float:
        """Which part of those that ended failed, 0 to 1."""
        return self.failed / max(1, self.done + self.failed)


@dataclass(frozen=True, slots=True)
class Timings:
    """The timings of a window, by name; tasks deleted meanwhile have no part in them."""

    by: str | None
    since: datetime
    """The window's begin, by the database's clock."""
    until: datetime
    rows: tuple[Timing, ...]
    sampled_since: datetime | None
    """Where more tasks ended than are read: when the first of those read did."""

    @property
    def read(self) -> int:
        """How many tasks they are made of."""
        return sum(row.done + row.failed for row in self.rows)

    @property
    def sampled(self) -> bool:
        """Whether more tasks ended in the window than were read."""
        return self.sampled_since is not None


@dataclass(frozen=True, slots=True)
class Bucket:
    """What happened within one bucket of time, of one name."""

    start: datetime
    name: str
    arrived: int = 0
    """Tasks created."""
    done: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Activity:
    """Tasks created and ended by bucket of time; buckets without any are left out."""

    by: str | None
    since: datetime
    until: datetime
    bucket: timedelta
    buckets: tuple[Bucket, ...]
    """In order of time, then name. The first and the last may be cut by the window."""
    sampled_since: datetime | None
    """Where more rows were there than are read: since when all of them are counted."""

    @property
    def sampled(self) -> bool:
        """Whether the window's begin is missing."""
        return self.sampled_since is not None


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast the tasks of one name arrive and end."""

    name: str
    arrived_per_minute: float
    ended_per_minute: float
    waiting: int
    """Ready, leased, or lapsed: what has to end before the backlog is gone."""
    empty_in: float | None = field(default=None)
    """Seconds until the backlog is gone at these rates; 0 without one, None for never."""
    ready_since: datetime | None = None
    """Since when the first of those that are ready could have been claimed; None without any."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of a window, by name."""

    by: str | None
    since: datetime
    until: datetime
    rows: tuple[Rate, ...]
    sampled_since: datetime | None
    """Where more rows were there than are read: since when the rates are measured."""


def window(now: datetime, since: Since, until: Since | None = None) -> tuple[datetime, datetime]:
    """The moments that a window begins and ends at.

    Raises:
        InvalidInputError: a time without a zone, or a window that ends before it begins.
        InvalidTypeError: neither a time nor a duration.
    """
    begin, end = _moment("since", since, now), now
    if until is not None:
        end = _moment("until", until, now)
    if begin > end:
        raise InvalidInputError(f"the window is empty: it begins at {begin} and ends at {end}")
    return begin, end


def _moment(name: str, value: Since, now: datetime) -> datetime:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise InvalidInputError(f"{name} {value} needs a time zone")
        return value.astimezone(UTC)
    try:
        return now - timedelta(seconds=seconds(name, value))
    except OverflowError:
        raise InvalidInputError(f"{name} {value!r} is before year 1") from None


def read_timings(  # noqa: PLR0917
    reader: FigureReader,
    by: str | None,
    begin: datetime,
    end: datetime,
    limit: int | None = None,
    queue: str | None = None,
) -> Timings:
    """The timings of the newest `limit` tasks that ended in [begin, end); None is the most.

    With `queue`, of those among them that are of this queue; whether it was more than were read
    isn't told then.
    """
    limit = reader.most_rows if limit is None else limit
    found = reader.timings(by, begin, end, limit, queue)
    rows = tuple(
        Timing(row.name, row.done, row.failed, _spread(row.wait), _spread(row.run)) for row in found
    )
    full = sum(row.done + row.failed for row in found) >= limit
    first = min((row.first for row in found), default=None) if full else None
    return Timings(by, begin, end, rows, first)


def _spread(values: tuple[float, float, float] | None) -> Spread | None:
    return None if values is None else Spread(*values)


def read_activity(  # noqa: PLR0917
    reader: FigureReader,
    by: str | None,
    begin: datetime,
    end: datetime,
    bucket: timedelta,
    limit: int | None = None,
) -> Activity:
    """What was created and ended in [begin, end), of each the newest `limit`; None is the most.

    Raises:
        InvalidInputError: buckets that are too short for the window.
    """
    if (end - begin) / bucket > MOST_BUCKETS:
        raise InvalidInputError(
            f"a window of {end - begin} has more than {MOST_BUCKETS:,} buckets of {bucket};"
            " take longer ones"
        )
    limit = reader.most_rows if limit is None else limit
    ended = reader.ended(by, begin, end, bucket, limit)
    arrived = reader.arrived(by, begin, end, bucket, limit)
    counts: dict[tuple[datetime, str], dict[str, int]] = {}
    for kind, rows in (("arrived", arrived), ("ended", ended)):
        for row in rows:
            what = kind
            if kind == "ended":
                what = "done" if row.status is TaskStatus.SUCCESSFUL else "failed"
            found = counts.setdefault((row.start, row.name), {})
            found[what] = found.get(what, 0) + row.number
    buckets = tuple(Bucket(start, name, **some) for (start, name), some in sorted(counts.items()))
    return Activity(by, begin, end, bucket, buckets, _cut(limit, ended, arrived))


def _cut(limit: int, *read: list[BucketRow]) -> datetime | None:
    """Since when all rows were read, where that is not the whole window."""
    cuts = [
        min(row.first for row in rows)
        for rows in read
        if rows and sum(row.number for row in rows) >= limit
    ]
    return max(cuts, default=None)


def read_rates(
    reader: FigureReader, by: str | None, begin: datetime, end: datetime, limit: int | None = None
) -> Rates:
    """How fast tasks arrived and ended in [begin, end), and when the backlog is gone."""
    limit = reader.most_rows if limit is None else limit
    whole = max(end - begin, timedelta(microseconds=1))
    ended = reader.ended(by, begin, end, whole, limit)
    arrived = reader.arrived(by, begin, end, whole, limit)
    pairs = [(_name_of(pair, by), pair) for pair in reader.open_pairs()]
    backlog, oldest = _backlog(pairs), _oldest(pairs)
    names = {row.name for row in [*ended, *arrived]} | backlog.keys()
    cut = _cut(limit, ended, arrived)
    speeds = [_per_minute(rows, begin, end, limit) for rows in (arrived, ended)]
    rows = (
        replace(
            rate(name, speeds[0].get(name, 0.0), speeds[1].get(name, 0.0), backlog.get(name, 0)),
            ready_since=oldest.get(name),
        )
        for name in sorted(names)
    )
    return Rates(by, begin, end, tuple(rows), cut)


def rate(name: str, arrived: float, ended: float, waiting: int) -> Rate:
    """The rate of a name, from tasks a minute and the backlog."""
    empty_in = 0.0
    if waiting:
        gain = ended - arrived
        empty_in = waiting / gain * 60 if gain > 0 else -1.0
    return Rate(name, arrived, ended, waiting, None if empty_in < 0 else empty_in)


def _per_minute(
    rows: list[BucketRow], begin: datetime, end: datetime, limit: int
) -> dict[str, float]:
    since = _cut(limit, rows) or begin
    minutes = max((end - since).total_seconds(), 1e-6) / 60
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.name] = counts.get(row.name, 0) + row.number
    return {name: count / minutes for name, count in counts.items()}


def _name_of(pair: OpenPair, by: str | None) -> str:
    return {"queue": pair.queue, "type": pair.type}.get(by or "", "")


def _backlog(pairs: Iterable[tuple[str, OpenPair]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, pair in pairs:
        found[name] = found.get(name, 0) + pair.ready + pair.leased
    return found


def _oldest(pairs: Iterable[tuple[str, OpenPair]]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for name, pair in pairs:
        if pair.ready and pair.ready_since is not None:
            found[name] = min(found.get(name, pair.ready_since), pair.ready_since)
    return found
