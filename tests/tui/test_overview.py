from dataclasses import replace
from datetime import timedelta

import pytest

from tasq_core import connect
from tasq_core.client import Client
from tasq_core.errors import StatementTimeoutError
from tasq_core.fleet.findings import Finding, Severity, Verdict
from tasq_core.fleet.health import RULES
from tasq_core.reports import Health
from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.overview.tiles import Tiles
from tasq_tui.ui.overview.verdict import (
    LEADS,
    Ends,
    all_well,
    facts,
    heading,
    line_rows,
    lines_of,
)
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.widgets.header import SCREENS
from tasq_tui.ui.widgets.rows_view import RowsView
from tests.e2e.cockpit import run_command
from tests.support.builders import make_task
from tests.tui.conftest import NOW, TASKS, cockpit, press, screen_text, settled, until

CALM = Ends(100, 0)
FOUND = Finding(
    "unconsumed", Severity.PROBLEM, "queue mail, type email", "41 tasks are ready", "nobody takes it",
    "tasq work MODULE:ATTR --queue mail", frozenset({("mail", "email")}),
)  # fmt: skip


def tiles(app) -> dict[str, str]:
    return {tile.label: tile.value for tile in app.view.query_one(Tiles)._tiles}


async def test_tiles_and_queues_agree_with_the_database(shop: Settings, table):
    summary = table.new_inspector().summary()
    async with cockpit(shop, size=(120, 40)) as (app, _pilot):
        text, shown = screen_text(app), tiles(app)

        assert f"{TASKS} tasks" in text
        assert shown["ready"] == str(summary.health.ready)
        assert shown["lapsed"] == str(summary.health.stale)
        assert shown["running"] == str(summary.counts[TaskStatus.IN_PROGRESS])
        for row in table.new_inspector().breakdown("queue"):
            assert row.name in text


async def test_80_columns_have_findings_figures_chart_and_queues(shop: Settings):
    async with cockpit(shop, size=(80, 24)) as (app, _pilot):
        text = screen_text(app)

        for part in ("Health", "oldest", "failing", "Ended per minute", "Queues", "billing"):
            assert part in text


async def test_the_groups_that_fail_most_are_shown(shop: Settings, table):
    most = max(table.new_inspector().errors(), key=lambda group: group.count)
    async with cockpit(shop, size=(200, 60)) as (app, pilot):
        await until(pilot, lambda: most.message[:30] in screen_text(app))


@pytest.mark.slow
async def test_a_new_task_shows_up_by_itself(settings: Settings, table):
    async with cockpit(settings) as (app, pilot):
        assert "no tasks yet" in screen_text(app)
        table.new_producer().submit("email", None, queue="mail")

        await until(pilot, lambda: "1 task" in screen_text(app))
        await until(pilot, lambda: "mail" in screen_text(app))


async def test_an_empty_table_says_what_to_do_next(settings: Settings):
    async with cockpit(settings, size=(80, 24)) as (app, _pilot):
        text = screen_text(app)

        for command in ("tasq submit", "tasq work", "tasq demo"):
            assert command in text


async def test_enter_on_a_queue_shows_its_tasks(shop: Settings):
    async with cockpit(shop) as (app, pilot):
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await settled(pilot)

        assert str(app.view.where) == "queue:mail"
        assert {task.queue for task in app.view.list.window.rows} == {"mail"}


async def test_enter_on_a_type_shows_its_tasks(shop: Settings):
    async with cockpit(shop, size=(200, 60)) as (app, pilot):
        await until(pilot, lambda: app.view.query_one("#overview-types").rows)
        app.view.query_one("#overview-types").focus()
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")

        assert str(app.view.where).startswith("type:")


async def test_enter_on_a_group_of_errors_shows_its_tasks(shop: Settings):
    async with cockpit(shop, size=(200, 60)) as (app, pilot):
        await until(pilot, lambda: app.view.query_one("#overview-errors").rows)
        app.view.query_one("#overview-errors").focus()
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await settled(pilot)

        statuses = {task.status for task in app.view.list.window.rows}
        assert statuses == {TaskStatus.FAILED}


async def test_the_health_pane_says_what_tasq_health_says(settings: Settings, table, stopped_clock):
    """Otherwise the app and the command would tell one user two different things."""
    old = stopped_clock - timedelta(hours=1)
    waiting = [make_task(queue=queue, created_at=old, visible_at=old) for queue in ("mail", "slow")]
    table.repository.restore_tasks(waiting)
    table.pause(queue="slow")
    found = table.health().findings
    assert {finding.severity for finding in found} == set(Severity)
    async with cockpit(settings, size=(200, 60)) as (app, _pilot):
        text = screen_text(app)

        for finding in found:
            assert safe(f"{finding.subject}: {finding.text}") in text
        assert f"{len(found)} findings" in text
        assert "by the counts" not in text


