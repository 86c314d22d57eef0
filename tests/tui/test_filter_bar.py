from functools import partial

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from tasq_core.filters import parse
from tasq_core.filters.completion import complete
from tasq_tui.ui.tasks.filter_bar import FilterBar

HOSTILE_QUEUE = "q[/nope]\x1b[31m"


class BarApp(App[None]):
    def __init__(self, history=()) -> None:
        super().__init__()
        self.history = history
        self.events: list[object] = []

    def compose(self) -> ComposeResult:
        completer = partial(complete, queues=["mail", "main", HOSTILE_QUEUE], types=["send"])
        yield FilterBar(completer, self.history)

    def on_mount(self) -> None:
        self.bar.edit()

    @property
    def bar(self) -> FilterBar:
        return self.query_one(FilterBar)

    def on_filter_bar_applied(self, event: FilterBar.Applied) -> None:
        self.events.append(event)

    on_filter_bar_left = on_filter_bar_applied


async def type_in(pilot, text: str) -> None:
    names = {":": "colon", " ": "space", "*": "asterisk", ">": "greater_than_sign", "[": "["}
    await pilot.press(*(names.get(char, char) for char in text))
    await pilot.pause()


@pytest.mark.slow
async def test_enter_applies_the_filter():
    app = BarApp()
    async with app.run_test() as pilot:
        await type_in(pilot, "status:failed queue:mail")
        await pilot.press("enter")
        await pilot.pause()

        applied = app.events[-1]
        assert applied.text == "status:failed queue:mail"
        assert applied.where == parse("status:failed queue:mail")
        assert not app.bar.problem


async def test_an_empty_filter_matches_everything():
    app = BarApp()
    async with app.run_test() as pilot:
        await pilot.press("enter")
        await pilot.pause()

        assert not app.events[-1].where


@pytest.mark.slow
async def test_the_caret_stands_under_what_is_wrong_and_nothing_is_applied():
    app = BarApp()
    async with app.run_test() as pilot:
        await type_in(pilot, "prio:5 colour:red")
        await pilot.press("enter")
        await pilot.pause()

        assert not app.events
        assert app.bar.problem.index("^") == len("/ ") + len("prio:5 ")
        assert app.bar.query_one("#filter-problem").has_class("-refused")


async def test_the_caret_follows_a_long_filter_and_the_hint_stays_in_view():
    app = BarApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.query_one(Input).value = "queue:mail " * 8 + "nope:1"
        await pilot.press("end", "enter")
        await pilot.pause()

        assert "^" in app.bar.problem
        assert len(app.bar.problem) <= 60


async def test_keys_are_offered_then_values():
    app = BarApp()
    async with app.run_test() as pilot:
        await type_in(pilot, "st")
        assert "status:" in app.bar.offers
        await pilot.press("tab")
        await pilot.pause()
        assert app.bar.text.startswith("status:")
        assert "failed" in app.bar.offers
        await type_in(pilot, "fa")
        await pilot.press("tab")
        await pilot.pause()

        assert app.bar.text == "status:failed"
        assert not app.bar.offers


async def test_an_offer_can_be_chosen_with_the_arrows():
    app = BarApp()
    async with app.run_test() as pilot:
        await type_in(pilot, "queue:ma")
        assert app.bar.offers == ("mail", "main")
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        assert app.bar.text == "queue:main"
        assert not app.events

        await pilot.press("enter")
        await pilot.pause()
        assert app.events[-1].text == "queue:main"


async def test_a_hostile_queue_name_is_offered_inert():
    app = BarApp()
    async with app.run_test() as pilot:
        await type_in(pilot, "queue:q")
        line = app.screen.query_one("OptionList").get_option_at_index(0).prompt.plain

        assert "\x1b" not in line
        assert "[/nope]␛[31m" in line


async def test_up_and_down_walk_the_history_and_keep_the_draft():
    app = BarApp(["status:new", "status:failed"])
    async with app.run_test() as pilot:
        await type_in(pilot, "draft")
        await pilot.press("up")
        assert app.bar.text == "status:failed"
        await pilot.press("up")
        assert app.bar.text == "status:new"
        await pilot.press("up", "down", "down")
        await pilot.pause()

        assert app.bar.text == "draft"


async def test_what_was_applied_becomes_the_newest_history_once():
    app = BarApp(["status:new", "prio:1"])
    async with app.run_test() as pilot:
        await type_in(pilot, "status:new")
        await pilot.press("enter")
        await pilot.pause()

        assert app.bar.history == ["prio:1", "status:new"]


async def test_escape_closes_the_offers_then_restores_what_is_applied():
    app = BarApp()
    async with app.run_test() as pilot:
        app.bar.apply("prio:1")
        await type_in(pilot, " st")
        await pilot.press("escape")
        assert not app.bar.offers
        assert app.bar.text == "prio:1 st"
        await pilot.press("escape")
        await pilot.pause()

        assert app.bar.text == "prio:1"
        assert isinstance(app.events[-1], FilterBar.Left)


@pytest.mark.parametrize("text", ["[/nope]", "[@click=app.quit]x[/]", 'error:"[/b]"', "^\\", '"'])
async def test_what_is_typed_is_never_read_as_markup(text):
    app = BarApp()
    async with app.run_test() as pilot:
        app.query_one(Input).value = text
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()

        assert app.bar.text == text
