"""How long the oldest ready task of each queue waits, and how failures went over the day."""

from datetime import timedelta

from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tests.support.builders import make_task
from tests.tui.conftest import NOW, cockpit, screen_text, until


def _row(app, name: str) -> str:
    return next((line for line in screen_text(app).splitlines() if f" {name} " in line), "")


async def test_queues_and_the_overview_show_how_long_the_oldest_ready_task_waits(
    settings: Settings, table, stopped_clock
):
    """A backlog of a minute and one of a night look alike by their counts."""
    ready = {"queue": "mail", "created_at": NOW - timedelta(hours=3)}
    table.repository.restore_tasks(
        [
            make_task(**ready),
            make_task(**ready | {"created_at": NOW - timedelta(minutes=1)}),
            make_task(queue="later", created_at=NOW - timedelta(days=9),
                      visible_at=NOW + timedelta(days=1)),
        ]
    )  # fmt: skip
    for screen in ("queues", "overview"):
        async with cockpit(settings, size=(200, 50), screen=screen) as (app, pilot):
            await until(pilot, lambda app=app: " 3h " in _row(app, "mail"))  # type: ignore[misc]
            assert "oldest" in screen_text(app)
            assert " 9d " not in _row(app, "later")


async def test_the_overview_shows_how_each_failure_went_over_the_day(
    settings: Settings, table, stopped_clock
):
    """One that has stopped and one that has begun look alike by their counts."""
    failed = {"status": TaskStatus.FAILED, "last_error": "ValueError: x"}
    table.repository.restore_tasks(
        [make_task(finished_at=NOW - timedelta(minutes=n), **failed) for n in range(4)]
        + [make_task(finished_at=NOW - timedelta(hours=23), **failed)]
    )
    async with cockpit(settings, size=(120, 40)) as (app, pilot):
        await until(pilot, lambda: "ValueError: x" in screen_text(app))
        assert "▂    █ ValueError: x" in screen_text(app)
