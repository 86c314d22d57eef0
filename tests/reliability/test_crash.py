"""A consumer dies or freezes: its tasks run again, and only its own results are missing."""

import signal
import time

import pytest

from tasq_core.repository.claiming import EXHAUSTED
from tests.support.wait import wait_until

pytestmark = pytest.mark.slow

LEASE = {"visibility_timeout": 2, "poll_interval": 0.2}


def test_a_task_whose_consumer_is_killed_runs_once_more_when_its_lease_ends(fleet, outcome):
    task = fleet.submit("sleep", seconds=1.5)
    first = fleet.start(options=LEASE)
    first.wait_for("began")
    lease_end = fleet.row(task).visible_at
    first.kill()
    killed = time.monotonic()
    second = fleet.start(options=LEASE)
    second.wait_for("began")
    waited = time.monotonic() - killed

    row = fleet.wait_for(task, "SUCCESSFUL")
    assert [run["receive"] for run in fleet.runs_of(task)] == [1, 2]
    assert row.receive_count == 2
    assert row.started_at >= lease_end
    assert row.last_error is None
    outcome(f"killed with -9, delivered again after {waited:.1f} s of a 2 s lease, receive 2")


def test_a_result_that_was_not_yet_written_is_lost_with_its_process(fleet, outcome):
    task = fleet.submit("sleep", seconds=0.05)
    first = fleet.start(options=LEASE, outcome_fault="hang")
    first.wait_for("outcome")
    assert len(first.events("ended")) == 1
    first.kill()
    assert fleet.row(task).status in ("ENQUEUED", "IN_PROGRESS")
    fleet.start(options=LEASE)
    row = fleet.wait_for(task, "SUCCESSFUL")
    assert row.receive_count == 2
    outcome("killed between the handler's end and the commit: ran twice, recorded once")


def test_a_task_that_kills_its_consumers_is_given_up_after_max_receives(fleet, outcome):
    task = fleet.submit("die", fields={"max_receives": 3})
    lease = {"visibility_timeout": 1, "poll_interval": 0.1}
    for receive in (1, 2, 3):
        worker = fleet.start(options=lease)
        wait_until(lambda process=worker.process: process.returncode is not None, 30)
        assert [run["receive"] for run in fleet.runs_of(task)] == list(range(1, receive + 1))
    last = fleet.start(options=lease)
    row = fleet.wait_for(task, "FAILED")
    assert row.last_error.startswith(EXHAUSTED)
    assert row.receive_count == 3
    bystander = fleet.submit()
    fleet.wait_for(bystander, "SUCCESSFUL")
    assert last.events("began") == []
    outcome("three deliveries killed three consumers, then FAILED: attempts used up")


@pytest.mark.parametrize("ends", ["while frozen", "after it wakes"])
def test_a_frozen_consumer_finds_its_lease_lost_when_it_wakes(fleet, outcome, ends):
    """The zombie's ping and result are refused, whether the other consumer is done or not."""
    lease = {"visibility_timeout": 2, "poll_interval": 0.2}
    task = fleet.submit("sleep", seconds=1.0 if ends == "while frozen" else 3.0)
    zombie = fleet.start(options=lease)
    zombie.wait_for("began")
    fleet.wait_for(task, "IN_PROGRESS")
    fleet.freeze(zombie)
    other = fleet.start(options=lease)
    other.wait_for("began")
    if ends == "while frozen":
        fleet.wait_for(task, "SUCCESSFUL")
    zombie.signal(signal.SIGCONT)
    zombie.wait_for("ended")
    row = fleet.wait_for(task, "SUCCESSFUL")

    zombie.stop()
    assert fleet.row(task) == row
    assert row.receive_count == 2
    assert [run["receive"] for run in fleet.runs_of(task)] == [1, 2]
    assert "lease of task" in zombie.process.stderr or "not recorded" in zombie.process.stderr
    outcome("the zombie's writes were refused and logged; the row is the other's")
