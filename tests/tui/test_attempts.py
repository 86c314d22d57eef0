"""A task's earlier attempts and its holder stand beside it: what it died of before, and where."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

import tasq_core as tasq
from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tests.support.attempts import put_attempt, put_consumer
from tests.support.builders import make_task
from tests.support.consuming import consuming
from tests.support.wait import wait_until
from tests.tui.conftest import NOW, cockpit, press, screen_text, until
from tests.tui.test_hostile_text import PAYLOADS, assert_inert

SHOP = Path("shop.db")
FAILED = {"status": TaskStatus.FAILED, "started_at": NOW, "finished_at": NOW, "created_at": NOW}
SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])


@SIZES
async def test_a_task_that_failed_three_ways_shows_three_attempts(settings: Settings, table, size):
    """The last error alone hides the first cause, and the machine it happened on."""
    ways = iter([ValueError("first"), tasq.Retry(0, "second"), tasq.Discard("third")])

    def fail(_task):
        raise next(ways)

    task = table.new_producer().submit("bad", 1, max_receives=9)
    with consuming(table, name="mailer-1") as consumer:
        consumer.learn("bad", fail)
        wait_until(lambda: len(table.new_inspector().attempts(task.id)) == 3)
    attempts = table.new_inspector().attempts(task.id)

    async with cockpit(settings, size=size, screen="tasks") as (app, pilot):
        await press(pilot, "enter")
        detail = app.view.detail
        await until(pilot, lambda: detail.query_one("#detail-attempts").region)
        shown = detail.query_one("#detail-attempts").text

    ends = [("retried", "ValueError: first"), ("retried", "second"), ("failed", "third")]
    for attempt, (outcome, error) in zip(attempts, ends, strict=True):
        begin = f"\u00d7 {attempt.receive_count}  "
        line = next(line for line in shown.splitlines() if line.startswith(begin))
        assert f"{attempt.started_at:%Y-%m-%d %H:%M:%S}Z  {outcome} after " in line
        assert line.endswith(f"mailer-1 on {attempt.host}")
        assert f"\n    {error}" in shown


@pytest.mark.slow
@SIZES
async def test_all_parts_of_a_task_with_attempts_and_error_have_room(
    settings: Settings, table, stopped_clock, size
):
    task = make_task(last_error="ValueError: x\n" + "  trace\n" * 40, **FAILED)
    table.repository.restore_tasks([task])
    for number in range(1, 31):
        put_attempt(SHOP, task, number, error=f"ValueError: {number}")
    async with cockpit(settings, size=size, screen="tasks") as (app, pilot):
        await press(pilot, "enter")
        await until(pilot, lambda: "Attempts · 30 without success" in screen_text(app))
        text = screen_text(app)

        assert str(task.id) in text
        assert "Arguments" in text
        assert "ValueError: x" in text
        view = app.view.detail.query_one("#detail-attempts")
        view.focus()
        await press(pilot, "G")
        await until(pilot, lambda: "ValueError: 30" in screen_text(app))
        app.view.detail.zoom(True)
        await until(pilot, lambda: "Arguments" not in screen_text(app))
        await until(pilot, lambda: "ValueError: 30" in screen_text(app))
        assert app.view.detail.part == ("attempts", view.text)


async def test_attempts_take_the_room_that_a_short_error_leaves(
    settings: Settings, table, stopped_clock
):
    task = make_task(last_error="ValueError: x", **FAILED)
    table.repository.restore_tasks([task])
    for number in range(1, 7):
        put_attempt(SHOP, task, number, error=f"ValueError: {number}")
    async with cockpit(settings, size=(150, 45), screen="tasks") as (_, pilot):
        for number in range(1, 7):
            await until(pilot, lambda n=number: f"ValueError: {n}" in screen_text(pilot.app))  # type: ignore[misc]


async def test_a_zoomed_part_that_the_next_task_lacks_gives_its_room_back(
    settings: Settings, table, stopped_clock
):
    """The pane would be empty, and one wouldn't know why."""
    first, second = make_task(**FAILED), make_task(**FAILED | {"created_at": NOW - timedelta(1)})
    table.repository.restore_tasks([first, second])
    put_attempt(SHOP, first, 1, error="ValueError: x")
    async with cockpit(settings, size=(140, 40), screen="tasks") as (app, pilot):
        detail = app.view.detail
        await until(pilot, lambda: detail.query_one("#detail-attempts").region)
        detail.query_one("#detail-attempts").focus()
        detail.zoom(True)
        app.view.list.focus()
        await press(pilot, "down")
        await until(pilot, lambda: detail.task_shown == second)
        assert not detail.is_zoomed
        assert str(second.id) in screen_text(app)


