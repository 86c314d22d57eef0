"""tasq demo."""

import threading
from typing import Annotated

import typer

from tasq_core.client import connect
from tasq_core.errors import InvalidInputError
from tasq_core.reports import Summary
from tasq_core.task import TaskStatus
from tasq_tui.admin.demo import Demo, demo_database
from tasq_tui.admin.demo_data import SEED, TASKS
from tasq_tui.cli import diagnostics, output
from tasq_tui.cli.cockpit import run_cockpit
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.options import Given, VerbCommand, verb_app

app = verb_app()


@app.command("demo", cls=VerbCommand)
def demo(
    context: typer.Context,
    *,
    headless: Annotated[
        bool, typer.Option("--headless", help="Without the app; print the counts.")
    ] = False,
    seconds: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, max=3600, help="How long --headless runs.")
    ] = 10.0,
    tasks: Annotated[
        int, typer.Option(metavar="N", min=0, max=1_000_000, help="Made-up tasks.")
    ] = TASKS,
    seed: Annotated[
        int, typer.Option(metavar="N", help="The same seed makes the same tasks.")
    ] = SEED,
) -> int:
    """Open the app on a fresh SQLite file with made-up tasks and live work; needs no server.

    The file is deleted when the app closes.

    Examples:
      tasq demo
      tasq demo --headless --seconds 5
    """
    _refuse_database(context.obj)
    with demo_database() as settings:
        demo = Demo(settings, seed=seed)
        demo.prepare(tasks)
        if headless:
            return _headless(demo, settings.url, seconds)
        demo.start()
        try:
            return run_cockpit(settings)
        finally:
            demo.stop()


def _refuse_database(given: Given) -> None:
    if given.url or given.profile or given.prefix:
        raise InvalidInputError(
            "demo makes a database of its own; leave out --url, --prefix and --profile"
        )


def _headless(demo: Demo, url: str, seconds: float) -> int:
    with connect(url) as client:
        inspector = client.new_inspector()
        before = inspector.summary()
        demo.start()
        try:
            threading.Event().wait(seconds)
        finally:
            demo.stop()
        after = inspector.summary()
    output.text(*_lines(before, after))
    succeeded = TaskStatus.SUCCESSFUL
    if after.counts[succeeded] <= before.counts[succeeded]:
        diagnostics.warn(f"no task succeeded within {seconds:g} s")
        return ExitCode.FAILED
    return ExitCode.DONE


def _lines(before: Summary, after: Summary) -> list[str]:
    rows = [
        f"{status.value:<12}{before.counts[status]:>9,}{after.counts[status]:>9,}"
        f"{after.counts[status] - before.counts[status]:>+9,}"
        for status in TaskStatus
    ]
    return [f"{'':<12}{'before':>9}{'after':>9}{'change':>9}", *rows]
