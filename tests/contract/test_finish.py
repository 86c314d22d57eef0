"""Outcomes: one by one as Go writes them, and in batches, each under its lease."""

import time
from datetime import timedelta

import pytest

from tasq_core import InvalidInputError, Lease, Repository, Task, TaskStatus
from tasq_core.reports import Outcome
from tasq_core.task import IMMEDIATELY
from tests.support.builders import make_task, make_tasks


def claimed(repository: Repository, count: int = 1, **fields: object) -> list[Task]:
    repository.submit_tasks(make_tasks(count, **fields))
    return repository.poll_tasks("email", "mail", 30, limit=count)


def read(repository: Repository, task: Task) -> Task:
    return repository.get_tasks([task.id])[0]


# -- one by one ----------------------------------------------------------------------------


def test_a_start_sets_in_progress_and_when(repository: Repository):
    (task,) = claimed(repository)
    before = repository.now()
    started = repository.register_start(task)
    assert started.status is TaskStatus.IN_PROGRESS
    assert started.started_at is not None
    assert before <= started.started_at <= repository.now()
    assert (started.visible_at, started.receive_count) == (task.visible_at, 1)
    assert read(repository, task) == started


def test_an_error_is_recorded_and_the_lease_goes_on(repository: Repository):
    (task,) = claimed(repository)
    failed = repository.register_error(task, ValueError("bad é"))
    assert failed.last_error == "ValueError: bad é"
    assert failed.status is TaskStatus.ENQUEUED
    assert repository.register_error(task, "again") == read(repository, task)


def test_the_same_write_twice_still_holds_its_lease(repository: Repository):
    (task,) = claimed(repository)
    repository.register_error(task, "same")
    assert repository.register_error(task, "same").last_error == "same"


@pytest.mark.parametrize("status", ["SUCCESSFUL", TaskStatus.FAILED, "failed"])
@pytest.mark.parametrize("started", [False, True])
def test_a_finish_sets_the_status_and_when(repository: Repository, status: str, started: bool):
    (task,) = claimed(repository)
    if started:
        task = repository.register_start(task)
    before = repository.now()
    finished = repository.register_finish(task, status)
    assert finished.status.value == status.upper()
    assert finished.finished_at is not None
    assert before <= finished.finished_at <= repository.now()
    assert read(repository, task) == finished


@pytest.mark.parametrize("status", ["NEW", "ENQUEUED", "IN_PROGRESS", "DONE", "", None])
def test_a_task_finishes_only_as_successful_or_failed(repository: Repository, status: str):
    (task,) = claimed(repository)
    with pytest.raises(InvalidInputError, match="SUCCESSFUL"):
        repository.register_finish(task, status)
    assert read(repository, task) == task


class _UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


HOSTILE = {
    "NUL": "a\0b",
    "a lone surrogate": "a\ud800b",
    "a megabyte": "é" * 2**20,
    "four-byte characters": "🦜" * 10_000,
    "an unreadable exception": _UnreadableError(),
    "an exception with NUL": ValueError("x\0\udfff"),
    "nothing": "",
}


@pytest.mark.parametrize("error", HOSTILE.values(), ids=HOSTILE.keys())
def test_any_error_can_be_stored(repository: Repository, error: BaseException | str):
    tasks = claimed(repository, 2)
    stored = repository.register_error(tasks[0], error).last_error
    assert stored is not None
    assert len(stored.encode()) <= 16 * 1024
    assert "\0" not in stored
    assert repository.register_finish(tasks[0], "FAILED").last_error == stored


# -- in batches ----------------------------------------------------------------------------


