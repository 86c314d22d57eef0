"""The cockpit under test: a small shop's tasks in SQLite, the clock stopped where asked for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch

import pytest
from textual.app import App
from textual.pilot import Pilot

from tasq_core import connect
from tasq_core.client import Client
from tasq_tui.admin.demo import fill
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.app import CockpitApp

NOW = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
TASKS = 600


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """SQLite's clock stands still at `NOW`."""
    frozen = SimpleNamespace(
        time_ns=lambda: int(NOW.timestamp()) * 1_000_000_000,
        monotonic=time.monotonic,
        time=NOW.timestamp,
    )
    monkeypatch.setattr("tasq_core.repository.sqlite.time", frozen)
    return NOW


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An empty, migrated table in a file; its URL is the same in every run."""
    monkeypatch.chdir(tmp_path)
    settings = Settings(url="sqlite:///shop.db", profile="demo", color="green")
    with connect(settings.url) as client:
        client.migrate()
    return settings


@pytest.fixture
def shop(settings: Settings, stopped_clock: datetime) -> Settings:
    """The same with a day's work of a made-up shop in it, the clock stopped."""
    with connect(settings.url) as client:
        fill(client.repository, TASKS, now=stopped_clock)
    return settings


@pytest.fixture
def table(settings: Settings) -> "Iterator[Client]":
    """A client of the same table, to look at it from outside."""
    with connect(settings.url) as client:
        yield client


Cockpit = tuple[CockpitApp, Pilot]
T = TypeVar("T")

SHORTEST, LONGEST, SHARE = 0.01, 0.1, 5
"""How long a wait rests between two looks, in seconds: so many times as long as a look takes."""


@asynccontextmanager
async def cockpit(
    settings: Settings, size: tuple[int, int] = (100, 30), screen: str = "overview"
) -> AsyncIterator[Cockpit]:
    """The app running on `settings`, the first answers of `screen` shown.

    The others aren't made before a test goes there: an Overview costs as much as most tests do.
    """
    with patch.object(CockpitApp, "DEFAULT_MODE", screen):
        app = CockpitApp(settings)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        yield app, pilot


async def until(pilot: Pilot, condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Let the app run until `condition` is true.

    Raises:
        AssertionError: it stayed false; with what the screen shows.
    """
    await holds(condition, lambda: screen_text(pilot.app), seconds)
    await pilot.pause()


async def holds(condition: Callable[[], T], shown: Callable[[], str], seconds: float = 30.0) -> T:
    """What `condition` returns once that is true; between its calls the app has the processor.

    Raises:
        AssertionError: it stayed false; with what is `shown`.
    """
    asked = time.thread_time()
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain; the screen:\n{shown()}"
        await asyncio.sleep(min(max(SHARE * (time.thread_time() - asked), SHORTEST), LONGEST))
        asked = time.thread_time()
    return found


async def settled(pilot: Pilot) -> None:
    """Let the app run until the screen's first reading is done and nothing else is under way."""
    app: Any = pilot.app
    view = app.view

    def is_settled() -> bool:
        busy = [w for w in app.workers if w.is_running and w.group not in {"poll", "change"}]
        return view.poller.seconds > 0 and view.poller.countdown is not None and not busy

    await until(pilot, is_settled)


async def press(pilot: Pilot, *keys: str) -> None:
    """Press keys, one after the other."""
    for key in keys:
        await pilot.press(key)
    await pilot.pause()


async def type_text(pilot: Pilot, text: str) -> None:
    """Type `text` into what has the focus."""
    names = {" ": "space", ":": "colon", "/": "slash", ".": "full_stop", '"': "quotation_mark"}
    await press(pilot, *(names.get(letter, letter) for letter in text))


def screen_text(app: App[Any]) -> str:
    """What the terminal shows."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def toasts(app: CockpitApp) -> list[str]:
    """The messages shown in the corner, the latest last."""
    return [notification.message for notification in app._notifications]
