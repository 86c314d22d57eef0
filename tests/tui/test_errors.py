from datetime import timedelta

import pytest

from tasq_core.error_groups import group_errors
from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.errors.group_filter import filter_of
from tests.support.builders import make_task
from tests.tui.conftest import NOW, cockpit, press, screen_text, settled, toasts, until


def failed(error: str | None, **fields):
    fields = {"status": TaskStatus.FAILED, "created_at": NOW - timedelta(hours=1)} | fields
    return make_task(last_error=error, **fields)


async def test_failures_are_grouped_with_counts_and_types(shop: Settings, table):
    groups = table.new_inspector().errors()
    async with cockpit(shop, size=(140, 40), screen="errors") as (app, _pilot):
        text = screen_text(app)

        assert f"in {len(groups)} kinds of error" in text
        assert app.view.group.count == max(group.count for group in groups)


async def test_the_newest_error_of_the_group_is_shown_in_full(shop: Settings):
    async with cockpit(shop, size=(140, 40), screen="errors") as (app, pilot):
        await until(pilot, lambda: "Traceback" in screen_text(app))
        assert app.view.group.sample_id.hex[:8] in screen_text(app)


async def test_enter_shows_the_tasks_of_the_group(shop: Settings):
    async with cockpit(shop, screen="errors") as (app, pilot):
        group = app.view.group
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await settled(pilot)

        assert app.view.list.window.rows
        assert {task.id for task in app.view.list.window.rows} <= set(group.task_ids)


async def test_r_requeues_exactly_the_group(shop: Settings, table):
    async with cockpit(shop, screen="errors") as (app, pilot):
        await press(pilot, "G")
        group = app.view.group
        table.repository.restore_tasks([failed(group.message)])
        await press(pilot, "r")
        if group.count > 1:
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
            await press(pilot, "y")
        await until(pilot, lambda: f"requeued {group.count}" in toasts(app))

        assert {task.status for task in table.repository.get_tasks(group.task_ids)} == {
            TaskStatus.NEW
        }
        assert group.message in {left.message for left in table.new_inspector().errors()}


async def test_where_not_all_failures_were_read_it_says_so_and_changes_the_whole_group(
    settings: Settings, table, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tasq_tui.ui.db.stats.NEWEST_FAILURES", 10)
    rows = [
        failed(f"HTTPError: {n} for 'a'", created_at=NOW - timedelta(seconds=n)) for n in range(34)
    ]
    table.repository.restore_tasks([*rows, failed("KeyError: x")])
    async with cockpit(settings, screen="errors") as (app, pilot):
        assert "10 of 35 failures grouped, the newest, in 1 kind of error" in screen_text(app)
        await press(pilot, "r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "Requeue 34 tasks?" in screen_text(app)
        await press(pilot, "y")
        await until(pilot, lambda: "requeued 34" in toasts(app))

        assert [left.message for left in table.new_inspector().errors()] == ["KeyError: x"]


async def test_s_sorts_by_the_latest_failure(shop: Settings):
    async with cockpit(shop, screen="errors") as (app, pilot):
        await press(pilot, "s", "g")
        groups = app.view._groups.values()

        assert app.view.group.last_seen == max(group.last_seen for group in groups)


async def test_tasks_that_failed_and_may_succeed_yet_are_grouped_on_request(
    settings: Settings, table
):
    """An outage whose tasks are all being retried would be invisible."""
    table.repository.restore_tasks(
        [
            make_task(last_error="HTTPError: 503", receive_count=1, created_at=NOW),
            make_task(last_error="KeyError: x", status=TaskStatus.FAILED, finished_at=NOW),
        ]
    )
    async with cockpit(settings, screen="errors") as (app, pilot):
        assert "503" not in screen_text(app)
        await press(pilot, "t")
        await until(pilot, lambda: "HTTPError" in screen_text(app))
        assert "2 failed or retrying" in screen_text(app)
        await press(pilot, "t")
        await until(pilot, lambda: "HTTPError" not in screen_text(app))


async def test_y_copies_the_message(shop: Settings):
    async with cockpit(shop, screen="errors") as (app, pilot):
        await press(pilot, "y")

        assert app.clipboard == app.view.group.message


async def test_no_failures_are_said(settings: Settings):
    async with cockpit(settings, screen="errors") as (app, _pilot):
        assert "No failed tasks." in screen_text(app)


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        ("KeyError: 'region_7'", "status:failed type:email error:KeyError:"),
        ("HTTPError: 503 Service Unavailable for /v2", 'error:"Service Unavailable for /v2"'),
        (None, "status:failed type:email"),
        ('say "hi" to 5 *stars*', "error:"),
    ],
)
def test_a_groups_filter_holds_what_its_messages_have_in_common(error, wanted):
    group = group_errors([failed(error)])[0]

    assert wanted in str(filter_of(group))
