"""tasq wait, tail."""

import threading
from typing import Annotated, Any

import typer

from tasq_core.durations import parse_duration
from tasq_core.errors import InvalidInputError
from tasq_core.filters import Filter
from tasq_core.repository.protocol import Repository
from tasq_core.task import Task, TaskStatus
from tasq_core.transfer import iso
from tasq_core.waiting import wait_for
from tasq_tui.admin.follow import Event, Follower
from tasq_tui.admin.records import task_record
from tasq_tui.admin.selection import select_ids
from tasq_tui.cli import options, output, sanitize
from tasq_tui.cli.connection import connected
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.formats import Format, RowFormat
from tasq_tui.cli.options import VerbCommand, verb_app
from tasq_tui.cli.selection import Choice
from tasq_tui.cli.selection_options import NarrowingCommand, choice_of

app = verb_app()

_LOOK_EVERY = 0.5


class WaitingCommand(VerbCommand):
    """A verb whose --timeout is its own; that of statements stands before the verb."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own, *shared = [param for param in self.params if param.name == "timeout"]
        self.params = [param for param in self.params if param is own or param not in shared]


@app.command("wait", cls=WaitingCommand)
def wait(
    context: typer.Context,
    *,
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID", help="Ids, or unique beginnings; - reads standard input."),
    ],
    timeout: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Give up after so long: 30s, 5m.")
    ] = None,
    as_json: options.AsJson = False,
) -> int:
    """Wait until all of these tasks have ended: 0 all successful, 1 one failed, 4 timeout.

    Prints how each ended. A task that is deleted meanwhile, as by a consumer that deletes what
    succeeded, counts as not found: 3.

    Examples:
      tasq wait 3f2a9c --timeout 5m
      tasq submit report | tasq wait -
    """
    limit = None if timeout is None else parse_duration("--timeout", timeout)
    given = Choice(ids).asked_ids or []
    with connected(context.obj) as connection:
        chosen = select_ids(connection.repository, given).ids or ()
        tasks = wait_for(connection.repository, chosen, limit)
    return report_ends(tasks, as_json=as_json)


def wait_for_end(repository: Repository, task: Task, *, as_json: bool) -> int:
    """Wait for one task, and print how it ended; the exit code."""
    return report_ends(wait_for(repository, [task.id]), as_json=as_json)


def report_ends(tasks: list[Task], *, as_json: bool) -> int:
    """Print how tasks ended; 1 where one of them failed."""
    if as_json:
        output.text(*(output.as_json(task_record(task)) for task in tasks))
    else:
        output.text(*map(_ending, tasks))
    has_failed = any(task.status is TaskStatus.FAILED for task in tasks)
    return ExitCode.FAILED if has_failed else ExitCode.DONE


@app.command("tail", cls=NarrowingCommand)
def tail(
    context: typer.Context,
    *,
    form: options.RowOutput = RowFormat.TABLE,
    as_json: options.AsJson = False,
) -> int:
    """Print tasks as they are created, start and end, until Ctrl+C: a line each, or NDJSON.

    A start that was written with its end, as of short tasks, is printed with it.

    Examples:
      tasq tail --queue mail
      tasq tail --where 'status:failed' -o ndjson
    """
    chosen = options.chosen(form, as_json)
    if chosen not in (Format.TABLE, Format.NDJSON, Format.JSON):
        raise InvalidInputError(f"tail writes lines as they come, and {chosen} has none: -o ndjson")
    where = choice_of(context).asked_filter or Filter()
    with connected(context.obj) as connection:
        follower, pause = Follower(connection.repository, where), threading.Event()
        while True:
            for event in follower.look():
                line = _line(event) if chosen is Format.TABLE else _record(event)
                output.text(line)
            output.flush()
            pause.wait(_LOOK_EVERY)


def _record(event: Event) -> str:
    record = {"at": iso(event.at), "event": event.what.value, **task_record(event.task)}
    return output.as_json(record)


def _line(event: Event) -> str:
    task = event.task
    status = task.status.value if event.what == "ended" else ""
    error = _first_line(task) if task.status is TaskStatus.FAILED and status else ""
    words = (
        f"{event.at:%H:%M:%S.%f}"[:-3], f"{event.what:<7}", str(task.id), task.type,
        task.queue or "-", status, error,
    )  # fmt: skip
    return sanitize.line("  ".join(words)).rstrip()


def _ending(task: Task) -> str:
    error = _first_line(task) if task.status is TaskStatus.FAILED else ""
    return sanitize.line(f"{task.id}  {task.status.value}  {error}").rstrip()


def _first_line(task: Task) -> str:
    return (task.last_error or "").partition("\n")[0]