async def test_who_holds_a_task_where_and_since_when(settings: Settings, table, stopped_clock):
    """To know which machine to look at."""
    held = make_task(
        status=TaskStatus.IN_PROGRESS, receive_count=1, created_at=NOW,
        started_at=NOW - timedelta(seconds=12), visible_at=NOW + timedelta(seconds=15),
    )  # fmt: skip
    table.repository.restore_tasks([held])
    put_consumer(SHOP, "mailer-1", "web-3", NOW, [held])
    async with cockpit(settings, size=(200, 40), screen="tasks") as (app, pilot):
        await until(pilot, lambda: "held by mailer-1 on web-3" in screen_text(app))
        assert "since 2026-03-01 14:04:48Z, " in screen_text(app)
        app.view._feed.tick()
        await pilot.pause()
        assert "held by mailer-1 on web-3" in screen_text(app)


@pytest.mark.slow
async def test_a_holder_that_becomes_known_later_is_shown(
    settings: Settings, table, stopped_clock, monkeypatch
):
    """A claim is named by the heartbeat after it; the row itself doesn't change then."""
    monkeypatch.setattr("tasq_tui.ui.tasks.detail_feed._AGAIN_SECONDS", 0.1)
    held = make_task(
        status=TaskStatus.IN_PROGRESS, receive_count=1, created_at=NOW, started_at=NOW,
        visible_at=NOW + timedelta(seconds=15),
    )  # fmt: skip
    table.repository.restore_tasks([held])
    async with cockpit(settings, size=(160, 40), screen="tasks") as (app, pilot):
        await until(pilot, lambda: "unregistered consumer (Go?)" in screen_text(app))
        put_consumer(SHOP, "mailer-1", "web-3", NOW, [held])
        await until(pilot, lambda: "held by mailer-1 on web-3" in screen_text(app))


async def test_attempts_that_cant_be_read_leave_the_task_readable(
    settings: Settings, table, stopped_clock
):
    table.repository.restore_tasks([make_task(last_error="ValueError: x", **FAILED)])
    with sqlite3.connect(SHOP) as connection:
        connection.execute("ALTER TABLE tasq_attempts RENAME COLUMN outcome TO result")
    connection.close()
    async with cockpit(settings, size=(140, 40), screen="tasks") as (app, pilot):
        await until(pilot, lambda: "can't be read" in screen_text(app))
        assert "ValueError: x" in screen_text(app)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_hostile_names_and_errors_of_attempts_are_shown_inert(
    settings: Settings, table, stopped_clock, size
):
    task = make_task(
        status=TaskStatus.IN_PROGRESS, receive_count=9, started_at=NOW, created_at=NOW,
        visible_at=NOW + timedelta(seconds=15),
    )  # fmt: skip
    table.repository.restore_tasks([task])
    for number, payload in enumerate(PAYLOADS):
        put_attempt(
            SHOP, task, number, consumer=payload, host=payload, outcome=payload, error=payload
        )
    put_consumer(SHOP, PAYLOADS[0] + PAYLOADS[3], PAYLOADS[4], NOW, [task])
    async with cockpit(settings, size=size, screen="tasks") as (app, pilot):
        await press(pilot, "enter")
        view = app.view.detail.query_one("#detail-attempts")
        await until(pilot, lambda: view.region)
        assert_inert(app)
        assert "held by [bold]x[/bold]" in screen_text(app)
        view.focus()
        for _ in range(3 * len(PAYLOADS)):
            await press(pilot, "j")
            assert_inert(app)
        assert "[bold]x[/bold] on [bold]x[/bold]" in view.text
