"""Asking a consumer to stop: nothing is lost, whatever is under way."""

import signal
import time
from collections import Counter

import pytest

from tests.support.wait import wait_until

pytestmark = pytest.mark.slow

LEASE = {"visibility_timeout": 3, "poll_interval": 0.2}


def test_sigterm_under_load_finishes_what_runs_and_gives_back_the_rest(fleet, outcome):
    fleet.submit_many(60, "sleep", seconds=0.4)
    worker = fleet.start(threads=5, options={"max_active_tasks": 20})
    worker.wait_for("began", 7)
    worker.signal(signal.SIGTERM)
    worker.wait(20)

    runs = Counter(event["task"] for event in worker.events("ended"))
    rows = fleet.repository.scan_tasks(None, None, None, limit=100)
    status = Counter(str(row.status) for row in rows)
    assert set(status) == {"SUCCESSFUL", "NEW"}
    assert status["SUCCESSFUL"] == len(runs) == len(worker.events("began"))
    assert {row.receive_count for row in rows if row.status == "NEW"} == {0}
    ready = fleet.repository.open_counts()[1].ready
    assert ready == status["NEW"]
    outcome(
        f"{status['SUCCESSFUL']} ran to their end, {ready} are NEW, visible, 0 receives; exit 0"
    )


def test_a_second_sigterm_ends_the_process_at_once(fleet, outcome):
    task = fleet.submit("sleep", seconds=60)
    worker = fleet.start(options=LEASE)
    worker.wait_for("began")
    worker.signal(signal.SIGTERM)
    begin = time.monotonic()

    def signalled_again() -> bool:
        # Not before the first one has been taken in: two at once are one.
        if worker.process.returncode is None:
            worker.signal(signal.SIGTERM)
        return worker.process.returncode is not None

    wait_until(signalled_again, 10, interval=0.2)
    assert worker.process.returncode == -signal.SIGTERM
    assert fleet.row(task).status in ("ENQUEUED", "IN_PROGRESS")
    seconds = time.monotonic() - begin
    fleet.start(options=LEASE)
    wait_until(lambda: len(fleet.runs_of(task)) == 2, 30)
    outcome(f"gone in {seconds:.1f} s; the task ran again when its lease ended")


def test_a_deadline_abandons_handlers_that_outlast_it(fleet, outcome):
    task = fleet.submit("sleep", seconds=60)
    worker = fleet.start(stop_timeout=0.5)
    worker.wait_for("began")
    worker.signal(signal.SIGTERM)
    begin = time.monotonic()
    worker.wait(30)
    seconds = time.monotonic() - begin

    assert len(worker.events("lease_lost")) == 1
    assert fleet.row(task).status in ("ENQUEUED", "IN_PROGRESS")
    assert fleet.row(task).receive_count == 1
    outcome(f"the handler saw lease_lost, the process ended in {seconds:.1f} s, the lease lapses")


def test_stop_with_a_full_channel_that_nobody_reads_returns_and_releases_all(fleet, outcome):
    fleet.submit_many(50)
    hoarder = fleet.start("hoard", options={"channel_size": 10, "max_active_tasks": 10})
    stopped = hoarder.wait_for("stopped")[0]
    assert stopped["stopped"]
    rows = fleet.repository.scan_tasks(None, None, None, limit=100)
    assert {(str(row.status), row.receive_count) for row in rows} == {("NEW", 0)}
    outcome(f"stopped in {stopped['seconds']:.2f} s, all 50 are NEW with 0 receives")


def test_sigterm_while_the_database_is_away_still_ends(broken_fleet, outcome):
    task = broken_fleet.submit("sleep", seconds=1)
    worker = broken_fleet.start(options={"visibility_timeout": 3, "poll_interval": 0.2})
    worker.wait_for("began")
    broken_fleet.disconnect()
    broken_fleet.database.server.kill()
    worker.wait_for("ended")
    worker.signal(signal.SIGTERM)
    begin = time.monotonic()
    worker.wait(40)
    seconds = time.monotonic() - begin
    broken_fleet.database.server.start()
    assert broken_fleet.row(task).status in ("ENQUEUED", "IN_PROGRESS")
    outcome(f"ended in {seconds:.1f} s: the outcome was tried until the 3 s lease was over, logged")
