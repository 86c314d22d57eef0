"""What needs somebody, in a line each: the simple facts of the open tasks. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from tasq_core.fleet.findings import Severity, Verdict
from tasq_core.fleet.reports import ConsumerReport
from tasq_core.reports import Health
from tasq_tui.ui.queues.rows import FAILING_SHARE
from tasq_tui.ui.text.formats import age, count
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.widgets.rows_view import Row, RowColumn

_EVIDENCE: Final = {
    "failing": "errors", "retrying": "errors", "vanished": "fleet", "unconsumed": "fleet",
    "overloaded": "fleet", "slower": "fleet", "lapsed": "fleet", "exhausted": "errors",
}  # fmt: skip
"""The screen that shows what a rule of `client.health()` found."""
_NAMED: Final = 2
_LONGEST: Final = 400
LATE_SECONDS: Final = 600.0
"""From this age the oldest ready task is coloured."""

COLUMNS: Final = (
    RowColumn("is", 1),
    RowColumn("finding", 20, share=1),
    RowColumn("at", 12, right=True, from_width=60),
)
_GLYPHS: Final = {
    "bad": ("\u2716", "rows--error"), "warn": ("▲", "rows--warning"), "good": ("✓", "rows--good")
}  # fmt: skip


class Finding(NamedTuple):
    """One line."""

    level: str
    """"bad" needs somebody, "warn" may soon, "good" is all well."""
    text: str
    screen: str = ""
    """Where its evidence is."""
    where: str = ""
    """The filter that shows it on the Tasks screen."""


class Ends(NamedTuple):
    """What ended in a time."""

    done: int
    failed: int

    @property
    def failed_share(self) -> float:
        """Failures among all ends, 0 to 1."""
        return self.failed / (self.done + self.failed) if self.failed else 0.0


def simple_facts(
    health: Health, lately: Ends, hour: Ends, total: int, now: datetime
) -> list[Finding]:
    """What the counts of the open tasks say by themselves; one line at least.

    Args:
        health: what holds the open tasks.
        lately: the ends of the last five minutes.
        hour: the ends of the last hour.
        total: all tasks of the table.
        now: the database's clock.
    """
    found: list[Finding] = []
    if health.exhausted:
        found.append(Finding(
            "bad", f"{_tasks(health.exhausted)} crashed the last attempt allowed; the next poll"
            " of the type ends them as failed", "tasks", "is:exhausted",
        ))  # fmt: skip
    if lately.failed_share > FAILING_SHARE:
        found.append(Finding(
            "bad", f"{lately.failed_share:.0%} of runs fail: {count(lately.failed)} of"
            f" {count(lately.failed + lately.done)} in five minutes", "errors",
        ))  # fmt: skip
    if is_late(health, now):
        text = (
            f"{_tasks(health.ready)} ready, the oldest for {age(health.oldest_ready, now)}:"
            f" {count(health.leased)} running, {count(lately.done)} done in five minutes"
        )
        found.append(Finding("warn", text, "tasks", "is:ready"))
    if health.stale:
        found.append(Finding(
            "warn", f"the leases of {_tasks(health.stale)} lapsed: a consumer died, or stalls",
            "tasks", "is:stale",
        ))  # fmt: skip
    if not found:
        if not total:
            return [Finding("good", "nothing here yet")]
        ended = f"{count(hour.done)} done, {count(hour.failed)} failed in the last hour"
        found.append(Finding("good", f"nothing needs you: {ended}"))
    return found


def judged(verdict: Verdict) -> list[Finding]:
    """The findings of `client.health()`, those that keep tasks from running first."""
    return [
        Finding(
            "bad" if found.severity is Severity.PROBLEM else "warn",
            safe(f"{found.subject}: {found.text}", _LONGEST),
            _EVIDENCE.get(found.rule, "queues"),
        )
        for found in sorted(verdict.findings, key=lambda f: f.severity is not Severity.PROBLEM)
    ]


def vanished(consumers: Sequence[ConsumerReport], now: datetime) -> list[Finding]:
    """A line for consumers that sent no heartbeat for long; none where all live."""
    gone = [consumer for consumer in consumers if consumer.vanished]
    if not gone:
        return []
    named = ", ".join(safe(consumer.name, 40) for consumer in gone[:_NAMED])
    more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
    held = sum(len(consumer.in_flight) + len(consumer.waiting) for consumer in gone)
    last = max(consumer.heartbeat_at for consumer in gone)
    text = f"{named}{more} vanished, last heard {age(last, now)} ago, holding {_tasks(held)}"
    return [Finding("bad" if held else "warn", text, "fleet")]


def is_late(health: Health, now: datetime) -> bool:
    """Whether the oldest ready task waits for long."""
    oldest = health.oldest_ready
    return oldest is not None and (now - oldest).total_seconds() >= LATE_SECONDS


def finding_rows(findings: Sequence[Finding]) -> list[Row]:
    """As `COLUMNS`; the key is the finding's place."""
    rows = []
    for place, finding in enumerate(findings):
        glyph, tint = _GLYPHS[finding.level]
        at = f"→ {finding.screen.capitalize()}" if finding.screen else ""
        rows.append(Row(place, (glyph, finding.text, at), (tint, tint, "rows--muted")))
    return rows


def heading(findings: Sequence[Finding]) -> tuple[str, str]:
    """The pane's note and its style."""
    number = sum(finding.level != "good" for finding in findings)
    if not number:
        return "all well", "$text-success"
    style = "$text-error" if any(f.level == "bad" for f in findings) else "$text-warning"
    return f"{number} finding{'' if number == 1 else 's'}", style


def _tasks(number: int) -> str:
    return f"{count(number)} task{'' if number == 1 else 's'}"
