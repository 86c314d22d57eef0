"""Cron lines: read with the place of an error, and the times they stand for.

Ticks are those of Debian's cron, by `cronsim`. At daylight saving a line with fixed hours runs
once a day: in the hour that is skipped at the first moment after it, in the hour that comes twice
the first time. A line whose minutes or hours begin with `*` runs as real time passes.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from tasq_core.errors import CronSyntaxError, InvalidInputError
from tasq_core.repository.zones import zone_named
from tasq_core.task import check_text

if TYPE_CHECKING:
    from cronsim import CronSim

_FIELDS: Final = ("minute", "hour", "day of the month", "month", "day of the week")
_RANGES: Final = {
    "second": "0-59", "minute": "0-59", "hour": "0-23", "day of the month": "1-31, L or LW",
    "month": "1-12 or JAN-DEC", "day of the week": "0-7 or SUN-SAT, also 5L and MON#2",
}  # fmt: skip
_NAMED: Final = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}  # fmt: skip
_WINDOWS: Final = tuple(timedelta(seconds=s) for s in (60, 3600, 86_400, 32 * 86_400, 366 * 86_400))
_PROBE: Final = datetime(2024, 1, 1, tzinfo=UTC)


class Cron:
    """One cron line in one time zone.

    Args:
        line: minute, hour, day of the month, month, day of the week; or six fields, seconds
            first; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
        time_zone: whose wall time the line is in: "UTC", or a name like "Europe/Berlin".

    Raises:
        CronSyntaxError: a line that can't be read, or that never comes.
        InvalidInputError: no such zone, or `cronsim` isn't installed.
    """

    def __init__(self, line: str, time_zone: str = "UTC") -> None:
        check_text("cron", line)
        self._zone = _zone(time_zone)
        self._line = _NAMED.get(line.strip().lower(), line)
        _check(line, self._line)
        # A fixed second is added afterwards: only lines of five fields know daylight saving.
        self._seconds = timedelta()
        first, *rest = self._line.split()
        if len(rest) == len(_FIELDS) and first.isdigit():
            self._line, self._seconds = " ".join(rest), timedelta(seconds=int(first))
        if self.next_after(_PROBE) is None:
            raise CronSyntaxError(line, 0, "this cron line never comes: there is no such day")

    def next_after(self, moment: datetime) -> datetime | None:
        """The first tick later than `moment`, aware UTC; None where there is none in 50 years."""
        start = (moment - self._seconds).astimezone(self._zone)
        for tick in _simulated(self._line, start):
            found = tick.astimezone(UTC) + self._seconds
            if found > moment:  # of an hour that comes twice it may name the first one again
                return found
        return None

    def latest(self, first: datetime, now: datetime) -> datetime:
        """The last tick up to `now`, where `first` is one that has come."""
        for window in _WINDOWS:
            begin = now - window
            if begin <= first:
                break
            if ticks := list(self.between(begin, now)):
                return ticks[-1]
        else:
            begin = first
        return [first, *self.between(max(begin, first), now)][-1]

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The ticks later than `after` and not later than `until`."""
        tick = self.next_after(after)
        while tick is not None and tick <= until:
            yield tick
            tick = self.next_after(tick)


def _simulator() -> "type[CronSim]":
    try:
        from cronsim import CronSim  # noqa: PLC0415 - an extra
    except ImportError:
        raise InvalidInputError(
            "periodic tasks need the package cronsim: pip install 'tasq-core[schedules]'"
        ) from None
    return CronSim


def _simulated(line: str, start: datetime) -> "CronSim":
    return _simulator()(line, start)


def _zone(name: str) -> tzinfo:
    check_text("time_zone", name)
    if name == "local":
        raise InvalidInputError(
            "time_zone 'local' differs from machine to machine, and any consumer may fire a"
            " schedule: use UTC, or a name like Europe/Berlin"
        )
    return zone_named(name)


def _check(line: str, plain: str) -> None:
    """Refuse a line that can't be read, and say where.

    Raises:
        CronSyntaxError: names the field, the place and what stands there.
    """
    _simulator()
    if plain is not line:
        return
    fields = list(re.finditer(r"\S+", line))
    if fields and fields[0][0].startswith("@"):
        known = ", ".join(_NAMED)
        raise CronSyntaxError(line, fields[0].start(), f"unknown name {fields[0][0]!r}: {known}")
    if len(fields) not in (len(_FIELDS), len(_FIELDS) + 1):
        place = fields[6].start() if len(fields) > len(_FIELDS) + 1 else len(line.rstrip())
        raise CronSyntaxError(
            line, place, f"a cron line has five fields ({', '.join(_FIELDS)}), not {len(fields)}"
        )
    names = _FIELDS if len(fields) == len(_FIELDS) else ("second", *_FIELDS)
    for number, (name, field) in enumerate(zip(names, fields, strict=True)):
        place = field.start()
        for term in field[0].split(","):
            if not _is_readable(term, number, len(names)):
                hint = f"{term!r} is not a {name}: use {_RANGES[name]}, *, lists, ranges or steps"
                raise CronSyntaxError(line, place, hint)
            place += len(term) + 1
    if not _is_readable(line):
        raise CronSyntaxError(line, fields[-3].start(), "this cron line never comes: no such day")


def _is_readable(text: str, number: int | None = None, count: int = 0) -> bool:
    """Whether `text` is a cron line, or what may stand as the field of this number of `count`."""
    from cronsim import CronSimError  # noqa: PLC0415 - an extra

    line = text
    if number is not None:
        if text == "":
            return False
        fields = ["*"] * count
        fields[number] = text
        line = " ".join(fields)
    try:
        _simulated(line, _PROBE)
    except (CronSimError, ValueError, AssertionError, TypeError):
        return False
    return True
