"""What needs somebody, in a line each: what `tasq health` finds. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from tasq_core.filters import Filter
from tasq_core.fleet.findings import Finding, Limits, Pair, Severity, Verdict
from tasq_core.reports import Health
from tasq_core.wording import counted
from tasq_tui.ui.queues.rows import FAILING_SHARE
from tasq_tui.ui.text.formats import age, count
from tasq_tui.ui.text.sanitize import fit, folded, safe
from tasq_tui.ui.widgets.rows_view import Row, RowColumn

COLUMNS: Final = (
    RowColumn("is", 1),
    RowColumn("finding", 20, share=1),
    RowColumn("at", 12, right=True, from_width=60),
)
TEXT: Final = 1
"""The column that may take several rows."""
_LOOKS: Final[Mapping[Severity | None, tuple[str, str, str]]] = {
    Severity.PROBLEM: ("\u2716", "rows--error", "$text-error"),
    Severity.WARNING: ("▲", "rows--warning", "$text-warning"),
    None: ("✓", "rows--good", "$text-success"),
}
"""Glyph, the row's tint and the heading's style by severity; None is all well."""


class Lead(NamedTuple):
    """Where the evidence of a rule's findings is."""

    screen: str = ""
    """"" where no screen shows it: the next command stands there instead."""
    state: str = ""
    """The `is:` of its tasks on the Tasks screen."""
    has_subject: bool = False
    """Whether the finding's text says itself what it is about."""


LEADS: Final[Mapping[str, Lead]] = {
    "blocked": Lead(has_subject=True),
    "paused": Lead("queues"),
    "vanished": Lead("fleet", has_subject=True),
    "unconsumed": Lead("tasks", "ready"),
    "slower": Lead("queues"),
    "failing": Lead("errors"),
    "retrying": Lead("tasks", "retrying"),
    "overloaded": Lead("queues"),
    "exhausted": Lead("tasks", "exhausted"),
    "lapsed": Lead("tasks", "stale"),
    "waiting": Lead("tasks", "ready"),
}
"""By the name of health's rule."""


class Line(NamedTuple):
    """One line."""

    severity: Severity | None
    """None is all well."""
    text: str
    screen: str = ""
    """Where its evidence is."""
    where: str = ""
    """The filter that shows it on the Tasks screen."""
    command: str = ""
    """What to run next, where no screen shows it."""


class Ends(NamedTuple):
    """What ended in a time."""

    done: int
    failed: int

    @property
    def failed_share(self) -> float:
        """Failures among all ends, 0 to 1."""
        return self.failed / (self.done + self.failed) if self.failed else 0.0


def lines_of(verdict: Verdict) -> list[Line]:
    """What health found, worst first as it is; none where nothing was found."""
    return [_line(finding) for finding in verdict.findings]


def facts(health: Health, lately: Ends, now: datetime) -> list[Line]:
    """What the open tasks say by themselves, for as long as health has no answer.

    Args:
        health: what holds the open tasks.
        lately: the ends of the last five minutes.
        now: the database's clock.
    """
    found: list[Line] = []
    if lately.failed_share > FAILING_SHARE:
        ended = f"{count(lately.failed)} of {count(lately.failed + lately.done)}"
        text = f"{lately.failed_share:.0%} of runs fail: {ended} in five minutes"
        found.append(_fact("failing", text))
    if health.exhausted:
        text = f"{_tasks(health.exhausted)} crashed the last attempt allowed; the next poll"
        found.append(_fact("exhausted", f"{text} of the type ends them as failed"))
    if health.stale:
        text = f"the leases of {_tasks(health.stale)} lapsed: a consumer died, or stalls"
        found.append(_fact("lapsed", text))
    if is_late(health, now):
        text = f"{_tasks(health.ready)} ready, the oldest for {age(health.oldest_ready, now)}:"
        rates = f"{count(health.leased)} running, {count(lately.done)} done in five minutes"
        found.append(_fact("waiting", f"{text} {rates}"))
    return found


def all_well(hour: Ends, total: int) -> Line:
    """The line where nothing was found.

    Args:
        hour: the ends of the last hour.
        total: all tasks of the table.
    """
    if not total:
        return Line(None, "nothing here yet")
    ended = f"{count(hour.done)} done, {count(hour.failed)} failed in the last hour"
    return Line(None, f"nothing needs you: {ended}")


def is_late(health: Health, now: datetime) -> bool:
    """Whether the oldest ready task waits for longer than health lets it."""
    oldest = health.oldest_ready
    return oldest is not None and now - oldest > Limits().max_wait


def line_rows(
    lines: Sequence[Line],
    room: tuple[int, int] = (0, 0),
    most: int = 0,
    whole: int | None = None,
) -> list[Row]:
    """As `COLUMNS`, each line in as many rows as it takes; keys are (line, row of the line).

    Args:
        lines: what is said.
        room: cells of a line's first row, and of each that follows; 0 is any.
        most: rows a line takes; a longer one ends in an ellipsis. 0 is any number.
        whole: the place of a line that takes all its rows nevertheless.
    """
    rows = []
    for place, line in enumerate(lines):
        glyph, tint, _ = _LOOKS[line.severity]
        at = f"→ {line.screen.capitalize()}" if line.screen else safe(line.command)
        tints = (tint, tint, "rows--muted")
        text, *rest = _fitted(line.text, *room, 0 if place == whole else most)
        rows.append(Row((place, 0), (glyph, text, at), tints))
        rows += [
            Row((place, part), ("", text), tints, continues=True)
            for part, text in enumerate(rest, 1)
        ]
    return rows


def heading(lines: Sequence[Line]) -> tuple[str, str]:
    """The pane's note and its style."""
    found = [line.severity for line in lines if line.severity is not None]
    worst = Severity.PROBLEM if Severity.PROBLEM in found else next(iter(found), None)
    note = f"{len(found)} finding{'' if len(found) == 1 else 's'}" if found else "all well"
    return note, _LOOKS[worst][2]


def _fitted(text: str, first: int, others: int, most: int) -> list[str]:
    """`text` in rows of these widths, cut at the end of the last of `most`."""
    if not first:
        return [text]
    begin = next(folded(text, first))
    rest = text[len(begin) :].lstrip()
    rows = [begin, *folded(rest, others)] if rest else [begin]
    if 0 < most < len(rows):
        rows[most - 1 :] = [fit(" ".join(rows[most - 1 :]), first if most == 1 else others)]
    return rows


def _line(finding: Finding) -> Line:
    lead = LEADS.get(finding.rule, Lead())
    about = "" if lead.has_subject else f"{finding.subject}: "
    text = safe(f"{about}{finding.text} · {finding.cause}")
    where = _where(lead, finding.covers)
    return Line(finding.severity, text, lead.screen, where, "" if lead.screen else finding.command)


def _fact(rule: str, text: str) -> Line:
    lead = LEADS[rule]
    return Line(Severity.WARNING, text, lead.screen, _where(lead, ()))


def _where(lead: Lead, pairs: Collection[Pair]) -> str:
    if not lead.state:
        return ""
    found = Filter.parse(f"is:{lead.state}")
    if len(pairs) == 1:  # a filter can't name several pairs
        ((queue, kind),) = pairs
        found &= Filter.of(queues=(queue,), types=(kind,))
    return str(found)


def _tasks(number: int) -> str:
    return counted(number, "task")
