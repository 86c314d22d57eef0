"""The one way from the command line to the app."""

import gc
import os
from typing import TYPE_CHECKING, Final

from tasq_tui.admin.settings import Settings
from tasq_tui.cli.connection import settings_of
from tasq_tui.cli.options import Given

if TYPE_CHECKING:
    from tasq_tui.ui.app import CockpitApp

_FRAMES_PER_SECOND: Final = "120"
"""How often at most the terminal is drawn: what a key changes waits for the next frame."""


def open_cockpit(given: Given) -> int:
    """Open the app on the database that was asked for; its exit code."""
    return run_cockpit(settings_of(given))


def run_cockpit(settings: Settings) -> int:
    """Run the app on a database until the user leaves; its exit code.

    Raises:
        InvalidInputError: a URL or prefix that can't be used.
        RepositoryError: the database's driver isn't installed.
    """
    app = prepared_app(settings)
    try:
        return app.run() or app.return_code or 0
    finally:
        app.session.close()


def prepared_app(settings: Settings) -> "CockpitApp":
    """The app, on the screen 40 ms sooner and without pauses of 40 ms later.

    What is imported stays: looking through it for garbage again and again is wasted time.
    """
    os.environ.setdefault("TEXTUAL_FPS", _FRAMES_PER_SECOND)  # read when Textual is imported
    gc.disable()
    try:
        from tasq_tui.ui.app import CockpitApp

        app = CockpitApp(settings)
        gc.freeze()
        return app
    finally:
        gc.enable()
