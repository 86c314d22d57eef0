"""The pane beside the list never shows one task while another one is under the cursor."""

import asyncio
import threading

import pytest

from tasq_tui.admin.settings import Settings
from tests.support.builders import make_task
from tests.tui.conftest import cockpit, press, screen_text, until


def shows_whole_task(app) -> bool:
    return app.view.detail.task_shown == app.view.list.current


async def test_while_the_database_is_slow_the_pane_shows_what_the_row_knows(shop: Settings):
    release = threading.Event()
    async with cockpit(shop, size=(120, 40), screen="tasks") as (app, pilot):
        await until(pilot, lambda: shows_whole_task(app))
        slow = asyncio.create_task(app.session.detail.run(release.wait))
        try:
            await press(pilot, "down")
            await until(pilot, lambda: app.view.detail.task_shown is None)

            assert str(app.view.list.current.id) in screen_text(app)
            assert "text · 0 B" in screen_text(app)
        finally:
            release.set()
            await slow
        await until(pilot, lambda: shows_whole_task(app))


async def test_a_task_that_is_gone_leaves_nothing_of_the_one_before_in_the_pane(
    shop: Settings, table
):
    async with cockpit(shop, size=(120, 40), screen="tasks") as (app, pilot):
        await until(pilot, lambda: shows_whole_task(app))
        await press(pilot, "f6")
        before, gone = app.view.list.window.rows[:2]
        table.new_inspector().delete(False, gone)

        await press(pilot, "down")
        await until(pilot, lambda: app.view.detail.task_shown is None)

        assert str(gone.id) in screen_text(app)
        assert str(before.id) not in screen_text(app)


@pytest.mark.parametrize(("size", "keys"), [((80, 24), ("enter",)), ((140, 40), ("enter", "z"))])
async def test_a_task_that_has_the_screen_to_itself_is_read_again_and_again(
    settings: Settings, table, size, keys
):
    """Else an operator watches a task that ended long ago run for ever."""
    task = make_task()
    table.repository.restore_tasks([task])
    async with cockpit(settings, size=size, screen="tasks") as (app, pilot):
        await until(pilot, lambda: app.view.list.current)
        for key in keys:
            await press(pilot, key)
        await until(pilot, lambda: not app.view.list.size and app.view.detail.size)
        table.new_inspector().cancel(task.id)
        app.view.poller.wake()

        await until(pilot, lambda: "failed" in screen_text(app).splitlines()[2])
