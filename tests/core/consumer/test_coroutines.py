"""Coroutines: how many run at once, on whose thread, and what may be awaited."""

import asyncio
import contextvars
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tasq_core import TaskStatus
from tests.support.wait import wait_until


def test_coroutines_run_side_by_side_on_one_loop(start, submit, wait_for_status):
    tasks = [submit() for _ in range(4)]
    meeting = asyncio.Barrier(4)
    threads = set()

    async def handler(task):
        threads.add(threading.current_thread())
        await meeting.wait()

    start(handler, workers=4)
    for task in tasks:
        wait_for_status(task, TaskStatus.SUCCESSFUL)
    assert len(threads) == 1


def test_a_coroutine_that_raises_fails_its_task(finish, submit):
    async def handler(task):
        await asyncio.sleep(0)
        raise ValueError("async")

    row = finish(submit(max_receives=1), handler, TaskStatus.FAILED)
    assert row.last_error.startswith("ValueError: async")


def test_a_coroutine_sees_the_context_of_the_thread_that_called_the_job(new_consumer, submit):
    name = contextvars.ContextVar("name", default="none")
    seen = []

    async def handler(task):
        seen.append(name.get())

    submit()
    consumer = new_consumer()
    consumer.learn("email", handler)
    consumer.start()
    job = next(consumer.channel())
    name.set("mine")
    job()
    assert seen == ["mine"]


def test_a_coroutine_that_runs_too_long_is_cancelled_and_failed(finish, submit):
    ended = []

    async def handler(task):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append(task.lease_lost)
            raise

    row = finish(submit(max_receives=1), handler, TaskStatus.FAILED, job_timeout=0.2)
    assert row.last_error == "TimeoutError: the task ran longer than 0.2 s"
    wait_until(lambda: ended == [True], message="the coroutine to be cancelled")


def test_a_thread_that_runs_too_long_is_failed_and_replaced(start, submit, wait_for_status):
    stuck, seen = threading.Event(), []

    def handler(task):
        if task.args == b"1":
            stuck.wait(20)
            seen.append(task.lease_lost)

    slow = submit(max_receives=1, args=b"1")
    start(handler, job_timeout=0.2, workers=1)
    wait_for_status(slow, TaskStatus.FAILED)
    wait_for_status(submit(args=b"2"), TaskStatus.SUCCESSFUL)
    stuck.set()
    wait_until(lambda: seen == [True])
    assert wait_for_status(slow, TaskStatus.FAILED).last_error.startswith("TimeoutError")


class Busy:
    """Counts how many coroutines run at once."""

    def __init__(self):
        self.now = self.most = 0

    async def __call__(self, task):
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.5)
        self.now -= 1


def test_coroutines_do_not_occupy_workers_while_they_wait(start, submit, store):
    """40 coroutines of half a second on 4 workers took 5 s: ten rounds of four."""
    for _ in range(40):
        submit()
    busy, begun = Busy(), time.monotonic()
    start(busy, workers=4)
    wait_until(lambda: store.count_tasks("SUCCESSFUL", None, None) == 40)
    assert busy.most == 40
    assert time.monotonic() - begun < 2


@pytest.mark.slow
def test_no_more_coroutines_run_than_max_active_tasks(start, submit, store):
    for _ in range(12):
        submit()
    busy = Busy()
    start(busy, workers=2, max_active_tasks=5)
    wait_until(lambda: store.count_tasks("SUCCESSFUL", None, None) == 12)
    assert busy.most == 5


@pytest.mark.slow
def test_max_coroutines_bounds_those_that_run_at_once(start, submit, store):
    for _ in range(9):
        submit()
    busy = Busy()
    start(busy, workers=8, max_coroutines=3)
    wait_until(lambda: store.count_tasks("SUCCESSFUL", None, None) == 9)
    assert busy.most == 3


