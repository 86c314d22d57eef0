"""Edit and cancel: what to change is asked for, then it is a change as any other."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from tasq_core.errors import TasqError
from tasq_core.reports import MutationResult
from tasq_core.steering import is_leased
from tasq_core.task import FINISHED_STATUSES, Task
from tasq_core.wording import counted
from tasq_tui.admin import changes
from tasq_tui.admin.changes import Select
from tasq_tui.ui.dialogs.prompt import PromptDialog
from tasq_tui.ui.operations.change import Changer
from tasq_tui.ui.operations.drafts import Names
from tasq_tui.ui.operations.submit import draft_of


def ask_edit(changer: Changer, select: Select, ids: Sequence[UUID]) -> None:
    """Ask for new values, and edit what was selected when the key was pressed.

    Args:
        changer: makes the change.
        select: which tasks.
        ids: the same, empty for all that match; a single one's fields are shown.
    """
    changer.begin("edit", partial(_edit, changer, select, ids))


def ask_cancel(changer: Changer, select: Select) -> None:
    """Ask for the reason, and cancel what was selected when the key was pressed."""

    def answered(text: str | None) -> None:
        if text is not None:
            changer.change(changes.cancel(select, text.strip()))

    about = "They end as FAILED; running ones lose their lease. A reason for their error, if any:"
    dialog = PromptDialog("Cancel tasks", about, "", "Go on", lambda _: "")
    changer.app.push_screen(dialog, answered)


async def _edit(changer: Changer, select: Select, ids: Sequence[UUID]) -> MutationResult | None:
    """Ask until the database takes the values, or the user gives up."""
    # The text editor is dear to import, and not needed for the first frame.
    from tasq_tui.ui.dialogs.edit_values import EditValues, no_texts, texts_of  # noqa: PLC0415
    from tasq_tui.ui.dialogs.task_form import Context  # noqa: PLC0415

    session = changer.session
    title = f"Edit {counted(len(ids), 'task')}" if ids else "Edit all that match"
    before, note = None, ""
    texts: Mapping[str, str] = no_texts()
    if len(ids) == 1:
        task = await _one(changer, ids[0])
        if task is None:
            return None
        draft, note = draft_of(task)
        title, before = f"Edit {task.id.hex[:8]}", texts_of(task, draft)
        texts = before
    names, problem = Names(session.queues, session.types), ""
    while True:
        form = EditValues(title, before, texts, Context(note, problem, names))
        answer = await changer.app.push_screen_wait(form)
        if answer is None:
            return None
        wanted, texts = answer
        try:
            outcome = await changer.attempt(changes.edit(select, wanted.values, wanted.flags))
        except TasqError as error:
            problem = str(error)
            continue
        if outcome is None:
            return None
        if outcome.error is None or outcome.result.done:
            changer.report(outcome)
            if wanted.at is not None and wanted.at <= session.now():
                changer.notify("that time is past: they can be claimed at once")
            return outcome.result
        problem = str(outcome.error)


async def _one(changer: Changer, id: UUID) -> Task | None:
    """The task to edit; None where it can't be, which is said."""
    repository = changer.session.admin.repository
    found = await changer.ask("Reading the task", lambda: repository.get_tasks([id]))
    if found is None:
        return None
    task = found[0] if found else None
    if task is None:
        changer.notify(f"task {id} is gone", "warning")
    elif task.status in FINISHED_STATUSES:
        changer.notify(f"it is {task.status.value}: only open tasks are edited", "warning")
    elif is_leased(task, changer.session.now()):
        changer.notify("a consumer holds it: only tasks that nobody holds are edited", "warning")
    else:
        return task
    return None
