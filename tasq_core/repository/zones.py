"""The time zone whose wall time a MySQL table holds."""

import math
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tasq_core.errors import InvalidInputError
from tasq_core.task import END_OF_TIME, IMMEDIATELY

_KNOWN_SECONDS: Final = 3600.0
"""How long the nearest change of an offset is remembered."""
_DAYS_AROUND: Final = 400
_SECOND_DAY: Final = datetime(1, 1, 2)  # noqa: DTZ001 - wall time
_MIDDLE: Final = 5000
"""Years below it that don't fit are before the calendar, others after."""


class LocalZone(tzinfo):
    """This process's own zone, summer time included, as Go's `time.Local` is its."""

    def utcoffset(self, at: datetime | None) -> timedelta | None:
        """The offset from UTC of the wall time `at`."""
        return None if at is None else at.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, at: datetime | None) -> timedelta | None:
        """Not known apart from the offset."""
        del at
        return None

    def tzname(self, at: datetime | None) -> str:
        """The name it was asked for by."""
        del at
        return "local"

    def fromutc(self, at: datetime) -> datetime:
        """The wall time at `at`, a time in UTC; of an hour that comes twice, the right one."""
        local = at.replace(tzinfo=UTC).astimezone()
        found = local.replace(tzinfo=self)
        return found if found.utcoffset() == local.utcoffset() else found.replace(fold=1)


def zone_named(zone: str | tzinfo) -> tzinfo:
    """The time zone of a name: "UTC", "local", or one like "Europe/Berlin".

    Raises:
        InvalidInputError: there is no such zone.
    """
    if isinstance(zone, tzinfo):
        return zone
    if zone.upper() == "UTC":
        return UTC
    if zone == "local":
        return LocalZone()
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInputError(
            f"unknown time zone {zone!r}: use UTC, local, or a name like Europe/Berlin"
        ) from None


def utc_now() -> datetime:
    """This machine's clock: it chooses which change of a zone's offset statements are told."""
    return datetime.now(UTC)


class WallTime:
    """A table's wall time: instants to and from it, here and in SQL.

    Where clocks are set back, an hour of wall time comes twice, and a row can't say which one
    it means. A time at which a task becomes visible is taken for the later one: no lease and no
    delay ends early, but one set in the first of the two hours may end an hour late.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._params: dict[str, object] = {}
        self._known_until = -math.inf

    @property
    def now(self) -> str:
        """The statement's moment, as an expression that `visible_at` compares with."""
        return self.of("UTC_TIMESTAMP(6)")

    @property
    def wall(self) -> str:
        """The statement's moment as a clock on the wall shows it, which is what rows keep."""
        if self._zone is UTC:
            return "UTC_TIMESTAMP(6)"
        return (
            "(UTC_TIMESTAMP(6) + INTERVAL IF(UTC_TIMESTAMP(6) < %(zone_change)s,"
            " %(zone_before)s, %(zone_after)s) SECOND)"
        )

    def of(self, moment: str) -> str:
        """The last wall time that has surely passed at `moment`, an expression in UTC.

        In the first of two hours that look alike it stands still before them.
        """
        if self._zone is UTC:
            return moment
        return (
            f"IF({moment} < %(zone_change)s, LEAST({moment} + INTERVAL %(zone_before)s SECOND,"
            f" CAST(%(zone_last)s AS DATETIME(6))), {moment} + INTERVAL %(zone_after)s SECOND)"
        )

    def params(self) -> dict[str, object]:
        """What the expressions need: the change of offset that is nearest to now.

        The server's own clock then says on which side of it a statement runs, so that neither
        a clock that differs nor a change in the middle of a call counts.
        """
        if time.monotonic() >= self._known_until:
            self._params = self._nearest_change()
            self._known_until = time.monotonic() + _KNOWN_SECONDS
        return self._params

    def drift(self, seconds: float) -> float:
        """What to add to `seconds` from now where further changes lie between."""
        if self._zone is UTC or abs(seconds) < _KNOWN_SECONDS:
            return 0.0
        params = self.params()
        try:
            at = utc_now() + timedelta(seconds=seconds)
            side = "zone_before" if at < _aware(params["zone_change"]) else "zone_after"
            return self._offset(at) - cast("int", params[side])
        except OverflowError:
            return 0.0

    def write(self, at: datetime) -> datetime:
        """The wall time of the aware time `at`; beyond the calendar, its end."""
        try:
            wall = at.astimezone(self._zone).replace(tzinfo=None)
        except (OverflowError, ValueError):
            early = at.year < _MIDDLE
            return datetime.min if early else datetime.max  # noqa: DTZ901 - wall time
        if self._zone is not UTC and (wall < _SECOND_DAY or at <= IMMEDIATELY):
            return datetime.min  # noqa: DTZ901 - wall time
        return wall

    def read(self, wall: datetime, *, later: bool = False) -> datetime:
        """The time in UTC of a wall time; of two the earlier one unless `later`.

        The first day of year 1, which Go writes in its own zone, is IMMEDIATELY at any hour.
        """
        if wall < _SECOND_DAY:
            return IMMEDIATELY
        if self._zone is UTC or wall == datetime.max:  # noqa: DTZ901 - wall time
            return wall.replace(tzinfo=UTC)
        try:
            return wall.replace(tzinfo=self._zone, fold=int(later)).astimezone(UTC)
        except (OverflowError, ValueError):
            return IMMEDIATELY if wall.year < _MIDDLE else END_OF_TIME

    def _offset(self, at: datetime) -> int:
        offset = at.astimezone(self._zone).utcoffset() or timedelta()
        return round(offset.total_seconds())

    def _nearest_change(self) -> dict[str, object]:
        now = utc_now().replace(microsecond=0)
        here = self._offset(now)
        if self._zone is not UTC:
            for days in range(1, _DAYS_AROUND):
                for step in (timedelta(days=days), timedelta(days=-days)):
                    if self._offset(now + step) != here:
                        return self._change_between(now, now + step)
        return _change(datetime.min, here, here)  # noqa: DTZ901 - UTC, as all of them

    def _change_between(self, one: datetime, other: datetime) -> dict[str, object]:
        first, last = sorted((one, other))
        before, after = self._offset(first), self._offset(last)
        while last - first > timedelta(seconds=1):
            middle = (first + (last - first) / 2).replace(microsecond=0)
            if self._offset(middle) == before:
                first = middle
            else:
                last = middle
        return _change(last.replace(tzinfo=None), before, after)


def _change(at: datetime, before: int, after: int) -> dict[str, object]:
    """The parameters of a change at `at`, naive UTC, from one offset to another in seconds."""
    last = datetime.max  # noqa: DTZ901 - wall time
    if after < before:
        last = at + timedelta(seconds=after) - timedelta(microseconds=1)
    return {
        "zone_change": at, "zone_before": before, "zone_after": after, "zone_last": last,
    }  # fmt: skip


def _aware(at: object) -> datetime:
    assert isinstance(at, datetime)  # noqa: S101 - one of `_change`'s
    return at.replace(tzinfo=UTC)
