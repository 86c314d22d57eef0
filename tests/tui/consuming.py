"""The consumer screen in an app of its own, on a real table, with handlers in a module."""

import asyncio
from contextlib import asynccontextmanager
from typing import ClassVar

from textual.app import App

from tasq_core.client import connect
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.consumer.screen import ConsumerScreen
from tasq_tui.ui.session import Session
from tasq_tui.ui.text import theme
from tasq_tui.ui.text.sanitize import ControlFilter
from tasq_tui.ui.text.stylesheet import ParsedOnce
from tests.child.forking import ForkedChild
from tests.child.listening import HANDLERS
from tests.tui.conftest import holds

SCREEN_SIZES = ((80, 24), (160, 48))


class ConsumerApp(App[None]):
    """Nothing but the one screen."""

    is_paused = False
    HORIZONTAL_BREAKPOINTS: ClassVar = [(0, "-narrow"), (120, "-wide")]  # type: ignore[misc]

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.stylesheet = ParsedOnce(variables=self.get_css_variables())
        theme.register(self)
        self.session = Session(settings)
        self.consumer = ConsumerScreen(self.session)

    def on_mount(self) -> None:
        self.push_screen(self.consumer)

    def on_unmount(self) -> None:
        self.session.close()

    def get_key_display_of(self, action):
        return action.key

    def get_line_filters(self):
        return [*super().get_line_filters(), ControlFilter()]


class Driver:
    """Presses keys and waits for what comes of them."""

    def __init__(self, app, pilot, client):
        self.app, self.pilot, self.client = app, pilot, client

    @property
    def consumer(self):
        return self.app.consumer

    @property
    def model(self):
        return self.app.consumer.model

    @property
    def text(self):
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @property
    def footer(self):
        return self.text.splitlines()[-1]

    def submit(self, type_, args=None, **fields):
        return self.client.new_producer().submit(type_, args, **fields).id

    def row(self, task_id):
        return self.client.repository.get_tasks([task_id])[0]

    async def press(self, *keys):
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, condition, seconds=30.0):
        return await holds(condition, lambda: self.text, seconds)

    async def sees(self, *texts, seconds=30.0):
        """The screen, once all of `texts` stand on it."""

        def seen():
            shown = self.text
            return shown if all(text in shown for text in texts) else ""

        return await self.until(seen, seconds)

    async def load(self, target="shop_jobs"):
        await self.enter(target)
        await self.sees("ready ·")

    async def enter(self, target):
        """Ask for handlers to be loaded."""
        await self.press("l")
        self.app.focused.value = target
        await self.press("enter")

    async def step(self):
        """Begin to step; the task that waits."""
        await self.press("w")
        return await self.until(lambda: self.model.waiting)

    async def decide(self, key):
        """Decide on the task that waits; the next one, or None after the last."""
        decided = self.model.waiting
        await asyncio.sleep(0.3)  # a key that follows at once is one that bounced
        await self.press(key)
        await self.until(lambda: self.model.waiting != decided)


@asynccontextmanager
async def consumer(folder, monkeypatch, *, size=(80, 24), handlers=HANDLERS, **settings):
    """A Driver of the screen; `handlers` is the text of the module shop_jobs."""
    (folder / "shop_jobs.py").write_text(handlers)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("tasq_tui.child.parent._spawn", ForkedChild)
    url = f"sqlite:///{folder}/shop.db"
    with connect(url) as client:
        client.migrate()
        app = ConsumerApp(Settings(url, **settings))
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield Driver(app, pilot, client)
