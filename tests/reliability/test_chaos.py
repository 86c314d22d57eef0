"""Four processes of eight threads, tasks that fail, processes that are killed: the books balance."""

import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tasq_core import Task
from tests.reliability.effects import Effect, Effects
from tests.reliability.fleet import Fleet, Worker
from tests.support.wait import wait_until

pytestmark = pytest.mark.slow

TASKS = int(os.environ.get("TASQ_TEST_CHAOS_TASKS", "3000"))
PROCESSES = 4
THREADS = 8
FAILING = 20  # percent
LEASE = {"visibility_timeout": 9, "poll_interval": 0.2}
"""So long that a living worker keeps its leases where a busy machine stops it for seconds."""
KILL_EVERY = 1.0  # seconds, at random around it


@pytest.fixture
def effects(fleet: Fleet, tmp_path: Path) -> Iterator[Effects]:
    """Beside the tasks; for SQLite in a file of its own, where it costs no write lock."""
    database = fleet.database
    url = f"sqlite:///{tmp_path}/effects.db" if fleet.backend == "sqlite" else database.url
    effects = Effects(url, database.prefix)
    effects.create()
    yield effects
    effects.close()


class Havoc:
    """Keeps four workers up while one after the other, chosen at random, is killed."""

    def __init__(self, fleet: Fleet, effects: Effects) -> None:
        self._fleet = fleet
        self._effects = effects
        self._chance = random.Random(TASKS)
        self.died_at: dict[int, float] = {}
        self._workers = [self._start() for _ in range(PROCESSES)]

    def _start(self) -> Worker:
        return self._fleet.start(threads=THREADS, options=LEASE, effects=self._effects.url)

    def run_until(self, claimed: Callable[[], bool], timeout: float) -> None:
        """Kill and replace workers until all is `claimed`."""
        deadline = time.monotonic() + timeout
        while not self._over_before_the_next_kill(claimed):
            assert time.monotonic() < deadline, self._fleet.said()
            victim = self._workers.pop(self._chance.randrange(PROCESSES))
            victim.kill()
            self.died_at[victim.pid] = self._effects.now()
            self._workers.append(self._start())

    def stop(self) -> None:
        """Stop the living in order."""
        for worker in self._workers:
            worker.stop()

    def _over_before_the_next_kill(self, claimed: Callable[[], bool]) -> bool:
        kill_at = time.monotonic() + KILL_EVERY * self._chance.uniform(0.5, 1.5)
        wait_until(lambda: time.monotonic() >= kill_at or claimed(), 60, interval=0.1)
        return claimed()

    def explains(self, done: list[Effect]) -> bool:
        """Whether each repetition came after the lease before it expired, its holder killed."""
        return all(
            earlier.worker in self.died_at
            and later.receive_count > earlier.receive_count
            and later.done_at >= earlier.lease_end
            for earlier, later in pairwise(done)
        )


@pytest.mark.timeout(1800)
def test_random_kills_lose_nothing_and_repeat_only_what_lost_its_lease(fleet, effects, outcome):
    begin = time.monotonic()
    third = TASKS // 3

    def submit(count: int) -> list[Task]:
        return fleet.submit_many(count, "effect", failing=FAILING, seconds=0.04)

    tasks = submit(third)
    havoc = Havoc(fleet, effects)
    later = [third, TASKS - 2 * third]

    def claimed() -> bool:
        # A loaded machine takes long to start a worker: there is work left until two have died.
        if later and len(havoc.died_at) > 2 - len(later):
            tasks.extend(submit(later.pop(0)))
        return not later and not fleet.count("NEW")

    havoc.run_until(claimed, 60 + TASKS / 10)
    fleet.wait_for_count(TASKS, "SUCCESSFUL", timeout=120)
    havoc.stop()
    seconds = time.monotonic() - begin

    by_task: dict[str, list[Effect]] = defaultdict(list)
    for effect in effects.all():
        by_task[effect.task].append(effect)
    lost = [task.id for task in tasks if str(task.id) not in by_task]
    twice = [done for done in by_task.values() if len(done) > 1]
    unexplained = [done for done in twice if not havoc.explains(done)]
    figures = (
        f"submitted {TASKS}, effects {sum(map(len, by_task.values()))}, lost {len(lost)},"
        f" duplicated {len(twice)} (explained by an expired lease: {len(twice) - len(unexplained)}),"
        f" {len(havoc.died_at)} processes killed, {seconds:.1f} s"
    )
    outcome(figures)
    assert not lost, figures
    assert not unexplained, f"{figures}: {unexplained[:5]}"
    assert len(havoc.died_at) >= 2, figures
    rows = fleet.repository.get_tasks([task.id for task in tasks])
    assert {str(row.status) for row in rows} == {"SUCCESSFUL"}
    failed_first = sum(task.id.int % 100 < FAILING for task in tasks)
    assert sum(row.receive_count > 1 for row in rows) >= failed_first
