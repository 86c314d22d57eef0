"""One server process of PostgreSQL dies: the others are ended, and what was acknowledged stays.

The postmaster ends all sessions when a single one is killed. A server answers a statement
before it commits it, so an answer alone proves nothing. The longer run: `TASQ_TEST_KILLS=20
TASQ_TEST_KILL_SUBMITS=100000`.
"""

import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest

from tasq_core import Lease, Outcome, Repository, RepositoryUnavailableError, TaskStatus
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database
from tests.support.threads import in_threads
from tests.support.wait import wait_until

pytestmark = pytest.mark.parametrize("private_backend", ["postgres"], indirect=True)

KILLS = int(os.environ.get("TASQ_TEST_KILLS", "3"))
SUBMITS = int(os.environ.get("TASQ_TEST_KILL_SUBMITS", "4000"))
PRODUCERS = 4


def kill_a_bystander(database: Database) -> None:
    """Kill -9 a session that has nothing to do with ours; wait until the server is back.

    Until the server has ended another session, too, it hasn't noticed, and still accepts.
    """
    bystander, witness = (database.connect(autocommit=True) for _ in range(2))
    os.kill(bystander.info.backend_pid, signal.SIGKILL)
    for session in (bystander, witness):
        wait_until(partial(is_gone, session), 30)
        session.close()
    assert database.server is not None
    wait_until(database.server._accepts, 60)


def is_gone(session: object) -> bool:
    try:
        session.execute("SELECT 1")  # type: ignore[attr-defined]
    except Exception:
        return True
    return False


def retried(call: Callable[[], object], stop: threading.Event) -> bool:
    """Call once the server is there; whether it succeeded before `stop`."""
    try:
        call()
    except RepositoryUnavailableError:
        stop.wait(0.01)
        return False
    return True


def stored_ids(table: Repository) -> set[UUID]:
    return {task.id for task in table.scan_tasks(None, None, None, limit=10_000_000)}


@pytest.mark.slow
def test_a_submit_that_returned_is_stored_though_the_server_crashes(private_database, outcome):
    """26 of 83,000 returned submits were missing: the commit's failure came as a second answer."""
    table = private_database.open(pool_size=PRODUCERS)
    table.migrate()
    returned: list[UUID] = []
    per_round, stop = SUBMITS // KILLS, threading.Event()

    def produce() -> None:
        while not stop.is_set():
            task = make_task(args=b"{}")
            if retried(partial(table.submit_task, task), stop):
                returned.append(task.id)

    def kill_now_and_then() -> None:
        try:
            for turn in range(1, KILLS + 1):
                enough = turn * per_round
                wait_until(lambda: len(returned) >= enough, 120)  # noqa: B023 - called at once
                kill_a_bystander(private_database)
        finally:
            stop.set()

    in_threads(*[produce] * PRODUCERS, kill_now_and_then, timeout=1200)

    missing = set(returned) - stored_ids(private_database.open())
    assert not missing, f"{len(missing)} of {len(returned)} acknowledged submits are lost"
    assert len(returned) >= SUBMITS
    outcome(f"{len(returned)} returned submits, {KILLS} crashes of the server, all stored")


@pytest.mark.slow
def test_batches_claims_and_outcomes_that_returned_are_stored_too(private_database, outcome):
    """A batch, a claim or an outcome that was acknowledged and then rolled back would run twice."""
    table = private_database.open(pool_size=PRODUCERS)
    table.migrate()
    stop = threading.Event()
    batches: list[UUID] = []
    finished: dict[UUID, Lease] = {}
    claimed: dict[UUID, int] = {}

    def produce() -> None:
        while not stop.is_set():
            tasks = make_tasks(20, args=b"{}")
            if retried(partial(table.submit_tasks, tasks), stop):
                batches.extend(task.id for task in tasks)

    def consume() -> None:
        while not stop.is_set():
            try:
                tasks = table.poll_tasks("email", "mail", 600, limit=5)
                for task in tasks:
                    claimed[task.id] = max(claimed.get(task.id, 0), task.receive_count)
                held = table.record_outcomes(
                    [Outcome(Lease.of(task), TaskStatus.SUCCESSFUL) for task in tasks]
                )
                finished.update((lease.task_id, lease) for lease in held)
            except RepositoryUnavailableError:
                stop.wait(0.01)

    def kill_now_and_then() -> None:
        try:
            for _ in range(KILLS):
                enough = len(finished) + 300
                wait_until(lambda: len(finished) >= enough, 120)  # noqa: B023 - called at once
                kill_a_bystander(private_database)
        finally:
            stop.set()

    in_threads(produce, produce, consume, consume, kill_now_and_then, timeout=1200)

    rows = {
        task.id: task
        for task in private_database.open().scan_tasks(None, None, None, limit=10_000_000)
    }
    assert set(batches) <= set(rows)
    assert [id for id, count in claimed.items() if rows[id].receive_count < count] == []
    lost = [id for id in finished if rows[id].status is not TaskStatus.SUCCESSFUL]
    assert lost == []
    outcome(
        f"{len(batches)} tasks of batches, {len(claimed)} claims, {len(finished)} outcomes,"
        f" {KILLS} crashes of the server, all stored"
    )
