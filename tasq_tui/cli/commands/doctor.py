"""tasq doctor."""

from typing import Annotated, Any

import typer

from tasq_core.wording import counted
from tasq_tui.admin.doctor import Finding, Verdict, examine
from tasq_tui.cli import diagnostics, options, output, sanitize
from tasq_tui.cli.connection import connected
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.formats import Format, RowFormat
from tasq_tui.cli.options import VerbCommand, verb_app
from tasq_tui.cli.output import Shape

app = verb_app()


@app.command("doctor", cls=VerbCommand)
def doctor(
    context: typer.Context,
    *,
    form: options.RowOutput = RowFormat.TABLE,
    as_json: options.AsJson = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 8 on warnings too.")] = False,
) -> int:
    """Check connection, clock, schema, indexes, rights, leases and size; changes nothing.

    Exits 1 where something doesn't work; with --strict, 8 where something will hurt.

    Examples:
      tasq doctor
      tasq doctor --profile prod --json
    """
    chosen = options.chosen(form, as_json)
    with connected(context.obj) as connection:
        findings = list(examine(connection.repository, connection.settings))
    if chosen is Format.TABLE:
        output.text(*(line for finding in findings for line in _lines(finding)))
    else:
        output.rows(Shape((), _FIELDS, _record), findings, chosen)
    broken = sum(finding.verdict is Verdict.PROBLEM for finding in findings)
    if broken:
        diagnostics.note(counted(broken, "problem"))
    if broken:
        return ExitCode.FAILED
    warned = sum(finding.verdict is Verdict.WARNING for finding in findings)
    if strict and warned:
        diagnostics.note(counted(warned, "warning"))
        return ExitCode.UNHEALTHY
    return ExitCode.DONE


_FIELDS = ("topic", "verdict", "message", "remedy")


def _record(finding: Finding) -> dict[str, Any]:
    return {
        "topic": finding.topic,
        "verdict": finding.verdict.value,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def _lines(finding: Finding) -> list[str]:
    label = {"ok": "ok  ", "hint": "hint", "warning": "WARN", "problem": "FAIL"}[finding.verdict]
    first = f"{label}  {finding.topic}: {sanitize.line(finding.message)}"
    return [first, *(f"      {line}" for line in sanitize.lines(finding.remedy) if finding.remedy)]
