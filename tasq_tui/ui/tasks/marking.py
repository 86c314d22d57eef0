"""What is marked in the task list, which stands still then: tasks, ranges, screens."""

from collections.abc import Sequence
from uuid import UUID

from textual.widget import Widget

from tasq_core.task import Task
from tasq_tui.ui.tasks.marks import Marks
from tasq_tui.ui.tasks.window import Window


class MarkingList(Widget, can_focus=True):
    """A list over a window whose rows can be marked."""

    def __init__(
        self, window: Window, *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.window = window
        self._marks = Marks()
        self._is_frozen = False

    @property
    def current(self) -> Task | None:
        """The task under the cursor."""
        return self.window.current

    @property
    def selected_ids(self) -> frozenset[UUID]:
        """The marked tasks."""
        return self._marks.ids

    @property
    def target_ids(self) -> tuple[UUID, ...]:
        """What an action is for, as of now: the marked tasks, else the one under the cursor."""
        if self._marks.ids:
            return tuple(sorted(self._marks.ids))
        return () if self.current is None else (self.current.id,)

    def freeze(self, frozen: bool) -> None:
        """Freeze the list, while a dialog is about its rows, or thaw it."""
        self._is_frozen = frozen
        self._freeze()
        self._sync()

    def mark_all(self, ids: Sequence[UUID]) -> None:
        """Mark these tasks besides those marked."""
        self._marks.ids |= frozenset(ids)
        self._after_marking()

    def clear_selection(self) -> None:
        """Unmark everything."""
        self._marks.clear()
        self._after_marking()

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self.window.move(rows)
        self._after_moving()

    def action_mark(self) -> None:
        """Mark the task, or unmark it, and go on to the next."""
        if task := self.current:
            self._marks.end_range()
            self._marks.toggle(task.id)
            self._after_marking()
            self.action_move(1)

    def action_range(self) -> None:
        """Begin to mark a range, or end it."""
        if self._marks.drawing:
            self._marks.end_range()
        elif task := self.current:
            self._marks.begin_range(self.window.rank(task), task.id)
        self._after_marking()

    def action_draw(self, rows: int) -> None:
        """Move, marking what is passed."""
        if not self._marks.drawing and (task := self.current):
            self._marks.begin_range(self.window.rank(task), task.id)
        self.action_move(rows)

    def action_mark_page(self) -> None:
        """Mark all in view, or unmark them."""
        self._marks.end_range()
        self._marks.add(task.id for task in self.window.visible)
        self._after_marking()

    action_unmark = clear_selection

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape goes on to the screen where nothing is marked."""
        del parameters
        return action != "unmark" or bool(self._marks.ids or self._marks.drawing)

    def _sync(self) -> None:
        """Show what changed, and ask for what is missing."""
        raise NotImplementedError

    def _after_moving(self) -> None:
        self._draw_range()
        self._sync()

    def _after_marking(self) -> None:
        self._freeze()
        self._sync()

    def _draw_range(self) -> None:
        if self._marks.drawing and (task := self.current):
            rows = ((row.id, self.window.rank(row)) for row in self.window.rows)
            self._marks.draw_to(self.window.rank(task), rows)
            self._freeze()

    def _freeze(self) -> None:
        self.window.freeze(self._is_frozen or bool(self._marks.ids))
