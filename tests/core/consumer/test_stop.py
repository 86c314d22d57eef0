import os
import threading
import time

import pytest

from tasq_core import TaskStatus
from tasq_core.errors import (
    ClientClosedError,
    ConsumerAlreadyRunningError,
    ConsumerAlreadyStoppedError,
)
from tests.core.consumer.faults import unavailable
from tests.support.wait import wait_until


def statuses(store):
    return {status: store.count_tasks(status, None, None) for status in TaskStatus}


def test_starting_twice_is_an_error(new_consumer):
    consumer = new_consumer()
    consumer.start()
    with pytest.raises(ConsumerAlreadyRunningError):
        consumer.start()
    with pytest.raises(ConsumerAlreadyRunningError):
        consumer.run()


def test_stopping_what_was_never_started_is_an_error(new_consumer):
    with pytest.raises(ConsumerAlreadyStoppedError):
        new_consumer().stop()


def test_stopping_twice_is_an_error_also_while_it_still_stops(new_consumer, submit, pool):
    submit()
    held = threading.Event()
    consumer = new_consumer()
    consumer.learn("email", lambda task: held.wait(30))
    consumer.start()
    running = pool.submit(next(consumer.channel()))
    consumer.stop()
    with pytest.raises(ConsumerAlreadyStoppedError):
        consumer.stop()
    held.set()
    running.result()
    assert consumer.wait(30)
    with pytest.raises(ConsumerAlreadyStoppedError):
        consumer.stop()


def test_a_stop_while_it_starts_stops_it(new_consumer, pool, monkeypatch):
    """It went on for ever: there was nothing to tell yet, and every further stop was refused."""
    looking, go_on = threading.Event(), threading.Event()

    def look() -> None:
        looking.set()
        go_on.wait(30)

    consumer = new_consumer()
    monkeypatch.setattr(consumer, "_refuse_read_only", look)
    running = pool.submit(consumer.run, 2)
    assert looking.wait(30)
    consumer.stop()
    go_on.set()

    assert consumer.wait(30)
    running.result(30)


def test_only_one_of_many_concurrent_stops_wins(new_consumer, pool):
    consumer = new_consumer()
    consumer.start()
    stops = [pool.submit(consumer.stop) for _ in range(8)]
    assert [stop.exception() for stop in stops].count(None) == 1


def test_a_stopped_consumer_starts_again(new_consumer, submit, wait_for_status):
    consumer = new_consumer()
    consumer.learn("email", lambda task: None)
    for _ in range(3):
        task = submit()
        with consumer:
            next(consumer.channel())()
        assert not consumer.running
        wait_for_status(task, TaskStatus.SUCCESSFUL, timeout=0)


def test_a_consumer_that_still_drains_does_not_start(new_consumer, submit, pool):
    submit()
    held = threading.Event()
    consumer = new_consumer()
    consumer.learn("email", lambda task: held.wait(30))
    consumer.start()
    running = pool.submit(next(consumer.channel()))
    consumer.stop()
    with pytest.raises(ConsumerAlreadyRunningError, match="wait"):
        consumer.start()
    assert not consumer.wait(0.01)
    held.set()
    running.result()
    assert consumer.wait(30)


def test_stop_with_a_full_channel_that_nobody_reads_releases_all(new_consumer, submit, store):
    for _ in range(20):
        submit()
    consumer = new_consumer(channel_size=4)
    consumer.learn("email", print)
    consumer.start()
    wait_until(lambda: store.count_tasks("ENQUEUED", None, None) == 4)
    consumer.stop()
    assert consumer.wait(30)
    rows = store.scan_tasks(None, None, None, limit=20)
    assert {(row.status, row.receive_count) for row in rows} == {(TaskStatus.NEW, 0)}
    assert list(consumer.channel()) == []


def test_stop_lets_running_jobs_finish_and_releases_those_not_started(
    new_consumer, submit, store, run
):
    tasks = [submit() for _ in range(10)]
    held, began = threading.Event(), []

    def handler(task):
        began.append(task.id)
        held.wait(30)

    consumer = new_consumer(max_active_tasks=10)
    consumer.learn("email", handler)
    thread = run(consumer, workers=3)
    wait_until(lambda: len(began) == 3 and store.count_tasks("NEW", None, None) == 0)
    consumer.stop()
    wait_until(lambda: store.count_tasks("NEW", None, None) == 7, message="7 to be released")
    assert thread.is_alive()
    held.set()
    thread.join(30)
    assert not thread.is_alive()
    rows = {row.id: row for row in store.get_tasks([task.id for task in tasks])}
    assert {id for id, row in rows.items() if row.status is TaskStatus.SUCCESSFUL} == set(began)
    assert sum(row.receive_count for row in rows.values()) == 3


