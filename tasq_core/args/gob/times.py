"""time.Time as its own GobEncode writes it: Go's `time.Time.MarshalBinary`.

    version 1 | int64 seconds since year 1 | int32 nanoseconds | int16 zone in minutes

All big-endian; zone -1 is UTC. Version 2 adds a byte: the seconds of the zone's offset.
"""

# ruff: noqa: PLR2004 - the numbers are the wire format's own

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from struct import Struct
from typing import Any, Final

from tasq_core.args.gob.wire import read_bytes

TIME_TYPE_NAME: Final = "Time"

_VERSION_1: Final = Struct(">bqih")
_VERSION_2: Final = Struct(">bqihb")
_UTC_YEAR_1: Final = datetime(1, 1, 1, tzinfo=UTC)
_NAIVE_YEAR_1: Final = datetime(1, 1, 1)  # noqa: DTZ001 - local times are counted from it
_UTC_MINUTES: Final = -1
_UTC_OFFSET: Final = -60
_NANOSECONDS: Final = 1_000_000_000
_LAST_SECOND: Final = 315_537_897_599  # 9999-12-31T23:59:59
_DAY_SECONDS: Final = 86_400


@lru_cache(maxsize=4096)
def _year_1(offset: int) -> datetime:
    """The first moment of year 1 by a clock `offset` seconds east of UTC."""
    return datetime(1, 1, 1, tzinfo=timezone(timedelta(seconds=offset)) if offset else UTC)


def read_time(data: bytes, pos: int, _depth: int = 0, _run: Any = None) -> tuple[Any, int]:
    """An aware datetime, to the microsecond, in the zone it was sent with.

    What no datetime can say (another type called Time, a year past 9999) stays bytes.
    """
    raw, end = read_bytes(data, pos)
    if len(raw) == 15 and raw[0] == 1:
        _, seconds, nanoseconds, minutes = _VERSION_1.unpack(raw)
        offset = minutes * 60
    elif len(raw) == 16 and raw[0] == 2:
        _, seconds, nanoseconds, minutes, extra = _VERSION_2.unpack(raw)
        offset = minutes * 60 + extra
    else:
        return raw, end
    if not (0 <= seconds <= _LAST_SECOND and 0 <= nanoseconds < _NANOSECONDS):
        return raw, end
    local = seconds + offset
    if offset == _UTC_OFFSET or not 0 <= local <= _LAST_SECOND:
        return _UTC_YEAR_1 + timedelta(0, seconds, nanoseconds // 1000), end
    if not -_DAY_SECONDS < offset < _DAY_SECONDS:
        return raw, end
    return _year_1(offset) + timedelta(0, local, nanoseconds // 1000), end


def time_bytes(value: datetime) -> bytes:
    """`value` as Go's time.Time sends itself.

    Raises:
        ValueError: `value` is naive, or its zone is not a whole number of seconds.
    """
    offset = value.utcoffset()
    if offset is None:
        raise ValueError("has no time zone; pass an aware datetime, say UTC")
    since = value.replace(tzinfo=None) - _NAIVE_YEAR_1 - offset
    seconds = since.days * _DAY_SECONDS + since.seconds
    nanoseconds = since.microseconds * 1000
    if not offset:
        return _VERSION_1.pack(1, seconds, nanoseconds, _UTC_MINUTES)
    if offset.microseconds:
        raise ValueError("is in a zone with a fraction of a second, which Go has no form for")
    # differs from divmod: Go truncates toward zero, and its reader adds both parts.
    whole = offset.days * _DAY_SECONDS + offset.seconds
    minutes = int(whole / 60)
    extra = whole - minutes * 60
    if not extra and minutes != _UTC_MINUTES:
        return _VERSION_1.pack(1, seconds, nanoseconds, minutes)
    if minutes == _UTC_MINUTES:
        raise ValueError("is in a zone one minute west of UTC, which Go's form takes for UTC")
    return _VERSION_2.pack(2, seconds, nanoseconds, minutes, extra)
