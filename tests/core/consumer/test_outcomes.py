import threading

import pytest

from tasq_core import TaskStatus
from tasq_core.errors import RepositoryError
from tests.core.consumer.faults import times, unavailable
from tests.support.wait import wait_until


def outcomes(faulty):
    return [o for (batch,) in faulty.arguments.get("record_outcomes", []) for o in batch]


def test_the_start_of_a_quick_job_travels_with_its_end(start, submit, faulty, wait_for_status):
    task = submit()
    start(lambda task: None, faulty)
    wait_for_status(task, TaskStatus.SUCCESSFUL)
    (outcome,) = outcomes(faulty)
    assert outcome.status is TaskStatus.SUCCESSFUL
    assert outcome.started <= outcome.finished


def test_a_job_that_lasts_is_seen_in_progress(start, submit, wait_for_status):
    held = threading.Event()
    task = submit()
    start(lambda task: held.wait(30))
    row = wait_for_status(task, TaskStatus.IN_PROGRESS)
    assert row.started_at is not None
    held.set()
    done = wait_for_status(task, TaskStatus.SUCCESSFUL)
    assert abs((done.started_at - row.started_at).total_seconds()) < 0.1


def test_ends_are_written_in_batches(start, submit, faulty, store):
    for _ in range(300):
        submit()
    start(lambda task: None, faulty)
    wait_until(lambda: store.count_tasks("SUCCESSFUL", None, None) == 300)
    assert faulty.calls["record_outcomes"] < 60


def test_an_outcome_is_retried_until_the_database_is_back(
    start, submit, faulty, wait_for_status, caplog
):
    ran = []
    task = submit()
    faulty.before("record_outcomes", times(3, unavailable))
    start(ran.append, faulty)
    wait_for_status(task, TaskStatus.SUCCESSFUL)
    assert len(ran) == 1
    assert caplog.text.count("could not record outcomes") == 3


def test_an_outcome_whose_commit_was_not_heard_of_is_no_lost_lease(
    start, submit, faulty, wait_for_status, caplog
):
    tasks = [submit(max_receives=1, args=b"%d" % number) for number in range(4)]

    def handler(task):
        if task.args in (b"0", b"1"):
            raise ValueError

    faulty.after("record_outcomes", times(1, unavailable))
    consumer = start(handler, faulty)
    for task, status in zip(tasks, ["FAILED", "FAILED", "SUCCESSFUL", "SUCCESSFUL"], strict=True):
        wait_for_status(task, TaskStatus(status))
    consumer.stop()
    assert consumer.wait(30)
    assert "not recorded" not in caplog.text


def test_an_unheard_deletion_is_no_lost_lease(start, submit, faulty, store, caplog):
    submit()
    faulty.after("record_outcomes", times(1, unavailable))
    consumer = start(lambda task: None, faulty, auto_delete_on_success=True)
    wait_until(lambda: faulty.calls["record_outcomes"] == 2)
    consumer.stop()
    assert consumer.wait(30)
    assert store.count_tasks(None, None, None) == 0
    assert "not recorded" not in caplog.text


def test_an_outcome_that_could_not_be_written_in_time_is_logged(
    new_consumer, run, submit, faulty, caplog
):
    task = submit()
    for name in ("record_outcomes", "ping_leases"):
        faulty.before(name, unavailable)
    consumer = new_consumer(faulty, visibility_timeout=0.4)
    consumer.learn("email", lambda task: consumer.stop())
    run(consumer).join(30)
    assert f"outcome SUCCESSFUL of task {task.id} not recorded" in caplog.text


@pytest.mark.slow
def test_a_finished_jobs_lease_is_extended_while_its_outcome_waits(
    start, submit, faulty, wait_for_status
):
    ran = []
    task = submit()
    faulty.before("record_outcomes", unavailable)
    start(ran.append, faulty, visibility_timeout=0.9)
    wait_until(lambda: ran)
    wait_until(lambda: faulty.calls["ping_leases"] >= 5)
    faulty.heal()
    assert wait_for_status(task, TaskStatus.SUCCESSFUL, timeout=15).receive_count == 1
    assert len(ran) == 1


def test_a_lost_result_is_logged_and_changes_nothing(start, submit, store, steal, caplog):
    held, began = threading.Event(), threading.Event()

    def handler(task):
        began.set()
        held.wait(30)

    task = submit()
    start(handler, visibility_timeout=30)
    assert began.wait(30)
    wait_until(lambda: store.count_tasks("IN_PROGRESS", None, None) == 1)
    steal(task)
    held.set()
    wait_until(lambda: "not recorded" in caplog.text)
    (row,) = store.get_tasks([task.id])
    assert (row.status, row.receive_count) == (TaskStatus.ENQUEUED, 2)


def test_one_poisoned_row_does_not_hold_up_the_others(
    start, submit, faulty, store, wait_for_status
):
    tasks = [submit(args=b"%d" % number) for number in range(40)]
    poisoned = tasks[17]

    def refuse(batch):
        if any(o.lease.task_id == poisoned.id for o in batch):
            raise RepositoryError("a value that this column can't hold")

    faulty.before("record_outcomes", refuse)
    start(lambda task: None, faulty, visibility_timeout=30)
    wait_until(lambda: store.count_tasks("SUCCESSFUL", None, None) == 39)
    faulty.heal()
    wait_for_status(poisoned, TaskStatus.SUCCESSFUL)


def test_an_error_that_cannot_be_stored_is_replaced(start, submit, faulty, wait_for_status):
    def refuse(batch):
        if any("poison" in (o.error or "") for o in batch):
            raise RepositoryError("a value that this column can't hold")

    def handler(task):
        raise ValueError("poison")

    task = submit(max_receives=1)
    faulty.before("record_outcomes", refuse)
    start(handler, faulty)
    assert "could not be stored" in wait_for_status(task, TaskStatus.FAILED).last_error
