"""Nothing that runs is cut off unasked, and no handler ends the consumer of the others."""

import asyncio

import pytest

from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tasq_tui.child.protocol import Claimed, ClaimedTask, Started
from tasq_tui.ui.app import CockpitApp
from tasq_tui.ui.consumer.screen import ConsumerScreen
from tasq_tui.ui.consumer.state import Phase
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.fleet.screen import FleetScreen
from tests.support.builders import make_task
from tests.tui.conftest import cockpit, press, screen_text, settled, until
from tests.tui.consuming import consumer


async def test_q_asks_while_handlers_run_whatever_the_screen(shop: Settings):
    async with cockpit(shop, screen="consumer") as (app, pilot):
        tasks = [ClaimedTask.of(make_task()) for _ in range(2)]
        app.view.control.take([Claimed(tasks, 60.0), *(Started(task.id) for task in tasks)])
        await press(pilot, "1")
        await press(pilot, "q")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "2 handlers run, and would be cut off" in screen_text(app)
        await press(pilot, "escape")
        assert app.is_running

        await press(pilot, "q")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: app._exit)
        assert app.return_code == 0


async def test_q_leaves_at_once_where_nothing_runs(shop: Settings):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await press(pilot, "q")

        assert app._exit


async def test_a_handler_that_exits_costs_its_own_task_only(tmp_path, monkeypatch):
    async with consumer(tmp_path, monkeypatch) as driver:
        await driver.load()
        exits = driver.submit("exits", max_receives=1)
        prints = driver.submit("prints")
        await driver.press("s")
        await driver.until(lambda: driver.row(prints).status is TaskStatus.SUCCESSFUL)
        await driver.until(lambda: driver.row(exits).status is TaskStatus.FAILED)

        assert "SystemExit: 3" in driver.row(exits).last_error
        assert driver.model.phase is Phase.CONSUMING


async def test_a_tick_after_the_last_screen_has_gone_is_no_error(shop: Settings):
    """Leaving takes a moment where many screens were open; it ended with a traceback then."""
    async with cockpit(shop, screen="tasks") as (app, _pilot):
        view = app.view
        stack = app._screen_stacks[app.current_mode]
        kept = stack[:]
        stack.clear()
        try:
            view._tick()
        finally:
            stack[:] = kept


async def test_an_error_that_ends_the_app_is_the_only_one_reported(shop: Settings, monkeypatch):
    """What went wrong would be one of several errors, the others of timers without a screen."""
    errors: list[Exception] = []
    painted = asyncio.Event()
    handle, frame = CockpitApp._handle_exception, ConsumerScreen._frame

    def handled(app: CockpitApp, error: Exception) -> None:
        errors.append(error)
        handle(app, error)

    def framed(screen: ConsumerScreen) -> None:
        if not screen.app.screen_stack:
            painted.set()
        frame(screen)

    async def closes_late(_screen: FleetScreen) -> None:
        async with asyncio.timeout(10):
            await painted.wait()

    monkeypatch.setattr(CockpitApp, "_handle_exception", handled)
    monkeypatch.setattr(ConsumerScreen, "_frame", framed)
    monkeypatch.setattr(FleetScreen, "on_unmount", closes_late, raising=False)

    async def ends_with_an_error() -> None:
        async with cockpit(shop) as (app, pilot):
            await app.action_go("fleet")
            await settled(pilot)
            await app.action_go("consumer")
            await app.action_go("overview")
            app._handle_exception(RuntimeError("the first"))

    with pytest.raises(RuntimeError, match="the first"):
        await ends_with_an_error()

    assert painted.is_set()
    assert [str(error) for error in errors] == ["the first"]
