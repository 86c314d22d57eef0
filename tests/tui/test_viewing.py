"""Looking at tasks: back where one came from, follow, search inside, zoom, columns, an id."""

from dataclasses import replace

import pytest

from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tests.support.builders import make_task
from tests.tui.conftest import NOW, cockpit, press, screen_text, settled, toasts, type_text, until

WIDE = (140, 40)


async def test_escape_leads_back_to_the_screen_the_tasks_were_opened_from(shop: Settings):
    """Whoever looks into one error after the other would lose the place each time."""
    async with cockpit(shop, size=WIDE, screen="errors") as (app, pilot):
        await press(pilot, "down", "down")
        group = app.view.group
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks" and app.view.where)
        await settled(pilot)
        await press(pilot, "escape")
        await until(pilot, lambda: app.current_mode == "errors")

        assert app.view.group == group
        await app.action_go("tasks")
        assert not app.view.where


async def test_escape_restores_the_filter_before_with_its_cursor(shop: Settings):
    async with cockpit(shop, size=WIDE, screen="tasks") as (app, pilot):
        app.view.show_where("status:failed")
        await settled(pilot)
        await press(pilot, "down", "down", "down")
        task = app.view.list.current
        app.view.show_where("status:new")
        await settled(pilot)
        await press(pilot, "escape")
        await until(pilot, lambda: app.view.list.current == task)

        assert str(app.view.where) == "status:failed"


async def test_f_stays_at_the_newest_task_until_the_cursor_is_moved(settings: Settings, table):
    table.repository.restore_tasks([make_task(created_at=NOW) for _ in range(5)])
    async with cockpit(settings, size=WIDE, screen="tasks") as (app, pilot):
        await press(pilot, "f")
        newest = make_task(created_at=NOW.replace(hour=15))
        table.repository.restore_tasks([newest])
        await press(pilot, "f5")
        await until(pilot, lambda: app.view.list.current.id == newest.id)
        assert "following" in app.view.status
        await press(pilot, "down")

        assert not app.view.follows


async def test_a_slash_in_the_detail_searches_arguments_and_error(settings: Settings, table):
    task = make_task(
        status=TaskStatus.FAILED, args=b'{"to": "ada"}', last_error="no mail for ada\nand ADA",
        finished_at=NOW,
    )  # fmt: skip
    table.repository.restore_tasks([task])
    async with cockpit(settings, size=WIDE, screen="tasks") as (app, pilot):
        await until(pilot, lambda: app.view.detail.task_shown == task)
        await press(pilot, "enter", "slash")
        await type_text(pilot, "ada")
        await until(pilot, lambda: "3 found" in screen_text(app))
        await press(pilot, "enter")
        assert "1 of 3 found" in screen_text(app)
        await press(pilot, "n", "n")
        assert "3 of 3 found" in screen_text(app)
        await press(pilot, "escape")

        assert "found" not in screen_text(app)
        assert app.view.has_class("-detail")  # Escape ended the search alone


async def test_y_in_the_detail_copies_the_part_in_focus_whole(settings: Settings, table):
    error = "boom\n" + "x" * 500
    task = make_task(status=TaskStatus.FAILED, last_error=error, finished_at=NOW)
    table.repository.restore_tasks([task])
    async with cockpit(settings, size=WIDE, screen="tasks") as (app, pilot):
        await until(pilot, lambda: app.view.detail.task_shown == task)
        app.view.detail.query_one("#detail-error").focus()
        await press(pilot, "y")

        assert app.clipboard == error
        assert "copied the error" in toasts(app)


async def test_z_gives_the_pane_in_focus_all_the_room(shop: Settings):
    async with cockpit(shop, size=WIDE, screen="tasks") as (app, pilot):
        await press(pilot, "z")
        assert app.view.list.region.width > 130
        await press(pilot, "z")
        assert app.view.list.region.width < 100


async def test_ctrl_g_goes_to_the_task_whose_id_begins_so(shop: Settings, table):
    wanted = table.new_inspector().page(limit=400).tasks[-1]
    async with cockpit(shop, size=WIDE, screen="tasks") as (app, pilot):
        app.view.show_where("type:nothing-is-called-so")
        await settled(pilot)
        await press(pilot, "ctrl+g")
        await type_text(pilot, wanted.id.hex[:12])
        await press(pilot, "enter")

        await until(pilot, lambda: app.view.list.current and app.view.list.current.id == wanted.id)


async def test_the_columns_chosen_are_kept_for_the_next_run(shop: Settings):
    async with cockpit(shop, size=WIDE, screen="tasks") as (app, pilot):
        assert " took" in screen_text(app)
        await press(pilot, "o", *["down"] * 8, "space", "enter")
        await pilot.pause()
        assert " took" not in screen_text(app)
    async with cockpit(shop, size=WIDE, screen="tasks") as (app, pilot):
        assert " took" not in screen_text(app)


@pytest.mark.parametrize(
    ("downs", "answer"), [(5, "Sorted by creation, the oldest first"), (2, "No index serves")]
)
async def test_a_column_that_no_index_serves_is_refused_as_order(shop: Settings, downs, answer):
    """Sorting ten million rows at each page would block the table for minutes."""
    async with cockpit(shop, size=WIDE, screen="tasks") as (app, pilot):
        await press(pilot, "o", *["down"] * downs, "s")

        await until(pilot, lambda: answer in screen_text(app))


async def test_the_name_of_a_saved_filter_is_that_filter(shop: Settings):
    settings = replace(
        shop, filters={"stuck mail": "queue:mail status:failed", "bad": "colour:red"}
    )
    async with cockpit(settings, size=WIDE, screen="tasks") as (app, pilot):
        await press(pilot, "slash")
        await type_text(pilot, "Stuck mail")
        await press(pilot, "escape", "enter")
        await settled(pilot)
        assert {(task.queue, task.status) for task in app.view.list.window.rows} == {
            ("mail", TaskStatus.FAILED)
        }
        await press(pilot, "slash", "ctrl+u")
        await type_text(pilot, "bad")
        await press(pilot, "escape", "enter")

        await until(pilot, lambda: "in the config file: " in screen_text(app))
