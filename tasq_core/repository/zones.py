"""The time zone whose wall time a MySQL table holds."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tasq_core.errors import InvalidInputError


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
