"""Undo: the last deletion comes back from the trash."""

import shlex
from pathlib import Path

from textual.content import Content

from tasq_core.reports import MutationResult
from tasq_tui.admin import mutations
from tasq_tui.admin.command_line import target
from tasq_tui.admin.trash import Discarded, Trash
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.operations.change import Changer
from tasq_tui.ui.operations.preview_text import tasks
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.formats import count, moment
from tasq_tui.ui.text.sanitize import safe


async def undo(changer: Changer) -> MutationResult | None:
    """Restore the last deletion from this table; asks where an earlier run made it."""
    return await changer.alone("undo", lambda: _undo(changer))


async def _undo(changer: Changer) -> MutationResult | None:
    session, trash = changer.session, Trash()
    found = await changer.ask("Looking into the trash", lambda: _last(trash, session))
    if found is None:
        changer.tell("nothing to undo: the trash holds no deletion from this table")
        return None
    if found.path not in session.deleted:
        dialog = ConfirmDialog(f"Restore {tasks(found.rows)}?", _about(found), "Restore")
        if not await changer.app.push_screen_wait(dialog):
            return None
    lines = trash.lines(found.path)
    mutation = mutations.restore(session.admin.repository, lines, found.rows)
    ran = await changer.run("Restoring", mutation, found.rows)
    if ran.outcome == "done":
        session.restored.add(found.path)
        session.deleted[:] = [path for path in session.deleted if path != found.path]
    session.note("restore", _command(found.path, session), ran.result, outcome=ran.outcome)
    message = f"restored {count(ran.result.done)}"
    if ran.result.skipped:
        message += f", skipped {count(ran.result.skipped)} (there already)"
    if ran.outcome != "done":
        message += f"; {ran.outcome}"
    changer.tell(message, "error" if ran.failed else "information")
    return ran.result


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


def _about(found: Discarded) -> Content:
    text = f"Deleted at {moment(found.at)} by an earlier run:\n{safe(found.command)}"
    return Content.styled(text, "$text-muted")


def _command(path: Path, session: Session) -> str:
    return shlex.join(["tasq", "import", *target(session.settings), str(path)])
