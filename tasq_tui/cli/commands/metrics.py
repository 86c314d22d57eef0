"""tasq metrics."""

import signal
import threading
from typing import Annotated, Any

import typer

from tasq_core.errors import InvalidInputError, TasqError
from tasq_tui.admin.metrics import exposition, registry
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
        figures = registry(connection.client)
        if serve is None:
            check_table(connection.client)
            if as_json:
                output.document(_samples(figures))
                return ExitCode.DONE
            lines = exposition(figures).rstrip("\n").split("\n")
            output.raw(map(sanitize.line, lines) if output.is_terminal() else lines)
            return ExitCode.DONE
        host, port = address("--serve", serve, _PORT)
        _serve(figures, host, port)
    return ExitCode.DONE


def _samples(figures: Any) -> list[dict[str, Any]]:
    return [
        {"name": sample.name, "labels": sample.labels, "value": sample.value}
        for family in figures.collect()
        for sample in family.samples
    ]


def _serve(figures: Any, host: str, port: int) -> None:
    from prometheus_client import start_http_server

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        server, thread = start_http_server(port, host, figures)
    except OSError as error:
        raise TasqError(
            f"can't listen on {host}:{port}: {error.strerror}; choose another --serve"
        ) from error
    except OverflowError as error:
        raise InvalidInputError(f"port {port} is out of range") from error
    diagnostics.note(f"metrics on http://{host}:{server.server_port}/metrics; Ctrl+C stops")
    ended.wait()
    server.shutdown()
    server.server_close()
    thread.join(2)
