"""Lists of tasks to page through: one that changes, and one too long to be stored."""

import uuid
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tasq_core.repository.protocol import PageOrder
from tasq_core.task import Task, TaskStatus
from tasq_tui.ui.tasks.keyset import Key, answer
from tasq_tui.ui.tasks.window import Window

key_of = PageOrder.OLDEST.place

START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def row(second: int, number: int, **fields: Any) -> Task:
    """A task created, and ended, at a second: all orders have the same tasks."""
    at = START + second * SECOND
    values: dict[str, Any] = {"type": "email", "args": b"{}", "queue": "mail", **fields}
    return Task(id=uuid.UUID(int=number), created_at=at, **{"finished_at": at} | values)


class ListSource:
    """A small table that tests change by hand; it counts the rows it gave."""

    def __init__(self, rows: Sequence[Task] = ()) -> None:
        self.rows = sorted(rows, key=key_of)
        self.pages: list[int] = []

    def add(self, task: Task) -> None:
        insort(self.rows, task, key=key_of)

    def ordered(self, order: PageOrder) -> list[Task]:
        return self.rows[::-1] if order.descends else self.rows

    def page(self, order: PageOrder, after: Key | None, limit: int) -> Sequence[Task]:
        if not order.descends:
            start = 0 if after is None else bisect_right(self.rows, after, key=key_of)
            found = self.rows[start : start + limit]
        else:
            end = len(self.rows) if after is None else bisect_left(self.rows, after, key=key_of)
            found = self.rows[max(end - limit, 0) : end][::-1]
        self.pages.append(len(found))
        return found


class ComputedSource:
    """`total` tasks, one a second, computed when asked for."""

    STATUSES = tuple(TaskStatus)

    def __init__(self, total: int = 10_000_000, **fields: object) -> None:
        self.total = total
        self.fields = fields

    def task(self, index: int) -> Task:
        fields = {"status": self.STATUSES[index % 5], "type": f"type-{index % 7}"} | self.fields
        return row(index, index, **fields)

    def page(self, order: PageOrder, after: Key | None, limit: int) -> Sequence[Task]:
        if not order.descends:
            start = 0 if after is None else self._place(after, first_beyond=True)
            return [self.task(i) for i in range(start, min(start + limit, self.total))]
        end = self.total if after is None else self._place(after, first_beyond=False)
        return [self.task(i) for i in range(end - 1, max(end - limit, 0) - 1, -1)]

    def _place(self, key: Key, *, first_beyond: bool) -> int:
        at, task_id = key
        index = (at - START) // SECOND
        mine = (START + index * SECOND, uuid.UUID(int=max(index, 0)))
        passed = mine <= (at, task_id) if first_beyond else mine < (at, task_id)
        return min(max(index + 1 if passed else index, 0), self.total)


def serve(window: Window, source: ListSource | ComputedSource) -> int:
    """Answer every request until none is left; how many there were."""
    served = 0
    while need := window.need():
        window.deliver(need, answer(need, source))
        served += 1
        assert served < 50, "the window never has enough"
    return served