def test_what_waits_for_a_coroutines_end_is_released_by_a_stop(start, submit, store):
    """A worker that waits for a slot may not hold up the stop, nor run its task after it."""
    for _ in range(6):
        submit()
    free = threading.Event()

    async def handler(task):
        while not free.is_set():
            await asyncio.sleep(0.01)

    consumer = start(handler, workers=2, max_coroutines=1)
    wait_until(lambda: store.count_tasks("IN_PROGRESS", None, None) == 1)
    consumer.stop()
    wait_until(lambda: store.count_tasks("NEW", None, None) == 5)
    assert {task.receive_count for task in store.scan_tasks("NEW", None, None)} == {0}
    free.set()
    assert consumer.wait(30)
    assert store.count_tasks("SUCCESSFUL", None, None) == 1


def test_plain_handlers_run_beside_waiting_coroutines(new_consumer, run, submit, wait_for_status):
    release = threading.Event()

    async def waits(task):
        while not release.is_set():
            await asyncio.sleep(0.01)

    waiting = [submit(type="waits") for _ in range(5)]
    consumer = new_consumer()
    consumer.learn("waits", waits)
    consumer.learn("email", lambda task: None)
    run(consumer, workers=1)
    for task in waiting:
        wait_for_status(task, TaskStatus.IN_PROGRESS)
    wait_for_status(submit(), TaskStatus.SUCCESSFUL)
    release.set()


def test_a_timed_out_coroutine_takes_no_worker_with_it(start, submit, wait_for_status):
    async def handler(task):
        if task.args == b"1":
            await asyncio.sleep(60)

    slow = submit(args=b"1", max_receives=1)
    start(handler, job_timeout=0.2, workers=1)
    wait_for_status(slow, TaskStatus.FAILED)
    wait_for_status(submit(args=b"2"), TaskStatus.SUCCESSFUL)
    assert sum(t.name.startswith("tasq-worker") for t in threading.enumerate()) == 1


def test_a_returned_futures_failure_is_the_tasks(start, submit, wait_for_status):
    """What an executor ran counted as success, whatever became of it."""
    task = submit(max_receives=1)
    with ThreadPoolExecutor() as executor:
        start(lambda task: executor.submit(int, "x"))
        row = wait_for_status(task, TaskStatus.FAILED)
    assert row.last_error.startswith("ValueError: invalid literal")


def test_a_returned_futures_success_is_waited_for(start, submit, wait_for_status):
    task, future = submit(), Future()
    start(lambda task: future)
    wait_for_status(task, TaskStatus.IN_PROGRESS)
    future.set_result(None)
    wait_for_status(task, TaskStatus.SUCCESSFUL)


@pytest.mark.parametrize("fails", [False, True])
def test_a_future_of_another_running_loop_is_awaited(start, submit, wait_for_status, fails):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def work():
        await asyncio.sleep(0.05)
        if fails:
            raise ValueError("there")

    def handler(task):
        made = Future()
        loop.call_soon_threadsafe(lambda: made.set_result(loop.create_task(work())))
        return made.result()

    task = submit(max_receives=1)
    start(handler)
    row = wait_for_status(task, TaskStatus.FAILED if fails else TaskStatus.SUCCESSFUL)
    assert (row.last_error or "").startswith("ValueError: there" if fails else "")
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_future_of_a_loop_that_stands_still_is_a_failure(start, submit, wait_for_status):
    """It would never be done, and the task neither."""
    loop = asyncio.new_event_loop()
    task = submit(max_receives=1)
    start(lambda task: loop.create_future())
    assert "isn't running" in wait_for_status(task, TaskStatus.FAILED).last_error
    loop.close()


def test_an_awaitable_object_is_awaited(start, submit, wait_for_status):
    class Later:
        def __await__(self):
            yield from asyncio.sleep(0).__await__()
            raise ValueError("awaited")

    task = submit(max_receives=1)
    start(lambda task: Later())
    assert wait_for_status(task, TaskStatus.FAILED).last_error.startswith("ValueError: awaited")
