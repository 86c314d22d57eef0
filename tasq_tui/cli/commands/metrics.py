"""tasq metrics."""

import signal
import threading
from typing import Annotated, Any

import typer

from tasq_core.metrics.catalogue import TABLE_METRICS
from tasq_core.metrics.exposition import flat
from tasq_core.metrics.server import MetricsServer
from tasq_core.metrics.table import TableMetrics
from tasq_tui.admin.session import check_table
from tasq_tui.cli import diagnostics, options, output, sanitize
from tasq_tui.cli.addresses import address
from tasq_tui.cli.connection import connected
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.options import VerbCommand, verb_app

app = verb_app()

_PORT = 9187


@app.command("metrics", cls=VerbCommand)
def metrics(
    context: typer.Context,
    *,
    serve: Annotated[
        str | None,
        typer.Option(
            metavar="[HOST]:PORT",
            help="Answer scrapes there until Ctrl+C; without a host, on this machine only.",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> int:
    """Print the figures as OpenMetrics (or as JSON), or serve them to Prometheus.

    Examples:
      tasq metrics
      tasq metrics --serve :9187
    """
    with connected(context.obj) as connection:
        figures = TableMetrics(connection.client)
        if serve is None:
            check_table(connection.client)
            if as_json:
                output.document(_samples(figures))
                return ExitCode.DONE
            lines = figures.text(open_metrics=True).rstrip("\n").split("\n")
            output.raw(map(sanitize.line, lines) if output.is_terminal() else lines)
            return ExitCode.DONE
        host, port = address("--serve", serve, _PORT)
        _serve(figures, host, port)
    return ExitCode.DONE


def _samples(figures: TableMetrics) -> list[dict[str, Any]]:
    return [
        {"name": name, "labels": labels, "value": value}
        for name, labels, value in flat(TABLE_METRICS, figures.samples())
    ]


def _serve(figures: TableMetrics, host: str, port: int) -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server = MetricsServer(host, port, figures.text)
    diagnostics.note(f"metrics on {server.url}; Ctrl+C stops")
    ended.wait()
    server.close()
