"""Whether a MySQL table's times are of another zone than they are read in.

Go's library stores its process's local time. Read as UTC, leases of running tasks then look
lapsed (zones west of UTC), or tasks seem to come from the future (east of it).
"""

from typing import Final

from tasq_core.errors import InvalidInputError
from tasq_core.filters import Filter
from tasq_core.repository.protocol import PageOrder, Repository
from tasq_core.repository.schema_check import seconds_since_write
from tasq_core.repository.urls import take_options
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.wording import span

_QUARTER: Final = 900.0
"""Seconds; every zone's offset is a whole number of quarter hours."""

_FARTHEST: Final = 14 * 3600.0
"""Seconds: the zone farthest east is Kiritimati's; a time further ahead isn't a local one."""

_NEAR: Final = 120.0
"""Seconds: how near to such an offset the newest time of a table in use stands."""

_LEASES: Final = 200


def zone_is_given(settings: Settings) -> bool:
    """Whether somebody named the zone of the table's times, if only as UTC."""
    return bool(settings.time_zone or take_options(settings.url)[1].get("time_zone"))


def offset_of_times(repository: Repository) -> float:
    """Seconds by which the table's times seem to be off; 0 where nothing speaks for it.

    Positive: they lie in the future, as local times east of UTC do. Negative: the table was
    written just now, and the newest of its times, running tasks' leases included, are a whole
    number of quarter hours old.

    Raises:
        RepositoryError: the database refused.
    """
    if repository.dialect not in {"mysql", "mariadb"}:
        return 0.0
    now = repository.now()
    newest = repository.page(Filter(), PageOrder.NEWEST, None, 1)
    if not newest:
        return 0.0
    leased = repository.page(
        Filter.parse("status:enqueued,in_progress"), PageOrder.NEWEST, None, _LEASES
    )
    ahead = (newest[0].created_at - now).total_seconds()
    if _QUARTER - _NEAR < ahead < _FARTHEST + _NEAR:
        return ahead
    written = seconds_since_write(repository)
    if not leased or written is None or written > _NEAR:
        return 0.0
    times = [newest[0].created_at, *(task.visible_at for task in leased)]
    times += [task.started_at for task in leased if task.started_at]
    behind = (max(times) - now).total_seconds()
    quarters = round(behind / _QUARTER)
    return behind if quarters < 0 and abs(behind - quarters * _QUARTER) <= _NEAR else 0.0


def check_times(repository: Repository, settings: Settings, verb: str) -> None:
    """Refuse a change of a table whose times seem to be of another zone, until one is told.

    Raises:
        InvalidInputError: the times are off, and nobody named the zone.
        RepositoryError: the database refused the question.
    """
    if zone_is_given(settings):
        return
    offset = offset_of_times(repository)
    if offset:
        raise InvalidInputError(f"{verb} is refused: {described(offset)}")


def described(offset: float) -> str:
    """What is off, and what to do."""
    quarters = round(abs(offset) / _QUARTER) * _QUARTER
    way = "in the future" if offset > 0 else "behind"
    return (
        f"the table's times are {span(quarters)} {way}: it seems to hold local time, as Go"
        " programs write it, and leases of running tasks would be judged wrongly; name the zone"
        " with --time-zone (America/New_York, local, or UTC if the times are right)"
    )
