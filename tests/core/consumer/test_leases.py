import asyncio
import threading
import time

import pytest

from tasq_core import TaskStatus
from tasq_core.reports import Lease
from tests.core.consumer.faults import unavailable
from tests.support.wait import wait_until


@pytest.mark.slow
def test_a_job_that_outlives_the_timeout_keeps_its_lease(start, submit, faulty, wait_for_status):
    ran = []

    def handler(task):
        ran.append(task.id)
        wait_until(lambda: faulty.calls["ping_leases"] >= 5)
        assert not task.lease_lost

    task = submit()
    start(handler, faulty, visibility_timeout=0.9)
    row = wait_for_status(task, TaskStatus.SUCCESSFUL)
    assert (row.receive_count, len(ran)) == (1, 1)


@pytest.mark.slow
def test_jobs_waiting_in_a_full_channel_keep_their_leases(new_consumer, submit, faulty, pool):
    for _ in range(3):
        submit()
    consumer = new_consumer(faulty, visibility_timeout=0.9, channel_size=3)
    consumer.learn("email", lambda task: None)
    consumer.start()
    wait_until(lambda: faulty.calls["ping_leases"] >= 5)
    assert faulty.poll_tasks(["email"], [""], 60) == []
    reading = pool.submit(lambda: [job() for job in consumer.channel()])
    wait_until(lambda: faulty.count_tasks("SUCCESSFUL", None, None) == 3)
    consumer.stop()
    reading.result(30)


def test_a_running_job_learns_that_its_lease_was_lost_and_its_result_is_discarded(
    start, submit, store, steal, caplog
):
    began, seen = threading.Event(), []

    def handler(task):
        began.set()
        wait_until(lambda: task.lease_lost)
        seen.append(True)

    task = submit()
    consumer = start(handler, visibility_timeout=0.6)
    assert began.wait(30)
    wait_until(lambda: store.count_tasks("IN_PROGRESS", None, None) == 1)
    steal(task)
    wait_until(lambda: seen)
    consumer.stop()
    assert consumer.wait(30)
    (row,) = store.get_tasks([task.id])
    assert (row.status, row.receive_count) == (TaskStatus.ENQUEUED, 2)
    assert f"lease of task {task.id} lost" in caplog.text
    assert any(getattr(record, "task_id", "") == str(task.id) for record in caplog.records)


def test_a_coroutine_whose_lease_was_lost_is_cancelled(start, submit, steal):
    began, ended = threading.Event(), threading.Event()

    async def handler(task):
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    task = submit()
    start(handler, visibility_timeout=0.6)
    assert began.wait(30)
    steal(task)
    assert ended.wait(30)


def test_a_deleted_row_is_a_lost_lease(start, submit, store):
    began, seen = threading.Event(), threading.Event()

    def handler(task):
        began.set()
        wait_until(lambda: task.lease_lost)
        seen.set()

    task = submit()
    start(handler, visibility_timeout=0.6)
    assert began.wait(30)
    store.delete_task(task, False)
    assert seen.wait(30)


def test_a_task_lost_before_it_started_is_never_started(new_consumer, submit, steal):
    ran = []
    task = submit()
    consumer = new_consumer(visibility_timeout=0.6)
    consumer.learn("email", ran.append)
    consumer.start()
    job = next(consumer.channel())
    steal(task)
    wait_until(lambda: job.lease_lost)
    job()
    assert ran == []


def test_a_lease_that_could_not_be_extended_in_time_is_not_started(
    new_consumer, submit, faulty, caplog
):
    ran = []
    submit()
    faulty.before("ping_leases", unavailable)
    consumer = new_consumer(faulty, visibility_timeout=0.3)
    consumer.learn("email", ran.append)
    consumer.start()
    job = next(consumer.channel())
    wait_until(lambda: time.monotonic() > job.expires)
    job()
    assert ran == []
    assert "before the task could start" in caplog.text


@pytest.mark.slow
def test_pings_go_on_once_the_database_is_back(start, submit, faulty, wait_for_status):
    def handler(task):
        faulty.before("ping_leases", unavailable)
        wait_until(lambda: faulty.calls["ping_leases"] > 1)
        faulty.heal()
        wait_until(lambda: faulty.calls["ping_leases"] >= 7)

    task = submit()
    start(handler, faulty, visibility_timeout=1.5)
    assert wait_for_status(task, TaskStatus.SUCCESSFUL).receive_count == 1


def test_quick_jobs_are_never_pinged(start, submit, faulty, wait_for_status):
    tasks = [submit() for _ in range(50)]
    start(lambda task: None, faulty)
    for task in tasks:
        wait_for_status(task, TaskStatus.SUCCESSFUL)
    assert faulty.calls["ping_leases"] == 0


def test_a_task_claimed_again_by_its_own_consumer_has_two_distinct_jobs(
    new_consumer, submit, store, lapse
):
    task, ran = submit(), []
    consumer = new_consumer(visibility_timeout=1.0)
    consumer.learn("email", lambda task: ran.append(task.receive_count))
    consumer.start()
    old = next(consumer.channel())
    lapse(task)
    new = next(consumer.channel())
    assert (old.lease.task_id, old.lease.receive_count) == (task.id, 1)
    assert new.lease.receive_count == 2
    new()
    wait_until(lambda: store.count_tasks("SUCCESSFUL", None, None) == 1)
    wait_until(lambda: old.lease_lost)
    old()
    assert ran == [2]


@pytest.mark.parametrize("change", [{"receive_count": 2}, {"nonce": 1000}])
def test_the_table_refuses_a_lease_that_is_not_the_rows(submit, store, change):
    submit()
    (claimed,) = store.poll_tasks(["email"], [""], 60)
    lease = Lease.of(claimed)
    assert store.ping_leases([lease], 60) == {lease}
    assert store.ping_leases([lease._replace(**change)], 60) == set()
