"""Undo: the rows that the last change touched become what they were."""

from textual.content import Content

from tasq_core.reports import MutationResult
from tasq_tui.admin import changes
from tasq_tui.admin.command_line import brief
from tasq_tui.admin.operation import prepare
from tasq_tui.admin.preview import target_text
from tasq_tui.admin.trash import Discarded, Trash
from tasq_tui.admin.undo import find_change, last_change
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.operations.change import Changer
from tasq_tui.ui.operations.preview_text import tasks
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.formats import moment
from tasq_tui.ui.text.sanitize import safe


def undo(changer: Changer, change_id: str = "") -> None:
    """Begin to undo a change of this table, the last one unless its id is given.

    Asks first where an earlier run made it.
    """
    changer.begin("undo", lambda: _undo(changer, change_id))


async def _undo(changer: Changer, change_id: str) -> MutationResult | None:
    session, trash = changer.session, Trash()

    def look() -> Discarded | None:
        if change_id:
            return find_change(trash, session.settings, session.table, change_id)
        return last_change(trash, session.settings, session.table)

    found = await changer.ask("Looking into the undo log", look)
    if found is None:
        changer.notify("nothing to undo: no change of this table keeps rows")
        return None
    if found.path not in session.changes:
        title = f"Undo: put {tasks(found.rows)} back?"
        dialog = ConfirmDialog(title, _about(found, session), "Undo")
        if not await changer.app.push_screen_wait(dialog):
            return None
    change = changes.undo(trash, found)
    operation = prepare(session.admin.repository, session.settings, change)
    outcome = await changer.run("Undoing", operation)
    changer.report(outcome)
    return outcome.result


def _about(found: Discarded, session: Session) -> Content:
    where = safe(target_text(session.settings))
    text = (
        f"{where}\nChanged at {moment(found.at)} by an earlier run:\n{safe(brief(found.command))}"
    )
    return Content.styled(text, "$text-muted")
