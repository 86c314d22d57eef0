"""What is painted is what is stored, on the screens that steer: Fleet and History.

As tests/tui/test_painted.py has it for tasks, errors and the consumer: an operator stops the
consumer, or undoes the change, that the pane below names.
"""

import json
import random
from datetime import timedelta
from uuid import UUID

import pytest

from tasq_core.fleet.registry import Registry
from tasq_core.repository.side_tables import SideTables
from tasq_tui.admin.audit_log import Entry
from tasq_tui.admin.operation import Recorded
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.text.formats import moment
from tests.tui.conftest import NOW, cockpit, press, screen_text, settled
from tests.tui.test_painted import SIZES, STEPS, expected, painted, token, tokens

MANY = 12
SEEDS = pytest.mark.parametrize("seed", [1, 2])


def register(client) -> None:
    """Consumers that run nothing, one task, or as many as don't fit."""
    client.migrate(side_tables=True)
    registry = Registry(SideTables(client.repository))
    for number in range(MANY):
        running = [
            [UUID(int=100 * number + n).hex, 1, token(number), "mail", 1.0]
            for n in range((0, 1, 30)[number % 3])
        ]
        registry.write(
            UUID(int=number + 1),
            {
                "name": f"worker-{number:02}", "host": "app-1", "pid": number, "version": "1",
                "release_name": "", "queues": "null", "types": "[]", "workers": 4,
                "state": "running", "counts": "{}", "last_error": None, "started_ago": 60.0,
                "in_flight": json.dumps({"running": running, "waiting": []}),
                "heartbeat_seconds": 5.0,
            },
        )  # fmt: skip


async def walk(pilot, step: str, chance: random.Random, mine: str) -> None:
    """One step; `mine` is the key of the screen that is walked on."""
    if step == "size":
        await pilot.resize_terminal(*chance.choice(SIZES))
    elif step == "away":
        await press(pilot, chance.choice("124"))
        await press(pilot, mine)
    else:
        await press(pilot, step)
    await settled(pilot)


@pytest.mark.slow
@SEEDS
async def test_what_runs_is_of_the_consumer_under_the_cursor(
    settings: Settings, table, stopped_clock, seed
):
    register(table)
    chance = random.Random(seed)
    async with cockpit(settings, size=SIZES[seed % 4], screen="fleet") as (app, pilot):
        view = app.view
        for _ in range(STEPS // 2):
            step = chance.choice(("down", "down", "up", "G", "g", "size", "away"))
            await walk(pilot, step, chance, "5")
            chosen = view.chosen
            number = int(chosen.name.removeprefix("worker-"))
            shown = painted(app, view._runs)

            assert tokens(shown) == ({token(number)} if number % 3 else set()), f"after {step}"
            assert f"{chosen.name} runs" in screen_text(app), f"after {step}"


@pytest.mark.slow
@SEEDS
async def test_the_command_below_is_of_the_change_under_the_cursor(
    settings: Settings, table, stopped_clock, seed
):
    chance = random.Random(seed)
    async with cockpit(settings, size=SIZES[seed % 4], screen="history") as (app, pilot):
        view = app.view
        for number in range(MANY):
            where = f"type:{token(number)} " * (1 + 9 * (number % 4))
            entry = Entry(
                NOW - timedelta(seconds=MANY - number), "demo", f"sqlite:///{token(number)}.db",
                f"tasq requeue --where '{where}' --yes", 1, 0, "done",
            )  # fmt: skip
            app.session.log.append(Recorded(entry, "requeue"))
        view.poller.wake()
        await settled(pilot)
        for _ in range(STEPS // 2):
            step = chance.choice(("down", "down", "up", "G", "g", "size", "away"))
            await walk(pilot, step, chance, "7")
            entry = view.logged.entry
            stored = f"{entry.command}\n\n{moment(entry.at)} · {entry.target}"

            assert painted(app, view._command) == expected(view._command, stored), f"after {step}"
