"""tasq edit, cancel."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tasq_core.durations import parse_duration
from tasq_core.errors import InvalidInputError, TaskNotFoundError, TasqError
from tasq_core.moments import parse_moment
from tasq_core.repository.protocol import Repository
from tasq_core.steering import is_leased
from tasq_core.task import OPEN_STATUSES, Task
from tasq_tui.admin import changes
from tasq_tui.admin.edits import Wanted
from tasq_tui.admin.operation import Change
from tasq_tui.admin.selection import select_ids
from tasq_tui.admin.session import check_writable
from tasq_tui.admin.task_toml import from_toml, to_toml
from tasq_tui.cli import diagnostics, options
from tasq_tui.cli.connection import Connection
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.json_input import read_json
from tasq_tui.cli.operation import Asked, carry_out
from tasq_tui.cli.options import verb_app
from tasq_tui.cli.selection import Choice
from tasq_tui.cli.selection_options import EditingCommand, SelectionCommand, checked_choice

app = verb_app()


@app.command("edit", cls=EditingCommand)
def edit_tasks(
    context: typer.Context,
    *,
    queue: Annotated[str | None, typer.Option(help="The new queue.")] = None,
    type: Annotated[str | None, typer.Option(help="The name of another handler.")] = None,
    priority: Annotated[int | None, typer.Option(metavar="N", help="-32768 to 32767.")] = None,
    max_receives: Annotated[
        int | None,
        typer.Option(metavar="N", help="How often it may be claimed in all; 0: no limit."),
    ] = None,
    delay: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Not claimed before: 30s, 5m, 2h.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Not claimed before: 2026-11-26 09:00.")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Claimable at once.")] = False,
    args: Annotated[
        str | None,
        typer.Option(
            metavar="JSON|@FILE|-", help="New arguments, in the encoding each task has now."
        ),
    ] = None,
    no_trash: options.NoTrash = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> int:
    """Give open tasks that nobody holds other values. Leased and finished ones are skipped.

    With one id and nothing else, $EDITOR opens on the task. To select by queue or type, use
    --where: --queue and --type say what they become.

    Examples:
      tasq edit --where 'status:new queue:bulk' --queue mail --priority 5
      tasq edit 3f2a9c --now
      tasq edit 3f2a9c
    """
    choice = checked_choice(context)
    asked = Asked(yes=yes, dry_run=dry_run, as_json=as_json, named=choice.names_ids)
    given = (queue, type, priority, max_receives, delay, at, args)
    if not now and all(value is None for value in given):
        if not choice.ids or len(choice.ids) != 1 or choice.ids[0] == "-":
            raise InvalidInputError(
                "nothing to edit: give --queue, --type, --priority, --max-receives, --delay, --at,"
                " --now or --args, or one id alone to open it in $EDITOR"
            )
        return _in_editor(context.obj, choice, asked, keep=not no_trash)
    wanted = Wanted(
        type=type, queue=queue, priority=priority, max_receives=max_receives,
        delay=None if delay is None else parse_duration("--delay", delay),
        at=None if at is None else parse_moment("--at", at), now=now,
        args=... if args is None else read_json("--args", args),
    )  # fmt: skip

    def change(connection: Connection) -> Change:
        if wanted.at is not None and wanted.at <= connection.repository.now():
            diagnostics.note(f"--at {at} is in the past: they can be claimed at once")
        return changes.edit(choice.selection, wanted.values, wanted.flags, keep=not no_trash)

    return carry_out(context.obj, change, asked)


@app.command("cancel", cls=SelectionCommand)
def cancel_tasks(
    context: typer.Context,
    *,
    reason: Annotated[str, typer.Option(help="For the task's error: cancelled: REASON.")] = "",
    no_trash: options.NoTrash = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> int:
    """End open tasks as FAILED, "cancelled: REASON". Finished ones are skipped.

    A running task's lease is broken: its handler is told at once (MySQL, MariaDB: with its
    next ping), a coroutine is cancelled, and what it does later is refused. A thread can't be
    stopped: it runs on until it looks at task.lease_lost. A Go consumer writes its outcome
    over the cancel when its handler ends.

    Examples:
      tasq cancel 3f2a9c --reason 'wrong address'
      tasq cancel --where 'is:delayed queue:bulk' --dry-run
    """
    choice = checked_choice(context)
    asked = Asked(yes=yes, dry_run=dry_run, as_json=as_json, named=choice.names_ids)
    change = changes.cancel(choice.selection, reason, keep=not no_trash)
    return carry_out(context.obj, change, asked)


def _in_editor(given: options.Given, choice: Choice, asked: Asked, *, keep: bool) -> int:
    """Edit one task in $EDITOR; the exit code."""
    if not (sys.stdin.isatty() and diagnostics.is_terminal()):
        raise InvalidInputError(
            "nothing to edit, and there is no terminal for an editor: give --queue, --priority, …"
        )

    def change(connection: Connection) -> Change:
        check_writable(connection.settings, "edit")
        task, now = _editable(connection.repository, choice), connection.repository.now()
        path = _edited(to_toml(task))
        text = path.read_text("utf-8")
        try:
            wanted = from_toml(text, task, now)
        except TasqError as error:
            raise InvalidInputError(f"{error}; what you wrote is in {path}") from error
        path.unlink()
        if wanted is None:
            raise _UnchangedError
        return changes.edit(
            lambda repository: select_ids(repository, [task.id]), wanted.values, wanted.flags,
            keep=keep,
        )  # fmt: skip

    try:
        return carry_out(given, change, asked)
    except _UnchangedError:
        diagnostics.note("nothing was changed in the editor, and so nothing in the table")
        return ExitCode.DONE


class _UnchangedError(TasqError):
    """The editor gave back what it was given."""


def _editable(repository: Repository, choice: Choice) -> Task:
    """The one task that was named.

    Raises:
        TaskNotFoundError: there is none.
        TasqError: it is finished, or a consumer holds it.
    """
    tasks = repository.get_tasks(choice.selection(repository).ids or ())
    if not tasks:
        raise TaskNotFoundError(f"no task {(choice.ids or [''])[0]}")
    task = tasks[0]
    if task.status not in OPEN_STATUSES:
        raise TasqError(
            f"task {task.id} is {task.status}: only open tasks can be edited; requeue it first"
        )
    if is_leased(task, repository.now()):
        raise TasqError(
            f"task {task.id} is held by a consumer: wait until it has ended, or cancel it"
        )
    return task


def _edited(text: str) -> Path:
    """A private file with `text` as the user's editor left it.

    Raises:
        TasqError: there is no editor, or it failed.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    descriptor, name = tempfile.mkstemp(prefix="tasq-", suffix=".toml")  # mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        ended = subprocess.run([*shlex.split(editor), name], check=False)  # noqa: S603 - the user's own
    except (OSError, ValueError) as error:
        Path(name).unlink()
        raise TasqError(f"can't start the editor {editor!r}: {error}; set EDITOR") from error
    if ended.returncode:
        Path(name).unlink()
        raise TasqError(f"the editor ended with {ended.returncode}; nothing was changed")
    return Path(name)
