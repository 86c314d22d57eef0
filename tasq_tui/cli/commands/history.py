"""tasq undo, history."""

from typing import Annotated, Any

import typer

from tasq_core.transfer import iso
from tasq_tui.admin import changes
from tasq_tui.admin.audit_log import AuditLog, Entry
from tasq_tui.admin.operation import Change
from tasq_tui.admin.trash import Trash
from tasq_tui.admin.undo import find_change
from tasq_tui.cli import confirmation, options, output
from tasq_tui.cli.connection import Connection, settings_of
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.formats import RowFormat
from tasq_tui.cli.operation import Asked, carry_out
from tasq_tui.cli.options import VerbCommand, verb_app
from tasq_tui.cli.output import Column, Shape

app = verb_app()

_FIELDS = (
    "at", "change", "verb", "done", "skipped", "outcome", "undone_by", "command", "trash",
)  # fmt: skip


@app.command("undo", cls=VerbCommand)
def undo(
    context: typer.Context,
    *,
    change: Annotated[
        str | None,
        typer.Argument(
            metavar="CHANGE",
            help="As `tasq history` lists it; the last one without.",
            show_default=False,
        ),
    ] = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> int:
    """Put the rows back that a change touched, as they were before it.

    Only rows that still are as the change left them, and that nobody holds, are put back; the
    others are skipped and counted. A task that was running comes back as ready to run. An undo
    is a change, too: `tasq undo` with its own id takes it back.

    Examples:
      tasq undo
      tasq undo 1f3c9a02 --dry-run
    """
    if not (yes or dry_run):  # what there is to undo doesn't matter to whether one can be asked
        confirmation.is_asked(changes.UNDO, settings_of(context.obj), named=False)
    trash = Trash()

    def asked_for(connection: Connection) -> Change:
        table = connection.repository.table
        return changes.undo(trash, find_change(trash, connection.settings, table, change))

    return carry_out(context.obj, asked_for, Asked(yes=yes, dry_run=dry_run, as_json=as_json))


@app.command("history", cls=VerbCommand)
def history(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The newest N.")] = 20,
    form: options.RowOutput = RowFormat.TABLE,
    as_json: options.AsJson = False,
) -> int:
    """List the changes made by hand to this database from here, newest first.

    A line has the command that does the same; its CHANGE is what `tasq undo` takes, where rows
    were kept.

    Examples:
      tasq history
      tasq history --limit 100 -o ndjson
    """
    entries = AuditLog.of(settings_of(context.obj)).last(limit)
    undone = {entry.id: entry.undone_by for entry in Trash().entries() if entry.undone_by}

    def record(entry: Entry) -> dict[str, Any]:
        return {
            "at": iso(entry.at),
            "change": entry.id or None,
            "verb": entry.verb,
            "done": entry.done,
            "skipped": entry.skipped,
            "outcome": entry.outcome,
            "undone_by": undone.get(entry.id) if entry.id else None,
            "command": entry.command,
            "trash": entry.trash or None,
        }

    columns: tuple[Column[Entry], ...] = (
        Column("AT", lambda entry: f"{entry.at:%Y-%m-%d %H:%M:%SZ}"),
        Column("CHANGE", lambda entry: entry.id or "-"),
        Column("VERB", lambda entry: entry.verb),
        Column("DONE", lambda entry: f"{entry.done}", right=True),
        Column("SKIPPED", lambda entry: f"{entry.skipped}", right=True),
        Column("OUTCOME", lambda entry: _outcome(entry, undone), gives_way=True),
        Column("COMMAND", lambda entry: entry.command, gives_way=True),
    )
    output.rows(Shape(columns, _FIELDS, record), entries, options.chosen(form, as_json))
    return ExitCode.DONE


def _outcome(entry: Entry, undone: dict[str, str]) -> str:
    by = undone.get(entry.id) if entry.id else None
    return f"{entry.outcome}, undone by {by}" if by else entry.outcome
