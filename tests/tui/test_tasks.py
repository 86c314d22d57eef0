import json
from datetime import timedelta

import pytest

from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.dialogs.type_to_confirm import TypeToConfirm
from tests.support.builders import make_task
from tests.tui.conftest import (
    NOW,
    TASKS,
    cockpit,
    press,
    screen_text,
    settled,
    toasts,
    type_text,
    until,
)


def failed_count(table) -> int:
    return table.new_inspector().count(statuses=["FAILED"])


async def apply_filter(app, pilot, text: str) -> None:
    app.view.show_where(text)
    await settled(pilot)


@pytest.mark.slow
async def test_a_filter_shows_what_matches_and_how_many(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await press(pilot, "slash")
        await type_text(pilot, "status:failed")
        await press(pilot, "enter")
        await settled(pilot)

        assert f"{failed_count(table)} match" in app.view.status
        assert {task.status for task in app.view.list.window.rows} == {TaskStatus.FAILED}


async def test_escape_clears_the_filter(shop: Settings):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "status:failed")
        await press(pilot, "escape")

        await until(pilot, lambda: f"{TASKS} tasks" in app.view.status)


async def test_letters_are_text_while_a_filter_is_typed(shop: Settings):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await press(pilot, "slash", "d", "q", "r", "2")

        assert app.view.query_one("FilterBar").text == "dqr2"
        assert app.screen is app.view


async def test_queues_are_offered_as_one_types(shop: Settings):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await press(pilot, "slash")
        await settled(pilot)
        await type_text(pilot, "queue:b")

        assert app.view.query_one("FilterBar").offers == ("billing", "webhooks")


async def test_s_turns_the_order_around(shop: Settings):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        newest = app.view.list.current
        await press(pilot, "s")
        await settled(pilot)

        assert app.view.list.current.created_at < newest.created_at
        assert "oldest first" in app.view.status


async def test_one_requeue_needs_no_question(shop: Settings, table):
    before = failed_count(table)
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "status:failed")
        task_id = app.view.list.current.id
        await press(pilot, "r")
        await until(pilot, lambda: "requeued 1" in toasts(app))

        task = table.new_inspector().get(task_id)
        assert (task.status, task.max_receives) == (TaskStatus.NEW, task.receive_count + 1)
        assert failed_count(table) == before - 1


async def test_shift_r_resets_the_receives_too(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "status:failed")
        task_id = app.view.list.current.id
        await press(pilot, "R")
        await until(pilot, lambda: "requeued 1" in toasts(app))

        task = table.new_inspector().get(task_id)
        assert (task.receive_count, task.last_error) == (0, None)
        assert "--reset" in app.session.log[-1].entry.command


