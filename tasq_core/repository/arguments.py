"""Walks for filters that look into the arguments: decoded here, since no database can.

What the other terms leave is read in batches; how much that may be is bounded.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, takewhile
from typing import Final
from uuid import UUID

from tasq_core.errors import InvalidInputError
from tasq_core.filters import Filter
from tasq_core.filters.arguments import argument_terms, arguments_match
from tasq_core.repository.protocol import PageOrder
from tasq_core.task import Task
from tasq_core.wording import counted

MOST_LOOKED_AT: Final = 50_000
"""Tasks whose arguments one call decodes."""

_BATCH: Final = 1000
_PREVIEW: Final = 16_384
"""Bytes read of each task's arguments at first; longer ones are read one by one."""

Position = tuple[datetime, UUID]
Fetch = Callable[[Position | None, int, int | None], list[Task]]
"""Up to so many tasks beyond a position that the SQL terms leave, in order, cut to a preview."""

Get = Callable[[list[UUID]], list[Task]]
"""Whole tasks by id."""


@dataclass(frozen=True, slots=True)
class ArgumentWalk:
    """A walk over the tasks that a filter's terms in SQL leave, in one order."""

    where: Filter
    order: PageOrder
    fetch: Fetch
    get: Get

    def page(self, after: Position | None, limit: int, preview: int | None) -> list[Task]:
        """Up to `limit` matches, cut to `preview` bytes of args and characters of last_error."""
        return [_cut(task, preview) for task in islice(self._matches(after), max(0, limit))]

    def ids(self, until: datetime, after: Position | None, limit: int) -> list[Position]:
        """(created_at, id) of up to `limit` matches, none created after `until`."""
        known = takewhile(lambda task: task.created_at <= until, self._matches(after))
        readable = (task for task in known if not task.unreadable)
        return [(task.created_at, task.id) for task in islice(readable, max(0, limit))]

    def count(self, limit: int | None) -> int:
        """How many match; counting stops at `limit`."""
        return sum(1 for _ in islice(self._matches(None), limit))

    def _matches(self, after: Position | None) -> Iterator[Task]:
        """The tasks for which the argument terms hold as well, in order.

        Raises:
            InvalidInputError: there are more to look at than `MOST_LOOKED_AT`.
        """
        terms = argument_terms(self.where)
        looked_at = matched = 0
        while True:
            tasks = self.fetch(after, _BATCH, _PREVIEW)
            for task in tasks:
                for whole in self._whole(task):
                    if arguments_match(terms, whole.args):
                        matched += 1
                        yield whole
            looked_at += len(tasks)
            if len(tasks) < _BATCH:
                return
            if looked_at >= MOST_LOOKED_AT:
                raise InvalidInputError(
                    f"{' '.join(map(str, terms))}: arguments are decoded one by one, and of the"
                    f" {counted(looked_at, 'task')} looked at {matched:,} match, with more to look"
                    " at; add terms that leave fewer, say status:, queue:, type: or created:<1d"
                )
            after = self.order.place(tasks[-1])

    def _whole(self, task: Task) -> list[Task]:
        """The task as it stands in the table; none where it has gone meanwhile."""
        if max(len(task.args), len(task.last_error or "")) < _PREVIEW:
            return [task]
        return self.get([task.id])


def _cut(task: Task, preview: int | None) -> Task:
    if not preview or task.unreadable:
        return task
    error = None if task.last_error is None else task.last_error[:preview]
    return replace(task, args=task.args[:preview], last_error=error)
