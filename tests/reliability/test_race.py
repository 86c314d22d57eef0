"""Many consumers on one table: each task goes to one of them."""

import sqlite3
import threading
from collections import Counter
from contextlib import closing
from datetime import timedelta

import pytest

pytestmark = pytest.mark.slow

TASKS = 2000
LEASE = {"visibility_timeout": 30, "poll_interval": 0.2}


def _each_once(fleet, workers) -> int:
    rows = fleet.repository.scan_tasks(None, None, None, limit=TASKS + 1)
    assert Counter((str(row.status), row.receive_count) for row in rows) == {
        ("SUCCESSFUL", 1): TASKS
    }
    for worker in workers:
        worker.stop()
        assert "trying again" not in worker.process.stderr, worker.process.stderr
    return len(rows)


@pytest.mark.parametrize("processes", [8])
def test_racing_consumers_claim_each_task_once(fleet, outcome, processes):
    workers = [fleet.start(threads=4, options=LEASE) for _ in range(processes)]
    fleet.submit_many(TASKS)
    fleet.wait_for_count(TASKS, "SUCCESSFUL")
    outcome(
        f"{processes} processes: {_each_once(fleet, workers)} tasks, each claimed once, no error seen"
    )


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_sqlite_is_shared_with_a_busy_writer(fleet, outcome):
    """Another program that keeps taking the write lock delays consumers and fails none."""
    workers = [fleet.start(threads=4, options=LEASE) for _ in range(4)]
    path = fleet.database.url.removeprefix("sqlite:///")
    over = threading.Event()
    writes = []

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            connection.execute("CREATE TABLE other (text)")
            while not over.wait(0.01):
                connection.execute("BEGIN IMMEDIATE")
                writes.append(connection.execute("INSERT INTO other VALUES ('x')"))
                over.wait(0.05)
                connection.execute("COMMIT")

    other = threading.Thread(target=write)
    other.start()
    try:
        for done in range(200, TASKS + 1, 200):
            fleet.submit_many(200)
            fleet.wait_for_count(done, "SUCCESSFUL")
    finally:
        over.set()
        other.join()
    done = _each_once(fleet, workers)
    outcome(
        f"4 processes beside {len(writes)} foreign writes of 50 ms: {done} tasks, once each, none 'locked'"
    )


def test_a_type_forgotten_by_one_consumer_is_run_by_another(fleet, outcome):
    """Go's consumer fails such a task for good."""
    tasks = fleet.submit_many(200, "sleep", seconds=0.02)
    forgetful = fleet.start("forget", threads=2)
    forgetful.wait_for("forgot")
    knowing = fleet.start(threads=8, options=LEASE)
    fleet.wait_for_count(200, "SUCCESSFUL")
    rows = fleet.repository.get_tasks([task.id for task in tasks])
    assert {row.receive_count for row in rows} == {1}
    by_first = len(forgetful.events("ended"))
    assert by_first < 200
    forgetful.stop()
    knowing.stop()
    outcome(
        f"{by_first} ran before the type was forgotten, {200 - by_first} elsewhere; none FAILED"
    )


def test_a_migration_beside_running_consumers_disturbs_nothing(fleet, outcome):
    workers = [fleet.start(threads=4, options=LEASE) for _ in range(2)]
    migrations = 0
    tasks = fleet.submit_many(TASKS)
    with closing(fleet.database.open()) as other:
        while fleet.count("SUCCESSFUL") < len(tasks):
            other.migrate()
            migrations += 1
    outcome(f"{migrations} migrations beside {_each_once(fleet, workers)} tasks, each claimed once")


def test_cleaning_under_load_takes_only_what_is_finished_and_old(fleet, outcome):
    old = fleet.submit_many(500, fields={"created_at": _long_ago(fleet)})
    fresh = fleet.submit_many(1500)
    worker = fleet.start(threads=4, options=LEASE)
    cleaned = 0
    while fleet.count("NEW", "ENQUEUED", "IN_PROGRESS"):
        cleaned += fleet.repository.clean_tasks(3600)
        fleet.repository.purge_tasks(["FAILED"], None, None, True)
    cleaned += fleet.repository.clean_tasks(3600)
    rows = fleet.repository.get_tasks([task.id for task in fresh])
    assert cleaned == len(old)
    assert Counter((str(row.status), row.receive_count) for row in rows) == {
        ("SUCCESSFUL", 1): 1500
    }
    worker.stop()
    assert "trying again" not in worker.process.stderr
    outcome(
        f"{cleaned} old finished tasks cleaned while {len(fresh)} fresh ones ran, none of them touched"
    )


def _long_ago(fleet):
    return fleet.repository.now() - timedelta(hours=2)


def test_a_fork_after_connecting_shares_no_connection(fleet, outcome):
    forked = fleet.start("fork")
    said = forked.wait_for("forked")[0]
    forked.wait()
    assert said["child"] == 0, forked.process.stderr
    assert fleet.count() == 200
    outcome("parent and child submitted 100 tasks each over connections of their own")
