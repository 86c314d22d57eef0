"""Middleware around handlers: its order, and what becomes of the task whatever it does."""

import asyncio
import contextlib
import contextvars
import functools
import logging
import threading

import pytest

from tasq_core import Discard, Snooze, TaskStatus
from tasq_core.errors import ConsumerAlreadyRunningError, InvalidTypeError
from tests.support.builders import make_task
from tests.support.wait import wait_until

CALLS: contextvars.ContextVar[str] = contextvars.ContextVar("calls")


@pytest.fixture
def ended(store, new_consumer, run):
    """Runs one task of type "work" to its end; the row."""

    def end(consumer, **fields):
        task = store.submit_task(make_task(type="work", queue="", max_receives=1, **fields))
        run(consumer, 1)
        wait_until(lambda: store.get_tasks([task.id])[0].status in ("SUCCESSFUL", "FAILED"))
        return store.get_tasks([task.id])[0]

    return end


def handlers_of(calls, error=None):
    """The same handler, plain and as a coroutine function."""

    def plain(task):
        calls.append("handler")
        if error is not None:
            raise error

    async def coroutine(task):
        plain(task)

    return plain, coroutine


def around(name, calls):
    """The same middleware as a plain function, a coroutine function and a generator."""

    def plain(task, call_next):
        calls.append(f"{name}>")
        try:
            return call_next()
        finally:
            calls.append(f"<{name}")

    async def coroutine(task, call_next):
        calls.append(f"{name}>")
        try:
            return await call_next()
        finally:
            calls.append(f"<{name}")

    def generator(task):
        calls.append(f"{name}>")
        try:
            yield
        finally:
            calls.append(f"<{name}")

    return {"plain": plain, "coroutine": coroutine, "generator": generator}


KINDS = [("plain", 0), ("generator", 0), ("coroutine", 1), ("generator", 1)]


@pytest.mark.parametrize(("kind", "handler"), KINDS)
def test_the_first_one_given_is_outermost(new_consumer, ended, kind, handler):
    calls = []
    consumer = new_consumer()
    consumer.middleware(around("a", calls)[kind])
    consumer.learn("work", handlers_of(calls)[handler])
    consumer.middleware(around("b", calls)[kind])

    assert ended(consumer).status is TaskStatus.SUCCESSFUL
    assert calls == ["a>", "b>", "handler", "<b", "<a"]


@pytest.mark.parametrize(("kind", "handler"), KINDS)
def test_what_the_handler_raises_passes_through_and_is_recorded(new_consumer, ended, kind, handler):
    calls = []
    consumer = new_consumer()
    consumer.middleware(around("a", calls)[kind])
    consumer.learn("work", handlers_of(calls, ValueError("no"))[handler])

    row = ended(consumer)
    assert (row.status, row.last_error.splitlines()[0]) == (TaskStatus.FAILED, "ValueError: no")
    assert calls == ["a>", "handler", "<a"]


def swallowing(kind):
    def plain(task, call_next):
        try:
            call_next()
        except ValueError:
            return

    async def coroutine(task, call_next):
        try:
            await call_next()
        except ValueError:
            return

    def generator(task):
        with contextlib.suppress(ValueError):
            yield

    return {"plain": plain, "coroutine": coroutine, "generator": generator}[kind]


@pytest.mark.parametrize(("kind", "handler"), KINDS)
def test_one_that_swallows_makes_the_task_successful(new_consumer, ended, kind, handler):
    consumer = new_consumer()
    consumer.middleware(swallowing(kind))
    consumer.learn("work", handlers_of([], ValueError("no"))[handler])

    row = ended(consumer)
    assert (row.status, row.last_error) == (TaskStatus.SUCCESSFUL, None)


def answering(kind, error=None):
    def plain(task, call_next=None):
        if error is not None:
            raise error

    async def coroutine(task, call_next):
        plain(task)

    def generator(task):
        plain(task)
        return
        yield

    return {"plain": plain, "coroutine": coroutine, "generator": generator}[kind]


@pytest.mark.parametrize(("kind", "handler"), KINDS)
def test_one_that_returns_leaves_the_handler_out(new_consumer, ended, kind, handler):
    calls = []
    consumer = new_consumer()
    consumer.middleware(answering(kind))
    consumer.learn("work", handlers_of(calls)[handler])

    assert ended(consumer).status is TaskStatus.SUCCESSFUL
    assert calls == []


@pytest.mark.parametrize(("kind", "handler"), KINDS)
def test_one_that_raises_fails_the_task_in_the_handlers_place(new_consumer, ended, kind, handler):
    calls = []
    consumer = new_consumer()
    consumer.middleware(answering(kind, Discard("not for us")))
    consumer.learn("work", handlers_of(calls)[handler])

    row = ended(consumer)
    assert (row.status, row.last_error) == (TaskStatus.FAILED, "not for us")
    assert calls == []


def twice(kind):
    def plain(task, call_next):
        call_next()
        call_next()

    async def coroutine(task, call_next):
        await call_next()
        await call_next()

    def generator(task):
        yield
        yield

    return {"plain": plain, "coroutine": coroutine, "generator": generator}[kind]


@pytest.mark.parametrize(("kind", "handler"), KINDS)
def test_a_handler_never_runs_twice_for_one_claim(new_consumer, ended, kind, handler):
    """A retry loop in a middleware would run it beyond its lease and its attempts."""
    calls = []
    consumer = new_consumer()
    consumer.middleware(twice(kind))
    consumer.learn("work", handlers_of(calls)[handler])

    row = ended(consumer)
    assert row.status is TaskStatus.FAILED
    assert "twice" in row.last_error
    assert calls == ["handler"]


