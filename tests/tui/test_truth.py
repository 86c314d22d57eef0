"""What the screen says is true now: no rows, totals, sentences or words of before."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from tasq_core.errors import StatementTimeoutError
from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tasq_tui.child.protocol import Abandoned, Claimed, ClaimedTask
from tasq_tui.ui.app import CockpitApp
from tasq_tui.ui.consumer import control as consumer_control
from tasq_tui.ui.consumer import screen as consumer_screen
from tasq_tui.ui.consumer.runs import Runs
from tests.support.builders import make_task
from tests.tui.conftest import NOW, cockpit, press, screen_text, settled, toasts, until
from tests.tui.consuming import consumer


async def test_what_was_marked_as_a_whole_and_deleted_is_gone_from_the_list(
    shop: Settings, table, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tasq_tui.ui.tasks.screen._MARKED_SINGLY", 10)
    async with cockpit(shop, screen="tasks") as (app, pilot):
        app.view.show_where("status:successful")
        await settled(pilot)
        deleted = {task.id for task in app.view.list.window.rows}
        await press(pilot, "A")
        await until(pilot, lambda: "ALL MATCHING MARKED" in app.view.status)
        await press(pilot, "d")
        await until(pilot, lambda: app.screen is not app.view)
        await press(pilot, "y")
        await until(pilot, lambda: any("deleted" in text for text in toasts(app)))

        await until(pilot, lambda: not deleted & {t.id for t in app.view.list.window.rows})
        assert "No task matches" in screen_text(app)
        assert "0 match" in app.view.status


async def test_a_page_read_before_a_change_is_read_again_before_it_is_shown(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await press(pilot, "f6")
        rows = app.view.list.window.rows
        below = rows[len(app.view.list.window.visible) + 2]
        table.new_inspector().delete(False, below)
        await press(pilot, "r")
        await until(pilot, lambda: any("requeued" in text for text in toasts(app)))
        await press(pilot, "pagedown")
        await until(pilot, lambda: app.view.list.window.offset > 0)

        assert below.id not in {task.id for task in app.view.list.window.rows}


async def test_a_total_that_can_no_longer_be_counted_is_marked_with_its_age(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
):
    moved = timedelta()
    app = CockpitApp(shop, lambda: NOW + moved)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await app.action_go("tasks")
        await until(pilot, lambda: app.view.status.startswith("600 tasks"))
        await press(pilot, "f6")
        moved = timedelta(seconds=90)
        await until(pilot, lambda: "~600 tasks, 1m ago" in app.view.status)


@pytest.mark.slow
async def test_a_total_is_counted_again_without_the_overview(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await until(pilot, lambda: app.view.status.startswith("600 tasks"))
        table.repository.restore_tasks(
            [make_task(status=TaskStatus.SUCCESSFUL, finished_at=NOW) for _ in range(3)]
        )
        await until(pilot, lambda: app.view.status.startswith("603 tasks"), 15)


async def test_the_sentence_of_a_ready_task_gets_older_with_it(
    settings: Settings, table, stopped_clock
):
    task = make_task(created_at=NOW - timedelta(seconds=1))
    table.repository.restore_tasks([task])
    moved = timedelta()
    app = CockpitApp(settings, lambda: NOW + moved)
    async with app.run_test(size=(140, 40)) as pilot:
        await settled(pilot)
        await app.action_go("tasks")
        await until(pilot, lambda: "ready for 1s" in app.view.detail.why)
        moved = timedelta(seconds=41)
        await until(pilot, lambda: "ready for 42s" in app.view.detail.why)
        assert "no registered consumer takes" in app.view.detail.why


@pytest.mark.slow
async def test_the_lease_of_an_abandoned_task_runs_down_on_the_screen(tmp_path, monkeypatch):
    """A machine too busy to draw each second would skip one: the test moves the clock."""
    clock = SimpleNamespace(monotonic=lambda: clock.now, now=100.0)
    for module in (consumer_screen, consumer_control):
        monkeypatch.setattr(module, "time", clock)
    async with consumer(tmp_path, monkeypatch) as driver:
        task = make_task()
        driver.consumer.control.take([Claimed([ClaimedTask.of(task)], 3.0), Abandoned([task.id])])
        driver.consumer._draw()
        await driver.sees(" 3s ")
        clock.now += 2
        await driver.sees(" 1s █")  # a bar once less than half is left
        clock.now += 2
        await driver.sees(" 0s ")


async def test_a_statement_that_timed_out_is_not_called_offline_and_shows_no_old_rows(
    shop: Settings, table, monkeypatch: pytest.MonkeyPatch
):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        old = {task.id for task in app.view.list.window.rows}

        def too_slow(*_):
            raise StatementTimeoutError("sqlite: the statement was cancelled: interrupted")

        monkeypatch.setattr(app.session.page.repository, "page", too_slow)
        app.view.show_where("error:needle")
        await until(pilot, lambda: "timed out" in app.view.header.state)
        text = screen_text(app)

        assert "offline" not in text
        assert "unavailable" not in text
        assert not app.view.list.window.rows
        assert not any(task_id.hex[:8] in text for task_id in old)
        assert app.view.list.target_ids == ()


async def test_no_rows_of_the_old_filter_stand_under_the_new_one_while_it_is_read(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
):
    async with cockpit(shop, screen="tasks") as (app, _pilot):
        app.view.show_where("status:failed")
        app.view.list.reset()

        assert app.view.list.current is None


def test_a_lapsed_lease_counts_no_more():
    runs, task = Runs(), ClaimedTask.of(make_task())
    runs.claim([task], 15.0, 100.0)
    runs.abandon([task.id], 101.0)

    assert runs.counting(110.0)
    assert not runs.counting(115.0)
