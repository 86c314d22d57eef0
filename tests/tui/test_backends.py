"""The app on each database: every screen reads, and a change goes there and back."""

from datetime import UTC, datetime

import pytest

from tasq_tui.admin.demo import fill
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tests.tui.conftest import cockpit, press, screen_text, settled, toasts, until


@pytest.mark.slow
async def test_every_screen_reads_and_a_deletion_can_be_undone(database, client):
    fill(client.repository, 300, now=datetime.now(UTC))
    failed = client.new_inspector().count(statuses=["FAILED"])
    settings = Settings(url=database.url, prefix=database.prefix)
    async with cockpit(settings, size=(140, 45)) as (app, pilot):
        assert "300 tasks" in screen_text(app)
        assert "billing" in screen_text(app)

        await press(pilot, "3")
        await until(pilot, lambda: "webhook.deliver" in screen_text(app))
        await press(pilot, "4")
        await until(pilot, lambda: f"{failed} failed in" in screen_text(app))

        await press(pilot, "2")
        await settled(pilot)
        app.view.show_where("status:failed")
        await settled(pilot)
        assert f"{failed} match" in app.view.status
        task = client.new_inspector().get(app.view.list.current.id)
        await until(pilot, lambda: app.view.detail.task_shown == task)

        await press(pilot, "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: "deleted 1 · U undoes" in toasts(app))
        await press(pilot, "U")
        await until(pilot, lambda: "put back 1" in toasts(app))
        assert client.new_inspector().get(task.id) == task

        await press(pilot, "A")
        await until(pilot, lambda: f"{failed} marked" in app.view.status)
        await press(pilot, "r")
        await until(pilot, lambda: app.screen is not app.view)
        await press(pilot, "y")
        await until(pilot, lambda: f"requeued {failed}" in toasts(app))
        assert client.new_inspector().count(statuses=["FAILED"]) == 0


async def test_a_read_only_session_is_read_only_in_the_database(database, client):
    client.new_producer().submit("email", None)
    settings = Settings(url=database.url, prefix=database.prefix, read_only=True)
    async with cockpit(settings) as (app, _pilot):
        assert "1 task" in screen_text(app)
        assert "RO" in screen_text(app)
