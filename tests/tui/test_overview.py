from datetime import timedelta

from tasq_core.reports import Health
from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.overview.screen import health_line
from tests.support.builders import make_task
from tests.tui.conftest import NOW, TASKS, cockpit, press, screen_text, settled, until


async def test_counts_health_and_tables_agree_with_the_database(shop: Settings, table):
    summary = table.new_inspector().summary()
    async with cockpit(shop, size=(100, 30)) as (app, _pilot):
        text = screen_text(app)

        assert f"ALL {TASKS}" in text
        assert f"OPEN {summary.open}" in text
        assert f"FINISHED {summary.finished}" in text
        assert f"ready {summary.health.ready}" in text
        assert f"stale {summary.health.stale}" in text
        for row in table.new_inspector().breakdown("queue"):
            assert row.name in text


async def test_the_newest_failures_are_shown_with_their_errors(shop: Settings, table):
    newest = table.new_inspector().page("status:failed", limit=1).tasks[0]
    async with cockpit(shop, size=(120, 40)) as (app, _pilot):
        assert newest.last_error.partition("\n")[0][:40] in screen_text(app)


async def test_a_new_task_shows_up_by_itself(settings: Settings, table):
    async with cockpit(settings) as (app, pilot):
        assert "ALL 0" in screen_text(app)
        table.new_producer().submit("email", None, queue="mail")

        await until(pilot, lambda: "ALL 1" in screen_text(app))
        await until(pilot, lambda: "mail" in screen_text(app))


async def test_enter_on_a_queue_shows_its_tasks(shop: Settings):
    async with cockpit(shop) as (app, pilot):
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await settled(pilot)

        assert str(app.view.where) == "queue:mail"
        assert {task.queue for task in app.view.list.window.rows} == {"mail"}


async def test_enter_on_a_type_shows_its_tasks(shop: Settings):
    async with cockpit(shop) as (app, pilot):
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: app.current_mode == "tasks")

        assert str(app.view.where).startswith("type:")


async def test_enter_on_a_failure_shows_that_task(shop: Settings, table):
    newest = table.new_inspector().page("status:failed", limit=1).tasks[0]
    async with cockpit(shop) as (app, pilot):
        await press(pilot, "tab", "tab", "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await settled(pilot)

        assert app.view.list.current.id == newest.id


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

        await until(pilot, lambda: f"ALL {TASKS + 1}" in screen_text(app))


def test_health_names_the_age_of_the_oldest_ready_task():
    line = health_line(Health(ready=3, stale=1, oldest_ready=NOW - timedelta(minutes=5)), NOW)

    assert "ready 3" in line.plain
    assert "oldest ready 5m" in line.plain
