"""The dialog of what takes long, where the work ends just as it appears."""

import asyncio

import pytest
from textual.app import App

from tasq_tui.ui.dialogs.progress import ProgressDialog
from tasq_tui.ui.operations import delayed_progress
from tasq_tui.ui.operations.delayed_progress import DelayedProgress


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 8, 16, 32])
async def test_work_that_ends_while_its_dialog_is_mounted_ends_the_dialog_only(
    monkeypatch: pytest.MonkeyPatch, steps: int
):
    """The app ended with a traceback, when the change was done: the dialog drew into nothing."""
    monkeypatch.setattr(delayed_progress, "DELAY_SECONDS", 0.01)
    app: App[int] = App()
    async with app.run_test() as pilot:
        async with DelayedProgress(app, "Requeueing", lambda: None), asyncio.timeout(20):
            while not any(isinstance(screen, ProgressDialog) for screen in app.screen_stack):
                await asyncio.sleep(0)
            for _ in range(steps):
                await asyncio.sleep(0)
        await pilot.pause()

        assert len(app.screen_stack) == 1