async def test_enter_on_a_finding_shows_its_tasks(settings: Settings, table, stopped_clock):
    old = stopped_clock - timedelta(hours=1)
    tasks = [make_task(queue=queue, created_at=old, visible_at=old) for queue in ("mail", "other")]
    table.repository.restore_tasks(tasks)
    table.pause(queue="other")
    async with cockpit(settings) as (app, pilot):
        assert "unconsumed" in {finding.rule for finding in table.health().findings}
        app.view.query_one("#overview-verdict").focus()
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await settled(pilot)

        assert [task.id for task in app.view.list.window.rows] == [tasks[0].id]


async def test_a_findings_cause_is_read_to_its_end_in_80_columns(
    settings: Settings, table, stopped_clock
):
    """What to do about it stands last, and was cut off."""
    old = stopped_clock - timedelta(hours=1)
    tasks = [make_task(queue=queue, created_at=old, visible_at=old) for queue in ("mail", "other")]
    table.repository.restore_tasks(tasks)
    table.pause(queue="other")
    worst = table.health().findings[0]
    async with cockpit(settings, size=(80, 24)) as (app, pilot):
        end = worst.cause.split()[-2:]
        await until(pilot, lambda: " ".join(end) in screen_text(app))
        verdict = app.view.query_one("#overview-verdict", RowsView).focus()
        await press(pilot, "down")
        assert verdict.current == (1, 0), "a finding is one to the cursor, in however many rows"
        await press(pilot, "up", "enter")

        await until(pilot, lambda: app.current_mode == "tasks")


def test_a_long_line_takes_rows_and_its_glyph_and_way_stand_in_the_first():
    [line] = lines_of(Verdict((FOUND,), NOW, ()))

    first, *others = line_rows([line], (20, 25))

    assert " ".join(row.cells[1] for row in (first, *others)) == line.text
    assert len(first.cells[1]) <= 20
    assert all(len(row.cells[1]) <= 25 for row in others)
    assert first.cells[0]
    assert first.cells[2]
    assert [(row.key, row.cells[0]) for row in others] == [((0, 1), ""), ((0, 2), "")]


def test_a_line_of_some_rows_at_most_says_that_it_goes_on():
    lines = lines_of(Verdict((FOUND, FOUND), NOW, ()))

    rows = line_rows(lines, (20, 25), 2, whole=1)

    cut, whole = [[row.cells[1] for row in rows if row.key[0] == place] for place in (0, 1)]
    assert len(cut) == 2
    assert cut[0] == whole[0]
    assert cut[1].endswith("…")
    assert len(cut[1]) <= 25
    assert " ".join(whole) == lines[1].text


async def test_a_long_finding_leaves_room_for_the_next_and_is_read_whole_under_the_cursor(
    shop: Settings,
):
    """One that told all it knew took the whole pane: nobody saw that there was another."""
    words = " ".join(f"word{number}" for number in range(60))
    found = (
        replace(FOUND, text=words, cause="its very end"),
        replace(FOUND, subject="queue slow, type video"),
    )
    async with cockpit(shop, size=(80, 24)) as (app, pilot):
        app.session.figures.verdict.keep(Verdict(found, NOW, ()))
        app.view.tick()
        await until(pilot, lambda: "queue slow" in screen_text(app))
        assert "its very end" not in screen_text(app)
        app.view.query_one("#overview-verdict").focus()

        await until(pilot, lambda: "its very end" in screen_text(app))
        await press(pilot, "down")
        await until(pilot, lambda: "its very end" not in screen_text(app))
        assert "queue slow" in screen_text(app)


async def test_without_an_answer_of_health_the_counts_speak_and_it_is_not_asked_each_second(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
):
    """A table too large for health keeps its verdict lines, and isn't scanned over and over."""
    asked = []

    def too_slow(_client):
        asked.append(1)
        raise StatementTimeoutError("the statement took too long")

    monkeypatch.setattr(Client, "health", too_slow)
    async with cockpit(shop, size=(120, 40)) as (app, pilot):
        text = screen_text(app)
        assert "by the counts" in text
        assert "leases of" in text
        assert "too long" not in text
        assert not app.session.figures.verdict.is_due
        await press(pilot, "f5")
        await settled(pilot)

        assert len(asked) == 1


async def test_a_verdict_that_can_no_longer_be_read_gives_way_to_the_counts(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
):
    """A finding of before would stand as if it were still true."""
    async with cockpit(shop, size=(120, 40)) as (app, pilot):
        assert "by the counts" not in screen_text(app)

        def fails(_client):
            raise StatementTimeoutError("the statement took too long")

        monkeypatch.setattr(Client, "health", fails)
        await press(pilot, "c")

        await until(pilot, lambda: "by the counts" in screen_text(app))


async def test_a_verdict_that_is_old_is_marked_with_its_age(shop: Settings):
    """On a large table health is read seldom: its age tells what may have changed since."""
    async with cockpit(shop) as (app, pilot):
        app.session.figures.verdict.keep(Verdict((FOUND,), NOW, ()))
        app.session.figures.verdict.at = NOW - timedelta(seconds=90)
        app.view.tick()
        await pilot.pause()

        assert "1 finding, 1m ago" in screen_text(app)


