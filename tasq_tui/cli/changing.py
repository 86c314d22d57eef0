"""What requeue, delete, purge and clean have in common: preview, ask, do, note, tell."""

from collections.abc import Callable
from dataclasses import dataclass

from tasq_core.errors import TaskNotFoundError
from tasq_core.reports import MutationResult
from tasq_core.repository.protocol import Repository
from tasq_tui.admin.audit_log import AuditLog
from tasq_tui.admin.command_line import command_line
from tasq_tui.admin.mutations import Mutation
from tasq_tui.admin.preview import Preview, preview
from tasq_tui.admin.selection import Selection
from tasq_tui.admin.session import check_writable
from tasq_tui.admin.trash import Trash, TrashFile
from tasq_tui.cli import confirmation, diagnostics, output, progress
from tasq_tui.cli.connection import Connection, connected
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.options import Given


@dataclass(frozen=True, slots=True)
class Change:
    """One call of a changing verb."""

    verb: str
    select: Callable[[Repository], Selection]
    flags: tuple[str, ...] = ()
    """Further options, for the journal's command line."""
    yes: bool = False
    dry_run: bool = False
    as_json: bool = False
    uses_trash: bool = False


Start = Callable[[Repository, Preview, TrashFile | None], Mutation]


def carry_out(given: Given, change: Change, start: Start) -> int:
    """Do `change`, whose batches `start` begins; the exit code."""
    with connected(given) as connection:
        if not change.dry_run:
            check_writable(connection.settings, change.verb)
        selection = change.select(connection.repository)
        seen = preview(connection.repository, change.verb, selection, connection.settings)
        if selection.ids and not seen.count and selection.limit is None:
            raise TaskNotFoundError(f"none of the {len(selection.ids):,} tasks exists")
        if change.dry_run:
            return _dry_run(connection, change, seen)
        confirmation.confirm(seen, connection.settings, yes=change.yes)
        return _do(connection, change, seen, start)


def _dry_run(connection: Connection, change: Change, seen: Preview) -> int:
    if change.as_json:
        record = confirmation.preview_record(seen, connection.settings)
        output.document({**record, "dry_run": True})
    else:
        output.text(
            "dry run: nothing is changed", *confirmation.described(seen, connection.settings)
        )
    return ExitCode.DONE


def _do(connection: Connection, change: Change, seen: Preview, start: Start) -> int:
    settings = connection.settings
    line = command_line(change.verb, seen.selection, settings, *change.flags, yes=True)
    trash = Trash().open(settings, connection.repository.table, line) if change.uses_trash else None
    try:
        outcome = progress.run(change.verb, start(connection.repository, seen, trash))
    finally:
        if trash is not None:
            trash.close()
    kept = str(trash.path) if trash is not None and trash.rows else ""
    _note_in_journal(connection, line, outcome, kept)
    return _tell(change, seen, outcome, kept)


def _note_in_journal(connection: Connection, line: str, run: progress.Run, kept: str) -> None:
    word = "interrupted" if run.interrupted else "done"
    try:
        AuditLog().note(
            connection.settings, line, run.result, str(run.error) if run.error else word, kept
        )
    except OSError as error:
        diagnostics.warn(f"the journal could not be written: {error}")


def _tell(change: Change, seen: Preview, run: progress.Run, kept: str) -> int:
    result = run.result
    if change.as_json:
        output.document(
            {
                "verb": change.verb, "done": result.done, "skipped": result.skipped,
                "total": seen.count, "interrupted": run.interrupted, "trash": kept or None,
            }
        )  # fmt: skip
    told = f"{confirmation.done_word(change.verb)} {result.done:,}"
    if result.skipped:
        told += f", skipped {result.skipped:,} ({_why(seen)})"
    left = seen.count + seen.gone - result.done - result.skipped
    if run.interrupted and left > 0:
        told += f"; interrupted, {left:,} left: run it again to go on"
    diagnostics.note(told)
    if kept:
        diagnostics.note(f"to undo: tasq import {kept}")
    if run.error is not None:
        code = diagnostics.failed(run.error)
        return ExitCode.PARTLY_DONE if result.done else code
    if run.interrupted:
        return ExitCode.INTERRUPTED
    return exit_code(result)


def exit_code(result: MutationResult) -> ExitCode:
    """How to exit after a change that ran to its end."""
    if not result.skipped:
        return ExitCode.DONE
    return ExitCode.PARTLY_DONE if result.done else ExitCode.FAILED


def _why(seen: Preview) -> str:
    return "leased" if not seen.gone else "not found" if not seen.leased else "leased or not found"
