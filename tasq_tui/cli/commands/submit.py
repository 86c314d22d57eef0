"""tasq submit."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from tasq_core.args import JSON, codec_named
from tasq_core.errors import ArgsDecodeError, InvalidInputError
from tasq_core.moments import parse_moment
from tasq_core.task import Task
from tasq_tui.admin.session import check_writable
from tasq_tui.cli import diagnostics, output
from tasq_tui.cli.connection import connected
from tasq_tui.cli.durations import age
from tasq_tui.cli.options import AsJson, VerbCommand, verb_app

app = verb_app()

_BATCH = 10_000


@app.command("submit", cls=VerbCommand)
def submit(
    context: typer.Context,
    *,
    type: Annotated[str, typer.Argument(help="The name its handler is learned under.")],
    args: Annotated[
        str,
        typer.Option(
            metavar="JSON|@FILE|-", help="The arguments; @ reads a file, - standard input."
        ),
    ] = "null",
    queue: Annotated[str, typer.Option(help="The queue's name.")] = "",
    priority: Annotated[int, typer.Option(help="-32768 to 32767; higher is more urgent.")] = 0,
    max_receives: Annotated[
        int, typer.Option(help="How often it may be claimed; 0: no limit.")
    ] = 0,
    delay: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Not claimed before: 30s, 5m, 2h.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Not claimed before: '2026-11-26 09:00', 'in 2h'."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="So many alike.")] = 1,
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
    as_json: AsJson = False,
) -> int:
    """Submit tasks; prints their ids once they are stored.

    Examples:
      tasq submit email --args '{"to": "a@b.c"}' --queue mail --priority 5
      tasq submit report --args @report.json --delay 2h
      echo '[1, 2]' | tasq submit sum --args - --go-type '[]int'
    """
    encoding = codec_named(codec)
    value = _read(args)
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
            _tell([task], as_json)
            return diagnostics.ExitCode.DONE
        new = partial(
            Task.new, type, value, queue, priority, max_receives,
            codec=encoding, go_type=go_type, as_struct=as_struct,
        )  # fmt: skip
        visible = when or new().visible_at
        if wait:
            visible = connection.repository.now() + wait
        for start in range(0, count, _BATCH):
            tasks = [new() for _ in range(min(_BATCH, count - start))]
            for task in tasks:
                task.visible_at = visible
            producer.submit_many(tasks)
            _tell(tasks, as_json)
    return diagnostics.ExitCode.DONE


def _tell(tasks: list[Task], as_json: bool) -> None:
    from tasq_tui.admin.records import task_record

    if as_json:
        output.text(*(output.as_json(task_record(task)) for task in tasks))
    else:
        output.text(*(str(task.id) for task in tasks))


def _read(given: str) -> Any:
    """The value of `--args`.

    Raises:
        InvalidInputError: no JSON, or a file that can't be read.
    """
    if given == "-":
        data = sys.stdin.buffer.read()
    elif given.startswith("@"):
        try:
            data = Path(given[1:]).read_bytes()
        except OSError as error:
            raise InvalidInputError(f"--args {given}: {error.strerror}") from error
    else:
        data = given.encode(errors="surrogateescape")
    try:
        return JSON.decode(data)
    except ArgsDecodeError as error:
        raise InvalidInputError(
            f"--args is no JSON: {error.__cause__ or error}; quote text twice, as in '\"text\"'"
        ) from error
