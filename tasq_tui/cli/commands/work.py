"""tasq work."""

from typing import Annotated

import typer

from tasq_core.errors import InvalidInputError
from tasq_tui.cli import diagnostics
from tasq_tui.cli.addresses import address
from tasq_tui.cli.durations import age
from tasq_tui.cli.options import Given, VerbCommand, verb_app
from tasq_tui.cli.working import Work, logger_of
from tasq_tui.cli.working import work as work_here

app = verb_app()

_METRICS_PORT = 9188
_MOST_PROCESSES = 256


@app.command("work", cls=VerbCommand)
def work(
    context: typer.Context,
    *,
    handlers: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:ATTR",
            help="Handlers: a dict of task type to function, or a function that learns them.",
        ),
    ],
    queue: Annotated[
        list[str] | None,
        typer.Option("--queue", metavar="QUEUE", help="Only these; all queues without it."),
    ] = None,
    workers: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Threads that run handlers.")
    ] = 10,
    once: Annotated[bool, typer.Option("--once", help="Run one task, if one is ready.")] = False,
    drain: Annotated[
        bool,
        typer.Option(
            "--drain",
            help="End when none of its tasks can still run, retries included; exit 6"
            " where some failed for good.",
        ),
    ] = False,
    by_priority: Annotated[
        bool, typer.Option("--by-priority", help="Urgent tasks first, instead of old ones.")
    ] = False,
    delete: Annotated[
        bool, typer.Option("--delete-on-success", help="Don't keep tasks that succeed.")
    ] = False,
    poll: Annotated[str, typer.Option("--poll-interval", metavar="DURATION")] = "5s",
    visibility: Annotated[
        str,
        typer.Option(
            "--visibility-timeout",
            metavar="DURATION",
            help="How long a lease lasts unless extended.",
        ),
    ] = "15s",
    backoff: Annotated[
        str,
        typer.Option(
            "--retry-backoff",
            metavar="DURATION",
            help="Before a failed task runs again; doubled with each attempt, up to 5m.",
        ),
    ] = "1s",
    within: Annotated[
        str | None,
        typer.Option(
            "--within",
            metavar="DURATION",
            help="With --drain or --once: give up after so long, exit 4. A drain waits for delayed"
            " tasks that are due by then, and for no others.",
        ),
    ] = None,
    stop_timeout: Annotated[
        str | None,
        typer.Option(
            "--stop-timeout",
            metavar="DURATION",
            help="After a signal, leave handlers that run longer; their tasks run again.",
            show_default="no limit",
        ),
    ] = None,
    job_timeout: Annotated[
        str | None,
        typer.Option(
            "--job-timeout",
            metavar="DURATION",
            help="A handler that runs longer has failed.",
            show_default="no limit",
        ),
    ] = None,
    log: Annotated[
        str, typer.Option("--log", metavar="LEVEL", help="debug, info, warning or error.")
    ] = "info",
    log_format: Annotated[
        str,
        typer.Option(
            "--log-format", metavar="text|json", help="Lines for people, or an object a line."
        ),
    ] = "text",
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="What the log and the fleet call it.")
    ] = "",
    processes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=_MOST_PROCESSES,
            help="Work in so many processes, NAME-1 and so on; one that crashes is replaced.",
            show_default="this one",
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="[HOST]:PORT",
            help="Answer Prometheus' scrapes there; without a host, on this machine only.",
        ),
    ] = None,
) -> int:
    """Run tasks with your handlers until Ctrl+C or SIGTERM, which let running ones finish.

    A second Ctrl+C quits at once; the tasks it cut off run again when their lease ends. Both go
    for all of --processes.

    Examples:
      tasq work app.jobs:handlers --queue mail --queue billing --workers 8
      tasq work app.jobs --drain --within 5m
      tasq work app.jobs --processes 4 --name mailer --metrics :9188
    """
    if log_format == "json":
        diagnostics.write_json(name)
    if once and drain:
        raise InvalidInputError("--once runs one task and --drain all: give one of them")
    if once and processes is not None:
        raise InvalidInputError("--once runs one task, in one process: leave --processes out")
    if within is not None and not (once or drain):
        raise InvalidInputError("--within goes with --once or --drain")
    asked = Work(
        handlers=handlers,
        queues=tuple(queue) if queue else None,
        workers=workers,
        once=once,
        drain=drain,
        by_priority=by_priority,
        delete=delete,
        poll_interval=age("--poll-interval", poll).total_seconds(),
        visibility_timeout=age("--visibility-timeout", visibility).total_seconds(),
        backoff=age("--retry-backoff", backoff).total_seconds(),
        within=_seconds("--within", within),
        stop_timeout=_seconds("--stop-timeout", stop_timeout),
        job_timeout=_seconds("--job-timeout", job_timeout),
        log=log,
        log_format=log_format,
        name=name,
    )
    if processes is not None:
        return _supervise(context.obj, asked, processes, metrics)
    if metrics is None:
        return work_here(context.obj, asked)
    from tasq_core.metrics import ConsumerMetrics, MetricsServer

    counts = ConsumerMetrics()
    server = MetricsServer(*address("--metrics", metrics, _METRICS_PORT), counts.text)
    try:
        diagnostics.note(f"metrics on {server.url}")
        return work_here(context.obj, asked, counts)
    finally:
        server.close()


def _supervise(given: Given, asked: Work, processes: int, metrics: str | None) -> int:
    from tasq_core.metrics import MetricsServer
    from tasq_tui.cli.workers.supervisor import Supervisor

    logger = logger_of(asked)
    supervisor = Supervisor(given, asked, processes, logger, metrics=metrics is not None)
    if metrics is None:
        return supervisor.run()
    server = MetricsServer(*address("--metrics", metrics, _METRICS_PORT), supervisor.metrics_text)
    try:
        diagnostics.note(f"metrics of all {processes} on {server.url}")
        return supervisor.run()
    finally:
        server.close()


def _seconds(option: str, text: str | None) -> float | None:
    return None if text is None else age(option, text).total_seconds()
