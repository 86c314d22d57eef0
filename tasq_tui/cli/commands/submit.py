"""tasq submit."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import typer

from tasq_core.args import Codec, codec_named
from tasq_core.errors import InvalidInputError
from tasq_core.moments import parse_moment
from tasq_core.producer import Producer
from tasq_core.task import Task
from tasq_core.wording import counted
from tasq_tui.admin.session import check_table, check_writable
from tasq_tui.cli import diagnostics, output
from tasq_tui.cli.commands import follow
from tasq_tui.cli.connection import connected
from tasq_tui.cli.durations import age
from tasq_tui.cli.json_input import read_json
from tasq_tui.cli.options import AsJson, VerbCommand, verb_app
from tasq_tui.cli.streams import file_lines, input_lines

app = verb_app()

_BATCH = 10_000
_NAMED = 20
"""Ids that a message names at most."""


@app.command("submit", cls=VerbCommand)
def submit(
    context: typer.Context,
    *,
    type: Annotated[
        str | None,
        typer.Argument(help="The name its handler is learned under.", show_default=False),
    ] = None,
    args: Annotated[
        str,
        typer.Option(
            metavar="JSON|@FILE|-", help="The arguments; @ reads a file, - standard input."
        ),
    ] = "null",
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE|-",
            help='Submit a task for each line of JSON: {"type": …}, and any of args, queue,'
            " priority, max_receives, delay (seconds), visible_at, id. All or none.",
        ),
    ] = None,
    queue: Annotated[str, typer.Option(help="The queue's name.")] = "",
    priority: Annotated[
        int, typer.Option(metavar="N", help="-32768 to 32767; higher is more urgent.")
    ] = 0,
    max_receives: Annotated[
        int, typer.Option(metavar="N", help="How often it may be claimed; 0: no limit.")
    ] = 0,
    delay: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Not claimed before: 30s, 5m, 2h.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Not claimed before: '2026-11-26 09:00', 'in 2h'."),
    ] = None,
    count: Annotated[int, typer.Option(metavar="N", min=1, help="So many alike.")] = 1,
    codec: Annotated[
        str, typer.Option(metavar="json|gob", help="How the arguments are encoded.")
    ] = "json",
    go_type: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="The Go type to write them as: []int, struct{ID int}."),
    ] = None,
    as_struct: Annotated[
        bool, typer.Option("--as-struct", help="Write objects as Go structs.")
    ] = False,
    id: Annotated[
        str | None, typer.Option(help="Its id: submitting it again changes nothing.")
    ] = None,
    wait_for_end: Annotated[
        bool, typer.Option("--wait", help="Wait until it has ended: 0 successful, 1 failed.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Submit tasks; prints their ids once they are stored.

    Examples:
      tasq submit email --args '{"to": "a@b.c"}' --queue mail --priority 5
      tasq submit report --args @report.json --delay 2h
      echo '[1, 2]' | tasq submit sum --args - --go-type '[]int'
      tasq submit --from tasks.ndjson --queue mail
    """
    encoding = codec_named(codec)
    if wait_for_end and (source is not None or count > 1):
        raise InvalidInputError("--wait is for one task; pipe the ids into `tasq wait -`")
    if source is not None:
        if any((type, args != "null", count != 1, id, at, go_type, as_struct)):
            raise InvalidInputError(
                "--from reads type, args, id and times from its lines; leave out TYPE, --args,"
                " --id, --count, --at, --go-type and --as-struct"
            )
        defaults = {"queue": queue, "priority": priority, "max_receives": max_receives}
        return _submit_lines(context, source, defaults, delay, encoding, as_json=as_json)
    if type is None:
        raise InvalidInputError("Missing argument TYPE: name the task's type, or give --from FILE")
    value = read_json("--args", args)
    wait = None if delay is None else age("--delay", delay)
    if at is not None and delay is not None:
        raise InvalidInputError("--at and --delay say the same thing: pass one of them")
    when = None if at is None else parse_moment("--at", at)
    if id is not None and count > 1:
        raise InvalidInputError("--id names one task; leave out --count")
    with connected(context.obj) as connection:
        check_writable(connection.settings, "submit")
        connection.client.codec = encoding
        producer = connection.client.new_producer()
        if count == 1:
            task = producer.submit(
                type, value, queue, priority, max_receives,
                delay=wait, visible_at=when, id=id, go_type=go_type, as_struct=as_struct,
            )  # fmt: skip
            if wait_for_end:
                return follow.wait_for_end(connection.repository, task, as_json=as_json)
            return _print([task], as_json)
        new = partial(
            Task.new, type, value, queue, priority, max_receives,
            codec=encoding, go_type=go_type, as_struct=as_struct,
        )  # fmt: skip
        visible = when or new().visible_at
        if wait:
            visible = connection.repository.now() + wait
        return _submit_alike(producer, new, count, visible, as_json=as_json)


