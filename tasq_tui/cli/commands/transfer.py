"""tasq export, tasq import."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tasq_core.errors import InvalidInputError
from tasq_core.repository.protocol import PageOrder
from tasq_core.transfer import to_line
from tasq_tui.admin import changes
from tasq_tui.admin.operation import prepare
from tasq_tui.admin.preview import target_text
from tasq_tui.admin.session import check_table
from tasq_tui.cli import diagnostics, options, output, progress, sanitize
from tasq_tui.cli.connection import connected
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.operation import report
from tasq_tui.cli.options import VerbCommand, verb_app
from tasq_tui.cli.selection_options import SelectionCommand, choice_of
from tasq_tui.cli.streams import file_lines, input_lines

app = verb_app()


@app.command("export", cls=SelectionCommand)
def export(context: typer.Context) -> int:
    """Write tasks to standard output, a line of JSON each, without loss.

    Oldest first unless --order says otherwise; --limit takes the newest.

    `tasq import` reads them back, into any database.

    Examples:
      tasq export --all > backup.ndjson
      tasq export --where 'status:failed' | gzip > failed.ndjson.gz
      tasq export --url sqlite:///old.db --all | tasq import - --url postgresql://app@db/prod
    """
    choice = choice_of(context)
    with connected(context.obj) as connection:
        selection = choice.selection(connection.repository)
        if selection.ids is None:
            order = choice.page_order if choice.order else PageOrder.OLDEST
            lines = connection.inspector.export(selection.where, order)
            output.raw(map(sanitize.json_text, lines))
            return ExitCode.DONE
        ids = selection.ids
        if selection.limit is not None and choice.order is None:
            ids = tuple(reversed(ids))
        for batch in replace(selection, ids=ids).sized_batches(connection.repository, 500):
            found = {task.id: task for task in connection.repository.get_tasks(batch)}
            tasks = (found[id] for id in batch if id in found)
            output.raw(sanitize.json_text(to_line(task)) for task in tasks)
    return ExitCode.DONE


@app.command("import", cls=VerbCommand)
def import_tasks(
    context: typer.Context,
    *,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Exported or trash files; - is standard input."),
    ],
    no_trash: options.NoTrash = False,
    as_json: options.AsJson = False,
) -> int:
    """Insert tasks as they were, every column; ids that exist are left as they are.

    Examples:
      tasq import backup.ndjson
      zcat failed.ndjson.gz | tasq import -
    """
    with connected(context.obj) as connection, _lines(files) as lines:
        change = changes.restore(lines, 0, tuple(files), keep=not no_trash)
        operation = prepare(connection.repository, connection.settings, change)
        check_table(connection.client)
        diagnostics.note(f"import into {target_text(connection.settings)}")
        return report(progress.run(operation), as_json=as_json)


@contextmanager
def _lines(files: list[str]) -> Iterator[Iterable[str]]:
    """The lines of all files, one after another; each must exist before any is read.

    Raises:
        InvalidInputError: one can't be read.
    """
    for file in files:
        if file != "-" and not Path(file).is_file():
            raise InvalidInputError(f"there is no file {file!r}; nothing was imported")
    yield (line for file in files for line in _lines_of(file))


def _lines_of(file: str) -> Iterator[str]:
    yield from input_lines() if file == "-" else file_lines(file)
