from datetime import timedelta

from tasq_core.fleet.findings import Finding, Severity, Verdict
from tasq_core.reports import Health
from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.overview.tiles import Tiles
from tasq_tui.ui.overview.verdict import Ends, heading, judged, simple_facts
from tests.support.builders import make_task
from tests.tui.conftest import NOW, TASKS, cockpit, press, screen_text, settled, until

CALM = Ends(100, 0)


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


async def test_enter_on_a_finding_shows_its_tasks(shop: Settings):
    async with cockpit(shop) as (app, pilot):
        app.session.figures.verdict.keep(Verdict((), NOW, ()))
        app.view.tick()
        app.view.query_one("#overview-verdict").focus()
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")

        assert str(app.view.where) == "is:stale"


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
    found = simple_facts(Health(ready=3), CALM, Ends(9_800, 12), 10_000, NOW)

    assert [finding.level for finding in found] == ["good"]
    assert "9,800 done, 12 failed" in found[0].text
    assert heading(found) == ("all well", "$text-success")


def test_each_fact_that_needs_somebody_is_a_finding_with_its_figures():
    health = Health(
        ready=41, stale=28, exhausted=2, leased=9, oldest_ready=NOW - timedelta(minutes=38)
    )
    found = simple_facts(health, Ends(66, 34), CALM, 100, NOW)

    assert [finding.level for finding in found] == ["bad", "bad", "warn", "warn"]
    texts = " | ".join(finding.text for finding in found)
    for figure in ("2 tasks", "34%", "34 of 100", "41 tasks ready", "38m", "28 tasks"):
        assert figure in texts
    assert heading(found) == ("4 findings", "$text-error")


def test_what_health_found_leads_to_its_evidence_problems_first():
    failing = Finding("failing", Severity.WARNING, "type a", "34% failed", "", "")
    alone = Finding("unconsumed", Severity.PROBLEM, "queue mail", "nobody [b]takes\x1b it", "", "")
    found = judged(Verdict((failing, alone), NOW, ()))

    assert [(f.level, f.screen) for f in found] == [("bad", "fleet"), ("warn", "errors")]
    assert "\x1b" not in found[0].text
    assert "queue mail: nobody [b]takes" in found[0].text
