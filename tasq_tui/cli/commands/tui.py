"""tasq tui."""

import typer

from tasq_tui.cli.cockpit import open_cockpit
from tasq_tui.cli.options import VerbCommand, verb_app

app = verb_app()


@app.command("tui", cls=VerbCommand)
def tui(context: typer.Context) -> int:
    """Open the app on a database.

    Examples:
      tasq tui --url postgresql://app@db/prod --prefix billing
      tasq --profile prod --read-only tui
    """
    return open_cockpit(context.obj)
