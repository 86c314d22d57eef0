"""Eight processes on one table: each task claimed once, and no deadlock reaches a caller."""

import json
import sys
import threading
from collections.abc import Callable
from functools import partial

import pytest

from tasq_core import Lease, Ordering, Outcome, Repository, TaskStatus
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database
from tests.support.processes import Process
from tests.support.threads import in_threads

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PROCESSES, TASKS = 8, 20_000

CLAIMER = """
import json, sys, time
from tasq_core import Lease, Outcome, TaskStatus, open_repository

url, prefix, ordering = sys.argv[1:]
repository = open_repository(url, prefix)
seen, empty = [], 0
while empty < 3:
    tasks = repository.poll_tasks(["a", "b", "c"], ["x", "y"], 120, ordering, 100)
    if not tasks:
        empty += 1
        repository.now()
        continue
    empty = 0
    seen += [(task.id.hex, task.receive_count) for task in tasks]
    leases = [Lease.of(task) for task in tasks]
    assert repository.ping_leases(leases[:50], 120) == set(leases[:50])
    ends = [Outcome(lease, TaskStatus.SUCCESSFUL) for lease in leases]
    assert repository.record_outcomes(ends) == set(leases)
print(json.dumps(seen))
"""


@pytest.mark.parametrize("ordering", list(Ordering))
def test_eight_processes_claim_every_task_once(
    repository: Repository,
    database: Database,
    start_process: Callable[..., Process],
    ordering: Ordering,
):
    tasks = make_tasks(TASKS)
    for n, task in enumerate(tasks):
        task.type, task.queue, task.priority = "abc"[n % 3], "xy"[n % 2], n % 5
    repository.submit_tasks(tasks)
    command = (sys.executable, "-c", CLAIMER, database.url, database.prefix, ordering.value)
    started = [start_process(*command) for _ in range(PROCESSES)]
    seen: list[tuple[str, int]] = []
    for process in started:
        assert process.wait(150) == 0, process.stderr
        seen += [(id, count) for id, count in json.loads(process.stdout)]
    seen += [(task.id.hex, task.receive_count) for task in _rest(repository)]
    assert sorted(seen) == sorted((task.id.hex, 1) for task in tasks)


def _rest(repository: Repository):
    """What the processes left because others had locked it for a moment."""
    while batch := repository.poll_tasks(["a", "b", "c"], ["x", "y"], 120, limit=500):
        ends = [Outcome(Lease.of(task), TaskStatus.SUCCESSFUL) for task in batch]
        repository.record_outcomes(ends)
        yield from batch


def test_writers_of_overlapping_batches_dont_deadlock(repository: Repository):
    repository.submit_tasks(make_tasks(300))
    leases = [Lease.of(t) for t in repository.poll_tasks("email", "mail", 300, limit=300)]
    ids = [lease.task_id for lease in leases]

    def work(turn: int) -> None:
        mine = leases[turn * 10 :] + leases[: turn * 10]
        for _ in range(10):
            repository.ping_leases(mine, 300)
            repository.requeue_tasks(ids[::-1] if turn % 2 else ids)
            repository.ping_tasks(ids, 300)
            repository.submit_tasks([make_task() for _ in range(5)])

    in_threads(*(partial(work, turn) for turn in range(8)), timeout=120)


def test_cleaning_and_purging_beside_consumers_take_only_what_they_may(repository: Repository):
    repository.submit_tasks(make_tasks(2000))
    stop, failures = threading.Event(), []

    def sweep() -> None:
        try:
            while not stop.is_set():
                repository.clean_tasks(3600)
                repository.purge_tasks("FAILED", None, None, True)
        except BaseException as error:
            failures.append(error)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    done = 0
    try:
        while batch := repository.poll_tasks("email", "mail", 60, limit=100):
            ends = [Outcome(Lease.of(task), TaskStatus.SUCCESSFUL) for task in batch]
            done += len(repository.record_outcomes(ends))
    finally:
        stop.set()
        sweeper.join(60)
    assert failures == []
    assert done == 2000
    assert repository.finished_counts()[TaskStatus.SUCCESSFUL] == 2000
