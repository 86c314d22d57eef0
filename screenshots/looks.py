"""Every screen at three sizes in three themes: the contact sheet shows them, tests hold them."""

from collections.abc import AsyncIterator

from textual.pilot import Pilot

from screenshots.scenes import LARGE, MEDIUM, SMALL, Scene, fill_log, rest, still
from tasq_tui.ui.app import CockpitApp
from tasq_tui.ui.text import theme

THEMES = {"dark": theme.DARK.name, "light": theme.LIGHT.name, "ansi": theme.ANSI.name}
"""What a look is called by, and the app's theme."""

_SCREENS = (
    Scene("overview", SMALL),
    Scene("tasks", SMALL, ("down", "down"), where="status:failed"),
    Scene("task", SMALL, ("enter",), where="status:failed"),
    Scene("queues", SMALL, ("3",)),
    Scene("errors", SMALL, ("4", "down")),
    Scene("fleet", SMALL, ("5", "down")),
    Scene("consumer", SMALL, ("6",)),
    Scene("history", SMALL, ("7", "down"), prepare=fill_log),
    Scene("purge", SMALL, ("P",), where="status:successful"),
    Scene("help", SMALL, ("2", "question_mark")),
)

NAMES = tuple(scene.name for scene in _SCREENS)
LOOKS = tuple(scene.at(size) for scene in _SCREENS for size in (SMALL, MEDIUM, LARGE))


async def in_each_theme(pilot: Pilot[object]) -> AsyncIterator[str]:
    """Go through the themes on the screen as it stands; yields what each is called."""
    app = pilot.app
    assert isinstance(app, CockpitApp)
    for name, wanted in THEMES.items():
        app.theme = wanted
        await rest(pilot)
        await still(pilot)
        yield name
