"""Looking at tasks: back where one came from, follow, search inside, zoom, columns, an id."""

from dataclasses import replace
from datetime import timedelta

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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
async def test_ctrl_g_goes_to_the_task_whose_id_begins_so(shop: Settings, table):
    wanted = table.new_inspector().page(limit=400).tasks[-1]
    async with cockpit(shop, size=WIDE, screen="tasks") as (app, pilot):
        app.view.show_where("type:nothing-is-called-so")
        await settled(pilot)
        await press(pilot, "ctrl+g")
        await type_text(pilot, wanted.id.hex[:12])
        await press(pilot, "enter")

        await until(pilot, lambda: app.view.list.current and app.view.list.current.id == wanted.id)


@pytest.mark.slow
async def test_the_columns_chosen_are_kept_for_the_next_run(shop: Settings):
    async with cockpit(shop, size=WIDE, screen="tasks") as (app, pilot):
        assert " took" in screen_text(app)
        await press(pilot, "o", *["down"] * 8, "space", "enter")
        await pilot.pause()
        assert " took" not in screen_text(app)
    async with cockpit(shop, size=WIDE, screen="tasks") as (app, pilot):
        assert " took" not in screen_text(app)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("downs", "answer"),
    [(5, "Sorted: oldest first"), (7, "Sorted: latest end first"), (2, "No index serves")],
)
async def test_a_column_that_no_index_serves_is_refused_as_order(shop: Settings, downs, answer):
    """Sorting ten million rows at each page would block the table for minutes."""
    async with cockpit(shop, size=WIDE, screen="tasks") as (app, pilot):
        await press(pilot, "o", *["down"] * downs, "s")

        await until(pilot, lambda: answer in screen_text(app))


@pytest.mark.slow
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


def ended(hour: int, **fields):
    status = TaskStatus.FAILED if hour % 2 else TaskStatus.SUCCESSFUL
    at = NOW.replace(hour=hour)
    return make_task(
        status=status, created_at=NOW - timedelta(hours=hour), finished_at=at, **fields
    )


async def test_the_list_is_sorted_by_the_end_and_remembers_it(settings: Settings, table):
    """What ended last stands first, however long ago it was created; open tasks have no end."""
    done = [ended(hour) for hour in range(1, 9)]
    table.repository.restore_tasks([*done, make_task(created_at=NOW)])
    latest = [task.id for task in reversed(done)]
    async with cockpit(settings, size=WIDE, screen="tasks") as (app, pilot):
        await press(pilot, "S")
        await settled(pilot)
        assert [task.id for task in app.view.list.window.rows] == latest
        assert "latest end first" in app.view.status
        assert "8 match" in app.view.status or "8 tasks" in app.view.status
        assert "finished ↓" in screen_text(app)
        await press(pilot, "s")
        await settled(pilot)
        assert [task.id for task in app.view.list.window.rows] == latest[::-1]
    async with cockpit(settings, size=WIDE, screen="tasks") as (app, pilot):
        assert "earliest end first" in app.view.status
        assert [task.id for task in app.view.list.window.rows] == latest[::-1]
        await press(pilot, "S")
        await settled(pilot)
        assert len(app.view.list.window.rows) == 9


async def test_all_that_is_marked_is_all_that_is_listed(settings: Settings, table):
    """Sorted by the end, open tasks aren't in sight: a deletion of all must leave them alone."""
    table.repository.restore_tasks([*map(ended, range(1, 5)), make_task(created_at=NOW)])
    async with cockpit(settings, size=WIDE, screen="tasks") as (app, pilot):
        await press(pilot, "S")
        await settled(pilot)
        await press(pilot, "A")
        await until(pilot, lambda: len(app.view.list.selected_ids) == 4)
        await press(pilot, "escape", "P")
        await until(pilot, lambda: "4 tasks" in screen_text(app))


async def test_a_task_that_ends_again_stands_once_and_at_the_top(settings: Settings, table):
    done = [ended(hour) for hour in range(1, 9)]
    table.repository.restore_tasks(done)
    async with cockpit(settings, size=WIDE, screen="tasks") as (app, pilot):
        await press(pilot, "S")
        await settled(pilot)
        table.repository.delete_tasks([done[0].id], False)
        again = replace(done[0], finished_at=NOW)
        table.repository.restore_tasks([again])
        await press(pilot, "f5")
        await until(pilot, lambda: app.view.list.window.rows[0] == again)

        assert len(app.view.list.window.rows) == 8


@pytest.mark.slow
async def test_a_click_on_a_title_sorts_by_it_or_says_why_not(settings: Settings, table):
    table.repository.restore_tasks([ended(hour) for hour in range(1, 9)])
    async with cockpit(settings, size=(200, 50), screen="tasks") as (app, pilot):
        await press(pilot, "z")

        def place(title: str) -> tuple[int, int]:
            line = next(line for line in screen_text(app).splitlines() if " prio" in line)
            return line.index(title) - app.view.list.region.x, 0

        await pilot.click("TaskList", offset=place("finished"))
        await until(pilot, lambda: "latest end first" in app.view.status)
        await pilot.click("TaskList", offset=place("finished"))
        await until(pilot, lambda: "earliest end first" in app.view.status)
        await pilot.click("TaskList", offset=place("prio"))
        await until(pilot, lambda: any("No index serves the priority" in t for t in toasts(app)))


@pytest.mark.slow
async def test_jumping_to_an_open_task_leaves_the_order_by_the_end(settings: Settings, table):
    wanted = make_task(created_at=NOW)
    table.repository.restore_tasks([*map(ended, range(1, 5)), wanted])
    async with cockpit(settings, size=WIDE, screen="tasks") as (app, pilot):
        await press(pilot, "S")
        await settled(pilot)
        await press(pilot, "ctrl+g")
        await type_text(pilot, wanted.id.hex[:12])
        await press(pilot, "enter")

        await until(pilot, lambda: app.view.list.current and app.view.list.current.id == wanted.id)