@pytest.mark.parametrize("handler", [0, 1])
def test_a_generator_sees_what_the_handler_returned_and_shares_its_context(
    new_consumer, ended, handler
):
    seen = []

    def generator(task):
        CALLS.set("in")
        seen.append((yield))

    def plain(task):
        return CALLS.get()

    async def coroutine(task):
        await asyncio.sleep(0)
        return CALLS.get()

    consumer = new_consumer()
    consumer.middleware(generator)
    consumer.learn("work", (plain, coroutine)[handler])

    ended(consumer)
    assert seen == ["in"]


@pytest.mark.parametrize(
    ("kind", "handler", "said"),
    [
        ("plain", 1, "is a plain function and the handler of 'work' is a coroutine function"),
        ("coroutine", 0, "is a coroutine function and the handler of 'work' is a plain function"),
    ],
)
@pytest.mark.parametrize("first", ["middleware", "handler"])
def test_one_that_cannot_go_around_a_handler_is_refused(new_consumer, kind, handler, said, first):
    """Left out without a word, a middleware that checks rights would let everything pass."""
    consumer = new_consumer()
    steps = [
        lambda: consumer.middleware(around("a", [])[kind]),
        lambda: consumer.learn("work", handlers_of([])[handler]),
    ]
    if first == "handler":
        steps.reverse()
    steps[0]()

    with pytest.raises(InvalidTypeError, match=said):
        steps[1]()


async def _async_generator(task):
    yield


@pytest.mark.parametrize("fn", [3, lambda task: None, lambda: None, _async_generator])
def test_what_is_no_middleware_is_refused(new_consumer, fn):
    with pytest.raises(InvalidTypeError, match="middleware"):
        new_consumer().middleware(fn)


def test_a_partial_is_taken_for_what_it_wraps(new_consumer, ended):
    calls = []

    def named(name, task, call_next):
        calls.append(name)
        return call_next()

    consumer = new_consumer()
    consumer.middleware(functools.partial(named, "a"))
    consumer.learn("work", handlers_of(calls)[0])

    ended(consumer)
    assert calls == ["a", "handler"]


def test_a_running_consumer_takes_no_more_of_them(new_consumer):
    with new_consumer() as consumer:
        for register in (consumer.middleware, consumer.on_failure):
            with pytest.raises(ConsumerAlreadyRunningError):
                register(lambda task, call_next: None)


# -- on_failure ------------------------------------------------------------------------------


@pytest.mark.parametrize("handler", [0, 1])
def test_on_failure_is_told_of_each_failed_attempt_and_whether_it_was_the_last(
    store, new_consumer, run, handler
):
    told = []
    consumer = new_consumer()
    consumer.on_failure(told.append)
    consumer.learn("work", handlers_of([], ValueError("no"))[handler])
    task = store.submit_task(make_task(type="work", queue="", max_receives=2))
    run(consumer, 1)
    wait_until(lambda: len(told) == 2)

    assert [(f.task.id, str(f.error), f.final) for f in told] == [
        (task.id, "no", False), (task.id, "no", True),
    ]  # fmt: skip


def test_a_snooze_is_no_failure(store, new_consumer, run):
    told, calls = [], []
    consumer = new_consumer()
    consumer.on_failure(told.append)

    @consumer.handler("work")
    def work(task):
        calls.append(task)
        if len(calls) == 1:
            raise Snooze(0)
        raise Discard("enough")

    store.submit_task(make_task(type="work", queue=""))
    run(consumer, 1)
    wait_until(lambda: told)

    [failure] = told
    assert (str(failure.error), failure.final, len(calls)) == ("enough", True, 2)


def test_a_slow_or_broken_hook_holds_up_no_task(store, new_consumer, run, caplog):
    """Hooks send mail: were they called where leases are kept, leases would lapse meanwhile."""
    release, told = threading.Event(), []

    def broken(failure):
        release.wait(30)
        raise RuntimeError("mail server away")

    consumer = new_consumer()
    consumer.on_failure(broken)
    consumer.on_failure(told.append)
    consumer.learn("work", handlers_of([], ValueError("no"))[0])
    tasks = [store.submit_task(make_task(type="work", queue="", max_receives=1)) for _ in range(5)]
    with caplog.at_level(logging.ERROR):
        run(consumer, 1)
        wait_until(lambda: store.count_tasks(["FAILED"], None, None) == 5)
        assert told == []
        release.set()
        wait_until(lambda: len(told) == 5)

    assert [failure.task.id for failure in told] == [task.id for task in tasks]
    assert "on_failure raised" in caplog.text


def test_the_calls_that_are_due_are_made_before_the_consumer_has_stopped(store, new_consumer):
    told = []
    consumer = new_consumer()
    consumer.on_failure(told.append)
    consumer.learn("work", handlers_of([], ValueError("no"))[0])
    store.submit_task(make_task(type="work", queue="", max_receives=1))
    with consumer:
        consumer.channel().take()()

    assert len(told) == 1


@pytest.mark.parametrize("fn", [3, handlers_of([])[1]])
def test_a_hook_that_cannot_be_called_is_refused(new_consumer, fn):
    with pytest.raises(InvalidTypeError, match="on_failure"):
        new_consumer().on_failure(fn)
