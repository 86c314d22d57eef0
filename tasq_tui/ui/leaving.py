"""Leaving the app: by signals in order, and not over running handlers unasked."""

import asyncio
import os
import select
import signal
import sys
import threading
from contextlib import suppress
from typing import Final

from textual.app import App
from textual.content import Content

from tasq_core.wording import counted
from tasq_tui.ui.dialogs.confirm import ConfirmDialog

_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)
)

_GRACE_SECONDS: Final = 2.0
"""For leaving as `q` does."""


def leave_on_signals(app: App[int]) -> None:
    """Let a signal end the app as `q` does, so that the terminal is left as it was found.

    The exit code is the shell's for that signal, 128 and its number. Call it on the event loop,
    before the terminal is changed.
    """
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        with suppress(NotImplementedError, RuntimeError):  # not the main thread, not POSIX
            loop.add_signal_handler(number, app.exit, 128 + number)


def leave_with_terminal() -> None:
    """End when the terminal goes without a signal, as that of a container or of `setsid` does.

    Else Textual reads from it without pause and waits for ever to draw on it.
    """
    terminal = sys.__stdin__
    if terminal is None or not terminal.isatty() or not hasattr(select, "poll"):
        return
    watch = threading.Thread(
        target=_wait_for_end, args=(terminal.fileno(),), name="tasq-terminal", daemon=True
    )
    watch.start()


def _wait_for_end(terminal: int) -> None:
    poll = select.poll()
    poll.register(terminal, 0)  # its end is always reported
    if not any(events & select.POLLHUP for _, events in poll.poll()):
        return  # this system can't tell
    os.kill(os.getpid(), signal.SIGHUP)
    threading.Event().wait(_GRACE_SECONDS)
    os._exit(128 + signal.SIGHUP)  # it waits for somebody who takes what it drew


def leaving_dialog(running: int) -> ConfirmDialog:
    """Asks before running handlers are cut off."""
    handlers = "A handler runs" if running == 1 else f"{counted(running, 'handler')} run"
    about = Content(
        f"{handlers}, and would be cut off. Their tasks come back when the leases lapse,"
        " and run again from the start. S on the consumer screen lets them finish."
    )
    return ConfirmDialog("Leave tasq?", about, "Leave", danger=True)
