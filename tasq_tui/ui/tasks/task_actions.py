"""What is done to the marked tasks, or to the one under the cursor."""

import json
from collections.abc import Callable
from functools import partial

from tasq_core.repository.protocol import Repository
from tasq_core.task import Task
from tasq_tui.admin import changes
from tasq_tui.admin.records import task_record
from tasq_tui.admin.selection import Selection, select_ids, select_where
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.messages import DryRun
from tasq_tui.ui.operations.export import export
from tasq_tui.ui.operations.preview_text import tasks
from tasq_tui.ui.operations.steer import ask_cancel, ask_edit
from tasq_tui.ui.operations.submit import submit_copy, submit_new
from tasq_tui.ui.operations.undo import undo
from tasq_tui.ui.session import Session
from tasq_tui.ui.tasks.viewing import ViewingScreen
from tasq_tui.ui.text.sanitize import safe


class ActingScreen(ViewingScreen):
    """A screen with a list of tasks whose keys change them."""

    def __init__(self, session: Session, empty: str) -> None:
        super().__init__(session, empty)
        self._all: Selection | None = None
        """All that matched when they were marked, where they are too many to mark singly."""

    def action_requeue(self, reset: bool) -> None:
        """Requeue what is marked, else the task under the cursor."""
        if select := self._targets():
            self.cockpit.changer.change(changes.requeue(select, reset=reset))

    def action_edit(self) -> None:
        """Give other values to what is marked, else to the task under the cursor."""
        if select := self._targets():
            ids = () if self._all is not None else self._list.target_ids
            ask_edit(self.cockpit.changer, select, ids)

    def action_cancel(self) -> None:
        """End what is marked, else the task under the cursor, running or not."""
        if select := self._targets():
            ask_cancel(self.cockpit.changer, select)

    def action_delete(self) -> None:
        """Delete what is marked, else the task under the cursor."""
        if select := self._targets():
            self.cockpit.changer.change(changes.delete(select))

    def action_purge(self) -> None:
        """Delete all that match."""
        purge = changes.delete(partial(select_where, asked=self.listed), changes.PURGE)
        self.cockpit.changer.change(purge)

    def action_undo(self) -> None:
        """Undo the last change."""
        undo(self.cockpit.changer)

    def action_new(self) -> None:
        """Write a new task."""
        changer = self.cockpit.changer
        changer.begin("submit", lambda: submit_new(changer))

    def action_clone(self) -> None:
        """Edit a copy of the task."""
        changer = self.cockpit.changer
        self._with_task(lambda task: changer.begin("submit", lambda: submit_copy(changer, task)))

    def action_dry_run(self) -> None:
        """Hand the task to the consumer for a dry run."""
        self._with_task(lambda task: self.post_message(DryRun(task)))

    def action_copy_task(self) -> None:
        """Copy the task as JSON."""

        def copy(task: Task) -> None:
            self.app.copy_to_clipboard(json.dumps(task_record(task), ensure_ascii=False, indent=2))
            self.cockpit.changer.notify(f"copied task {task.id.hex[:8]} as JSON")

        self._with_task(copy)

    def action_export(self) -> None:
        """Write what is marked, else all that match, to a file."""
        marked, where = self._list.selected_ids, self.listed
        select = self._targets() if marked or self._all else None
        everything = "All tasks that match" if where else "All tasks of the table"
        what = tasks(len(marked)) if marked else everything
        chosen = select or (lambda repository: select_where(repository, where))
        self.cockpit.changer.begin("export", lambda: export(self.cockpit.changer, what, chosen))

    def _targets(self) -> Callable[[Repository], Selection] | None:
        """What a change is for, as of now."""
        if any(worker.group == "mark" and worker.is_running for worker in self.workers):
            self.cockpit.changer.notify("still marking; press again", "warning")
            return None
        if (everything := self._all) is not None:
            return lambda _: everything
        ids = self._list.target_ids
        return partial(select_ids, texts=ids) if ids else None

    def _with_task(self, use: Callable[[Task], object]) -> None:
        """Call `use` with the whole of the task that is under the cursor now."""
        row = self._list.current
        if row is None:
            return

        async def read_and_use() -> None:
            detail = self.session.detail
            found = await detail.attempt(detail.repository.get_tasks, [row.id])
            if isinstance(found, Failure):
                self.cockpit.changer.notify(safe(found.error), "error")
            elif not found.value:
                self.cockpit.changer.notify(f"task {row.id} is gone", "warning")
            else:
                use(found.value[0])

        self.restart("use", read_and_use)
