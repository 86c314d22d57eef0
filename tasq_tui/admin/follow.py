"""Follows a table: tasks that were created, started and ended since the last look."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tasq_core.filters import Filter
from tasq_core.filters.model import Term
from tasq_core.filters.values import Span
from tasq_core.repository.protocol import PageOrder, Repository
from tasq_core.task import Task, TaskStatus

if TYPE_CHECKING:
    from uuid import UUID

_OVERLAP: Final = timedelta(seconds=10)
"""Clocks of producers differ, and a row is seen when its transaction commits."""
_MOST: Final = 2000
"""Rows of one kind that one look reads; of more the rest comes with the next."""
_GLANCE: Final = 300


class What(StrEnum):
    """What happened to a task."""

    CREATED = "created"
    STARTED = "started"
    ENDED = "ended"


class Event(NamedTuple):
    """Something that happened to a task."""

    at: datetime
    what: What
    task: Task


class Follower:
    """Looks for what happened to tasks that match, each event once."""

    def __init__(self, repository: Repository, where: Filter) -> None:
        """Begin now, by the database's clock.

        Args:
            repository: where the tasks are.
            where: which ones.

        Raises:
            InvalidInputError: a filter by arguments, which can't be followed.
        """
        self._repository = repository
        self._where = where
        self._begin = repository.now()
        self._created = self._ended = self._begin
        self._seen: dict[tuple[What, UUID, int], datetime] = {}
        repository.ended_since(where, self._begin, 1)

    def look(self) -> list[Event]:
        """What happened since the last look, in the order of its times."""
        created = self._new_tasks()
        running = self._where & Filter.of((TaskStatus.IN_PROGRESS,))
        started = self._repository.page(running, PageOrder.NEWEST, None, _MOST, _GLANCE)
        ended = self._repository.ended_since(self._where, self._ended - _OVERLAP, _MOST)
        events = [Event(task.created_at, What.CREATED, task) for task in created]
        events += [
            Event(task.started_at, What.STARTED, task)
            for task in (*started, *ended)
            if task.started_at is not None
        ]
        events += [
            Event(task.finished_at, What.ENDED, task)
            for task in ended
            if task.finished_at is not None
        ]
        now = self._repository.now()  # a time ahead of it would hide all that comes before it
        latest = max([self._created, *(task.created_at for task in created)])
        self._created = min(latest, max(now, self._begin))
        latest = max([self._ended, *(task.finished_at or self._ended for task in ended)])
        self._ended = min(latest, max(now, self._begin))
        fresh = [event for event in events if event.at >= self._begin and self._is_new(event)]
        self._forget()
        return sorted(fresh, key=lambda event: event.at)

    def _new_tasks(self) -> list[Task]:
        since = Term("created", (Span(low=self._created - _OVERLAP),))
        where = self._where & Filter((since,))
        return self._repository.page(where, PageOrder.OLDEST, None, _MOST, _GLANCE)

    def _is_new(self, event: Event) -> bool:
        attempt = 0 if event.what is What.CREATED else event.task.receive_count
        key = (event.what, event.task.id, attempt)
        if key in self._seen:
            return False
        self._seen[key] = event.at
        return True

    def _forget(self) -> None:
        """Drop what no further look can meet; a task that still runs is met at each."""
        oldest = min(self._created, self._ended) - 2 * _OVERLAP
        self._seen = {
            key: at for key, at in self._seen.items() if at >= oldest or key[0] is What.STARTED
        }
