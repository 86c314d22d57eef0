"""The pictures: which data, which size, which keys. Tests compare them, make.py draws them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from screenshots.shop import EMPTY_URL, NOW, SHOP_URL
from tasq_tui.admin.audit_log import Entry
from tasq_tui.admin.operation import Recorded
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.app import CockpitApp
from tasq_tui.ui.consumer.in_flight import InFlight
from tasq_tui.ui.consumer.screen import FRAME_SECONDS, ConsumerScreen
from tasq_tui.ui.consumer.task_logs import RunKey

SMALL, MEDIUM, LARGE = (80, 24), (120, 40), (200, 60)


DEMO = Settings(url=SHOP_URL, profile="demo", color="green")
READ_ONLY = Settings(url=SHOP_URL, profile="production", color="red", read_only=True)
EMPTY = Settings(url=EMPTY_URL, profile="staging", color="yellow")
MISSING = Settings(url="sqlite:///new.db")


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture."""

    name: str
    size: tuple[int, int]
    keys: tuple[str, ...] = ()
    where: str | None = None
    """A filter for the tasks; they are shown then."""
    prepare: Callable[[CockpitApp], None] | None = None
    """What is done to the app before the keys."""
    settings: Settings = DEMO
    live: bool = False
    """Whether a real consumer works in it."""

    @property
    def file(self) -> str:
        """The file's name, without its ending."""
        return f"{self.name}-{self.size[0]}x{self.size[1]}"

    def at(self, size: tuple[int, int]) -> "Scene":
        """The same at another size."""
        return replace(self, size=size)


def _logged(verb: str, arguments: str, done: int, skipped: int = 0) -> Recorded:
    entry = Entry(
        NOW, "demo", SHOP_URL, f"tasq {verb} --profile demo {arguments}", done, skipped, "done"
    )
    return Recorded(entry, verb)


def fill_log(app: CockpitApp) -> None:
    """Give the history three changes."""
    app.session.log[:] = [
        _logged("requeue", "--where 'status:failed type:payment.capture' --yes", 20),
        _logged("delete", "7c1d2f60-9f0e-4b2a-8f43-0f3c5e2a9b11 --yes", 1),
        _logged("purge", "--where 'status:successful created:>1d' --yes", 9_998, 2),
    ]


def _light(app: CockpitApp) -> None:
    app.theme = "tasq-light"


def _ansi(app: CockpitApp) -> None:
    app.theme = "tasq-16"


def _old_counts(app: CockpitApp) -> None:
    finished = app.session.figures.finished
    assert finished.value is not None
    finished.keep(finished.value)
    finished.at = NOW - timedelta(minutes=2)
    app.view.tick()


SCENES = (
    Scene("overview", SMALL),
    Scene("overview", MEDIUM),
    Scene("overview", LARGE),
    Scene("overview-light", MEDIUM, prepare=_light),
    Scene("overview-16-colours", MEDIUM, prepare=_ansi),
    Scene("overview-empty", SMALL, settings=EMPTY),
    Scene("overview-old-counts", SMALL, prepare=_old_counts),
    Scene("overview-missing-table", SMALL, settings=MISSING),
    Scene("tasks", SMALL, ("2",)),
    Scene("tasks", MEDIUM, ("down", "down"), where="status:failed"),
    Scene("tasks", LARGE, ("space", "space", "down", "down", "space"), where="queue:billing"),
    Scene("tasks-detail", SMALL, ("enter",), where="status:failed"),
    Scene("tasks-read-only", MEDIUM, ("2",), settings=READ_ONLY),
    Scene("tasks-empty", SMALL, ("2",), settings=EMPTY),
    Scene("tasks-filter", SMALL, ("2", "slash", *"status")),
    Scene("tasks-filter-wrong", SMALL, ("2", "slash", *"prio", "colon", *"high", "enter")),
    Scene("delete", MEDIUM, ("ctrl+a", "d"), where="status:failed"),
    Scene("purge", SMALL, ("P",), where="status:successful"),
    Scene("clone", SMALL, ("c",), where="type:payment.capture"),
    Scene("queues", SMALL, ("3",)),
    Scene("queues", MEDIUM, ("3",)),
    Scene("queues", LARGE, ("3", "s")),
    Scene("fleet", SMALL, ("5",)),
    Scene("fleet", MEDIUM, ("5",)),
    Scene("errors", SMALL, ("4",)),
    Scene("errors", MEDIUM, ("4", "down")),
    Scene("errors", LARGE, ("4", "down")),
    Scene("log", SMALL, ("7",), prepare=fill_log),
    Scene("log", MEDIUM, ("7", "down"), prepare=fill_log),
    Scene("help", SMALL, ("2", "question_mark")),
    Scene("help", MEDIUM, ("2", "question_mark")),
    Scene("columns", MEDIUM, ("2", "o", "down", "s")),
    Scene("palette", SMALL, ("4", "ctrl+p")),
    Scene("consumer", SMALL, ("6",)),
    Scene("consumer-step", MEDIUM, ("6", "l", "enter", "w", "e", "e"), live=True),
)  # fmt: skip


