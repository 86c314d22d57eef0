"""Odd terminals: small ones keep names, wider ones lose nothing, few colours keep red red."""

import pytest
from rich.color import Color, ColorSystem
from textual.color import Color as Colour

from tasq_tui.admin.settings import Settings
from tasq_tui.ui.dialogs.help import HelpDialog
from tasq_tui.ui.text import theme
from tasq_tui.ui.widgets.rows_view import RowsView
from tests.tui.conftest import cockpit, press, screen_text, settled, type_text, until

WIDTHS = (60, 80, 100, 119, 120, 130, 159, 160, 200)


def columns_of(view) -> set[str]:
    """The titles of the columns on the screen, without arrows."""
    titles: list[str] = []
    if view.NAME == "tasks":
        titles = [column.title or "status" for column, _ in view.list._layout.columns]
    elif view.NAME == "consumer":
        titles = [column.title for column, _ in view._table._columns]
    else:
        for number, table in enumerate(view.query(RowsView)):
            titles += [f"{number} {c.title.split()[0]}" for _, (c, _) in table._placed_with_index()]
    return set(titles)


@pytest.mark.slow
@pytest.mark.parametrize("screen", ["overview", "tasks", "queues", "errors", "consumer", "history"])
async def test_a_wider_terminal_shows_no_fewer_columns(shop: Settings, screen):
    async with cockpit(shop, size=(40, 40), screen=screen) as (app, pilot):
        shown: set[str] = set()
        for width in WIDTHS:
            await pilot.resize_terminal(width, 40)
            await settled(pilot)
            await pilot.pause()
            now = columns_of(app.view)
            assert shown <= now, f"{shown - now} gone at {width}"
            shown = now


@pytest.mark.parametrize("size", [(60, 20), (40, 12)])
async def test_a_small_terminal_keeps_the_names_of_tabs_and_of_what_it_lists(shop: Settings, size):
    async with cockpit(shop, size=size) as (app, pilot):
        tabs = screen_text(app).splitlines()[1]
        assert " 1 Overview " in tabs
        assert all(f" {number} " in tabs for number in range(1, 7))
        await press(pilot, "3")
        await settled(pilot)
        assert "billing" in screen_text(app)
        assert " 3 Queues & types " in screen_text(app).splitlines()[1]
        await press(pilot, "4")
        await settled(pilot)
        assert "Error" in screen_text(app)


async def test_at_60_columns_other_tabs_keep_the_beginnings_of_their_names(shop: Settings):
    async with cockpit(shop, size=(60, 20), screen="tasks") as (app, pilot):
        tabs = screen_text(app).splitlines()[1]
        assert " 4 Err" in tabs

        at = tabs.index("4 Err")
        await pilot.click(app.view.header, offset=(at, 1))
        await until(pilot, lambda: app.current_mode == "errors")


@pytest.mark.parametrize(
    ("token", "wanted"), [("text-error", 9), ("text-success", 10), ("text-warning", 11)]
)
def test_in_16_colours_failures_stay_red(token, wanted):
    variables = theme.ANSI.to_color_system().generate()
    red, green, blue = Colour.parse(variables[token]).rgb

    assert Color.from_rgb(red, green, blue).downgrade(ColorSystem.STANDARD).number == wanted


@pytest.mark.parametrize(("colours", "name"), [("standard", "tasq-16"), ("truecolor", "dracula")])
async def test_the_last_theme_is_used_again_but_for_16_colours(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, colours, name
):
    async with cockpit(settings) as (app, pilot):
        app.theme = "dracula"
        await pilot.pause()
    async with cockpit(settings) as (app, pilot):
        monkeypatch.setattr(type(app.console), "color_system", colours)
        theme.choose(app)
        assert app.theme == name


async def test_home_and_end_go_through_the_help(settings: Settings):
    async with cockpit(settings, size=(80, 24)) as (app, pilot):
        await press(pilot, "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog))
        box = app.screen.query_one(".dialog--box")
        await press(pilot, "end")
        await until(pilot, lambda: box.scroll_offset.y == box.max_scroll_y > 0)
        await press(pilot, "home")
        await until(pilot, lambda: box.scroll_offset.y == 0)


@pytest.mark.slow
@pytest.mark.parametrize("wanted", ["Purge", "purge", "all tasks match", "Delete all tasks that"])
async def test_the_help_finds_a_key_by_label_name_or_sentence(settings: Settings, wanted):
    """Nobody reads a hundred keys to find one."""
    async with cockpit(settings, size=(120, 40)) as (app, pilot):
        await press(pilot, "question_mark", "slash")
        await type_text(pilot, wanted)
        await until(pilot, lambda: "Delete all tasks that match the filter" in screen_text(app))

        assert "Leave tasq" not in screen_text(app)


@pytest.mark.slow
async def test_the_help_says_where_no_key_does_it(settings: Settings):
    async with cockpit(settings, size=(120, 40)) as (app, pilot):
        await press(pilot, "question_mark", "slash")
        await type_text(pilot, "levitate")

        await until(pilot, lambda: "No key does that" in screen_text(app))
