"""`tasq_core.aio`: the sync names and arguments, awaited, never on the event loop."""

import asyncio
import contextvars
import inspect
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

import tasq_core as tasq
from tasq_core import aio
from tasq_core.fleet.schedules import Schedules
from tests.support.databases import Database

on_sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

PAIRS = [
    (tasq.Client, aio.AsyncClient),
    (tasq.Producer, aio.AsyncProducer),
    (tasq.Inspector, aio.AsyncInspector),
    (tasq.Cleaner, aio.AsyncCleaner),
    (tasq.Consumer, aio.AsyncConsumer),
]


@pytest.fixture
async def awaited(database: Database) -> AsyncIterator[aio.AsyncClient]:
    async with await aio.connect(database.url, prefix=database.prefix) as client:
        await client.migrate()
        yield client


def _public(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("_")]


@pytest.mark.parametrize(("sync", "awaited_kind"), PAIRS)
def test_every_method_is_there_with_the_same_arguments(sync: type, awaited_kind: type):
    """A name that only one of the two has is looked for in vain. Add it to tasq_core/aio."""
    for name in _public(sync):
        assert hasattr(awaited_kind, name), f"{awaited_kind.__name__}.{name} is missing"
        ours, theirs = getattr(awaited_kind, name), getattr(sync, name)
        if isinstance(theirs, property):
            continue
        if inspect.isfunction(ours):  # written by hand: arguments as of the other
            kept = [str(p) for p in inspect.signature(theirs).parameters.values()]
            assert [str(p) for p in inspect.signature(ours).parameters.values()] == kept, name
        else:
            assert ours.method is theirs, name


def test_schedules_are_there_too():
    for name in ("all", "get", "pause", "resume", "run_now", "remove"):
        assert getattr(aio.AsyncSchedules, name).method is getattr(Schedules, name)


@on_sqlite
async def test_a_method_shows_the_arguments_and_the_text_of_the_sync_one(awaited: aio.AsyncClient):
    submit = awaited.new_producer().submit
    assert inspect.signature(submit).parameters.keys() == (
        inspect.signature(tasq.Producer(None, tasq.JSON).submit).parameters.keys() | {"self"}  # type: ignore[arg-type]
    )
    assert submit.__doc__ == tasq.Producer.submit.__doc__


async def test_a_task_goes_in_and_is_found(awaited: aio.AsyncClient):
    producer, inspector = awaited.new_producer(), awaited.new_inspector()
    task = await producer.submit("email", {"to": "a@b.c"}, queue="mail", priority=5)
    assert await producer.submit_many(tasq.Task.new("bulk", n) for n in range(1200)) == 1200
    assert await inspector.get(task.id) == task
    assert await inspector.count(where="type:bulk") == 1200
    lines = [line async for line in inspector.export(where="type:bulk")]
    assert len(set(lines)) == 1200
    assert (await inspector.delete(True, task)).done == 1
    assert await awaited.new_cleaner().with_task_age(1).clean() == 0
    with pytest.raises(tasq.TaskNotFoundError):
        await inspector.get(task.id)


@on_sqlite
async def test_the_loop_goes_on_while_a_call_waits(awaited: aio.AsyncClient, database: Database):
    """A web server would answer nobody while one request waits for a lock."""
    blocker = database.connect(autocommit=True)
    blocker.execute("BEGIN IMMEDIATE")
    submit = asyncio.ensure_future(awaited.new_producer().submit("a", 1))
    for _ in range(20):
        await asyncio.sleep(0.01)
    assert not submit.done()
    blocker.execute("COMMIT")
    assert (await submit).type == "a"


@on_sqlite
async def test_a_cancelled_call_ends_at_once_and_harms_no_later_one(
    awaited: aio.AsyncClient, database: Database
):
    blocker = database.connect(autocommit=True)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await awaited.new_producer().submit("a", 1)
    blocker.execute("COMMIT")
    await awaited.new_producer().submit("b", 1)
    assert {task.type for task in await awaited.new_inspector().scan()} >= {"b"}


@on_sqlite
async def test_calls_after_close_say_so(awaited: aio.AsyncClient):
    await awaited.close()
    with pytest.raises(tasq.RepositoryError, match="is closed"):
        await awaited.new_inspector().count()


# -- the consumer ----------------------------------------------------------------------------


