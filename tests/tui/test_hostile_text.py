import re

import pytest

from tasq_core import connect
from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tests.support.builders import make_task
from tests.tui.conftest import NOW, cockpit, press, screen_text, settled, until

PAYLOADS = (
    "[bold]x[/bold]",
    "[/nope]",
    "[@click=app.quit]q[/]",
    "\x1b]0;pwn\x07title",
    "\x1b[31mred",
    "\x9b2Jclear",
    "line\nbreak\ttab\r",
    "\u202eevil\u2066bidi",
    "wide 漢字 emoji 👩\u200d👩\u200d👧 z\u0334\u0335\u0336\u0337algo",
    "عربى",
    "$(reboot) `id` ; rm -rf /",
    "=HYPERLINK(1)",
    "a" * 3000,
)
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
SIZES = [(80, 24), (140, 45)]


@pytest.fixture
def hostile(settings: Settings, stopped_clock) -> Settings:
    with connect(settings.url) as client:
        client.repository.restore_tasks(
            [
                make_task(
                    type=payload, queue=payload, created_at=NOW, status=TaskStatus.FAILED,
                    args=payload.encode(), last_error=f"{payload}\n{payload}", finished_at=NOW,
                )
                for payload in PAYLOADS
            ]
        )  # fmt: skip
    return settings


def assert_inert(app) -> None:
    text = screen_text(app)
    assert not ACTIVE.search(text.replace("\n", ""))
    assert all(len(line) for line in text.split("\n"))


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["overview", "tasks", "queues", "errors"])
async def test_every_screen_shows_hostile_rows_inert(hostile: Settings, name: str, size):
    async with cockpit(hostile, size=size, screen=name) as (app, pilot):
        assert_inert(app)
        for _ in PAYLOADS:
            await press(pilot, "down")
            assert_inert(app)
        await settled(pilot)
        assert_inert(app)
        assert "[bold]x[/bold]" in screen_text(app) or name != "queues"


@pytest.mark.slow
async def test_the_detail_shows_hostile_args_in_every_mode(hostile: Settings):
    async with cockpit(hostile, size=(140, 45), screen="tasks") as (app, pilot):
        for _ in PAYLOADS:
            for _ in range(3):
                await press(pilot, "t")
                assert_inert(app)
            await press(pilot, "down")
            await settled(pilot)


@pytest.mark.slow
async def test_dialogs_show_hostile_samples_inert(hostile: Settings):
    async with cockpit(hostile, size=(120, 40), screen="tasks") as (app, pilot):
        await press(pilot, "ctrl+a", "d")
        await until(pilot, lambda: app.screen is not app.view)
        assert_inert(app)
        await press(pilot, "escape", "escape")

        for _ in PAYLOADS:
            await press(pilot, "c")
            await until(pilot, lambda: "Copy of" in screen_text(app))
            assert_inert(app)
            await press(pilot, "escape", "down")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_form_of_an_edit_shows_hostile_fields_inert(settings: Settings, table):
    """Whoever submits a task must not draw on the screen of whoever edits it."""
    table.repository.restore_tasks([make_task(type=text, queue=text) for text in PAYLOADS])
    async with cockpit(settings, size=(120, 40), screen="tasks") as (app, pilot):
        await settled(pilot)
        for _ in PAYLOADS:
            await press(pilot, "e")
            await until(pilot, lambda: "Arguments as JSON" in screen_text(app))
            assert_inert(app)
            await press(pilot, "ctrl+s")
            await until(pilot, lambda: "nothing to edit" in screen_text(app))
            await press(pilot, "escape", "down")


async def test_the_log_and_toasts_show_hostile_filters_inert(hostile: Settings):
    async with cockpit(hostile, size=(120, 40), screen="errors") as (app, pilot):
        await press(pilot, "R")
        await until(pilot, lambda: app.screen is not app.view or app.session.log)
        assert_inert(app)
        await press(pilot, "y") if app.screen is not app.view else None
        await until(pilot, lambda: app.session.log)
        assert_inert(app)
        await press(pilot, "7")
        assert_inert(app)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_a_hostile_queue_can_be_filtered_for(hostile: Settings, payload: str):
    async with cockpit(hostile, screen="queues") as (app, pilot):
        app.view.query_one("#breakdown-queues").go_to(payload)
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "tasks")
        await settled(pilot)

        assert [task.queue for task in app.view.list.window.rows] == [payload]
        assert_inert(app)


@pytest.mark.slow
async def test_thirty_megabytes_of_args_dont_freeze_the_list(settings: Settings, table):
    table.repository.restore_tasks([make_task(args=b"x" * 30_000_000), make_task()])
    async with cockpit(settings, size=(140, 45), screen="tasks") as (app, pilot):
        await press(pilot, "down", "up", "G", "g")
        await until(pilot, lambda: "30.0 MB" in screen_text(app) or await_down(app))

        assert app.is_running


def await_down(app) -> bool:
    app.view.list.action_move(1)
    return False
