"""Periodic tasks with consumers that die and clocks that disagree: each tick once."""

import os
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.support.wait import wait_until

SCHEDULES = 10
TICKS = int(os.environ.get("TASQ_TEST_TICKS", "100"))
"""In all; ten a second. 1000 is what `docs/guarantees.md` promises with ten consumers."""
CONSUMERS = 10 if TICKS >= 1000 else 3
KILLS = max(2, round(2 * TICKS / SCHEDULES / 60))
"""Two a minute, and two at least."""


@pytest.mark.slow
@pytest.mark.timeout(120 + TICKS)
def test_each_tick_is_fired_once_whoever_dies_and_whatever_the_clocks(fleet, clock, outcome):
    """Twice, and customers are billed twice; not at all, and the night's report is missing."""
    client = fleet.database.client()
    client.migrate()
    for number in range(SCHEDULES):
        args = {"do": "nothing", "seconds": 0, "number": number}
        client.schedule(f"s{number}", "* * * * * *", "work", args, missed="all")
    start = client.repository.now()

    # SQLite has no clock but that of the process; there all are right, as on one machine they are.
    wrong = 0 if fleet.backend == "sqlite" else 60
    alive = [fleet.start(env=clock(wrong * number)) for number in range(CONSUMERS)]
    for kill in range(1, KILLS + 1):
        due = TICKS * kill / (KILLS + 1)
        wait_until(lambda due=due: fleet.count() >= due, 60 + TICKS, interval=0.1)
        alive.pop(0).kill()
        alive.append(fleet.start(env=clock(-wrong * kill)))
    wait_until(lambda: fleet.count() >= TICKS, 60 + TICKS, interval=0.1)
    for number in range(SCHEDULES):
        assert client.unschedule(f"s{number}")

    tasks = client.new_inspector().scan(limit=10 * TICKS)
    fired = Counter((task.unmarshal_args()["number"], task.created_at) for task in tasks)
    assert [tick for tick, count in fired.items() if count > 1] == []
    for number in range(SCHEDULES):
        ticks = sorted(tick for of, tick in fired if of == number)
        assert all(later - tick == timedelta(seconds=1) for tick, later in pairwise(ticks))
        assert timedelta() < ticks[0] - start + timedelta(seconds=2) < timedelta(seconds=4)
    wait_until(lambda: fleet.count("SUCCESSFUL") == len(tasks), 60, fleet.said)
    outcome(
        f"{len(tasks)} ticks of {SCHEDULES} schedules, {KILLS} of {CONSUMERS} consumers killed: each once"
    )
