"""Handlers that misbehave: each costs its own task, none the consumer."""

import signal

import pytest

from tests.support.wait import wait_until

pytestmark = pytest.mark.slow

HARMLESS = ["value", "generator", "base", "nul", "surrogate", "huge", "unprintable"]


def test_any_exception_costs_its_own_task_only(fleet, outcome):
    tasks = {
        error: fleet.submit("raise", error=error, fields={"max_receives": 2}) for error in HARMLESS
    }
    worker = fleet.start()
    for task in tasks.values():
        row = fleet.wait_for(task, "FAILED")
        assert row.receive_count == 2
        assert row.last_error
        assert "\0" not in row.last_error
        assert len(row.last_error.encode()) <= 16384
    fleet.wait_for(fleet.submit(), "SUCCESSFUL")
    worker.stop()
    outcome(
        f"{len(HARMLESS)} kinds of error: each FAILED after 2 receives with a stored last_error"
    )


@pytest.mark.parametrize("error", ["keyboard", "exit"])
def test_a_handler_that_ends_the_program_costs_its_own_task_only(fleet, outcome, error):
    """One such task would walk through a fleet and end one consumer after the other."""
    task = fleet.submit("raise", error=error, times=1)
    worker = fleet.start()
    row = fleet.wait_for(task, "SUCCESSFUL")
    assert row.receive_count == 2
    assert row.last_error.startswith({"keyboard": "KeyboardInterrupt", "exit": "SystemExit"}[error])
    worker.stop()
    outcome("retried in the same consumer, which went on")


def test_a_handler_may_outlive_its_lease_many_times_over(fleet, outcome):
    """Go's ping never worked on MySQL: there such a task ran again and again."""
    task = fleet.submit("sleep", seconds=7)
    for _ in range(2):
        fleet.start(options={"visibility_timeout": 3, "poll_interval": 0.1})
    row = fleet.wait_for(task, "SUCCESSFUL")
    assert row.receive_count == 1
    assert len(fleet.runs_of(task)) == 1
    outcome("7 s of work under a 3 s lease, two consumers: delivered once")


def test_a_coroutine_that_blocks_the_event_loop_keeps_its_lease(fleet, outcome):
    """Pings come from a thread, not from the loop."""
    task = fleet.submit("block_loop", seconds=6)
    for _ in range(2):
        fleet.start(options={"visibility_timeout": 3, "poll_interval": 0.2})
    row = fleet.wait_for(task, "SUCCESSFUL")
    assert row.receive_count == 1
    outcome("the loop stood still for 6 s under a 3 s lease: delivered once")


def test_a_handler_that_holds_the_interpreter_loses_its_lease_and_cannot_write(
    fleet, outcome, tmp_path
):
    """No thread of ours can ping then; the lease passes on, and the fence holds."""
    lease = {"visibility_timeout": 1.5, "poll_interval": 0.2}
    other = fleet.start(options=lease)
    fleet.freeze(other)
    # Between its own writes: held in one of them, SQLite's file would be locked as well.
    stuck = fleet.start(options=lease | {"poll_interval": 1.4})
    task = fleet.submit("hold_gil", seconds=6, when=str(tmp_path / "now"))
    fleet.wait_for(task, "IN_PROGRESS")
    (tmp_path / "now").touch()
    other.signal(signal.SIGCONT)
    other.wait_for("began")
    fleet.wait_for(task, "SUCCESSFUL")
    before = fleet.row(task)
    stuck.wait_for("ended")
    stuck.stop()
    row = fleet.row(task)
    assert row == before
    assert row.receive_count == 2
    assert "lost" in stuck.process.stderr or "not recorded" in stuck.process.stderr
    outcome("held the GIL for 6 s under a 1.5 s lease: another consumer's result stands")


def test_poison_arguments_fail_their_task_and_nothing_else(fleet, outcome):
    poison = [b"", b"\xff\xfe", b"{", b"\x05\x0c\x00\x02hi", b'{"do": "x"}', b"\x07" * 5_000_000]
    tasks = [fleet.repository.submit_task(_task(fleet, args)) for args in poison]
    worker = fleet.start()
    errors = {fleet.wait_for(task, "FAILED").last_error.split(":")[0] for task in tasks}
    fleet.wait_for(fleet.submit(), "SUCCESSFUL")
    worker.stop()
    outcome(f"{len(poison)} kinds, 5 MB among them: each FAILED ({', '.join(sorted(errors))})")


def _task(fleet, args):
    from tests.support.builders import make_task

    return make_task(type="work", queue="", args=args, max_receives=1)


def test_a_type_nobody_knows_is_left_alone(fleet, outcome):
    task = fleet.submit(fields={"type": "unheard-of"})
    fleet.start()
    fleet.wait_for(fleet.submit(), "SUCCESSFUL")
    row = fleet.row(task)
    assert (row.status, row.receive_count) == ("NEW", 0)
    outcome("never claimed, still NEW with 0 receives")


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_max_receives_bounds_the_tries_and_zero_does_not(fleet, outcome, limit):
    tries = 5
    task = fleet.submit("raise", error="value", times=tries - 1, fields={"max_receives": limit})
    worker = fleet.start()
    wanted = "SUCCESSFUL" if limit == 0 else "FAILED"
    row = fleet.wait_for(task, wanted)
    expected = tries if limit == 0 else limit
    assert row.receive_count == expected
    wait_until(lambda: len(worker.events("began")) == expected)
    assert [run["last"] for run in worker.events("began")] == [False] * (expected - 1) + [limit > 0]
    outcome(f"max_receives {limit}: {expected} tries, then {wanted}")


@pytest.mark.parametrize("safe", [False])
def test_a_row_deleted_while_its_task_runs_is_a_lost_lease(fleet, outcome, safe):
    task = fleet.submit("sleep", seconds=2)
    worker = fleet.start(options={"visibility_timeout": 1.5, "poll_interval": 0.2})
    worker.wait_for("began")
    assert fleet.repository.delete_tasks([task.id], True).done == 0
    assert fleet.repository.delete_tasks([task.id], safe).done == 1
    worker.wait_for("lease_lost")
    worker.wait_for("ended")
    fleet.wait_for(fleet.submit(), "SUCCESSFUL")
    assert fleet.row(task) is None
    worker.stop()
    outcome("a safe delete left it alone; an unsafe one was noticed as a lost lease, no crash")


def test_a_failed_task_waits_for_its_backoff_though_pings_go_on(fleet, outcome):
    slow = fleet.submit("sleep", seconds=3)
    task = fleet.submit("raise", error="value", times=1)
    fleet.start(options={"visibility_timeout": 1.5, "poll_interval": 0.1, "retry_backoff": 2})
    row = fleet.wait_for(task, "SUCCESSFUL")
    first, second = fleet.runs_of(task)
    waited = second["at"] - first["at"]
    assert 2.0 <= waited < 10.0, waited
    assert row.receive_count == 2
    fleet.wait_for(slow, "SUCCESSFUL")
    outcome(f"retried after {waited:.2f} s of a 2 s backoff")
