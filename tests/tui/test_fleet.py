"""The Fleet screen beside a consumer that really runs."""

import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from tasq_core import connect
from tasq_core.errors import ConsumerAlreadyStoppedError
from tasq_tui.admin.fleet import failed_attempts
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.fleet.rows import UNREGISTERED, consumer_rows, heading
from tests.tui.conftest import cockpit, press, screen_text, settled, toasts, until

pytestmark = pytest.mark.slow


@contextmanager
def worker(settings: Settings, name: str = "mailer-1"):
    """A consumer of queue "mail" whose handler waits until the block ends."""
    release, started = threading.Event(), threading.Event()
    with connect(settings.url) as client:
        client.migrate(side_tables=True)
        consumer = client.new_consumer().with_queues("mail").with_name(name)

        @consumer.handler("email")
        def wait_for_the_test(_task) -> None:
            started.set()
            release.wait(30)

        client.new_producer().submit("email", {"to": "a@b.c"}, queue="mail")
        thread = threading.Thread(target=consumer.run, kwargs={"workers": 2}, daemon=True)
        thread.start()
        try:
            assert started.wait(30)
            yield consumer
        finally:
            release.set()
            with suppress(ConsumerAlreadyStoppedError):
                consumer.stop()
            thread.join(30)


async def test_a_running_consumer_is_shown_with_what_it_runs_and_where_it_stands(
    settings: Settings,
):
    """Without it an operator can't tell a stuck handler from a slow one."""
    with worker(settings):
        async with cockpit(settings, size=(120, 40), screen="fleet") as (app, pilot):
            await until(pilot, lambda: "mailer-1 runs" in screen_text(app))
            await until(pilot, lambda: "1/2" in screen_text(app))
            assert "1 alive" in screen_text(app)

            await press(pilot, "t")
            await until(pilot, lambda: "wait_for_the_test" in screen_text(app))


async def test_a_fleet_that_cannot_register_is_not_called_empty(settings: Settings):
    """Or who looks for a consumer concludes that none runs."""
    settings = replace(settings, url="sqlite:///bare.db")
    with connect(settings.url) as client:
        client.migrate(side_tables=False)
    async with cockpit(settings, size=(120, 40), screen="fleet") as (app, pilot):
        await until(pilot, lambda: "consumers can't register here" in screen_text(app))
        with connect(settings.url) as client:
            client.migrate(side_tables=True)
        await until(pilot, lambda: "none registered" in screen_text(app))


async def test_quiet_and_resume_are_answered_by_the_consumer(settings: Settings):
    with worker(settings):
        async with cockpit(settings, size=(120, 40), screen="fleet") as (app, pilot):
            await until(pilot, lambda: "running" in screen_text(app))
            await press(pilot, "Q")
            await until(pilot, lambda: any("claims nothing more" in t for t in toasts(app)))
            await until(pilot, lambda: "quiet" in screen_text(app))
            await press(pilot, "R")
            await until(pilot, lambda: any("claims again" in t for t in toasts(app)))


async def test_stop_asks_first(settings: Settings):
    with worker(settings) as consumer:
        async with cockpit(settings, size=(120, 40), screen="fleet") as (app, pilot):
            await until(pilot, lambda: "running" in screen_text(app))
            await press(pilot, "S")
            await until(pilot, lambda: "Stop mailer-1?" in screen_text(app))
            assert not consumer.wait(timeout=0)
            await press(pilot, "y")
            await until(pilot, lambda: any("stops" in t for t in toasts(app)))


async def test_enter_shows_the_tasks_that_a_consumer_runs(settings: Settings):
    with worker(settings):
        async with cockpit(settings, size=(120, 40), screen="fleet") as (app, pilot):
            await until(pilot, lambda: "mailer-1 runs" in screen_text(app))
            await until(pilot, lambda: app.view.chosen.in_flight)
            await press(pilot, "enter")
            await until(pilot, lambda: app.current_mode == "tasks")
            await settled(pilot)

            assert len(app.view.list.window.rows) == 1


async def test_without_consumers_it_says_how_to_start_one(settings: Settings):
    async with cockpit(settings, size=(80, 24), screen="fleet") as (app, _pilot):
        assert "start one with tasq work" in screen_text(app)


@pytest.fixture
def report(settings: Settings):
    with worker(settings) as _consumer, connect(settings.url) as client:
        inspector = client.new_inspector()
        for _ in range(300):
            if (found := inspector.consumers()) and found[0].in_flight:
                return found[0]
            threading.Event().wait(0.1)
    raise AssertionError("no consumer registered")


def test_vanished_ones_come_last_and_are_counted(report):
    now = report.taken_at
    gone = replace(report, name="a", heartbeat_at=now - timedelta(minutes=38))
    rows = consumer_rows([gone, report], 0, now)

    assert [row.cells[1] for row in rows] == [report.name, "a"]
    assert rows[1].cells[3] == "vanished"
    assert rows[1].tints[0] == "rows--error"
    assert heading([gone, report])[0] == "1 alive · 1 vanished"


def test_leases_that_no_heartbeat_names_are_a_row_of_their_own(report):
    rows = consumer_rows(
        [report], len(report.in_flight) + len(report.waiting) + 14, report.taken_at
    )

    assert rows[-1].key == UNREGISTERED
    assert "~14" in rows[-1].cells


def test_failures_are_counted_as_the_command_counts_them(report):
    """It left out what is tried again: a consumer that only failed showed 0 failed."""
    counts = {"succeeded": 3, "failed": 1, "retried": 60, "timed out": 4, "lost": 2}
    busy = replace(report, counts=counts)

    (row,) = consumer_rows([busy], 0, report.taken_at)

    assert row.cells[6:8] == ("3", "65")
    assert failed_attempts(busy) == 65
