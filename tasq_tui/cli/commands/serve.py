"""tasq serve."""

import os
import shlex
import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from tasq_core.errors import InvalidInputError, TasqError
from tasq_core.repository.urls import parse_url
from tasq_tui.admin.settings import Settings
from tasq_tui.cli import diagnostics
from tasq_tui.cli.addresses import LOOPBACK, address
from tasq_tui.cli.connection import settings_of
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.options import Given, VerbCommand, verb_app

app = verb_app()

_PORT = 8410
_PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "PYTHONPATH", "VIRTUAL_ENV",
    "XDG_CONFIG_HOME", "XDG_STATE_HOME", "TASQ_CONFIG", "TASQ_STATE_DIR",
)  # fmt: skip
_POSTGRES = ("PGPASSWORD", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE")
_MYSQL = ("MYSQL_PWD",)


@app.command("serve", cls=VerbCommand)
def serve(
    context: typer.Context,
    *,
    listen: Annotated[
        str,
        typer.Option(
            "--listen", metavar="[HOST]:PORT", help="Without a host, on this machine only."
        ),
    ] = f":{_PORT}",
    writable: Annotated[
        bool, typer.Option("--writable", help="Let the browser change tasks.")
    ] = False,
    public_url: Annotated[
        str | None, typer.Option(metavar="URL", help="How browsers reach it, behind a proxy.")
    ] = None,
) -> int:
    """Serve the app to browsers until Ctrl+C: read-only, and to this machine, unless told.

    There is no password: whoever reaches the address sees the tasks. Put a proxy that asks for
    one in front before you listen to more than this machine.

    Examples:
      tasq serve
      tasq serve --listen 0.0.0.0:8410 --public-url https://tasks.example
    """
    given: Given = context.obj
    settings = settings_of(given)
    read_only = settings.read_only or not writable
    host, port = address("--listen", listen, _PORT)
    if host not in (LOOPBACK, "localhost", "::1"):
        diagnostics.warn(f"everyone who reaches {host}:{port} sees these tasks")
    _serve(settings, host, port, public_url, read_only=read_only)
    return ExitCode.DONE


def child_environment(
    settings: Settings, environment: Mapping[str, str], *, read_only: bool
) -> dict[str, str]:
    """What an app in the browser is started with: no secret but what leads to the database."""
    ways = {"postgresql": _POSTGRES, "mysql": _MYSQL}.get(parse_url(settings.url).kind, ())
    kept = {name: environment[name] for name in (*_PASSED_ON, *ways) if name in environment}
    kept |= {"TASQ_URL": settings.url, "TASQ_READ_ONLY": "1" if read_only else "0"}
    if settings.prefix:
        kept["TASQ_PREFIX"] = settings.prefix
    if settings.time_zone:
        kept["TASQ_TIME_ZONE"] = settings.time_zone
    return kept | ({"TASQ_PROFILE": settings.profile} if settings.profile else {})


def _serve(
    settings: Settings, host: str, port: int, public_url: str | None, *, read_only: bool
) -> None:
    try:
        from tasq_tui.cli.serving import GuardedServer
    except ModuleNotFoundError as error:
        raise TasqError(
            "serving the app needs textual-serve; run pip install 'tasq-tui[serve]'"
        ) from error
    # The server hands its own environment to each app it starts.
    environment = child_environment(settings, os.environ, read_only=read_only)
    os.environ.clear()
    os.environ.update(environment)
    command = shlex.join([sys.executable, "-m", "tasq_tui", "tui"])
    mode = "read-only" if read_only else "WRITABLE"
    diagnostics.note(f"the app is on http://{host}:{port}, {mode}; Ctrl+C stops")
    server = GuardedServer(command, host=host, port=port, title="tasq", public_url=public_url)
    try:
        server.serve()
    except OSError as error:
        raise InvalidInputError(
            f"can't listen on {host}:{port}: {error.strerror or error}; choose another address"
        ) from error
