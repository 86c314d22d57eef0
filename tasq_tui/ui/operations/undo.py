"""Undo: the last deletion comes back from the trash."""

from textual.content import Content

from tasq_core.reports import MutationResult
from tasq_tui.admin import changes
from tasq_tui.admin.operation import prepare
from tasq_tui.admin.preview import target_text
from tasq_tui.admin.trash import Discarded, Trash
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.operations.change import Changer
from tasq_tui.ui.operations.preview_text import tasks
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.formats import moment
from tasq_tui.ui.text.sanitize import safe


def undo(changer: Changer) -> None:
    """Begin to restore the last deletion from this table; asks where an earlier run made it."""
    changer.begin("undo", lambda: _undo(changer))


async def _undo(changer: Changer) -> MutationResult | None:
    session, trash = changer.session, Trash()
    found = await changer.ask("Looking into the trash", lambda: _last(trash, session))
    if found is None:
        changer.tell("nothing to undo: the trash holds no deletion from this table")
        return None
    if found.path not in session.deleted:
        dialog = ConfirmDialog(f"Restore {tasks(found.rows)}?", _about(found, session), "Restore")
        if not await changer.app.push_screen_wait(dialog):
            return None
    lines, which = trash.lines(found.path), (str(found.path),)
    change = changes.restore(lines, found.rows, which)
    operation = prepare(session.admin.repository, session.settings, change)
    outcome = await changer.run("Restoring", operation)
    if outcome.error is None and not outcome.interrupted:
        session.restored.add(found.path)
        session.deleted[:] = [path for path in session.deleted if path != found.path]
    changer.report(outcome)
    return outcome.result


def _last(trash: Trash, session: Session) -> Discarded | None:
    ours = (session.settings.redacted_url, session.table)
    return next(
        (
            entry
            for entry in trash.entries()
            if (entry.target, entry.table) == ours and entry.path not in session.restored
        ),
        None,
    )


def _about(found: Discarded, session: Session) -> Content:
    where = safe(target_text(session.settings))
    text = f"{where}\nDeleted at {moment(found.at)} by an earlier run:\n{safe(found.command)}"
    return Content.styled(text, "$text-muted")