def _submit_alike(
    producer: Producer, new: Callable[[], Task], count: int, visible: datetime, *, as_json: bool
) -> int:
    """Submit so many tasks of one kind, and print them a batch at a time."""
    for start in range(0, count, _BATCH):
        tasks = [new() for _ in range(min(_BATCH, count - start))]
        for task in tasks:
            task.visible_at = visible
        producer.submit_many(tasks)
        if (code := _print(tasks, as_json)) != diagnostics.ExitCode.DONE:
            return code
    return diagnostics.ExitCode.DONE


def _submit_lines(
    context: typer.Context,
    source: str,
    defaults: dict[str, Any],
    delay: str | None,
    codec: Codec,
    *,
    as_json: bool,
) -> int:
    """Submit the tasks of a file in one transaction."""
    from tasq_tui.admin.submission import tasks_of

    wait = None if delay is None else age("--delay", delay).total_seconds()
    ids = bytearray()  # 16 bytes a task: a million stay small

    def noted(tasks: Iterator[Task]) -> Iterator[Task]:
        for task in tasks:
            ids.extend(task.id.bytes)
            yield task

    with connected(context.obj) as connection:
        check_writable(connection.settings, "submit")
        check_table(connection.client)
        lines = input_lines() if source == "-" else file_lines(source)
        tasks = tasks_of(lines, codec, connection.repository.now(), defaults, wait)
        try:
            done = connection.client.new_producer().submit_many(noted(tasks))
        except InvalidInputError as error:
            raise InvalidInputError(f"{error}; nothing was submitted") from error
    total = len(ids) // 16
    skipped = f", skipped {total - done:,} (there already)" if total > done else ""
    diagnostics.note(f"submitted {done:,}{skipped}")
    try:
        if as_json:
            output.document({"verb": "submit", "done": done, "skipped": total - done})
        else:
            output.raw(str(UUID(bytes=bytes(ids[at : at + 16]))) for at in range(0, len(ids), 16))
        output.flush()
    except output.OutputFailedError as error:
        diagnostics.failed(error)
        return diagnostics.ExitCode.PARTLY_DONE
    return diagnostics.ExitCode.DONE


def _print(tasks: list[Task], as_json: bool) -> int:
    """Print what was stored; where that can't be written, the ids are said, and it is 6."""
    from tasq_tui.admin.records import task_record

    texts = (output.as_json(task_record(task)) if as_json else str(task.id) for task in tasks)
    try:
        output.text(*texts)
        output.flush()
    except output.OutputFailedError as error:
        named = ", ".join(str(task.id) for task in tasks[:_NAMED])
        more = ", …" if len(tasks) > _NAMED else ""
        diagnostics.failed(error)
        diagnostics.note(f"{counted(len(tasks), 'task')} stored all the same: {named}{more}")
        return diagnostics.ExitCode.PARTLY_DONE
    return diagnostics.ExitCode.DONE
