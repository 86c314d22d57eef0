"""What a handler raises costs its own task, and nothing else."""

import asyncio
import logging
import sys

import pytest

import tasq_core as tasq
from tasq_core import Consumer, TaskStatus
from tasq_core.consumer.backoff import DEFAULT_BACKOFF
from tests.support.builders import make_task
from tests.support.wait import wait_until

ERRORS = [
    asyncio.CancelledError(),
    GeneratorExit(),
    KeyboardInterrupt(),
    RecursionError(),
    SystemExit(3),
    type("Odd", (BaseException,), {})(),
]
NAMES = [type(error).__name__ for error in ERRORS]


def failing(error):
    def fail(task):
        if task.args == b"1":
            raise error

    return fail


def failing_async(error):
    async def fail(task):
        if task.args == b"1":
            raise error

    return fail


def failing_beside(error):
    """A coroutine that starts another one, which raises where nobody awaits it."""

    async def beside():
        raise error

    async def fail(task):
        if task.args == b"1":
            other = asyncio.create_task(beside())
            while not other.done():
                await asyncio.sleep(0)
            raise other.exception() or asyncio.CancelledError

    return fail


@pytest.mark.parametrize("make", [failing, failing_async, failing_beside])
@pytest.mark.parametrize("error", ERRORS, ids=NAMES)
def test_whatever_a_handler_raises_costs_its_own_task_only(
    start, submit, wait_for_status, make, error
):
    """One `sys.exit()` in a handler would walk through a whole fleet and end it, exit 0."""
    bad = submit(args=b"1", max_receives=2)
    consumer = start(make(error), workers=1)
    row = wait_for_status(bad, TaskStatus.FAILED)
    assert row.receive_count == 2
    assert type(error).__name__ in row.last_error
    wait_for_status(submit(args=b"2"), TaskStatus.SUCCESSFUL)
    assert consumer.running


def test_a_handler_that_recurses_without_end_costs_its_own_task_only(
    start, submit, wait_for_status
):
    """RecursionError is raised deep down; recording it may not run out of stack again."""

    def recurse(task):
        return recurse(task)

    bad = submit(max_receives=1)
    start(recurse, workers=1)
    assert wait_for_status(bad, TaskStatus.FAILED).last_error.startswith("RecursionError")


def test_ctrl_c_in_a_job_of_the_main_thread_reaches_the_program(
    new_consumer, submit, wait_for_status
):
    """Who takes jobs from the channel in the main thread must still be able to press Ctrl+C."""
    task = submit(max_receives=1)
    consumer = new_consumer()

    @consumer.handler("email")
    def interrupt(task):
        raise KeyboardInterrupt

    consumer.start()
    with pytest.raises(KeyboardInterrupt):
        next(consumer.channel())()
    assert consumer.running
    wait_for_status(task, TaskStatus.FAILED)


def test_a_system_exit_in_a_job_of_the_main_thread_is_a_failure(
    new_consumer, submit, wait_for_status
):
    task = submit(max_receives=1)
    consumer = new_consumer()
    consumer.learn("email", failing(SystemExit(3)))
    task = submit(args=b"1", max_receives=1)
    consumer.start()
    channel = consumer.channel()
    next(channel)()
    next(channel)()
    wait_for_status(task, TaskStatus.FAILED)


def test_failures_wait_by_default_a_second_then_twice_as_long_up_to_five_minutes():
    """Without a pause a task that fails at once is received hundreds of times a second."""
    assert Consumer(object()).options.retry_backoff is DEFAULT_BACKOFF
    delays = []
    for receives in (1, 2, 3, 20, 10_000):
        task = make_task()
        task.receive_count = receives
        delays.append([DEFAULT_BACKOFF(task, ValueError()) for _ in range(50)])
    for some, middle in zip(delays, [1, 2, 4, 300, 300], strict=True):
        assert 0.9 * middle <= min(some) < max(some) <= 1.1 * middle


def test_a_failing_task_is_received_once_in_its_first_half_second(start, submit, store):
    """The default holds in a running consumer too."""
    task = submit(args=b"1")
    start(failing(ValueError("no")), retry_backoff=DEFAULT_BACKOFF)
    row = wait_until(lambda: [t for t in store.get_tasks([task.id]) if t.last_error])[0]
    assert (row.receive_count, row.status) == (1, TaskStatus.NEW)
    assert 0.5 < (row.visible_at - row.finished_at).total_seconds() < 1.5


@pytest.mark.parametrize("policy", [lambda task, error: sys.exit(1), lambda task, error: "soon"])
def test_a_broken_retry_policy_retries_after_a_second(start, submit, store, policy, caplog):
    """The default could not be used, and at once would be a hot loop."""
    task = submit(args=b"1")
    start(failing(ValueError()), retry_backoff=policy)
    row = wait_until(lambda: [t for t in store.get_tasks([task.id]) if t.last_error])[0]
    assert 0.5 < (row.visible_at - row.finished_at).total_seconds() < 1.5
    assert "retry policy failed" in caplog.text


def test_failures_are_logged_with_traceback_and_fields(start, submit, wait_for_status, caplog):
    """A log without the error sends its reader to the database for every failure."""
    task = submit(args=b"1", max_receives=2)
    start(failing(ValueError("no such address")))
    wait_for_status(task, TaskStatus.FAILED)
    first, last = [record for record in caplog.records if record.exc_info]
    assert (first.levelno, last.levelno) == (logging.WARNING, logging.ERROR)
    assert "retry in 0 s: ValueError: no such address" in first.getMessage()
    assert "failed for good: ValueError: no such address" in last.getMessage()
    assert str(last.exc_info[1]) == "no such address"
    fields = (last.task_id, last.task_type, last.task_queue, last.receive_count, last.max_receives)
    assert fields == (str(task.id), "email", "", 2, 2)
    assert (first.retry_in, first.final, last.retry_in, last.final) == (0, False, None, True)
    assert last.error_type == "ValueError"


def test_a_snooze_is_logged_without_alarm(start, submit, wait_for_status, caplog):
    caplog.set_level(logging.INFO)
    calls = []

    def later(task):
        calls.append(task.receive_count)
        if len(calls) < 3:
            raise tasq.Snooze(0)

    task = submit(max_receives=1)
    start(later)
    row = wait_for_status(task, TaskStatus.SUCCESSFUL)
    assert (calls, row.receive_count, row.last_error) == ([1, 1, 1], 1, None)
    snoozes = [record for record in caplog.records if "snoozed" in record.getMessage()]
    assert [record.levelno for record in snoozes] == [logging.INFO] * 2
    assert not any(record.exc_info for record in snoozes)