async def test_a_delete_asks_and_enter_means_no(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "status:failed")
        await press(pilot, "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "enter")
        await until(pilot, lambda: app.screen is app.view)

        assert table.new_inspector().count() == TASKS
        assert not app.session.log


async def test_a_deleted_task_comes_back_by_undo_as_it_was(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "status:failed")
        task = table.new_inspector().get(app.view.list.current.id)
        await press(pilot, "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: "deleted 1 · U undoes" in toasts(app))
        assert not table.repository.get_tasks([task.id])

        await press(pilot, "U")
        await until(pilot, lambda: "put back 1" in toasts(app))

        assert table.new_inspector().get(task.id) == task
        assert [logged.verb for logged in app.session.log] == ["delete", "undo"]


@pytest.mark.slow
async def test_undo_of_an_earlier_runs_deletion_asks_first(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await press(pilot, "space", "space", "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: table.new_inspector().count() == TASKS - 2)
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await press(pilot, "U")
        await until(pilot, lambda: "put 2 tasks back?" in screen_text(app))
        await press(pilot, "y")

        await until(pilot, lambda: table.new_inspector().count() == TASKS)


async def test_nothing_to_undo_is_said(shop: Settings):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await press(pilot, "U")

        await until(pilot, lambda: any("nothing to undo" in text for text in toasts(app)))


async def test_a_change_is_about_the_tasks_of_the_key_press(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        wanted = app.view.list.current.id
        await press(pilot, "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        table.repository.restore_tasks(
            [make_task(created_at=NOW + timedelta(seconds=n)) for n in range(5)]
        )
        await press(pilot, "y")
        await until(pilot, lambda: table.new_inspector().count() == TASKS + 4)

        assert not table.repository.get_tasks([wanted])


async def test_marked_tasks_are_deleted_together_and_the_mark_goes(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "status:failed")
        await press(pilot, "space", "space", "space")
        assert "3 marked" in app.view.status

        await press(pilot, "d")
        await until(pilot, lambda: "Delete 3 tasks?" in screen_text(app))
        await press(pilot, "y")
        await until(pilot, lambda: not app.view.list.selected_ids)

        assert table.new_inspector().count() == TASKS - 3


async def test_leased_tasks_are_skipped_and_that_is_told(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "is:leased")
        await press(pilot, "d")
        await until(pilot, lambda: "1 held by a consumer now, skipped" in screen_text(app))
        await press(pilot, "y")

        await until(pilot, lambda: "deleted 0, skipped 1 (leased)" in toasts(app))


@pytest.mark.slow
async def test_a_purge_wants_the_profile_typed(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "status:successful")
        await press(pilot, "P")
        await until(pilot, lambda: isinstance(app.screen, TypeToConfirm))
        await press(pilot, "n", "o", "enter")
        assert isinstance(app.screen, TypeToConfirm)

        await press(pilot, "backspace", "backspace", *"demo", "enter")
        await until(pilot, lambda: table.new_inspector().count(statuses=["SUCCESSFUL"]) == 0)

        assert table.new_inspector().count() > 0
        assert "tasq purge" in app.session.log[-1].entry.command


async def test_all_matching_tasks_can_be_marked_and_requeued(shop: Settings, table):
    failed = failed_count(table)
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "status:failed")
        await press(pilot, "A")
        await until(pilot, lambda: f"{failed} marked" in app.view.status)
        await press(pilot, "r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: f"requeued {failed}" in toasts(app))

        assert failed_count(table) == 0


async def test_more_than_fit_one_by_one_are_marked_by_the_filter(
    shop: Settings, table, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tasq_tui.ui.tasks.screen._MARKED_SINGLY", 10)
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "status:successful")
        await press(pilot, "A")
        await until(pilot, lambda: "ALL MATCHING MARKED" in app.view.status)
        table.repository.restore_tasks(
            [make_task(status=TaskStatus.SUCCESSFUL, created_at=NOW + timedelta(hours=1))]
        )
        await press(pilot, "d")
        await until(pilot, lambda: app.screen is not app.view)
        text = screen_text(app)

        assert "status:successful" in text
        assert "1 created after the selection was frozen, left alone" in text
        await press(pilot, "escape", "escape")
        assert "MARKED" not in app.view.status


async def test_the_list_stands_still_while_a_dialog_is_open(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        first = app.view.list.window.rows[0].id
        await press(pilot, "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        table.repository.restore_tasks([make_task(created_at=NOW + timedelta(seconds=1))])
        app.view.list.poll()
        await pilot.pause()
        assert app.view.list.window.rows[0].id == first

        await press(pilot, "escape")
        await until(pilot, lambda: app.view.list.window.rows[0].id != first)


async def test_wide_screens_show_the_detail_beside_the_list(shop: Settings):
    async with cockpit(shop, size=(120, 40), screen="tasks") as (app, pilot):
        await press(pilot, "down")
        await until(pilot, lambda: app.view.detail.task_shown == app.view.list.current)

        text = screen_text(app)
        assert str(app.view.list.current.id) in text
        assert "Arguments ·" in text


async def test_enter_opens_the_detail_on_narrow_screens_and_escape_closes_it(shop: Settings):
    async with cockpit(shop, size=(80, 24), screen="tasks") as (app, pilot):
        await press(pilot, "enter")
        await until(pilot, lambda: app.view.detail.task_shown is not None)
        assert "created" in screen_text(app)
        assert "esc Back" in screen_text(app)

        await press(pilot, "escape")
        assert " att " in screen_text(app)


async def test_the_detail_says_why_a_task_isnt_running(shop: Settings):
    async with cockpit(shop, size=(120, 40), screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "is:delayed")
        await until(pilot, lambda: "not before" in app.view.detail.why)


async def test_t_shows_the_arguments_otherwise(shop: Settings):
    async with cockpit(shop, size=(120, 40), screen="tasks") as (app, pilot):
        await until(pilot, lambda: "· tree" in screen_text(app))
        await press(pilot, "t")

        assert "· raw" in screen_text(app)


async def test_y_copies_the_id_and_shift_y_the_task(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        task = app.view.list.current
        await press(pilot, "y")
        assert app.clipboard == str(task.id)

        await press(pilot, "Y")
        await until(pilot, lambda: app.clipboard.startswith("{"))
        assert json.loads(app.clipboard)["type"] == task.type


async def test_i_submits_a_new_task(settings: Settings, table):
    async with cockpit(settings, size=(80, 24), screen="tasks") as (app, pilot):
        await press(pilot, "i")
        await until(pilot, lambda: "New task" in screen_text(app))
        await type_text(pilot, "email")
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: table.new_inspector().count() == 1)

        task = table.new_inspector().scan()[0]
        assert (task.type, task.args) == ("email", b"{}")
        await until(pilot, lambda: app.view.list.current is not None)


async def test_arguments_that_are_no_json_are_refused_in_the_dialog(settings: Settings, table):
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await press(pilot, "i")
        await until(pilot, lambda: "New task" in screen_text(app))
        await type_text(pilot, "email")
        app.screen.query_one("#args").text = "{nope"
        await press(pilot, "ctrl+s")

        assert "args are not JSON" in screen_text(app)
        assert table.new_inspector().count() == 0


async def test_a_clone_keeps_the_arguments_byte_for_byte(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "type:webhook.deliver")
        original = table.new_inspector().get(app.view.list.current.id)
        await press(pilot, "c")
        await until(pilot, lambda: "Copy of" in screen_text(app))
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: table.new_inspector().count() == TASKS + 1)

        newest = table.new_inspector().page(limit=1).tasks[0]
        assert (newest.args, newest.queue) == (original.args, original.queue)
        assert newest.id != original.id


async def test_ctrl_s_exports_what_matches_and_never_over_a_file(shop: Settings, table, tmp_path):
    (tmp_path / "there").write_text("mine")
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await apply_filter(app, pilot, "status:failed")
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: "All tasks that match" in screen_text(app))
        app.screen.query_one("Input").value = "there"
        await press(pilot, "enter")
        assert "there exists" in screen_text(app)

        app.screen.query_one("Input").value = "failed.ndjson"
        await press(pilot, "enter")
        await until(pilot, lambda: any("exported" in text for text in toasts(app)))

    lines = (tmp_path / "failed.ndjson").read_text().splitlines()
    assert len(lines) == failed_count(table)
    assert {json.loads(line)["status"] for line in lines} == {"FAILED"}
    assert (tmp_path / "there").read_text() == "mine"


async def test_x_hands_the_task_to_the_consumer(shop: Settings):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await press(pilot, "x")

        await until(pilot, lambda: app.current_mode == "consumer")


@pytest.mark.slow
async def test_a_change_that_takes_long_can_be_stopped_between_batches(
    shop: Settings, table, monkeypatch: pytest.MonkeyPatch
):
    import threading

    may_go_on = threading.Event()
    async with cockpit(shop, screen="tasks") as (app, pilot):
        repository = app.session.admin.repository
        delete = repository.delete_tasks

        def slow(ids, safe_delete):
            result = delete(ids, safe_delete)
            may_go_on.wait(30)
            return result

        monkeypatch.setattr(repository, "delete_tasks", slow)
        monkeypatch.setattr("tasq_tui.admin.mutations.BATCH", 100)
        await apply_filter(app, pilot, "status:successful")
        await press(pilot, "P")
        await until(pilot, lambda: isinstance(app.screen, TypeToConfirm))
        await press(pilot, *"demo", "enter")
        await until(pilot, lambda: "Esc stops after" in screen_text(app))
        await press(pilot, "escape")
        may_go_on.set()
        await until(pilot, lambda: any("stopped" in text for text in toasts(app)))

        assert table.new_inspector().count() == TASKS - 100
        assert app.session.log[-1].entry.outcome == "interrupted"


async def test_an_empty_table_says_how_to_begin(settings: Settings):
    async with cockpit(settings, screen="tasks") as (app, _pilot):
        assert "No tasks yet. i submits one." in screen_text(app)
