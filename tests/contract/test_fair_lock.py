"""The lock of a SQLite connection: in turn, and never lost to an interrupted call."""

import random
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tasq_core.locks import new_lock
from tasq_core.repository.fair_lock import FairLock
from tasq_core.repository.fork_guard import ForkGuard
from tests.support.wait import wait_until

TORN = 3000


class AlarmError(Exception):
    """What a program's signal handler raises."""


def in_another_thread(work: Callable[[], object]) -> bool:
    """Whether `work` ends soon."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(30)
    return not thread.is_alive()


def torn_at_random(work: Callable[[], object]) -> None:
    """Do `work` over and over, each round until an alarm raises in it."""

    def ring(*_: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, ring)
    chance = random.Random(5)
    try:
        for _ in range(TORN):
            with suppress(AlarmError):
                signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 3e-5))
                while True:
                    work()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_who_comes_back_at_once_waits_behind_the_others():
    """Else a poller that claims on and on keeps the outcomes from being written."""
    lock, order = FairLock(), []

    def other():
        with lock:
            order.append("other")

    lock.acquire()
    waiting = threading.Thread(target=other)
    waiting.start()
    wait_until(lambda: lock._waiting)
    lock.release()
    with lock:
        order.append("mine again")
    waiting.join(30)

    assert order == ["other", "mine again"]


def test_it_is_taken_again_by_the_thread_that_has_it():
    lock = FairLock()
    with lock, lock:
        assert not in_another_thread_now(lock)
    assert in_another_thread(lambda: take(lock))


def take(lock: FairLock) -> None:
    with lock:
        pass


def in_another_thread_now(lock: FairLock) -> bool:
    """Whether another thread could have it; it asks, and gets it once it is free."""
    asked = threading.Thread(target=take, args=(lock,), daemon=True)
    asked.start()
    wait_until(lambda: lock._waiting)
    return not asked.is_alive()


def test_a_thread_that_lacks_it_cannot_release_it():
    with pytest.raises(RuntimeError, match="another thread's"):
        FairLock().release()


def test_a_torn_wait_gives_the_turn_to_the_next():
    """A handler of Ctrl-C may raise while a thread waits: nobody else may wait for ever."""
    lock = FairLock()
    held, done = threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            done.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)

    def ring(*_: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(AlarmError):
            lock.acquire()
    finally:
        signal.signal(signal.SIGALRM, before)
    done.set()
    holder.join(30)

    assert in_another_thread(lambda: take(lock))


def test_a_lock_s_block_that_is_torn_leaves_it_free():
    """Since Python 3.14 a lock's own `with` looks for signals between taking it and its block."""
    lock = new_lock()

    def call():
        with lock, lock:
            pass

    torn_at_random(call)

    assert in_another_thread(call)


def test_after_torn_calls_other_threads_still_get_past_the_fork_guard():
    """Its lock, left taken by Ctrl-C in the main thread, stopped every SQLite consumer there."""
    guard = ForkGuard()

    def call():
        with guard.call():
            pass

    torn_at_random(call)

    assert in_another_thread(call)
