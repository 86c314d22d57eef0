"""tasq health."""

from typing import Annotated, Any

import typer

from tasq_core.errors import InvalidInputError
from tasq_core.fleet.findings import Finding, Verdict
from tasq_core.transfer import iso
from tasq_core.wording import counted
from tasq_tui.admin.session import check_table
from tasq_tui.cli import diagnostics, options, output, sanitize
from tasq_tui.cli.connection import connected
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.durations import age
from tasq_tui.cli.options import VerbCommand, verb_app

app = verb_app()


@app.command("health", cls=VerbCommand)
def health(
    context: typer.Context,
    *,
    max_wait: Annotated[
        str, typer.Option(metavar="DURATION", help="How long a task may wait to be claimed.")
    ] = "5m",
    max_failing: Annotated[
        str, typer.Option(metavar="PERCENT", help="How many of the tasks that end may fail.")
    ] = "5%",
    queue: Annotated[
        str | None, typer.Option(metavar="NAME", help="Judge this queue alone.")
    ] = None,
    as_json: options.AsJson = False,
) -> int:
    """Tell what keeps tasks from running or lets them fail, why, and what to do; changes nothing.

    Exits 0 where nothing was found, else 8. Go's consumers don't register: what can't be known
    because of that is said.

    Examples:
      tasq health
      tasq health --max-wait 30s --max-failing 1% --queue mail
    """
    wait, failing = age("--max-wait", max_wait), _percent(max_failing)
    with connected(context.obj) as connection:
        check_table(connection.client)
        verdict = connection.client.health(max_wait=wait, max_failing=failing, queue=queue)
    if as_json:
        output.document(_record(verdict))
    else:
        output.text(*(line for finding in verdict.findings for line in _lines(finding)))
        if verdict.healthy:
            output.text("healthy: no finding")
        for line in verdict.unknown:
            diagnostics.note(line)
    if verdict.healthy:
        return ExitCode.DONE
    diagnostics.note(counted(len(verdict.findings), "finding"))
    return ExitCode.UNHEALTHY


def _percent(text: str) -> float:
    """The part that a percentage stands for."""
    try:
        part = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        part = -1.0
    if not 0 <= part <= 1:
        raise InvalidInputError(f"--max-failing {text!r} is not a percentage: write 5% or 0.5%")
    return part


def _record(verdict: Verdict) -> dict[str, Any]:
    findings = [
        {
            "rule": finding.rule, "severity": finding.severity.value, "subject": finding.subject,
            "text": finding.text, "cause": finding.cause, "command": finding.command,
        }
        for finding in verdict.findings
    ]  # fmt: skip
    return {
        "healthy": verdict.healthy, "taken_at": iso(verdict.taken_at), "findings": findings,
        "unknown": list(verdict.unknown),
    }  # fmt: skip


def _lines(finding: Finding) -> list[str]:
    label = {"problem": "FAIL", "warning": "WARN"}[finding.severity.value]
    shown = (
        f"{label}  {finding.rule}: {finding.subject}: {finding.text}",
        f"      why: {finding.cause}",
        f"      next: {finding.command}",
    )
    return [sanitize.line(line) for line in shown]