def test_a_batch_writes_each_outcome_under_its_own_lease(repository: Repository):
    ok, failed, retried, later, started, gone = claimed(repository, 6)
    repository.register_error(retried, "first")
    moment = time.monotonic()
    leases = [Lease.of(task) for task in (ok, failed, retried, later, started, gone)]
    outcomes = [
        Outcome(leases[0], TaskStatus.SUCCESSFUL, moment - 5, moment - 2),
        Outcome(leases[1], TaskStatus.FAILED, moment - 4, moment, "boom\nline 2"),
        Outcome(leases[2], TaskStatus.NEW, moment),
        Outcome(leases[3], TaskStatus.NEW, moment, error="é'\"\\%s", retry_in=100.5),
        Outcome(leases[4], TaskStatus.IN_PROGRESS, moment),
        Outcome(leases[5], TaskStatus.SUCCESSFUL, moment, moment, delete=True),
    ]
    now = repository.now()
    assert repository.record_outcomes(outcomes) == set(leases)
    assert repository.get_tasks([gone.id]) == []
    near = pytest.approx

    found = read(repository, ok)
    assert (found.status, found.last_error) == (TaskStatus.SUCCESSFUL, None)
    assert found.started_at
    assert found.finished_at
    assert (now - found.started_at).total_seconds() == near(5, abs=1)
    assert (now - found.finished_at).total_seconds() == near(2, abs=1)
    assert found.finished_at - found.started_at == timedelta(seconds=3)

    found = read(repository, failed)
    assert (found.status, found.last_error) == (TaskStatus.FAILED, "boom\nline 2")

    found = read(repository, retried)
    assert (found.status, found.last_error) == (TaskStatus.NEW, "first")
    assert (found.visible_at, found.finished_at) == (IMMEDIATELY, None)

    found = read(repository, later)
    assert (found.status, found.last_error) == (TaskStatus.NEW, "é'\"\\%s")
    assert (found.visible_at - now).total_seconds() == near(100.5, abs=1)

    found = read(repository, started)
    assert (found.status, found.visible_at) == (TaskStatus.IN_PROGRESS, started.visible_at)


def test_a_batch_tells_which_were_lost_and_writes_the_others(repository: Repository):
    tasks = claimed(repository, 4)
    leases = [Lease.of(task) for task in tasks]
    repository.delete_tasks([tasks[0].id], False)
    stale = leases[1]._replace(receive_count=9)
    outcomes = [Outcome(lease, TaskStatus.SUCCESSFUL) for lease in (leases[0], stale, leases[2])]
    outcomes.append(Outcome(leases[3], TaskStatus.SUCCESSFUL, delete=True))
    assert repository.record_outcomes(outcomes) == {leases[2], leases[3]}
    assert [read(repository, task).status for task in tasks[1:3]] == ["ENQUEUED", "SUCCESSFUL"]


def test_an_outcome_written_twice_counts_once(repository: Repository):
    (task,) = claimed(repository)
    outcome = Outcome(Lease.of(task), TaskStatus.SUCCESSFUL)
    assert repository.record_outcomes([outcome]) == {outcome.lease}
    finished = read(repository, task)
    assert repository.record_outcomes([outcome]) == set()
    assert read(repository, task) == finished


def test_a_start_may_be_followed_by_its_end(repository: Repository):
    (task,) = claimed(repository)
    lease = Lease.of(task)
    repository.record_outcomes([Outcome(lease, TaskStatus.IN_PROGRESS, time.monotonic())])
    started = read(repository, task).started_at
    repository.record_outcomes([Outcome(lease, TaskStatus.FAILED, finished=time.monotonic())])
    found = read(repository, task)
    assert (found.status, found.started_at) == (TaskStatus.FAILED, started)


def test_no_outcomes_are_no_trouble_and_a_thousand_neither(repository: Repository):
    assert repository.record_outcomes([]) == set()
    leases = [Lease.of(task) for task in claimed(repository, 1000)]
    assert len(leases) == 1000
    outcomes = [Outcome(lease, TaskStatus.SUCCESSFUL, error="e" * 100) for lease in leases]
    assert repository.record_outcomes(outcomes) == set(leases)
    assert repository.finished_counts()[TaskStatus.SUCCESSFUL] == 1000


@pytest.mark.parametrize("retry_in", [0.0, 3600.0])
def test_a_ping_behind_a_retry_neither_hides_nor_hurries_it(
    repository: Repository, retry_in: float
):
    (task,) = claimed(repository)
    lease = Lease.of(task)
    repository.record_outcomes([Outcome(lease, TaskStatus.NEW, error="x", retry_in=retry_in)])
    before = read(repository, task)
    assert repository.ping_leases([lease], 9999) == set()
    assert read(repository, task) == before
    assert len(repository.poll_tasks("email", "mail", 30)) == (1 if retry_in == 0 else 0)


def test_outcomes_stay_fenced_for_tasks_of_year_one(repository: Repository):
    task = make_task(status=TaskStatus.ENQUEUED, receive_count=1)
    repository.restore_tasks([task])
    assert repository.record_outcomes([Outcome(Lease.of(task), TaskStatus.SUCCESSFUL)]) == {
        Lease.of(task)
    }
