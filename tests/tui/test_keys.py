from pathlib import Path

import pytest

from tasq_tui.admin.settings import Settings
from tasq_tui.ui.actions import ACTIONS, Scope, keymap
from tasq_tui.ui.app import screen_class
from tasq_tui.ui.keys.reference import markdown
from tasq_tui.ui.widgets.header import SCREENS as HEADER_SCREENS
from tasq_tui.ui.widgets.key_bar import KeyBar
from tests.tui.conftest import cockpit, press, until

SCREENS = [screen_class(name) for name in HEADER_SCREENS]
DOCS = Path(__file__).parents[2] / "docs" / "keys.md"


def test_the_documented_keys_are_the_registrys():
    assert DOCS.read_text("utf-8") == markdown(), (
        "run: python -m tasq_tui.ui.keys.reference > docs/keys.md"
    )


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.NAME)
def test_no_two_actions_of_a_screen_share_a_key(screen):
    here = [a for a in ACTIONS if a.scope in {screen.SCOPE, Scope.APP}]
    keys = [key for action in here for key in action.key.split(",")]

    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.NAME)
def test_every_action_has_a_method(screen):
    for action in ACTIONS:
        if action.scope is screen.SCOPE:
            name = (action.call or action.name).partition("(")[0]
            assert hasattr(screen, f"action_{name}"), action.binding_id


@pytest.mark.parametrize("name", [screen.NAME for screen in SCREENS])
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_every_key_of_a_footer_is_in_the_docs(settings: Settings, name: str, size):
    table = DOCS.read_text("utf-8")
    async with cockpit(settings, size=size, screen=name) as (app, _pilot):
        bar = app.view.query_one(KeyBar)
        shown = bar._shown()
        assert shown
        for binding, _enabled in shown:
            assert binding.tooltip in table or binding.description == "Open"


async def test_the_filters_keys_in_the_footer_are_in_the_docs(shop: Settings):
    table = DOCS.read_text("utf-8").partition("## While a filter is typed")[2]
    async with cockpit(shop, size=(80, 24), screen="tasks") as (app, pilot):
        await pilot.press("slash")
        text = app.view.query_one(KeyBar).text

        for label in ("Apply", "Complete", "Leave"):
            assert label in text
            assert label in table


@pytest.mark.parametrize("name", [screen.NAME for screen in SCREENS])
async def test_help_and_quit_fit_every_footer(shop: Settings, name: str):
    async with cockpit(shop, size=(80, 24), screen=name) as (app, _pilot):
        text = app.view.query_one(KeyBar).text

        assert "? Keys" in text
        assert "q Quit" in text
        assert len(text) <= 80


async def test_80_columns_show_undo_beside_what_it_undoes(shop: Settings):
    """Where Esc leads back there was no room for it: whoever deleted didn't see the way out."""
    async with cockpit(shop, size=(80, 24), screen="tasks") as (app, pilot):
        await press(pilot, "enter")
        await until(pilot, lambda: "Back" in app.view.query_one(KeyBar).text)
        text = app.view.query_one(KeyBar).text

        for label in ("Requeue", "From zero", "Delete", "Undo"):
            assert label in text


async def test_a_click_on_a_key_calls_its_action(shop: Settings):
    async with cockpit(shop, size=(80, 24), screen="tasks") as (app, pilot):
        at = app.view.query_one(KeyBar).text.index("? Keys")
        await pilot.click(KeyBar, offset=(at, 0))
        await pilot.pause()

        assert app.screen is not app.view


def test_a_key_can_be_set_for_all_screens_or_for_one():
    chosen, complaints = keymap({"requeue": "x", "history.copy": "c"})

    assert chosen == {
        "tasks.requeue": "x", "errors.requeue": "x", "consumer.requeue": "x", "history.copy": "c",
    }  # fmt: skip
    assert not complaints
