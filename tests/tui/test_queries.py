import asyncio
import sqlite3
import threading
import time

import pytest

from tasq_core.errors import RepositoryError, TableMissingError
from tasq_tui.ui.db.executor import Answer, Failure, QueryThread, QueryThreadClosedError
from tests.support.wait import wait_until

ENDLESS = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers)
SELECT count(*) FROM numbers
"""


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    yield connection
    connection.close()


@pytest.fixture
def thread(connection):
    thread = QueryThread("test", connection.interrupt)
    yield thread
    thread.close()


async def test_an_answer_comes_with_the_time_it_took(thread, connection):
    answer = await thread.run(lambda: connection.execute("SELECT 41 + 1").fetchone())

    assert answer.value == (42,)
    assert 0 < answer.seconds < 10


async def test_calls_run_one_at_a_time_in_order(thread):
    order, running = [], []

    def call(number):
        running.append(number)
        assert len(running) == 1
        order.append(number)
        running.pop()

    await asyncio.gather(*(thread.run(call, number) for number in range(50)))

    assert order == list(range(50))


async def test_the_event_loop_goes_on_while_a_statement_runs(thread, connection):
    task = asyncio.create_task(thread.run(connection.execute, ENDLESS))
    turns = 0
    for _ in range(100):
        await asyncio.sleep(0)
        turns += 1
    task.cancel()

    assert turns == 100
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_interrupts_the_statement_and_frees_the_thread(thread, connection):
    started = threading.Event()

    def scan():
        started.set()
        connection.execute(ENDLESS).fetchone()

    task = asyncio.create_task(thread.run(scan))
    assert await asyncio.to_thread(started.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    began = time.perf_counter()
    answer = await asyncio.wait_for(
        thread.run(lambda: connection.execute("SELECT 1").fetchone()), 10
    )
    assert answer.value == (1,)
    assert time.perf_counter() - began < 5


async def test_an_interrupt_never_hits_the_next_statement(thread, connection):
    def count(rows):
        sql = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
        return connection.execute(f"{sql} SELECT count(*) FROM n").fetchone()[0]

    for rows in range(1, 400, 2):
        stale = asyncio.create_task(thread.run(count, rows * 20))
        await asyncio.sleep(0)
        stale.cancel()

        assert (await thread.run(count, rows)).value == rows


async def test_a_cancelled_call_that_has_not_begun_never_runs(thread):
    gate, ran = threading.Event(), []
    blocker = asyncio.create_task(thread.run(gate.wait, 10))
    waiting = asyncio.create_task(thread.run(ran.append, "stale"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.set()
    await blocker
    await thread.run(ran.append, "next")

    assert ran == ["next"]


async def test_an_error_is_raised_where_it_is_awaited(thread):
    def fail():
        raise TableMissingError("no table 'tasks'; run: tasq migrate", "tasks")

    with pytest.raises(TableMissingError, match="tasq migrate"):
        await thread.run(fail)


async def test_an_attempt_returns_the_error(thread):
    def fail():
        raise RepositoryError("gone")

    failure = await thread.attempt(fail)
    answer = await thread.attempt(int, "7")

    assert isinstance(failure, Failure)
    assert str(failure.error) == "gone"
    assert isinstance(answer, Answer)
    assert answer.value == 7


async def test_a_mistake_of_ours_is_not_taken_for_a_database_error(thread):
    with pytest.raises(ZeroDivisionError):
        await thread.attempt(lambda: 1 // 0)


async def test_closing_ends_the_thread_and_refuses_calls(connection):
    thread = QueryThread("closing", connection.interrupt)
    task = asyncio.create_task(thread.attempt(connection.execute, "SELECT 1"))
    await task
    thread.close()

    with pytest.raises(QueryThreadClosedError):
        await thread.run(int, "1")
    await asyncio.to_thread(
        wait_until, lambda: "tasq-closing" not in {t.name for t in threading.enumerate()}
    )
