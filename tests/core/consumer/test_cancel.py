"""A cancel reaches the handler that runs: at once where a channel tells, else with the next ping."""

import asyncio
import threading
import time

import pytest

from tasq_core import Consumer, TaskStatus
from tests.support.builders import make_task, make_tasks
from tests.support.wait import wait_until

SOON = 3.0
"""Seconds; a ping of these consumers comes after twenty."""


@pytest.fixture
def consume(repository, run_in_background):
    def start(handler, *, workers=2, **options):
        consumer = Consumer(
            repository, queues="mail", **({"poll_interval": 30, "visibility_timeout": 60} | options)
        )
        consumer.learn("email", handler)
        run_in_background(consumer, workers)
        return consumer

    return start


@pytest.fixture
def run_in_background():
    running = []

    def run(consumer, workers):
        thread = threading.Thread(target=consumer.run, args=(workers,), daemon=True)
        thread.start()
        running.append((consumer, thread))
        wait_until(lambda: consumer.running)

    yield run
    for consumer, thread in running:
        consumer.stop(timeout=0)
        thread.join(30)
        assert not thread.is_alive()


def row_of(repository, task):
    return repository.get_tasks([task.id])[0]


@pytest.mark.parametrize("backend", ["sqlite", "postgres"], indirect=True)
@pytest.mark.parametrize("all_busy", [False, True])
def test_a_coroutine_is_cancelled_at_once_and_its_consumer_goes_on(
    database, repository, consume, all_busy
):
    """A task that must stop now would run on for a third of its lease."""
    began, ended, others = threading.Event(), [], []

    async def handler(task):
        if task.args == b"2":
            others.append(task.id)
            return
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(time.monotonic())

    task = repository.submit_task(make_task(args=b"1"))
    consume(handler, workers=1, max_active_tasks=1 if all_busy else 10)
    assert began.wait(20)
    operator = database.client().new_inspector()

    asked = time.monotonic()
    assert operator.cancel(task, reason="stop it").done == 1
    wait_until(lambda: ended)

    assert ended[0] - asked < SOON
    after = repository.submit_task(make_task(args=b"2"))
    wait_until(lambda: row_of(repository, after).status is TaskStatus.SUCCESSFUL)
    row = row_of(repository, task)
    assert (row.status, row.last_error) == (TaskStatus.FAILED, "cancelled: stop it")
    assert row.receive_count == 1


@pytest.mark.parametrize("backend", ["sqlite", "postgres"], indirect=True)
def test_a_handler_in_a_thread_sees_that_its_lease_is_lost(database, repository, consume):
    began, seen = threading.Event(), []

    def handler(task):
        began.set()
        wait_until(lambda: task.lease_lost, 30)
        seen.append(time.monotonic())

    task = repository.submit_task(make_task())
    consume(handler)
    assert began.wait(20)

    asked = time.monotonic()
    database.client().new_inspector().cancel(task)
    wait_until(lambda: seen, 30)

    assert seen[0] - asked < SOON
    wait_until(lambda: row_of(repository, task).last_error == "cancelled")


def test_without_a_channel_the_next_ping_tells(database, repository, consume, monkeypatch):
    monkeypatch.setattr(type(repository), "open_wakeup", lambda _: None)
    began, ended = threading.Event(), threading.Event()

    async def handler(task):
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    task = repository.submit_task(make_task())
    consume(handler, poll_interval=0.2, visibility_timeout=1.5)
    assert began.wait(20)
    database.client().new_inspector().cancel(task)

    assert ended.wait(30)
    assert row_of(repository, task).status is TaskStatus.FAILED


def test_jobs_not_yet_started_never_start(database, repository, caplog):
    """What waits in the channel is cancelled with the rest."""
    tasks = make_tasks(5)
    repository.submit_tasks(tasks)
    ran = []
    consumer = Consumer(repository, queues="mail", visibility_timeout=3, poll_interval=0.5)
    consumer.learn("email", lambda task: ran.append(task.id))
    with consumer:
        wait_until(lambda: repository.count_tasks("ENQUEUED", None, None) == 5)
        assert database.client().new_inspector().cancel(where="status:open").done == 5
        wait_until(lambda: sum("was cancelled" in line for line in caplog.messages) == 5)
        last = repository.submit_task(make_task())
        for job in consumer.channel():
            job()
            if ran:
                break
    assert ran == [last.id]
    assert repository.count_tasks("FAILED", None, None) == 5
