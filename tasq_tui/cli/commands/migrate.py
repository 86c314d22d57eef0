"""tasq migrate."""

from typing import Annotated

import typer

from tasq_core.errors import InvalidInputError
from tasq_core.repository.schema_check import missing_schema, other_spelling, structure
from tasq_core.repository.side_tables import SideTables
from tasq_tui.admin.doctor import prefix_of
from tasq_tui.admin.session import check_writable
from tasq_tui.cli import diagnostics, output, sanitize
from tasq_tui.cli.connection import Connection, connected
from tasq_tui.cli.options import VerbCommand, verb_app

app = verb_app()


@app.command("migrate", cls=VerbCommand)
def migrate(
    context: typer.Context,
    *,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what is missing; change nothing.")
    ] = False,
    side_tables: Annotated[
        bool,
        typer.Option(
            "--side-tables/--no-side-tables",
            help="Make the side tables too: registry of consumers, pauses, attempts, schedules.",
            show_default=False,
        ),
    ] = True,
    notify: Annotated[
        bool | None,
        typer.Option(
            "--notify/--no-notify",
            help="PostgreSQL: a trigger that wakes idle consumers at every insert. Only inserts by"
            " other programs need it, and it holds back concurrent writers. Without the option:"
            " made with a table of Go's, else left as it is.",
            show_default=False,
        ),
    ] = None,
    new: Annotated[
        bool,
        typer.Option(
            "--new", help="Make the table though one of the same name in other case is there."
        ),
    ] = False,
) -> int:
    """Create the table, or adopt one that Go made, and add what is missing beside it.

    Safe to run again, at any time, and from several machines at once: no column is ever added
    or changed, and a Go program keeps working on the table.

    Examples:
      tasq migrate --url sqlite:///tasks.db
      tasq migrate --plan
    """
    with connected(context.obj, "imagined" if plan else "made") as connection:
        if plan:
            return _show_plan(connection, side_tables=side_tables)
        check_writable(connection.settings, "migrate")
        if not new:
            _refuse_other_spelling(connection)
        connection.client.migrate(side_tables=side_tables, notify=notify)
        table = connection.repository.table
        diagnostics.note(f"table {table} is ready in {connection.settings.redacted_url}")
    return diagnostics.ExitCode.DONE


def _refuse_other_spelling(connection: Connection) -> None:
    """A prefix mistyped in case must not make a second, empty table.

    Raises:
        InvalidInputError: there is a table of the same name in other case, and none of this one.
    """
    spelled = other_spelling(connection.repository)
    if spelled and not structure(connection.repository).exists:
        raise InvalidInputError(
            f"there is a table {spelled!r}, and case matters in the prefix: pass"
            f" --prefix {prefix_of(spelled)} for it, or --new to make"
            f" {connection.repository.table!r} beside it"
        )


def _show_plan(connection: Connection, *, side_tables: bool) -> int:
    missing = missing_schema(connection.repository)
    if side_tables:
        missing += SideTables(connection.repository).missing()
    if not missing:
        diagnostics.note(f"table {connection.repository.table} is up to date: nothing to do")
    for name, statement in missing:
        output.text(f"-- {name}", *sanitize.lines(f"{statement};"), "")
    return diagnostics.ExitCode.DONE
