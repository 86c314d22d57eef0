"""Ctrl+o opens another database inside the app: nothing of the first stays on the screen."""

import pytest

from tasq_core import connect
from tasq_tui.admin.settings import Settings
from tests.support.builders import make_task
from tests.tui.conftest import NOW, cockpit, press, screen_text, settled, toasts, until

CONFIG = """
[profiles.demo]
url = "sqlite:///shop.db"

[profiles.other]
url = "sqlite:///other.db"
read_only = true

[profiles.wrong]
url = "nothing://at/all"
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    monkeypatch.setenv("TASQ_CONFIG", str(path))
    return path


async def test_the_profile_chosen_is_what_every_screen_shows(shop: Settings, config):
    with connect("sqlite:///other.db") as client:
        client.migrate()
        client.repository.restore_tasks([make_task(type="only.here", created_at=NOW)])
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await press(pilot, "ctrl+o")
        await until(pilot, lambda: "read-only" in screen_text(app))
        await press(pilot, "down", "enter")
        await until(pilot, lambda: app.session.settings.profile == "other")
        await until(pilot, lambda: app.current_mode == "overview")
        await app.action_go("tasks")
        await settled(pilot)

        assert "only.here" in screen_text(app)
        assert app.session.read_only
        assert [task.type for task in app.view.list.window.rows] == ["only.here"]


async def test_a_profile_that_cannot_be_opened_leaves_the_first_one(shop: Settings, config):
    async with cockpit(shop, screen="tasks") as (app, pilot):
        await press(pilot, "ctrl+o", "down", "down", "enter")
        await until(pilot, lambda: toasts(app))

        assert app.session.settings.profile == "demo"
        assert app.current_mode == "tasks"


async def test_without_profiles_it_says_where_they_are_written(
    shop: Settings, monkeypatch, tmp_path
):
    monkeypatch.setenv("TASQ_CONFIG", str(tmp_path / "none.toml"))
    async with cockpit(shop) as (app, pilot):
        await press(pilot, "ctrl+o")
        await until(pilot, lambda: any("no profiles yet" in text for text in toasts(app)))