async def _ended(client: aio.AsyncClient, *tasks: tasq.Task) -> list[Any]:
    return await client.new_inspector().wait(*tasks, timeout=20)


async def test_handlers_run_while_the_block_lasts(awaited: aio.AsyncClient):
    """Coroutines on this loop, where the program's own connections are; functions in threads."""
    ran: dict[str, object] = {}
    consumer = awaited.new_consumer(poll_interval=0.1)

    @consumer.handler("coroutine")
    async def on_loop(task: tasq.Task) -> None:
        await asyncio.sleep(0)
        ran["coroutine"] = asyncio.get_running_loop()

    @consumer.handler("function")
    def in_thread(task: tasq.Task) -> None:
        ran["function"] = threading.current_thread()

    producer = awaited.new_producer()
    async with consumer:
        assert consumer.running
        tasks = [await producer.submit("coroutine", 1), await producer.submit("function", 1)]
        found = await _ended(awaited, *tasks)
    assert {task.status for task in found} == {"SUCCESSFUL"}
    assert not consumer.running
    assert ran["coroutine"] is asyncio.get_running_loop()
    assert ran["function"] is not threading.main_thread()


@on_sqlite
@pytest.mark.parametrize("raised", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
async def test_what_a_coroutine_raises_costs_its_own_task_only(
    awaited: aio.AsyncClient, raised: BaseException
):
    """SystemExit in a task of its own would end this event loop, and the web server with it."""
    consumer = awaited.new_consumer(poll_interval=0.1)

    @consumer.handler("bad")
    async def bad(task: tasq.Task) -> None:
        raise raised

    @consumer.handler("dropped")
    async def dropped(task: tasq.Task) -> None:
        raise tasq.Discard("of no use")

    producer = awaited.new_producer()
    async with consumer:
        tasks = [await producer.submit("bad", 1, max_receives=1), await producer.submit("dropped", 1)]  # fmt: skip
        found = await _ended(awaited, *tasks)
    assert [task.status for task in found] == ["FAILED", "FAILED"]
    errors = [task.last_error or "" for task in found]
    assert type(raised).__name__ in errors[0]
    assert "of no use" in errors[1]


@on_sqlite
async def test_a_coroutine_out_of_time_is_cancelled_on_this_loop(awaited: aio.AsyncClient):
    cancelled = asyncio.Event()
    consumer = awaited.new_consumer(poll_interval=0.1, job_timeout=0.3)

    @consumer.handler("slow")
    async def slow(task: tasq.Task) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    task = await awaited.new_producer().submit("slow", 1, max_receives=1)
    async with consumer:
        (found,) = await _ended(awaited, task)
        await asyncio.wait_for(cancelled.wait(), 10)
    assert found.status == "FAILED"


@on_sqlite
async def test_leaving_the_block_lets_running_coroutines_finish(awaited: aio.AsyncClient):
    begun, done = asyncio.Event(), asyncio.Event()
    consumer = awaited.new_consumer(poll_interval=0.1)

    @consumer.handler("slow")
    async def slow(task: tasq.Task) -> None:
        begun.set()
        await asyncio.sleep(0.3)
        done.set()

    task = await awaited.new_producer().submit("slow", 1)
    async with consumer.background(workers=1):
        await asyncio.wait_for(begun.wait(), 10)
    assert done.is_set()
    assert (await awaited.new_inspector().get(task.id)).status == "SUCCESSFUL"


@on_sqlite
@pytest.mark.parametrize("how", ["cancel", "stop", "signal", "at once"])
async def test_run_drains_and_ends(awaited: aio.AsyncClient, how: str):
    consumer = awaited.new_consumer(poll_interval=0.1)
    consumer.learn("a", lambda task: None)
    running = asyncio.ensure_future(consumer.run(workers=2))
    task = await awaited.new_producer().submit("a", 1)
    if how != "at once":
        await _ended(awaited, task)
    if how == "signal":
        os.kill(os.getpid(), signal.SIGTERM)
    elif how == "stop":
        await consumer.stop()
    else:
        running.cancel()
    results = await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), 20)
    assert isinstance(results[0], asyncio.CancelledError if how in {"cancel", "at once"} else type(None))  # fmt: skip
    assert not consumer.running
    assert await consumer.wait(1)


@on_sqlite
@pytest.mark.parametrize("fn", [5, None, "name"])
async def test_what_cant_be_called_is_no_handler(awaited: aio.AsyncClient, fn: Any):
    with pytest.raises(tasq.InvalidTypeError, match="must be callable"):
        awaited.new_consumer().learn("a", fn)


