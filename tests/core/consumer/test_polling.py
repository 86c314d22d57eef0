import threading
import time

import pytest

from tasq_core import TaskStatus
from tasq_core.consumer.pacing import Window
from tests.core.consumer.faults import times, unavailable
from tests.support.wait import wait_until


def test_a_claim_asks_for_no_more_than_there_is_room_for(new_consumer, submit, faulty):
    for _ in range(30):
        submit()
    consumer = new_consumer(faulty, max_active_tasks=7, poll_limit=5, poll_interval=0.01)
    consumer.learn("email", print)
    consumer.start()
    jobs = [next(consumer.channel()) for _ in range(7)]
    jobs[0]()
    wait_until(lambda: faulty.calls["poll_tasks"] == 3)
    limits = [arguments[4] for arguments in faulty.arguments["poll_tasks"]]
    assert limits == [5, 2, 1]


def test_full_claims_follow_each_other_at_once(new_consumer, run, submit, store):
    for _ in range(200):
        submit()
    consumer = new_consumer(poll_interval=20, visibility_timeout=60, poll_limit=10)
    consumer.learn("email", lambda task: None)
    began = time.monotonic()
    run(consumer)
    wait_until(lambda: store.count_tasks("SUCCESSFUL", None, None) == 200)
    assert time.monotonic() - began < 10


def test_a_slot_that_comes_free_is_filled_while_others_are_busy(
    start, submit, store, wait_for_status
):
    held = threading.Event()

    def handler(task):
        if task.args == b"slow":
            held.wait(30)

    submit(args=b"slow")
    quick = [submit() for _ in range(20)]
    start(handler, max_active_tasks=2, poll_interval=20, visibility_timeout=60, workers=2)
    for task in quick:
        wait_for_status(task, TaskStatus.SUCCESSFUL)
    held.set()


@pytest.mark.slow
def test_an_idle_consumer_polls_once_an_interval(new_consumer, faulty):
    consumer = new_consumer(faulty, poll_interval=0.2)
    consumer.learn("email", print)
    consumer.start()
    wait_until(lambda: faulty.calls["poll_tasks"])
    wait_until(lambda: faulty.calls["open_wakeup"])
    before, began = faulty.calls.copy(), time.monotonic()
    wait_until(lambda: (faulty.calls - before)["poll_tasks"] >= 6)
    assert time.monotonic() - began >= 0.8
    assert set(faulty.calls - before) == {"poll_tasks"}


def test_a_new_task_wakes_an_idle_consumer(start, submit, wait_for_status):
    start(lambda task: None, poll_interval=30, visibility_timeout=60)
    for _ in range(5):
        wait_for_status(submit(), TaskStatus.SUCCESSFUL)


def test_without_wake_ups_the_interval_finds_new_tasks(
    start, submit, store, wait_for_status, monkeypatch
):
    monkeypatch.setattr(store, "open_wakeup", lambda: None)
    start(lambda task: None, poll_interval=0.05)
    for _ in range(3):
        wait_for_status(submit(), TaskStatus.SUCCESSFUL)


def test_a_broken_wake_up_is_opened_again(start, submit, faulty, wait_for_status):
    faulty.before("open_wakeup", times(2, unavailable))
    start(lambda task: None, faulty, poll_interval=30, visibility_timeout=60)
    wait_until(lambda: faulty.calls["open_wakeup"] == 3)
    wait_for_status(submit(), TaskStatus.SUCCESSFUL)


def test_claims_go_on_when_the_database_is_back(start, submit, faulty, wait_for_status, caplog):
    faulty.before("poll_tasks", times(3, unavailable))
    start(lambda task: None, faulty)
    wait_for_status(submit(), TaskStatus.SUCCESSFUL)
    assert caplog.text.count("could not claim tasks") == 3


def test_nothing_is_claimed_without_handlers(new_consumer, submit, faulty):
    submit()
    consumer = new_consumer(faulty)
    consumer.start()
    wait_until(lambda: faulty.calls["open_wakeup"])
    consumer.stop()
    assert consumer.wait(30)
    assert faulty.calls["poll_tasks"] == 0


def test_slow_tasks_are_hardly_claimed_ahead(start, submit, store):
    held = threading.Event()
    for _ in range(50):
        submit()
    start(lambda task: held.wait(30), workers=4)
    wait_until(lambda: store.count_tasks("IN_PROGRESS", None, None) == 4)
    assert store.count_tasks("NEW", None, None) == 46
    held.set()
    wait_until(lambda: store.count_tasks("SUCCESSFUL", None, None) == 50)


def test_the_window_follows_the_rate_between_its_bounds():
    window = Window(floor=8, ceiling=1000)
    assert window.update(100.0, 0) == 8
    assert window.update(100.1, 500) == 500
    assert window.update(100.2, 5000) == 1000
    assert window.update(101.2, 5010) == 500
    for second in range(10):
        window.update(102.2 + second, 5010)
    assert window.size == 8


def test_where_claims_are_slow_the_window_grows_until_they_arent_most_of_the_work():
    """On a disk that takes 50 ms for a commit a consumer would do one task a claim, 9 a second."""
    window, now, done, latency = Window(floor=1, ceiling=1000), 100.0, 0, 0.1
    for _ in range(10):
        now += latency + 0.001 * window.size
        done += window.size
        window.update(now, done, latency)
    assert 200 < window.size < 400


def test_slow_claims_dont_make_slow_tasks_be_claimed_ahead():
    window = Window(floor=4, ceiling=1000)
    assert [window.update(at, 4 * at, 0.2) for at in range(1, 6)] == [4] * 5


def test_a_fixed_window_stays():
    window = Window(floor=10, ceiling=10)
    assert [window.update(at, at * 1000) for at in range(1, 5)] == [10] * 4
