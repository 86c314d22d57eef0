"""Leaving the app: by signals in order, and not over running handlers unasked."""

import asyncio
import signal
from contextlib import suppress
from typing import Final

from textual.app import App
from textual.content import Content

from tasq_core.wording import counted
from tasq_tui.ui.dialogs.confirm import ConfirmDialog

_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)
)


def leave_on_signals(app: App[int]) -> None:
    """Let a signal end the app as `q` does, so that the terminal is left as it was found.

    The exit code is the shell's for that signal, 128 and its number. Call it on the event loop,
    before the terminal is changed.
    """
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        with suppress(NotImplementedError, RuntimeError):  # not the main thread, not POSIX
            loop.add_signal_handler(number, app.exit, 128 + number)


def leaving_dialog(running: int) -> ConfirmDialog:
    """Asks before running handlers are cut off."""
    handlers = "A handler runs" if running == 1 else f"{counted(running, 'handler')} run"
    about = Content(
        f"{handlers}, and would be cut off. Their tasks come back when the leases lapse,"
        " and run again from the start. S on the consumer screen lets them finish."
    )
    return ConfirmDialog("Leave tasq?", about, "Leave", danger=True)