@on_sqlite
async def test_options_are_chained_and_a_handler_is_learned_once(awaited: aio.AsyncClient):
    consumer = awaited.new_consumer().with_queues("mail").with_poll_interval(2)
    assert isinstance(consumer, aio.AsyncConsumer)
    assert consumer.options.queues == ("mail",)
    consumer.learn("a", lambda task: None)
    with pytest.raises(tasq.TaskTypeAlreadyLearnedError):
        consumer.learn("a", lambda task: None)
    consumer.forget("a")


@on_sqlite
async def test_async_middleware_is_on_this_loop_too(awaited: aio.AsyncClient):
    """The program's connections belong to it: on another loop they raise, or hang."""
    seen: list[str] = []
    here = asyncio.get_running_loop()
    setting: contextvars.ContextVar[str] = contextvars.ContextVar("setting")
    consumer = awaited.new_consumer(poll_interval=0.1)

    @consumer.middleware
    async def outer(task: tasq.Task, call_next: Callable[[], Awaitable[Any]]) -> None:
        assert asyncio.get_running_loop() is here
        setting.set("of the middleware")
        try:
            await call_next()
        except ValueError:
            assert asyncio.get_running_loop() is here
            seen.append("caught")

    @consumer.middleware
    def both(task: tasq.Task) -> Iterator[None]:
        yield
        seen.append("left")

    @consumer.middleware
    async def inner(task: tasq.Task, call_next: Callable[[], Awaitable[Any]]) -> None:
        await asyncio.sleep(0)
        await call_next()

    @consumer.handler("work")
    async def work(task: tasq.Task) -> None:
        assert asyncio.get_running_loop() is here
        seen.append(setting.get())
        if task.unmarshal_args():
            raise ValueError("swallowed by the middleware")

    producer = awaited.new_producer()
    tasks = [await producer.submit("work", fails, max_receives=1) for fails in (False, True)]
    async with consumer:
        found = await _ended(awaited, *tasks)

    assert [task.status for task in found] == ["SUCCESSFUL", "SUCCESSFUL"]
    assert sorted(seen) == ["caught", "left", "of the middleware", "of the middleware"]


@on_sqlite
@pytest.mark.parametrize("raised", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
async def test_what_async_middleware_raises_costs_its_own_task_only(
    awaited: aio.AsyncClient, raised: BaseException
):
    consumer = awaited.new_consumer(poll_interval=0.1)

    @consumer.middleware
    async def bad(task: tasq.Task, call_next: Callable[[], Awaitable[Any]]) -> None:
        await call_next()
        raise raised

    @consumer.handler("work")
    async def work(task: tasq.Task) -> None: ...

    task = await awaited.new_producer().submit("work", 1, max_receives=1)
    async with consumer:
        (found,) = await _ended(awaited, task)
    assert found.status == "FAILED"
    assert type(raised).__name__ in (found.last_error or "")


@on_sqlite
async def test_a_job_out_of_time_cancels_handler_and_async_middleware(awaited: aio.AsyncClient):
    ended: list[str] = []
    consumer = awaited.new_consumer(poll_interval=0.1, job_timeout=0.3)

    @consumer.middleware
    async def around(task: tasq.Task, call_next: Callable[[], Awaitable[Any]]) -> None:
        try:
            await call_next()
        finally:
            ended.append("middleware")

    @consumer.handler("slow")
    async def slow(task: tasq.Task) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("handler")

    task = await awaited.new_producer().submit("slow", 1, max_receives=1)
    async with consumer:
        (found,) = await _ended(awaited, task)
        async with asyncio.timeout(10):
            while len(ended) < 2:
                await asyncio.sleep(0.01)
    assert found.status == "FAILED"
    assert set(ended) == {"handler", "middleware"}


@on_sqlite
async def test_middleware_that_cant_go_around_is_refused(awaited: aio.AsyncClient):
    consumer = awaited.new_consumer()
    with pytest.raises(tasq.InvalidTypeError, match="must be callable"):
        consumer.middleware(5)  # type: ignore[type-var]

    with pytest.raises(tasq.InvalidTypeError, match="must take task and call_next"):

        @consumer.middleware
        async def lacks(task: tasq.Task) -> None: ...
