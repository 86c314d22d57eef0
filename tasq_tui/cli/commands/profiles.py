"""tasq profiles."""

from typing import Any

import typer

from tasq_core.repository.redaction import redact
from tasq_tui.admin.settings import Profile, config_path, read_config
from tasq_tui.cli import diagnostics, options, output
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.formats import RowFormat
from tasq_tui.cli.options import VerbCommand, verb_app
from tasq_tui.cli.output import Column, Shape

app = verb_app()


@app.command("profiles", cls=VerbCommand)
def profiles(
    context: typer.Context,  # noqa: ARG001 - every verb has one
    *,
    form: options.RowOutput = RowFormat.TABLE,
    as_json: options.AsJson = False,
) -> int:
    """List the profiles of the config file; passwords are not shown.

    Examples:
      tasq profiles
      tasq --profile prod stats

    The config file, as TOML:
      default_profile = "dev"
      [profiles.prod]
      url = "postgresql://app@db/prod"
      read_only = true
      color = "red"
      confirm = true
    """
    config = read_config(config_path())
    for warning in config.warnings:
        diagnostics.warn(warning)
    if not config.profiles:
        diagnostics.note(f"no profiles in {config.path}")

    def record(profile: Profile) -> dict[str, Any]:
        return {
            "name": profile.name,
            "url": redact(profile.url),
            "prefix": profile.prefix,
            "read_only": profile.read_only,
            "confirm": profile.confirm,
            "color": profile.color,
            "default": profile.name == config.default_profile,
        }

    columns: tuple[Column[Profile], ...] = (
        Column("NAME", lambda p: f"{p.name}{' *' * (p.name == config.default_profile)}"),
        Column("URL", lambda p: redact(p.url), gives_way=True),
        Column("PREFIX", lambda p: p.prefix or "-", drop=1),
        Column("MODE", lambda p: "read-only" if p.read_only else "read-write"),
        Column("COLOR", lambda p: p.color or "-", drop=2),
    )
    fields = ("name", "url", "prefix", "read_only", "confirm", "color", "default")
    chosen = options.chosen(form, as_json)
    output.rows(Shape(columns, fields, record), config.profiles.values(), chosen)
    return ExitCode.DONE