def app_of(scene: Scene) -> CockpitApp:
    """The app of a scene, not running yet."""
    return CockpitApp(scene.settings, clock=lambda: NOW)


async def play(pilot: Pilot[Any], scene: Scene) -> None:
    """Press the scene's keys, and let the app come to rest."""
    app = pilot.app
    assert isinstance(app, CockpitApp)
    await rest(pilot)
    if scene.prepare is not None:
        scene.prepare(app)
    if scene.where is not None:
        await pilot.press("2")
        await rest(pilot)
        app.view.show_where(scene.where)
        await rest(pilot)
    for key in scene.keys:
        await pilot.press(key)
        await rest(pilot)
        if scene.live:
            await _until_a_task_waits(app)
    if scene.live:
        _hold_times(app)
        await pilot.pause(2 * FRAME_SECONDS)
    for field in app.screen.query(Input):
        field.cursor_blink = False
    await rest(pilot)
    await still(pilot)


def painted(app: CockpitApp) -> str:
    """The text of the screen as it stands."""
    strips = app.screen._compositor.render_strips()  # noqa: SLF001 - no public way
    return "\n".join(strip.text for strip in strips)


async def still(pilot: Pilot[Any], seconds: float = 60.0) -> None:
    """Wait until nothing is drawn any more; a pane that just came is drawn in two steps.

    Raises:
        TimeoutError: something still was after `seconds`.
    """
    app, deadline = pilot.app, time.monotonic() + seconds
    assert isinstance(app, CockpitApp)
    seen = [painted(app)]
    while time.monotonic() < deadline:
        await pilot.pause(0.03)
        seen.append(painted(app))
        if len(set(seen[-3:])) == 1 and len(seen) > 3:  # noqa: PLR2004 - looks that agree
            return
    raise TimeoutError(f"{app.view.NAME} is drawn again and again")


async def _until_a_task_waits(app: CockpitApp, seconds: float = 60.0) -> None:
    """Wait until the handlers are loaded, and in step mode for the next task."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and isinstance(app.view, ConsumerScreen):
        model = app.view.model
        if app.focused is not None and isinstance(app.focused, Input):
            return
        if not model.loading and (model.waiting or not model.busy):
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.4)  # a key that follows at once is one that bounced


def _hold_times(app: CockpitApp) -> None:
    """Have the task that waits do so for a second, of a lease just made, however long it was."""
    view = app.view
    assert isinstance(view, ConsumerScreen)
    assert view.model.waiting is not None
    run = view.model.runs.get(RunKey(view.model.waiting))
    assert run is not None
    now = run.since + 1.0
    run.lease_ends = now + run.lease_seconds - 1.0
    view.query_one(InFlight)._clock = lambda: now  # noqa: SLF001 - no public way


async def rest(pilot: Pilot[Any], seconds: float = 60.0) -> None:
    """Wait until the screen was read and nothing else is under way.

    Raises:
        TimeoutError: something still was after `seconds`.
    """
    app, deadline = pilot.app, time.monotonic() + seconds
    assert isinstance(app, CockpitApp)
    while time.monotonic() < deadline:
        await pilot.pause(0.02)
        poller = app.view.poller
        is_read = poller.seconds > 0 and (poller.countdown is not None or poller.paused)
        if app.screen is not app.view and not app.changer.is_busy:
            is_read = True
        reading = {"page", "count", "detail", "scan", "names", "sample", "mark", "use"}
        busy = [w for w in app.workers if w.is_running and w.group in reading]
        # The palette goes on to look for actions after it is there.
        is_filled = all(offers.options for offers in app.screen.query("CommandPalette OptionList"))
        if is_read and not busy and is_filled:
            return
    raise TimeoutError(f"{app.view.NAME} never came to rest")