def test_a_job_taken_but_not_called_is_released_by_stop_and_then_does_nothing(
    new_consumer, submit, wait_for_status
):
    task, ran = submit(), []
    consumer = new_consumer()
    consumer.learn("email", ran.append)
    consumer.start()
    job = next(consumer.channel())
    consumer.stop()
    assert consumer.wait(30)
    job()
    assert ran == []
    assert wait_for_status(task, TaskStatus.NEW).receive_count == 0


def test_a_claim_that_returns_after_stop_is_released(new_consumer, submit, store, faulty):
    submit()
    claimed, stopped = threading.Event(), threading.Event()

    def hold(*_):
        claimed.set()
        stopped.wait(30)

    faulty.after("poll_tasks", hold)
    consumer = new_consumer(faulty)
    consumer.learn("email", print)
    consumer.start()
    assert claimed.wait(30)
    consumer.stop()
    stopped.set()
    assert consumer.wait(30)
    (row,) = store.scan_tasks(None, None, None)
    assert (row.status, row.receive_count) == (TaskStatus.NEW, 0)


def test_a_release_is_tried_again_when_the_database_is_away(new_consumer, submit, store, faulty):
    submit()
    consumer = new_consumer(faulty)
    consumer.learn("email", print)
    consumer.start()
    next(consumer.channel())
    faulty.before("release_leases", unavailable)
    consumer.stop()
    wait_until(lambda: faulty.calls["release_leases"] > 1)
    faulty.heal()
    assert consumer.wait(30)
    (row,) = store.scan_tasks(None, None, None)
    assert (row.status, row.receive_count) == (TaskStatus.NEW, 0)


def test_stop_ends_while_the_database_stays_away(new_consumer, submit, faulty):
    submit()
    consumer = new_consumer(faulty, visibility_timeout=0.5)
    consumer.learn("email", print)
    consumer.start()
    next(consumer.channel())
    for name in ("poll_tasks", "release_leases", "record_outcomes", "ping_leases", "open_wakeup"):
        faulty.before(name, unavailable)
    consumer.stop()
    assert consumer.wait(30)


def test_jobs_that_outlast_the_stop_are_abandoned_with_their_lease(start, submit, store):
    submit()
    began, held, seen = threading.Event(), threading.Event(), []

    def handler(task):
        began.set()
        held.wait(30)
        seen.append(task.lease_lost)

    consumer = start(handler, workers=1)
    assert began.wait(30)
    wait_until(lambda: store.count_tasks("IN_PROGRESS", None, None) == 1)
    asked = time.monotonic()
    consumer.stop(timeout=0.2)
    assert consumer.wait(30)
    assert time.monotonic() - asked >= 0.2
    held.set()
    wait_until(lambda: seen == [True])
    assert store.count_tasks("IN_PROGRESS", None, None) == 1


def test_the_channel_may_be_read_before_start_and_ends_with_stop(new_consumer, submit, pool):
    submit()
    consumer = new_consumer()
    consumer.learn("email", lambda task: None)
    reading = pool.submit(lambda: [job() for job in consumer.channel()])
    consumer.start()
    wait_until(lambda: not consumer._run._ledger.held and consumer._run._poller._claimed)
    consumer.stop()
    assert reading.result(30) == [None]


@pytest.mark.parametrize("call", ["poll_tasks", "record_outcomes", "ping_leases", "open_wakeup"])
def test_a_defect_stops_the_consumer_and_is_raised_by_run(new_consumer, submit, faulty, call):
    def defect(*_):
        raise ZeroDivisionError

    submit()
    faulty.before(call, defect)
    consumer = new_consumer(faulty, visibility_timeout=0.3)
    consumer.learn("email", lambda task: wait_until(lambda: not consumer.running))
    with pytest.raises(ZeroDivisionError):
        consumer.run(workers=1)
    assert not consumer.running


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_finds_its_consumer_stopped(new_consumer):
    consumer = new_consumer()
    consumer.start()
    child = os.fork()
    if child == 0:
        os._exit(0 if not consumer.running and consumer.wait(0) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert consumer.running


@pytest.mark.slow
def test_a_consumer_whose_client_was_closed_ends_and_says_so(database, caplog):
    """It went on for ever to claim through a client that answers "is closed" to every call."""
    client = database.client()
    client.migrate()
    consumer = client.new_consumer(poll_interval=0.2, visibility_timeout=3)
    ran = threading.Event()
    consumer.learn("email", lambda task: ran.set())
    ended = []

    def run():
        try:
            consumer.run(workers=2)
        except ClientClosedError as error:
            ended.append(error)

    runner = threading.Thread(target=run)
    runner.start()
    client.new_producer().submit("email", {})
    assert ran.wait(30)
    client.close()
    runner.join(20)
    assert not runner.is_alive()
    assert "is closed" in str(ended[0])
    assert not consumer.running
    last_words = [r.message for r in caplog.records if r.levelname == "CRITICAL"]
    assert last_words == [f"the consumer stops: {ended[0]}"]
