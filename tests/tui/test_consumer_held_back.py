"""A consumer that claims nothing says why: otherwise one looks for the fault in the handlers."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from tasq_core.fleet.reports import ConsumerReport, Pause
from tasq_tui.admin.fleet import ask
from tasq_tui.child.protocol import Start
from tasq_tui.ui.consumer.held_back import held_back
from tests.tui.conftest import NOW
from tests.tui.consuming import consumer

TYPES = ("email", "report")


def pause(kind="queue", name="mail", **fields):
    values = {"paused_by": "ops", "reason": "", "paused_at": NOW, "until": None, "taken_at": NOW}
    return Pause(kind, name, **(values | fields))


def report(state):
    return ConsumerReport(
        UUID(int=1), "w", "here", 7, "1", "", None, TYPES, 4, state, {}, (), (), None, NOW, NOW,
        5.0, NOW,
    )  # fmt: skip


ALL, MAIL = Start(queues=None), Start(queues=("mail",), types=("email",))


@pytest.mark.parametrize(
    ("start", "paused", "is_told"),
    [
        (ALL, pause(), True),
        (MAIL, pause(), True),
        (MAIL, pause(name="other"), False),
        (ALL, pause("type", "email"), True),
        (ALL, pause("type", "unheard.of"), False),
        (MAIL, pause("type", "report"), False),
    ],
)
def test_only_what_the_consumer_takes_is_told_as_paused(start, paused, is_told):
    assert bool(held_back(start, TYPES, [paused], None)) is is_told


def test_a_pause_says_who_until_when_and_why_and_is_inert():
    until = NOW + timedelta(hours=2)
    evil = pause(name="mail\x1b[2J", reason="warehouse\nmaintenance", until=until)
    text = held_back(ALL, TYPES, [evil, pause(name="b"), pause(name="c")], report("running"))

    for part in ("queue mail", "by ops", "in 2h", "(warehouse", "and 2 more", "3 Queues & types"):
        assert part in text
    assert "\x1b" not in text
    assert "\n" not in text


def test_a_quiet_consumer_says_so_first():
    assert held_back(ALL, TYPES, [pause()], report("quiet")).startswith("quiet: it claims nothing")
    assert not held_back(ALL, TYPES, [], report("running"))


@pytest.mark.slow
async def test_a_pause_shows_while_the_consumer_runs_and_goes_when_resumed(tmp_path, monkeypatch):
    async with consumer(tmp_path, monkeypatch) as driver:
        await driver.load()
        driver.client.pause(queue="mail", reason="maintenance")
        driver.submit("prints", queue="mail")
        await driver.press("s")
        await driver.until(lambda: driver.model.busy)
        driver.consumer.poller.wake()
        await driver.sees("paused: queue mail", "consuming: no task to claim")
        driver.client.resume(queue="mail")

        def is_gone():
            driver.app.session.figures.pauses.expire()
            driver.consumer.poller.wake()
            return "paused: queue mail" not in driver.text

        await driver.until(is_gone)
        await driver.sees("1 succeeded")


async def test_a_consumer_told_to_be_quiet_says_so(tmp_path, monkeypatch):
    async with consumer(tmp_path, monkeypatch) as driver:
        await driver.load()
        await driver.press("s")
        reports = driver.client.new_inspector().consumers
        (mine,) = await driver.until(reports)
        await asyncio.to_thread(ask, driver.client.repository, mine, "quiet", 15.0)

        def is_told():
            driver.app.session.figures.consumers.expire()
            driver.consumer.poller.wake()
            return "quiet: it claims nothing" in driver.text

        await driver.until(is_told)
