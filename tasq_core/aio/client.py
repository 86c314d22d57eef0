"""The async client, and what it makes."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, Unpack

import tasq_core.client
from tasq_core.aio.consumer import AsyncConsumer
from tasq_core.aio.delegation import Facade, chained, joinable, streamed, threaded
from tasq_core.aio.threads import Threads
from tasq_core.cleaner import Cleaner
from tasq_core.client import Client
from tasq_core.fleet.schedules import Schedules
from tasq_core.inspector import Inspector
from tasq_core.producer import Producer

if TYPE_CHECKING:
    from tasq_core.consumer import OptionChanges

P = ParamSpec("P")


class AsyncProducer(Facade):
    """`Producer`, awaited; `connection=` takes an async connection or session."""

    submit = joinable(Producer.submit)
    submit_task = joinable(Producer.submit_task)
    submit_many = joinable(Producer.submit_many)
    notify = joinable(Producer.notify)


class AsyncInspector(Facade):
    """`Inspector`, awaited."""

    count = threaded(Inspector.count)
    scan = threaded(Inspector.scan)
    purge = threaded(Inspector.purge)
    delete = threaded(Inspector.delete)
    get = threaded(Inspector.get)
    requeue = threaded(Inspector.requeue)
    update = threaded(Inspector.update)
    cancel = threaded(Inspector.cancel)
    wait = threaded(Inspector.wait)
    page = threaded(Inspector.page)
    summary = threaded(Inspector.summary)
    breakdown = threaded(Inspector.breakdown)
    errors = threaded(Inspector.errors)
    timings = threaded(Inspector.timings)
    activity = threaded(Inspector.activity)
    rates = threaded(Inspector.rates)
    has_registry = threaded(Inspector.has_registry)
    schedules = threaded(Inspector.schedules)
    consumers = threaded(Inspector.consumers)
    attempts = threaded(Inspector.attempts)
    pauses = threaded(Inspector.pauses)
    holder = threaded(Inspector.holder)
    export = streamed(Inspector.export)
    restore = threaded(Inspector.restore)


class AsyncCleaner(Facade):
    """`Cleaner`, awaited."""

    with_task_age = chained(Cleaner.with_task_age, lambda: AsyncCleaner)
    clean = threaded(Cleaner.clean)


class AsyncSchedules(Facade):
    """`Schedules`, awaited."""

    all = threaded(Schedules.all)
    get = threaded(Schedules.get)
    pause = threaded(Schedules.pause)
    resume = threaded(Schedules.resume)
    run_now = threaded(Schedules.run_now)
    remove = threaded(Schedules.remove)


class AsyncClient(Facade):
    """`Client` for programs with an event loop; an async context manager.

    Its calls run on threads of its own. One that is cancelled goes on in its thread to its end,
    and may have been made.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(client, Threads())
        self.repository = client.repository
        self.codec = client.codec

    migrate = threaded(Client.migrate)
    schedule = threaded(Client.schedule)
    unschedule = threaded(Client.unschedule)
    health = threaded(Client.health)
    pause = threaded(Client.pause)
    resume = threaded(Client.resume)

    def new_producer(self) -> AsyncProducer:
        """A producer that encodes with this client's codec."""
        return AsyncProducer(self._inner.new_producer(), self._threads)

    def new_consumer(self, **options: "Unpack[OptionChanges]") -> AsyncConsumer:
        """A consumer; `options` are the fields of `ConsumerOptions`."""
        return AsyncConsumer(self._inner.new_consumer(**options), self._threads)

    def new_cleaner(self) -> AsyncCleaner:
        """A cleaner of finished tasks."""
        return AsyncCleaner(self._inner.new_cleaner(), self._threads)

    def new_inspector(self) -> AsyncInspector:
        """An inspector of the whole table."""
        return AsyncInspector(self._inner.new_inspector(), self._threads)

    def schedules(self) -> AsyncSchedules:
        """This table's schedules: `all`, `get`, `pause`, `resume`, `run_now`, `remove`."""
        return AsyncSchedules(self._inner.schedules(), self._threads)

    async def close(self) -> None:
        """Close the repository's connections; every later call raises RepositoryError."""
        if self._threads.closed:
            return
        await asyncio.shield(self._threads.start(self._inner.close))
        self._threads.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _awaited(connect: Callable[P, Client]) -> Callable[P, Coroutine[Any, Any, AsyncClient]]:
    @wraps(connect)
    async def connected(*args: P.args, **kwargs: P.kwargs) -> AsyncClient:
        return AsyncClient(await asyncio.to_thread(connect, *args, **kwargs))  # a driver's import

    return connected


connect = _awaited(tasq_core.client.connect)
