"""Walks for filters that look into the arguments: decoded here, since no database can.

What the other terms leave is read in batches; how much that may be is bounded.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice, takewhile
from typing import Final
from uuid import UUID

from tasq_core.errors import InvalidInputError
from tasq_core.filters import Filter
from tasq_core.filters.arguments import argument_terms, arguments_match
from tasq_core.task import Task

MOST_LOOKED_AT: Final = 50_000
"""Tasks whose arguments one call decodes."""

_BATCH: Final = 1000

Position = tuple[datetime, UUID]
Fetch = Callable[[Position | None, int], list[Task]]
"""Up to so many whole tasks beyond a position that the SQL terms leave, in order."""


def matching_tasks(where: Filter, after: Position | None, fetch: Fetch) -> Iterator[Task]:
    """The tasks for which the argument terms hold as well, in order.

    Raises:
        InvalidInputError: there are more to look at than `MOST_LOOKED_AT`.
    """
    terms = argument_terms(where)
    looked_at = matched = 0
    while True:
        tasks = fetch(after, _BATCH)
        for task in tasks:
            if arguments_match(terms, task.args):
                matched += 1
                yield task
        looked_at += len(tasks)
        if len(tasks) < _BATCH:
            return
        if looked_at >= MOST_LOOKED_AT:
            raise InvalidInputError(
                f"{' '.join(map(str, terms))}: arguments are decoded one by one, and of the"
                f" {looked_at:,} tasks looked at {matched:,} match, with more to look at; add"
                " terms that leave fewer, say status:, queue:, type: or created:<1d"
            )
        after = (tasks[-1].created_at, tasks[-1].id)


def page_of(
    where: Filter, fetch: Fetch, after: Position | None, limit: int, preview: int | None
) -> list[Task]:
    """Up to `limit` tasks, cut to `preview` bytes of args and characters of last_error."""
    found = islice(matching_tasks(where, after, fetch), max(0, limit))
    return [_cut(task, preview) for task in found]


def ids_of(
    where: Filter, fetch: Fetch, until: datetime, after: Position | None, limit: int
) -> list[Position]:
    """(created_at, id) of up to `limit` tasks, oldest first, none created after `until`."""
    known = takewhile(lambda task: task.created_at <= until, matching_tasks(where, after, fetch))
    readable = (task for task in known if not task.unreadable)
    return [(task.created_at, task.id) for task in islice(readable, max(0, limit))]


def count_of(where: Filter, fetch: Fetch, limit: int | None) -> int:
    """How many match; counting stops at `limit`."""
    return sum(1 for _ in islice(matching_tasks(where, None, fetch), limit))


def _cut(task: Task, preview: int | None) -> Task:
    if not preview or task.unreadable:
        return task
    error = None if task.last_error is None else task.last_error[:preview]
    return replace(task, args=task.args[:preview], last_error=error)
