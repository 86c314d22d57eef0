"""tasq list, tasq show."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer

from tasq_core.errors import InvalidInputError, TaskNotFoundError
from tasq_core.filters import Filter
from tasq_core.inspector import Inspector
from tasq_core.repository.protocol import PageOrder
from tasq_core.task import IMMEDIATELY, Task
from tasq_core.transfer import iso
from tasq_tui.admin.explain import explain_in_place
from tasq_tui.admin.fleet import attempt_record, fleet_of, holder_record
from tasq_tui.admin.records import TASK_FIELDS, task_record
from tasq_tui.admin.selection import select_ids
from tasq_tui.admin.wording import span
from tasq_tui.cli import diagnostics, options, output
from tasq_tui.cli.connection import Connection, connected
from tasq_tui.cli.formats import Format
from tasq_tui.cli.options import VerbCommand, verb_app
from tasq_tui.cli.output import Column, Shape
from tasq_tui.cli.selection import Choice
from tasq_tui.cli.selection_options import SelectionCommand, choice_of
from tasq_tui.cli.task_text import task_text

app = verb_app()

_ON_A_SCREEN = 100
"""Tasks shown on a terminal where no limit was given; a pipe gets all."""
_PAGE = 500
_GLANCES = 2000
"""Tasks read at a time: few where all of their args come along."""
_GLANCE = 300
"""Characters of an error, and bytes of args, that a table or a list of ids needs at most."""


@app.command("list", cls=SelectionCommand)
def list_tasks(
    context: typer.Context,
    *,
    form: options.Output = Format.TABLE,
    as_json: options.AsJson = False,
) -> int:
    """List tasks, newest first: on a terminal the first 100, into a pipe all that match.

    Examples:
      tasq list --where 'status:failed error:timeout'
      tasq list --status open --queue mail --limit 20 -o json
      tasq list --where 'status:failed type:send*' -o ids | tasq requeue - --yes
    """
    form = options.chosen(form, as_json)
    choice = choice_of(context)
    asked_ids, asked = choice.asked_ids, choice.asked_filter or Filter()
    on_a_screen = form is Format.TABLE and output.is_terminal()
    most = choice.limit or None
    if choice.limit is None and on_a_screen:
        most = _ON_A_SCREEN
    with connected(context.obj) as connection:
        if asked_ids is not None:
            _write(_named(connection, asked_ids), connection, form)
            return diagnostics.ExitCode.DONE
        preview = _GLANCE if form in (Format.TABLE, Format.IDS) else None
        cut = [False]
        order = choice.page_order
        found = _walk(connection.inspector, asked, order, limit=most, preview=preview, cut=cut)
        _write(found, connection, form)
    if cut[0] and choice.limit is None:
        diagnostics.note(f"the first {most} are shown; --limit 0 shows all")
    return diagnostics.ExitCode.DONE


@app.command("count", cls=SelectionCommand)
def count_tasks(
    context: typer.Context,
    *,
    as_json: options.AsJson = False,
) -> int:
    """Count tasks, exactly; with --limit, counting stops there.

    Examples:
      tasq count --where 'status:failed error:timeout'
      tasq count --status open --queue mail --json
    """
    choice = choice_of(context)
    asked_ids, asked = choice.asked_ids, choice.asked_filter or Filter()
    with connected(context.obj) as connection:
        if asked_ids is None:
            number = connection.repository.count(asked, choice.limit or None)
        else:
            chosen = select_ids(connection.repository, asked_ids)
            batches = chosen.batches(connection.repository, _PAGE)
            number = sum(len(connection.repository.get_tasks(ids)) for ids in batches)
    if as_json:
        output.document({"count": number, "filter": str(asked)})
    else:
        output.text(str(number))
    return diagnostics.ExitCode.DONE


@app.command("show", cls=VerbCommand)
def show(
    context: typer.Context,
    *,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids, or unique beginnings.")],
    form: options.Output = Format.TABLE,
    as_json: options.AsJson = False,
    as_test: Annotated[
        str | None,
        typer.Option("--as", metavar="pytest", help="Print tests that run them again."),
    ] = None,
) -> int:
    """Show tasks in full: times, arguments, attempts, error, holder, why it isn't running.

    Examples:
      tasq show 3f2a9c
      tasq show 3f2a9c 77b0 --json
      tasq show 3f2a9c --as pytest > test_3f2a9c.py
    """
    if as_test not in (None, "pytest"):
        raise InvalidInputError(f"--as {as_test!r}: use pytest")
    form = options.chosen(form, as_json)
    given = Choice(ids).asked_ids or []
    with connected(context.obj) as connection:
        tasks = list(_named(connection, given))
        if as_test is not None:
            from tasq_tui.admin.as_pytest import module_lines

            output.text(*module_lines(tasks))
            return diagnostics.ExitCode.DONE
        if form is not Format.TABLE:
            output.rows(_in_full(connection.inspector), tasks, form)
            return diagnostics.ExitCode.DONE
        now = connection.repository.now()
        for number, task in enumerate(tasks):
            why = explain_in_place(connection.repository, task, now)
            holder, attempts = fleet_of(task, connection.inspector)
            lines = task_text(task, now, why, holder, attempts)
            output.text(*([""] if number else []), *lines)
    return diagnostics.ExitCode.DONE


def _in_full(inspector: Inspector) -> Shape[Task]:
    """A task with its holder and attempts."""

    def record(task: Task) -> dict[str, Any]:
        holder, attempts = fleet_of(task, inspector)
        return task_record(task) | {
            "holder": holder_record(holder),
            "attempts": [attempt_record(attempt) for attempt in attempts],
        }

    fields = (*TASK_FIELDS, "holder", "attempts")
    return Shape((), fields, record, id=lambda task: str(task.id))


def _named(connection: Connection, given: list[str]) -> Iterator[Task]:
    """The tasks with these ids, in full.

    Raises:
        TaskNotFoundError: any of them doesn't exist; nothing was written yet.
    """
    chosen = select_ids(connection.repository, given).ids or ()
    tasks = connection.repository.get_tasks(chosen)
    found = {task.id for task in tasks}
    missing = [str(id) for id in chosen if id not in found]
    if missing:
        raise TaskNotFoundError(f"no task {', '.join(missing[:5])}", missing)
    return iter(tasks)


def _walk(
    inspector: Inspector,
    where: Filter,
    order: PageOrder,
    *,
    limit: int | None,
    preview: int | None,
    cut: list[bool],
) -> Iterator[Task]:
    """The matching tasks, a page in memory at a time; `cut` tells whether the limit cut some."""
    after, left = None, limit
    most = _PAGE if preview is None else _GLANCES
    while True:
        size = most if left is None else min(most, left)
        page = inspector.page(where, order, after, size, preview)
        yield from page.tasks
        left = None if left is None else left - len(page.tasks)
        if page.next is None or left == 0:
            cut[0] = page.next is not None
            return
        after = page.next


def _write(tasks: Iterator[Task], connection: Connection, form: Format) -> None:
    now = connection.repository.now() if form is Format.TABLE else IMMEDIATELY
    output.rows(_shape(now), tasks, form)


def _shape(now: datetime) -> Shape[Task]:
    short = output.is_terminal()

    def created(task: Task) -> str:
        return span(now - task.created_at) if short else iso(task.created_at) or ""

    def first_line(task: Task) -> str:
        return (task.last_error or "").partition("\n")[0]

    columns: tuple[Column[Any], ...] = (
        Column("ID", lambda task: str(task.id)[:13] if short else str(task.id), gives_way=short),
        Column("STATUS", lambda task: task.status.value),
        Column("TYPE", lambda task: task.type, gives_way=True),
        Column("QUEUE", lambda task: task.queue, gives_way=True, drop=2),
        Column("PRIO", lambda task: str(task.priority), right=True, drop=4),
        Column("ATTEMPTS", _receives, right=True, drop=3),
        Column("AGE" if short else "CREATED", created, right=short),
        Column("ERROR", first_line, gives_way=True, drop=1),
    )
    return Shape(columns, TASK_FIELDS, task_record, id=lambda task: str(task.id))


def _receives(task: Task) -> str:
    return (
        f"{task.receive_count}/{task.max_receives}"
        if task.max_receives
        else f"{task.receive_count}"
    )
