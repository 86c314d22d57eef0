"""Tasks into a file that `tasq import` reads: ask where, write, tell."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tasq_core.errors import TasqError
from tasq_core.reports import MutationResult
from tasq_core.repository.protocol import Repository
from tasq_core.transfer import to_line
from tasq_tui.admin.mutations import BATCH, Progress
from tasq_tui.admin.operation import Watch
from tasq_tui.admin.selection import Selection
from tasq_tui.ui.dialogs.prompt import PromptDialog
from tasq_tui.ui.operations.change import Changer
from tasq_tui.ui.operations.preview_text import tasks
from tasq_tui.ui.text.formats import size


async def export(
    changer: Changer, what: str, select: Callable[[Repository], Selection]
) -> MutationResult | None:
    """Write the selected tasks to a file that the user names; never over another file.

    Args:
        changer: who runs it.
        what: the tasks in words; inert text.
        select: which tasks, as of the key press.
    """
    name = f"tasq-{changer.session.now():%Y%m%d-%H%M%S}.ndjson"
    dialog = PromptDialog(
        "Export", f"{what}, a line of JSON each; tasq import reads them back.\nTo the file:",
        name, "Export", _problem,
    )  # fmt: skip
    given = await changer.app.push_screen_wait(dialog)
    if given is None:
        return None
    path = _path(given)
    repository = changer.session.admin.repository
    selection = await changer.ask("Selecting", lambda: select(repository))
    if selection is None:
        return None
    written, is_whole = await changer.work(
        "Exporting", partial(_write, repository, selection, path)
    )
    stopped = "" if is_whole else " until it was stopped"
    changer.notify(f"exported {tasks(written)}{stopped} to {path}{_size(path)}")
    return None


def _write(
    repository: Repository, selection: Selection, path: Path, watch: Watch
) -> tuple[int, bool]:
    """Write the selected tasks to a new file; how many, and whether these are all.

    Raises:
        TasqError: the file exists, or the disk refuses.
    """
    written = skipped = 0
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for ids in selection.sized_batches(repository, BATCH):
                found = repository.get_tasks(ids)
                file.writelines(f"{to_line(task)}\n" for task in found)
                written += len(found)
                skipped += len(ids) - len(found)
                if not watch(Progress(written, skipped, 0)):
                    return written, False
    except OSError as error:
        raise TasqError(f"{path} can't be written: {error.strerror}; name another file") from error
    return written, True


def _path(given: str) -> Path:
    return Path(given.strip()).expanduser()


def _size(path: Path) -> str:
    return f" ({size(path.stat().st_size)})" if path.exists() else ""


def _problem(given: str) -> str:
    path = _path(given)
    if not given.strip():
        return "name a file"
    if path.exists():
        return f"{path.name} exists; name another file"
    return "" if path.parent.is_dir() else f"there is no folder {path.parent}"
