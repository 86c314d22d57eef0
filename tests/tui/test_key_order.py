"""A burst of keys means what the same keys mean one by one."""

import asyncio

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList

from tasq_tui.ui.keys.ordered_input import KeysInOrder


class Question(ModalScreen[None]):
    BINDINGS = [Binding("q", "dismiss", "Close")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        yield Input(id="answer")


class BurstApp(App[int]):
    BINDINGS = [  # noqa: RUF012
        Binding("slash", "filter", "Filter"),
        Binding("escape", "leave", "Leave"),
        Binding("s", "start", "Start"),
        Binding("a", "ask", "Ask"),
        Binding("d", "drop", "Drop"),
    ]
    started = 0

    def compose(self) -> ComposeResult:
        with Vertical(), Vertical():
            yield OptionList("one", "two")
            yield Input(id="filter")

    def action_filter(self) -> None:
        self.query_one("#filter").focus()

    def action_leave(self) -> None:
        self.query_one(OptionList).focus()

    def action_start(self) -> None:
        self.started += 1

    async def action_drop(self) -> None:
        await self.query(Vertical).remove()

    def action_ask(self) -> None:
        self.push_screen(Question())


class OrderedApp(KeysInOrder, BurstApp):
    pass


async def burst(app, pilot, keys):
    """Let all keys come at once, as a terminal over a slow line sends them."""
    app.query_one(OptionList).focus()
    await pilot.pause()
    for key in keys:
        name = {"/": "slash", "\x1b": "escape"}.get(key, key)
        app.post_message(events.Key(name, key))
    for _ in range(20):
        await pilot.pause()
        await asyncio.sleep(0.01)


async def test_letters_after_the_filters_key_go_into_the_filter():
    app = OrderedApp()
    async with app.run_test() as pilot:
        await burst(app, pilot, "/status:x\x1bs")

        assert app.query_one("#filter").value == "status:x"
        assert app.started == 1


async def test_letters_after_a_dialogs_key_go_into_the_dialog():
    app = OrderedApp()
    async with app.run_test() as pilot:
        await burst(app, pilot, "asss")

        assert app.screen.query_one("#answer").value == "sss"
        assert app.started == 0


async def test_no_key_is_lost_when_one_removes_what_has_the_focus():
    app = OrderedApp()
    async with app.run_test() as pilot:
        await burst(app, pilot, "dsss")

        assert not app.query(OptionList)
        assert app.started == 3


async def test_a_handler_that_hangs_holds_up_the_keys_for_what_else_has_the_focus_only_briefly(
    monkeypatch,
):
    hanging = asyncio.Event()

    async def hang(*_) -> None:
        await hanging.wait()

    monkeypatch.setattr(OptionList, "key_h", hang, raising=False)
    app = OrderedApp()
    async with app.run_test() as pilot:
        app.query_one(OptionList).focus()
        await pilot.pause()
        app.post_message(events.Key("h", "h"))
        app.query_one("#filter").focus()
        app.post_message(events.Key("x", "x"))
        async with asyncio.timeout(10):
            while app.query_one("#filter").value != "x":
                await asyncio.sleep(0.02)
        hanging.set()


@pytest.mark.xfail(strict=True, reason="what KeysInOrder is for: once Textual does it, drop it")
async def test_textual_alone_does_it_too():
    app = BurstApp()
    async with app.run_test() as pilot:
        await burst(app, pilot, "/status:x\x1bs")

        assert app.query_one("#filter").value == "status:x"
