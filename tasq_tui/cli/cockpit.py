"""The one way from the command line to the app."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tasq_core.errors import InvalidInputError
from tasq_tui.admin.settings import Settings
from tasq_tui.cli.connection import settings_of
from tasq_tui.cli.options import Given

if TYPE_CHECKING:
    from tasq_tui.ui.app import CockpitApp

_FRAMES_PER_SECOND: Final = "200"
"""How often at most the terminal is drawn: what a key changes waits for the next frame."""


def open_cockpit(given: Given) -> int:
    """Open the app on the database that was asked for; its exit code."""
    return run_cockpit(settings_of(given))


def run_cockpit(settings: Settings) -> int:
    """Run the app on a database until the user leaves; its exit code.

    Raises:
        InvalidInputError: a URL or prefix that can't be used; no terminal to draw on.
        RepositoryError: the database's driver isn't installed.
    """
    if not sys.stderr.isatty() and "TEXTUAL_DRIVER" not in os.environ:
        raise InvalidInputError(
            "the app draws on standard error, which isn't a terminal here: don't redirect it"
        )
    with opened_app(settings) as app:
        return app.run() or app.return_code or 0


@contextmanager
def opened_app(settings: Settings) -> "Iterator[CockpitApp]":
    """The app, ready to run; its connections are closed at the end.

    What is imported stays: the garbage collector leaves it alone meanwhile, so that the app
    is on the screen 40 ms sooner and no key waits 40 ms for a collection.
    """
    os.environ.setdefault("TEXTUAL_FPS", _FRAMES_PER_SECOND)  # read when Textual is imported
    gc.disable()
    try:
        from tasq_tui.ui.app import CockpitApp

        app = CockpitApp(settings)
        gc.freeze()
    finally:
        gc.enable()
    try:
        yield app
    finally:
        app.session.close()
        gc.unfreeze()  # CPython 3.11 may crash at its end over what is still frozen
