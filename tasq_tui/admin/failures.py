"""The failures by kind: which part of them was read, and all tasks of one kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tasq_core.error_groups import normalised
from tasq_core.filters import Filter
from tasq_core.inspector import Inspector
from tasq_core.reports import ErrorGroup
from tasq_core.repository.protocol import PageOrder, Repository
from tasq_core.task import TaskStatus
from tasq_tui.admin.selection import Selection, select_ids

_FAILED: Final = Filter.of((TaskStatus.FAILED,))
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

    @property
    def is_whole(self) -> bool:
        """Whether all failures were read."""
        return self.read >= self.failed


def read_failures(inspector: Inspector, most: int) -> Failures:
    """Group the newest `most` failures, and count the rest."""
    groups = inspector.errors(None, most)
    read = sum(group.count for group in groups)
    failed = read if read < most else inspector.count(statuses=(TaskStatus.FAILED,))
    return Failures(groups, read, max(read, failed))


def select_group(repository: Repository, message: str) -> Selection:
    """All failed tasks whose error is of this kind, those that weren't grouped included."""
    ids, after = [], None
    while found := repository.page(_FAILED, PageOrder.NEWEST, after, _PAGE, _PREVIEW):
        ids += [task.id for task in found if normalised(task.last_error) == message]
        after = found[-1].created_at, found[-1].id
    return select_ids(repository, ids)
