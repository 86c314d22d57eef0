"""Which tasks are marked: one by one, a page at a time, or as a range the cursor draws."""

from collections.abc import Iterable
from uuid import UUID

from tasq_tui.ui.tasks.keyset import Rank


class Marks:
    """A set of task ids, and the range being drawn.

    A range may be longer than the rows held at a time: what the cursor passed is remembered,
    so that going back shrinks the range again.
    """

    def __init__(self) -> None:
        self.ids: frozenset[UUID] = frozenset()
        self._before_range: frozenset[UUID] = frozenset()
        self._anchor: Rank | None = None
        self._passed: dict[UUID, Rank] = {}

    @property
    def drawing(self) -> bool:
        """Whether the cursor draws a range."""
        return self._anchor is not None

    def toggle(self, task_id: UUID) -> None:
        """Mark the task, or unmark it."""
        self.ids ^= {task_id}

    def add(self, ids: Iterable[UUID]) -> None:
        """Mark all of `ids`, or unmark them if all are marked."""
        given = frozenset(ids)
        self.ids = self.ids - given if given <= self.ids else self.ids | given

    def clear(self) -> None:
        """Unmark everything."""
        self.ids = frozenset()
        self.end_range()

    def begin_range(self, at: Rank, task_id: UUID) -> None:
        """Draw a range from this task."""
        self._before_range = self.ids
        self._anchor = at
        self._passed = {task_id: at}
        self.ids |= {task_id}

    def draw_to(self, at: Rank, rows: Iterable[tuple[UUID, Rank]]) -> None:
        """Let the range end at the rank `at`; `rows` hold what lies on the way."""
        if self._anchor is None:
            return
        low, high = sorted((self._anchor, at))
        self._passed.update((task_id, rank) for task_id, rank in rows if low <= rank <= high)
        inside = {task_id for task_id, rank in self._passed.items() if low <= rank <= high}
        self.ids = self._before_range | inside

    def end_range(self) -> None:
        """Keep what is marked; the cursor draws no more."""
        self._anchor = None
        self._passed.clear()
