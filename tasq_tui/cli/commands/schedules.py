"""tasq schedules."""

from datetime import datetime
from typing import Annotated

import typer

from tasq_core.errors import InvalidInputError
from tasq_core.reports import Schedule
from tasq_core.transfer import iso
from tasq_tui.admin.preview import target_text
from tasq_tui.admin.schedules import ACTIONS, FIELDS, act, schedule_record
from tasq_tui.admin.wording import span
from tasq_tui.cli import confirmation, diagnostics, options, output, sanitize
from tasq_tui.cli.connection import Connection, connected
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.formats import RowFormat
from tasq_tui.cli.options import VerbCommand, chosen, verb_app
from tasq_tui.cli.output import Column, Shape

app = verb_app()


@app.command("schedules", cls=VerbCommand)
def schedules(
    context: typer.Context,
    *,
    action: Annotated[
        str | None,
        typer.Argument(metavar="[run|pause|resume|remove]", help="What to do; lists without it."),
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which schedule.")] = None,
    yes: options.Yes = False,
    form: options.RowOutput = RowFormat.TABLE,
    as_json: options.AsJson = False,
) -> int:
    """List periodic tasks; run one now, pause, resume or remove it.

    A program that still declares a removed schedule makes it anew at its next start. A resumed
    one goes on with the next tick from now.

    Examples:
      tasq schedules
      tasq schedules run nightly
      tasq schedules pause nightly
      tasq schedules remove nightly --yes
    """
    shape = chosen(form, as_json)
    if action is None:
        with connected(context.obj) as connection:
            now = connection.repository.now()
            output.rows(_shape(now), connection.inspector.schedules(), shape)
        return ExitCode.DONE
    if action not in ACTIONS:
        raise InvalidInputError(f"schedules {action!r}: use one of {', '.join(ACTIONS)}")
    if name is None:
        raise InvalidInputError(f"schedules {action} needs the NAME of a schedule")
    with connected(context.obj) as connection:
        return _act(connection, action, name, yes=yes, as_json=as_json)


def _act(connection: Connection, named: str, name: str, *, yes: bool, as_json: bool) -> int:
    action, settings = ACTIONS[named], connection.settings
    headline = f"{named} schedule {name!r} in {target_text(settings)}"
    if yes or (action.is_harmless and not settings.confirm):
        diagnostics.note(sanitize.line(headline))
    else:
        confirmation.agree(headline, f"schedules {named}")
    done = act(connection.client, settings, action, name)
    if as_json:
        task_id = None if done.task_id is None else str(done.task_id)
        output.document(
            {
                "verb": f"schedules {named}",
                "name": name,
                "done": int(done.changed),
                "task_id": task_id,
            }
        )
    diagnostics.note(sanitize.line(done.text))
    if done.recorded.problem:
        diagnostics.warn(done.recorded.problem)
    return ExitCode.DONE


def _shape(now: datetime) -> Shape[Schedule]:
    short = output.is_terminal()

    def due(schedule: Schedule) -> str:
        if schedule.problem:
            return schedule.problem
        if schedule.paused:
            return "paused"
        if not short:
            return iso(schedule.next_at) or ""
        late = schedule.next_at <= now
        return (
            f"{span(now - schedule.next_at)} late" if late else f"in {span(schedule.next_at - now)}"
        )

    def last(schedule: Schedule) -> str:
        if schedule.last_at is None:
            return "-"
        return f"{span(now - schedule.last_at)} ago" if short else iso(schedule.last_at) or ""

    columns: tuple[Column[Schedule], ...] = (
        Column("NAME", lambda schedule: schedule.name, gives_way=True),
        Column("CRON", lambda schedule: schedule.cron),
        Column("ZONE", lambda schedule: schedule.time_zone),
        Column("NEXT", due),
        Column("LAST", last),
        Column("MISSED", lambda schedule: schedule.missed),
        Column("TYPE", lambda schedule: schedule.type, gives_way=True),
        Column("QUEUE", lambda schedule: schedule.queue, gives_way=True),
    )
    return Shape(columns, FIELDS, schedule_record)