async def test_brackets_choose_the_charts_range(shop: Settings):
    async with cockpit(shop, size=(120, 40)) as (app, pilot):
        assert "[1h]" in screen_text(app)
        await press(pilot, "]")
        await until(pilot, lambda: "[24h]" in screen_text(app))
        assert "Ended per 30 minutes" in screen_text(app)
        await press(pilot, "]", "]")
        await until(pilot, lambda: "[7d]" in screen_text(app))
        await press(pilot, "[", "[", "[")
        await until(pilot, lambda: "[1h]" in screen_text(app))


async def test_finished_counts_that_are_old_are_marked_with_their_age(shop: Settings):
    async with cockpit(shop) as (app, pilot):
        app.session.figures.finished.at = NOW - timedelta(seconds=90)
        app.view.tick()
        await pilot.pause()

        text = screen_text(app)
        assert "~" in text
        assert "as of 1m ago" in text


async def test_c_counts_the_finished_tasks_again(shop: Settings, table):
    async with cockpit(shop) as (app, pilot):
        figures = app.session.figures
        figures.finished._due = float("inf")
        table.repository.restore_tasks([make_task(status=TaskStatus.SUCCESSFUL, created_at=NOW)])
        await press(pilot, "c")

        await until(pilot, lambda: f"{TASKS + 1} tasks" in screen_text(app))


def test_all_well_is_one_line_with_the_last_hours_figures():
    line = all_well(Ends(9_800, 12), 10_000)

    assert not facts(Health(ready=3), CALM, NOW)
    assert not lines_of(Verdict((), NOW, ()))
    assert "nothing needs you: 9,800 done, 12 failed" in line.text
    assert heading([line]) == ("all well", "$text-success")
    assert line_rows([line])[0].cells[0] == "✓"


def test_each_fact_that_needs_somebody_is_a_line_with_its_figures():
    health = Health(
        ready=41, stale=28, exhausted=2, leased=9, oldest_ready=NOW - timedelta(minutes=38)
    )
    found = facts(health, Ends(66, 34), NOW)

    texts = " | ".join(line.text for line in found)
    for figure in ("2 tasks", "34%", "34 of 100", "41 tasks ready", "38m", "28 tasks"):
        assert figure in texts
    assert [line.where for line in found] == ["", "is:exhausted", "is:stale", "is:ready"]
    assert heading(found) == ("4 findings", "$text-warning")


def test_every_rule_of_health_leads_to_a_screen_or_names_the_next_command():
    """A rule that is added later would leave its line a dead end."""
    assert set(LEADS) == {rule.__name__ for rule in RULES}
    for rule, lead in LEADS.items():
        (line,) = lines_of(Verdict((replace(FOUND, rule=rule),), NOW, ()))
        assert line.screen in SCREENS or line.command == FOUND.command
        assert bool(line.where) == (lead.screen == "tasks")
        assert line_rows([line])[0].cells[2]


def test_the_severity_chooses_glyph_and_colour():
    lines = lines_of(Verdict((FOUND, replace(FOUND, severity=Severity.WARNING)), NOW, ()))

    assert [row.cells[0] for row in line_rows(lines)] == ["\u2716", "▲"]
    assert [row.tints[0] for row in line_rows(lines)] == ["rows--error", "rows--warning"]
    assert heading(lines) == ("2 findings", "$text-error")
    assert heading(lines[1:]) == ("1 finding", "$text-warning")


def test_what_the_database_holds_is_inert_in_a_line():
    """A queue's name or an error's message could otherwise paint over the terminal."""
    evil = "a\x1b[31m\nb[bold]"
    finding = replace(
        FOUND, rule="blocked", subject=evil, text=evil, cause=evil, command=evil,
        covers=frozenset({(evil, "")}),
    )  # fmt: skip
    for rule in ("blocked", "waiting", "failing"):
        (row,) = line_rows(lines_of(Verdict((replace(finding, rule=rule),), NOW, ())))
        assert all("\x1b" not in cell and "\n" not in cell for cell in row.cells)


@pytest.mark.slow
async def test_the_first_commands_run_as_they_are_shown(tmp_path, monkeypatch):
    """The first command a new user copies must not be refused."""
    monkeypatch.chdir(tmp_path)
    async with cockpit(Settings(url="sqlite:///new.db"), size=(120, 40)) as (app, _pilot):
        shown = [line.strip() for line in screen_text(app).splitlines()]
    verbs = ("tasq migrate", "tasq submit", "tasq work", "tasq demo")
    migrate, submit, work, demo = [line for line in shown if line.startswith(verbs)]

    def run(line: str):
        return run_command(line, tmp_path)

    assert run(migrate).returncode == 0
    assert run(submit).returncode == 0
    assert "no module 'myapp'" in run(work).stderr
    assert run(f"{demo} --headless --seconds 1").returncode == 0
    with connect("sqlite:///new.db") as client:
        assert [task.args for task in client.new_inspector().scan()] == [b'{"to":"a@b.c"}']
