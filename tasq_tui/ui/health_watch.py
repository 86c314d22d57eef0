"""Messages when a finding of health appears or goes, whichever screen is shown."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from tasq_core.fleet.findings import Finding, Severity, Verdict
from tasq_tui.ui.db.stats import read_health
from tasq_tui.ui.operations.change import Severity as Tone
from tasq_tui.ui.session import Session

WATCH_SECONDS: Final = 5.0
"""Between two looks; how often health is examined is bounded by its cost (`Figures.verdict`)."""
_MOST: Final = 3
"""Messages of one look; more are summed up in the last."""
_TONES: Final[Mapping[Severity, Tone]] = {
    Severity.PROBLEM: "error",
    Severity.WARNING: "warning",
}

Key = tuple[str, str]
"""A finding's rule and subject: its figures change, it stays the same finding."""


class Notice(NamedTuple):
    """A message, and how bad the news is."""

    text: str
    tone: Tone


class Findings:
    """Tells what a verdict has more, and less, than the ones before. Pure.

    The first verdict only says where things stand. A finding is gone once two verdicts in a
    row lack it: one that flickers at its limit is told of once.
    """

    def __init__(self) -> None:
        self._known: dict[Key, Finding] | None = None
        self._missed = set[Key]()

    def compare(self, verdict: Verdict) -> list[Notice]:
        """The news of this verdict, the worst first."""
        found = {(finding.rule, finding.subject): finding for finding in verdict.findings}
        if self._known is None:
            self._known = found
            return []
        missing = self._known.keys() - found.keys()
        over = [key for key in self._known if key in missing & self._missed]
        new = [finding for key, finding in found.items() if key not in self._known]
        self._missed = missing - set(over)
        self._known = {key: f for key, f in self._known.items() if key not in over} | found
        return _summed_up([*map(_appeared, new), *map(_gone, over)])


class HealthWatch:
    """Examines health every few seconds and reports what is new; the Overview shows the rest."""

    def __init__(self, session: Session, notify: Callable[[str, Tone], None]) -> None:
        """Wait for the first look.

        Args:
            session: the database, and the figures that the screens share.
            notify: shows a message, which is inert there.
        """
        self._session = session
        self._notify = notify
        self._findings = Findings()
        self._seen: Verdict | None = None

    async def look(self) -> None:
        """Examine health where that is due, and report what changed."""
        await read_health(self._session)
        verdict = self._session.figures.verdict.value
        if verdict is None or verdict is self._seen:
            return
        self._seen = verdict
        for notice in self._findings.compare(verdict):
            self._notify(notice.text, notice.tone)


def _appeared(finding: Finding) -> Notice:
    return Notice(f"{finding.subject}: {finding.text} · 1 shows why", _TONES[finding.severity])


def _gone(key: Key) -> Notice:
    rule, subject = key
    return Notice(f"no longer {rule}: {subject}", "information")


def _summed_up(notices: list[Notice]) -> list[Notice]:
    if len(notices) <= _MOST:
        return notices
    more = len(notices) - _MOST + 1
    return [
        *notices[: _MOST - 1],
        Notice(f"{more} more changes of health · 1 shows them", "warning"),
    ]
