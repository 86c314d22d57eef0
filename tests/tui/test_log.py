import asyncio
import shlex
import sys
from functools import partial
from uuid import UUID

import pytest

from tasq_tui.admin.settings import Settings
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.history.screen import touched
from tests.tui.conftest import cockpit, press, screen_text, settled, toasts, until


def _has_logged(app, count):
    return len(app.session.log) == count


async def test_a_change_is_logged_with_the_command_that_does_the_same(shop: Settings, table):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await press(pilot, "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: any("deleted 1" in text for text in toasts(app)))
        await press(pilot, "7")
        await until(pilot, lambda: "tasq delete" in screen_text(app))
        text = screen_text(app)

        assert "--profile demo" in text
        assert "the rows as they were are in" in text
        await press(pilot, "y")
        assert app.clipboard == app.session.log[0].entry.command


@pytest.mark.slow
async def test_the_command_of_many_ids_runs_as_copied(shop: Settings, table, tmp_path, monkeypatch):
    shop = Settings(url=shop.url)
    async with cockpit(shop, screen="tasks") as (app, pilot):
        app.view.show_where("status:failed")
        await settled(pilot)
        await press(pilot, "ctrl+a", "r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "escape", "escape")
        app.view.show_where("status:successful")
        await settled(pilot)
        await press(pilot, "ctrl+a", "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: any("deleted" in text for text in toasts(app)))
        shown = touched(app.session.log[0])
        ids = [UUID(id) for id in shown.removeprefix("id:").split(",")]
        assert len(ids) > 20
        await press(pilot, "U")
        await until(pilot, lambda: any("put back" in text for text in toasts(app)))
        await press(pilot, "7")
        await settled_log(pilot, app, 2)
        await press(pilot, "down", "y")
    assert len(table.repository.get_tasks(ids)) == len(ids)
    script = app.clipboard.replace(
        "tasq delete", f"{shlex.quote(sys.executable)} -m tasq_tui delete"
    )

    ran = await asyncio.create_subprocess_exec("sh", "-c", script)
    assert await ran.wait() == 0

    assert not table.repository.get_tasks(ids)


async def test_a_refused_change_is_named_once(shop: Settings):
    """ "delete: delete is refused" reads like two errors."""
    settings = Settings(url=shop.url, conflict="two sources name different databases")
    async with cockpit(settings, screen="tasks") as (app, pilot):
        await press(pilot, "d")
        await until(pilot, lambda: toasts(app))

        assert toasts(app) == ["delete is refused: two sources name different databases"]


async def test_an_empty_log_says_so(settings: Settings):
    async with cockpit(settings, screen="history") as (app, _pilot):
        assert "Nothing was changed from here yet." in screen_text(app)


async def settled_log(pilot, app, count: int) -> None:
    await until(pilot, lambda: len(app.view.query_one("#log-changes").rows) == count)


async def test_enter_shows_the_tasks_that_the_change_touched(shop: Settings):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        app.view.show_where("status:failed")
        await settled(pilot)
        task = app.view.list.current
        await press(pilot, "r")
        await until(pilot, lambda: app.session.log)
        await press(pilot, "7")
        await settled_log(pilot, app, 1)
        app.copy_to_clipboard("mine")
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await until(pilot, lambda: app.view.list.current and app.view.list.current.id == task.id)

        assert app.clipboard == "mine"
        assert len(app.view.list.window.rows) == 1


@pytest.mark.slow
async def test_U_undoes_the_deletion_under_the_cursor_not_the_last(shop: Settings, table):
    """Whoever points at a mistake would get another one restored."""
    async with cockpit(shop, screen="tasks") as (app, pilot):
        app.view.show_where("status:successful")
        await settled(pilot)
        deleted = []
        for number in (1, 2):
            deleted.append(app.view.list.current.id)
            await press(pilot, "d")
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
            await press(pilot, "y")
            await until(pilot, partial(_has_logged, app, number))
            await settled(pilot)
        await press(pilot, "7")
        await settled_log(pilot, app, 2)
        await press(pilot, "G", "U")
        await until(pilot, lambda: any("put back 1" in text for text in toasts(app)))
        await until(pilot, lambda: "undone" in screen_text(app))

    assert [task.id for task in table.repository.get_tasks(deleted)] == deleted[:1]


@pytest.mark.slow
async def test_an_undo_of_this_run_is_undone_without_a_question(shop: Settings, table):
    """It was asked about as a change "by an earlier run", which it wasn't."""
    async with cockpit(shop, screen="tasks") as (app, pilot):
        deleted = app.view.list.current.id
        await press(pilot, "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, partial(_has_logged, app, 1))
        await settled(pilot)
        await press(pilot, "U")
        await until(pilot, partial(_has_logged, app, 2))
        await settled(pilot)
        await press(pilot, "7")
        await settled_log(pilot, app, 2)
        await press(pilot, "g", "U")
        await until(pilot, lambda: _has_logged(app, 3) or isinstance(app.screen, ConfirmDialog))

        assert _has_logged(app, 3)
    assert table.repository.get_tasks([deleted]) == []
