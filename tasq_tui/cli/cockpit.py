"""The one way from the command line to the app."""

from tasq_tui.admin.settings import Settings
from tasq_tui.cli.connection import settings_of
from tasq_tui.cli.options import Given


def open_cockpit(given: Given) -> int:
    """Open the app on the database that was asked for; its exit code."""
    return run_cockpit(settings_of(given))


def run_cockpit(settings: Settings, demo: object = None) -> int:
    """Open the app on `settings`; `demo` is what feeds a made-up database."""
    from tasq_tui.ui.app import run_app

    return run_app(settings, demo=demo)
