"""tasq fleet, tasq pause, tasq resume."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from tasq_core.errors import InvalidInputError, TableMissingError
from tasq_core.fleet.registry import COMMANDS
from tasq_core.fleet.reports import ConsumerReport, Pause
from tasq_core.wording import counted
from tasq_tui.admin.fleet import (
    CONSUMER_FIELDS,
    GO_UNAWARE,
    NO_SIDE_TABLES,
    NoAnswerError,
    ask,
    can_register,
    consumer_record,
    failed_attempts,
    named_consumer,
    state_of,
)
from tasq_tui.admin.session import check_table, check_writable
from tasq_tui.admin.wording import ago, span
from tasq_tui.cli import diagnostics, options, output, sanitize
from tasq_tui.cli.connection import Connection, connected
from tasq_tui.cli.diagnostics import ExitCode, TimedOutError
from tasq_tui.cli.durations import age
from tasq_tui.cli.formats import Format, RowFormat
from tasq_tui.cli.options import VerbCommand, verb_app
from tasq_tui.cli.output import Column, Shape

app = verb_app()

_MOST_SHOWN = 20
"""Tasks shown of one consumer; JSON has them all."""


@app.command("fleet", cls=VerbCommand)
def fleet(
    context: typer.Context,
    *,
    action: Annotated[
        str | None,
        typer.Argument(metavar="[stacks|quiet|resume|stop", help="What the consumer is to do."),
    ] = None,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME]", help="Its name, or how its id begins.")
    ] = None,
    within: Annotated[
        str,
        typer.Option("--within", metavar="DURATION", help="Wait so long for its answer; exit 4."),
    ] = "15s",
    form: options.RowOutput = RowFormat.TABLE,
    as_json: options.AsJson = False,
) -> int:
    """List the running Python consumers and what they run, or tell one what to do.

    One that missed three heartbeats (12 s) has vanished; it is forgotten after a day, or after
    ten minutes where it held nothing and another has its name and host since. Go's consumers
    don't register. stacks prints where each running handler stands; quiet lets it claim nothing
    more, resume again; stop lets it finish what runs, and end.

    Examples:
      tasq fleet
      tasq fleet -o json
      tasq fleet stacks mailer-1
      tasq fleet stop mailer-1
    """
    shape = options.chosen(form, as_json)
    if action is not None and action not in COMMANDS:
        raise InvalidInputError(f"fleet {action!r}: use one of {', '.join(sorted(COMMANDS))}")
    if action is not None and name is None:
        raise InvalidInputError(f"fleet {action} needs the name of a consumer; `tasq fleet` lists")
    with connected(context.obj) as connection:
        check_table(connection.client)
        if action is not None and name is not None:
            return _report(connection, action, name, within, shape)
        consumers = connection.inspector.consumers()
        if shape is not Format.TABLE:
            output.rows(Shape((), CONSUMER_FIELDS, consumer_record), consumers, shape)
            return ExitCode.DONE
        if consumers:
            output.rows(Shape(_columns(), (), consumer_record), consumers, shape)
            output.text(*_running(consumers))
        elif can_register(connection.repository):
            diagnostics.note("no Python consumer is registered; Go's don't register")
        else:
            diagnostics.note(f"{NO_SIDE_TABLES}; `tasq migrate` makes them")
        output.text(*_pauses(connection.inspector.pauses()))
    return ExitCode.DONE


def _report(connection: Connection, action: str, name: str, within: str, form: Format) -> int:
    check_writable(connection.settings, f"fleet {action}")
    consumers = connection.inspector.consumers()
    if not consumers and not can_register(connection.repository):
        raise TableMissingError(f"fleet {action}: {NO_SIDE_TABLES}; `tasq migrate` makes them")
    consumer = named_consumer(consumers, name)
    try:
        answer = ask(
            connection.repository, consumer, action, age("--within", within).total_seconds()
        )
    except NoAnswerError as error:
        raise TimedOutError(str(error)) from None
    if form is not Format.TABLE:
        output.document(
            {"consumer": consumer.name, "id": str(consumer.id), "answer": answer.text,
             "stacks": list(answer.stacks)}
        )  # fmt: skip
    elif action == "stacks":
        output.text(*_stacks(answer.stacks))
        if not answer.stacks:
            diagnostics.note(f"{consumer.name} runs nothing")
    else:
        diagnostics.note(f"{consumer.name} on {consumer.host}: {answer.text}")
    return ExitCode.DONE


def _stacks(stacks: tuple[dict[str, Any], ...]) -> Iterator[str]:
    for number, found in enumerate(stacks):
        if number:
            yield ""
        yield sanitize.line(
            f"task {found.get('task_id')} ({found.get('type')}), attempt"
            f" {found.get('receive_count')}, for {found.get('seconds')} s"
        )
        yield from (f"  {line}" for line in sanitize.lines(str(found.get("stack", ""))))


def _columns() -> tuple[Column[ConsumerReport], ...]:
    def queues(consumer: ConsumerReport) -> str:
        if consumer.queues is None:
            return "all"
        return ",".join(queue or '""' for queue in consumer.queues)

    def busy(consumer: ConsumerReport) -> str:
        running = len(consumer.in_flight)
        return f"{running}/{consumer.workers}" if consumer.workers else str(running)

    return (
        Column("ID", lambda consumer: str(consumer.id)[:8]),
        Column("NAME", lambda consumer: consumer.name, gives_way=True),
        Column("STATE", state_of),
        Column("RUNS", busy, right=True),
        Column("DONE", lambda c: f"{c.counts.get('succeeded', 0):,}", right=True),
        Column("FAILED", lambda c: f"{failed_attempts(c):,}", right=True),
        Column("UP", lambda c: span(c.taken_at - c.started_at), right=True),
        Column("HEARTBEAT", lambda c: ago(c.heartbeat_at, c.taken_at), right=True),
        Column("HOST", lambda consumer: f"{consumer.host}:{consumer.pid}", gives_way=True),
        Column("RELEASE", lambda consumer: consumer.release, gives_way=True),
        Column("QUEUES", queues, gives_way=True),
        Column("TYPES", lambda consumer: ",".join(consumer.types), gives_way=True),
    )


def _running(consumers: list[ConsumerReport]) -> Iterator[str]:
    """What each consumer runs, or held when it vanished; and what is wrong with it."""
    for consumer in consumers:
        held = [*consumer.in_flight]
        trouble = [text for text in (consumer.problem, consumer.last_error) if text]
        if not (held or consumer.vanished or trouble):
            continue
        what = "runs"
        if consumer.vanished:
            what = f"vanished {ago(consumer.heartbeat_at, consumer.taken_at)} and held"
        waiting = f", and {len(consumer.waiting)} not started" if consumer.waiting else ""
        yield ""
        yield sanitize.line(f"{consumer.name} {what} {counted(len(held), 'task')}{waiting}")
        for task in held[:_MOST_SHOWN]:
            yield sanitize.line(
                f"  {task.task_id}  {task.type}  {task.queue or chr(34) * 2}  attempt"
                f" {task.receive_count}, started {ago(task.started_at, consumer.taken_at)}"
            )
        if len(held) > _MOST_SHOWN:
            yield f"  … {len(held) - _MOST_SHOWN:,} more; -o json has them all"
        yield from (f"  {sanitize.line(text.splitlines()[0])}" for text in trouble)


def _pauses(pauses: list[Pause]) -> Iterator[str]:
    if pauses:
        yield ""
    for pause in pauses:
        until = "" if pause.until is None else f", ends {ago(pause.until, pause.taken_at)}"
        reason = f": {pause.reason}" if pause.reason else ""
        since = ago(pause.paused_at, pause.taken_at)
        yield sanitize.line(
            f"{pause.kind} {pause.name or chr(34) * 2} is paused: {since}"
            f" by {pause.paused_by}{until}{reason}"
        )
    if pauses:
        yield f"{GO_UNAWARE}."


@app.command("pause", cls=VerbCommand)
def pause(
    context: typer.Context,
    *,
    queue: Annotated[
        str | None, typer.Option("--queue", metavar="QUEUE", help="Pause this queue.")
    ] = None,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Pause this type.")
    ] = None,
    lasting: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="DURATION", help="Lapse after so long.", show_default="until resume"
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="For whoever looks.")
    ] = "",
) -> int:
    """Let Python consumers claim nothing of a queue or type; what runs goes on.

    At once on PostgreSQL and SQLite, within 4 s on MySQL. Go's consumers don't know of pauses.

    Examples:
      tasq pause --queue mail --for 1h --reason 'the relay is down'
      tasq pause --type report
    """
    _check_one(queue, type_)
    until = None if lasting is None else age("--for", lasting)
    with connected(context.obj) as connection:
        check_writable(connection.settings, "pause")
        connection.client.pause(queue=queue, type=type_, until=until, reason=reason)
        what = f"queue {queue!r}" if queue is not None else f"type {type_!r}"
        end = "until `tasq resume`" if until is None else f"for {span(until)}"
        diagnostics.note(f"{what} is paused {end} in {connection.settings.redacted_url}")
        diagnostics.note(f"{GO_UNAWARE}")
    return ExitCode.DONE


@app.command("resume", cls=VerbCommand)
def resume(
    context: typer.Context,
    *,
    queue: Annotated[
        str | None, typer.Option("--queue", metavar="QUEUE", help="Resume this queue.")
    ] = None,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Resume this type.")
    ] = None,
) -> int:
    """End a pause: consumers claim from the queue, or tasks of the type, again.

    Exits 3 where it wasn't paused.

    Examples:
      tasq resume --queue mail
      tasq resume --type report
    """
    _check_one(queue, type_)
    with connected(context.obj) as connection:
        check_writable(connection.settings, "resume")
        ended = connection.client.resume(queue=queue, type=type_)
        what = f"queue {queue!r}" if queue is not None else f"type {type_!r}"
        if not ended:
            diagnostics.note(f"{what} isn't paused")
            return ExitCode.NOT_FOUND
        diagnostics.note(f"{what} is resumed in {connection.settings.redacted_url}")
    return ExitCode.DONE


def _check_one(queue: str | None, type_: str | None) -> None:
    if (queue is None) == (type_ is None):
        raise InvalidInputError("name one queue or one type: --queue NAME or --type NAME")
