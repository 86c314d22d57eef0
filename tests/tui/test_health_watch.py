"""News of health reach whoever looks at another screen; nothing is told twice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tasq_core.fleet.findings import Finding, Severity, Verdict
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.health_watch import Findings
from tests.support.builders import make_task
from tests.tui.conftest import NOW, cockpit, screen_text, toasts, until

FOUND = Finding("failing", Severity.WARNING, "type email", "34% failed", "503", "tasq errors")
WORSE = replace(FOUND, rule="unconsumed", severity=Severity.PROBLEM, subject="queue mail, type a")


def verdict(*findings: Finding) -> Verdict:
    return Verdict(findings, NOW, ())


def texts(findings: Findings, *found: Finding) -> list[str]:
    return [notice.text for notice in findings.compare(verdict(*found))]


def test_the_first_verdict_is_no_news():
    """Each start would begin with messages about what the Overview shows anyway."""
    assert not Findings().compare(verdict(FOUND, WORSE))


def test_a_finding_that_appears_is_told_once_whatever_its_figures_become():
    findings = Findings()
    findings.compare(verdict())

    (notice,) = findings.compare(verdict(WORSE))
    assert notice.tone == "error"
    assert notice.text.startswith("queue mail, type a: 34% failed")
    assert not findings.compare(verdict(replace(WORSE, text="35% failed")))


def test_a_finding_is_gone_once_two_verdicts_lack_it():
    """One at its limit comes and goes with each look: a message every five seconds."""
    findings = Findings()
    findings.compare(verdict(FOUND))
    for found in ((), (FOUND,), (), (FOUND,)):
        assert not texts(findings, *found)

    assert not texts(findings)
    assert texts(findings) == ["no longer failing: type email"]
    assert not texts(findings)
    assert texts(findings, FOUND) != []


def test_many_at_once_are_summed_up():
    """An outage is dozens of findings: messages would cover the whole screen."""
    findings = Findings()
    findings.compare(verdict())
    found = [replace(WORSE, subject=f"queue q{number}") for number in range(20)]

    told = texts(findings, *found)

    assert len(told) == 3
    assert told[-1].startswith("18 more changes of health")


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasq_tui.ui.app.WATCH_SECONDS", 0.05)


def waiting_task():
    old = NOW - timedelta(hours=1)
    return make_task(queue="mail\x1b[2J", created_at=old, visible_at=old)


async def test_a_finding_is_told_on_every_screen_when_it_appears_and_goes(
    settings: Settings, table, stopped_clock, often
):
    async with cockpit(settings, size=(120, 40), screen="history") as (app, pilot):
        await until(pilot, lambda: app.session.figures.verdict.value)
        task = waiting_task()
        table.repository.restore_tasks([task])
        app.session.figures.verdict.expire()
        await until(pilot, lambda: any("1 task is ready" in text for text in toasts(app)))
        assert not any("\x1b" in text for text in toasts(app))
        table.repository.delete_tasks([task.id], False)

        def is_told() -> bool:
            app.session.figures.verdict.expire()
            return any("no longer unconsumed" in text for text in toasts(app))

        await until(pilot, is_told)


async def test_notifications_can_be_turned_off(settings: Settings, table, stopped_clock, often):
    settings = replace(settings, notifications=False)
    async with cockpit(settings, screen="history") as (app, pilot):
        table.repository.restore_tasks([waiting_task()])
        app.session.figures.verdict.expire()
        await app.action_go("overview")
        await until(pilot, lambda: "task is ready" in screen_text(app))

        assert not toasts(app)
