"""The failures by kind: which part of them was read, and all tasks of one kind."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tasq_core.error_groups import group_errors, normalised
from tasq_core.filters import Filter, parse
from tasq_core.reports import ErrorGroup
from tasq_core.repository.protocol import PageOrder, Repository
from tasq_core.task import Task, TaskStatus
from tasq_tui.admin.selection import Selection, select_ids

FAILED: Final = Filter.of((TaskStatus.FAILED,))
RETRYING: Final = parse("error:*") & Filter.of(
    (TaskStatus.FAILED, TaskStatus.NEW, TaskStatus.ENQUEUED, TaskStatus.IN_PROGRESS)
)
"""Those too that failed before and may succeed yet."""
TREND_BUCKETS: Final = 12
_BUCKET: Final = timedelta(hours=2)
_PAGE: Final = 1000
_PREVIEW: Final = 1000
"""Characters of each error that are read; those that group it are among the first."""


@dataclass(frozen=True, slots=True)
class Failures:
    """The newest failures, grouped."""

    groups: Sequence[ErrorGroup]
    read: int
    """How many failures the groups are made of, the newest ones."""
    failed: int
    """How many there are."""
    trends: Mapping[str, Sequence[int]]
    """Of each group, by its message: failures in two hours each of the last day, old to new."""
    retrying: bool = False
    """Whether tasks that may succeed yet are among them."""

    @property
    def is_whole(self) -> bool:
        """Whether all failures were read."""
        return self.read >= self.failed


def read_failures(
    repository: Repository, most: int, now: datetime, *, retrying: bool = False
) -> Failures:
    """Group the newest `most` failures, and count the rest.

    Args:
        repository: where they are.
        most: how many are read.
        now: the database's clock.
        retrying: whether tasks that may succeed yet are failures too.
    """
    where = RETRYING if retrying else FAILED
    found = list(_walk(repository, where, most))
    trends: dict[str, list[int]] = {}
    for task in found:
        at = task.finished_at or task.started_at or task.created_at
        place = TREND_BUCKETS - 1 - max(now - at, timedelta()) // _BUCKET
        if place >= 0:
            buckets = trends.setdefault(normalised(task.last_error), [0] * TREND_BUCKETS)
            buckets[place] += 1
    failed = len(found) if len(found) < most else repository.count(where)
    return Failures(group_errors(found), len(found), max(len(found), failed), trends, retrying)


def select_group(repository: Repository, message: str, where: Filter = FAILED) -> Selection:
    """All tasks that match whose error is of this kind, those that weren't grouped included."""
    found = _walk(repository, where, None)
    return select_ids(
        repository, [task.id for task in found if normalised(task.last_error) == message]
    )


def _walk(repository: Repository, where: Filter, most: int | None) -> Iterator[Task]:
    """The newest `most` that match, their errors cut."""
    after, left = None, most
    while left is None or left > 0:
        limit = _PAGE if left is None else min(_PAGE, left)
        found = repository.page(where, PageOrder.NEWEST, after, limit, _PREVIEW)
        yield from found
        if len(found) < limit:
            return
        after = found[-1].created_at, found[-1].id
        left = None if left is None else left - len(found)
