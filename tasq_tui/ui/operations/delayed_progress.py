"""Shows a cancellable progress dialog after 250 ms."""

import asyncio
from collections.abc import Callable
from typing import Final

from textual.app import App

from tasq_tui.ui.dialogs.progress import ProgressDialog

DELAY_SECONDS: Final = 0.25


class DelayedProgress:
    """An asynchronous context manager around the work; gives the dialog to report to."""

    def __init__(self, app: App[int], title: str, stop: Callable[[], object]) -> None:
        """Wait to be entered.

        Args:
            app: where the dialog is shown.
            title: what goes on.
            stop: asked to end the work.
        """
        self._app = app
        self._dialog = ProgressDialog(title, stop)
        self._is_shown = self._is_over = False
        self._mounted = asyncio.Event()

    async def __aenter__(self) -> ProgressDialog:
        self._timer = self._app.set_timer(DELAY_SECONDS, self._show)
        return self._dialog

    async def __aexit__(self, *_: object) -> None:
        self._is_over = True
        self._timer.stop()
        if self._is_shown:
            await self._mounted.wait()  # one that goes while it is mounted ends the app
            await self._dialog.dismiss(None)

    async def _show(self) -> None:
        if self._is_over:  # the timer had fired, and its message waited behind what ended the work
            return
        self._is_shown = True
        try:
            await self._app.push_screen(self._dialog)
        finally:
            self._mounted.set()
