import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasq_core import TaskStatus, exponential
from tests.support.wait import wait_until


def test_a_handler_that_returns_makes_its_task_successful(finish, submit):
    row = finish(submit(), lambda task: None, TaskStatus.SUCCESSFUL)
    assert row.receive_count == 1
    assert row.started_at <= row.finished_at
    assert row.last_error is None


@pytest.mark.parametrize(
    "garbage", [object(), float("nan"), {"a": 1}, NotImplemented, ValueError()]
)
def test_what_a_handler_returns_is_ignored(finish, submit, garbage):
    finish(submit(), lambda task: garbage, TaskStatus.SUCCESSFUL)


def test_the_handler_gets_the_task_as_claimed(finish, submit):
    seen = []
    task = submit(args=b'{"n":1}', priority=3)
    finish(task, seen.append, TaskStatus.SUCCESSFUL)
    (got,) = seen
    assert (got.id, got.unmarshal_args(), got.priority) == (task.id, {"n": 1}, 3)
    assert got.receive_count == 1


def test_success_deletes_the_row_when_asked_to(start, submit, store):
    task = submit()
    start(lambda task: None, auto_delete_on_success=True)
    wait_until(lambda: not store.get_tasks([task.id]), message="the row to go")


def test_a_failure_is_tried_again_at_once_and_then_final(finish, submit):
    runs = []

    def fail(task):
        runs.append(task.is_last_receive())
        raise ValueError("no such address")

    options = {"poll_interval": 30, "visibility_timeout": 60}
    row = finish(submit(max_receives=3), fail, TaskStatus.FAILED, **options)
    assert runs == [False, False, True]
    assert row.receive_count == 3
    assert row.finished_at is not None
    assert row.last_error.startswith("ValueError: no such address\n\nTraceback")
    assert "in fail" in row.last_error
    assert "tasq_core" not in row.last_error


def test_a_failed_task_waits_for_its_backoff(finish, submit, store):
    ran = []

    def fail_once(task):
        ran.append(time.monotonic())
        if len(ran) == 1:
            raise ValueError

    # The poll interval is far longer: the consumer looks again when its own retry falls due.
    options = {"poll_interval": 30, "visibility_timeout": 60, "retry_backoff": 0.3}
    finish(submit(), fail_once, TaskStatus.SUCCESSFUL, **options)
    assert 0.3 <= ran[1] - ran[0] < 5


def test_a_retry_policy_gets_the_task_and_the_error(finish, submit):
    asked = []

    def policy(task, error):
        asked.append((task.id, str(error)))
        return 0

    def fail(task):
        raise ValueError("why")

    task = submit(max_receives=2)
    finish(task, fail, TaskStatus.FAILED, retry_backoff=policy)
    assert asked == [(task.id, "why")]


def test_exponential_backoff_hides_a_task_for_a_while(start, submit, store):
    def fail(task):
        raise ValueError

    task = submit()
    start(fail, retry_backoff=exponential(base=3600, jitter=0))

    def failed():
        (row,) = store.get_tasks([task.id])
        return row if row.last_error else None

    row = wait_until(failed, message="the failure to be recorded")
    assert row.status is TaskStatus.NEW
    assert (row.visible_at - row.created_at).total_seconds() > 3500


def test_arguments_that_cannot_be_read_fail_the_task(finish, submit):
    row = finish(
        submit(args=b"\xff\x00", max_receives=1),
        lambda task: task.unmarshal_args(),
        TaskStatus.FAILED,
    )
    assert row.last_error.startswith("tasq_core.errors.ArgsDecodeError")


def test_a_handler_may_do_anything_to_its_task(finish, submit):
    def scribble(task):
        task.id = task.type = task.visible_at = None
        task.receive_count = 99

    finish(submit(), scribble, TaskStatus.SUCCESSFUL)


def test_a_job_runs_once_however_often_it_is_called(new_consumer, submit, pool):
    submit()
    ran = []
    consumer = new_consumer()
    consumer.learn("email", ran.append)
    consumer.start()
    job = next(consumer.channel())
    for call in [pool.submit(job) for _ in range(20)]:
        call.result()
    assert len(ran) == 1


def test_a_released_job_is_new_again_with_its_receive_given_back(
    new_consumer, submit, wait_for_status
):
    task, ran = submit(), []
    consumer = new_consumer()
    consumer.learn("email", ran.append)
    consumer.start()
    job = next(consumer.channel())
    assert job.release()
    assert not job.release()
    job()
    consumer.stop()
    assert consumer.wait(30)
    assert wait_for_status(task, TaskStatus.NEW).receive_count == 0
    assert ran == []


def test_jobs_may_be_run_by_an_executor_of_ones_own(new_consumer, submit, wait_for_status):
    tasks = [submit() for _ in range(30)]
    consumer = new_consumer()
    consumer.learn("email", lambda task: None)
    with ThreadPoolExecutor(4) as executor, consumer:
        feeding = threading.Thread(target=lambda: list(map(executor.submit, consumer.channel())))
        feeding.start()
        for task in tasks:
            wait_for_status(task, TaskStatus.SUCCESSFUL)
    feeding.join(30)
    assert not feeding.is_alive()
