"""The async consumer: coroutine handlers run on the caller's event loop."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial, wraps
from inspect import isawaitable
from types import TracebackType
from typing import Any, Final, Self

from tasq_core.aio.delegation import Facade, chained, delegated, threaded
from tasq_core.aio.threads import Threads
from tasq_core.consumer import Consumer, ConsumerOptions
from tasq_core.consumer.consumer import M
from tasq_core.consumer.handlers import H, Handler
from tasq_core.consumer.middleware import check_middleware
from tasq_core.consumer.results import check_handler, is_coroutine_function
from tasq_core.durations import Duration
from tasq_core.errors import ConsumerAlreadyStoppedError
from tasq_core.task import Task

_LOOK_SECONDS: Final = 0.02
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class AsyncConsumer(Facade):
    """`Consumer` for programs with an event loop.

    `await consumer.run()` blocks until it is stopped; `async with consumer:` runs handlers
    meanwhile and drains at the end. `async def` handlers run on the event loop that started
    it, beside the rest of the program; other handlers run in threads.
    """

    def __init__(self, consumer: Consumer, threads: Threads) -> None:
        super().__init__(consumer, threads)
        self._loop: asyncio.AbstractEventLoop | None = None

    with_attempt_retention = chained(Consumer.with_attempt_retention, lambda: AsyncConsumer)
    with_auto_delete_on_success = chained(
        Consumer.with_auto_delete_on_success, lambda: AsyncConsumer
    )
    with_channel_size = chained(Consumer.with_channel_size, lambda: AsyncConsumer)
    with_job_timeout = chained(Consumer.with_job_timeout, lambda: AsyncConsumer)
    with_logger = chained(Consumer.with_logger, lambda: AsyncConsumer)
    with_max_active_tasks = chained(Consumer.with_max_active_tasks, lambda: AsyncConsumer)
    with_max_coroutines = chained(Consumer.with_max_coroutines, lambda: AsyncConsumer)
    with_metrics = chained(Consumer.with_metrics, lambda: AsyncConsumer)
    with_name = chained(Consumer.with_name, lambda: AsyncConsumer)
    with_poll_interval = chained(Consumer.with_poll_interval, lambda: AsyncConsumer)
    with_poll_limit = chained(Consumer.with_poll_limit, lambda: AsyncConsumer)
    with_poll_strategy = chained(Consumer.with_poll_strategy, lambda: AsyncConsumer)
    with_queues = chained(Consumer.with_queues, lambda: AsyncConsumer)
    with_release = chained(Consumer.with_release, lambda: AsyncConsumer)
    with_retry_backoff = chained(Consumer.with_retry_backoff, lambda: AsyncConsumer)
    with_visibility_timeout = chained(Consumer.with_visibility_timeout, lambda: AsyncConsumer)
    forget = delegated(Consumer.forget)
    on_failure = delegated(Consumer.on_failure)
    channel = delegated(Consumer.channel)
    stop = threaded(Consumer.stop)

    @property
    def options(self) -> ConsumerOptions:
        """The settings as they are."""
        found: ConsumerOptions = self._inner.options
        return found

    @property
    def running(self) -> bool:
        """Whether it was started and not asked to stop."""
        return bool(self._inner.running)

    # -- handlers ----------------------------------------------------------------------------

    def handler(self, type: str, override: bool = False) -> Callable[[H], H]:
        """Decorate a function to `learn` it."""

        def learn(function: H) -> H:
            self.learn(type, function, override)
            return function

        return learn

    def learn(self, type: str, fn: Handler, override: bool = False) -> None:
        """Run tasks of `type` by `fn`; a coroutine runs on the loop that starts the consumer.

        Raises:
            InvalidTypeError, TaskTypeAlreadyLearnedError: as of `Consumer.learn`.
        """
        call: Any = fn
        if not callable(call):
            self._inner.learn(type, fn, override)  # refuses it
        check_handler(type, fn)
        if is_coroutine_function(fn):

            @wraps(fn, updated=())
            async def learned(task: Task) -> Any:
                return await self._on_loop(call(task))

        else:

            @wraps(fn, updated=())
            def learned(task: Task) -> Any:
                result = call(task)
                return self._on_loop(result) if isawaitable(result) else result

        self._inner.learn(type, learned, override)

    def middleware(self, fn: M) -> M:
        """Call all handlers within `fn`, as of `Consumer.middleware`. A decorator.

        A coroutine function runs on the loop that starts the consumer, as coroutine handlers do.

        Raises:
            InvalidTypeError, ConsumerAlreadyRunningError: as of `Consumer.middleware`.
        """
        around: Any = fn
        if not is_coroutine_function(around):
            self._inner.middleware(fn)
            return fn
        check_middleware(fn)

        @wraps(around, updated=())
        async def surrounding(task: Task, call_next: Callable[[], Awaitable[Any]]) -> Any:
            own = asyncio.get_running_loop()
            return await self._on_loop(around(task, lambda: _elsewhere(call_next(), own)))

        self._inner.middleware(surrounding)
        return fn

    async def _on_loop(self, awaitable: Awaitable[Any]) -> Any:
        """Await it on the caller's loop, from the consumer's own; cancelled with it."""
        loop = self._loop
        if loop is None or loop.is_closed():
            if isinstance(awaitable, Coroutine):
                awaitable.close()
            raise RuntimeError("the event loop that started this consumer has ended")
        return await _elsewhere(awaitable, loop)

    # -- from start to stop ------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to claim tasks, for `channel()`; `run` and `async with` run handlers too.

        Raises:
            ConsumerAlreadyRunningError, VisibilityTimeoutTooShortError: as of `Consumer.start`.
        """
        self._loop = asyncio.get_running_loop()
        await self._threads.call(self._inner.start)

    async def wait(self, timeout: Duration | None = None) -> bool:  # noqa: ASYNC109 - as of Consumer
        """Wait until it has stopped, every outcome written; False where `timeout` came first."""
        return bool(await _in_thread(partial(self._inner.wait, timeout)))

    async def run(self, workers: int = 10, *, stop_timeout: Duration | None = None) -> None:
        """Run tasks until stopped: by `stop`, SIGINT, SIGTERM or a cancellation, each drains.

        Signals only in the main thread; a second one has its usual effect.

        Args:
            workers: threads, for handlers that aren't coroutines.
            stop_timeout: then abandon jobs that run longer than this; their leases lapse.

        Raises:
            ConsumerAlreadyRunningError, VisibilityTimeoutTooShortError: as of `Consumer.run`.
        """
        self._loop = loop = asyncio.get_running_loop()
        running = _in_thread(partial(self._inner.run, workers))
        ending: list[asyncio.Task[None]] = []
        heard = _hear(
            loop, lambda: ending.append(loop.create_task(self._drain(running, stop_timeout)))
        )
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            await self._drain(running, stop_timeout)
            raise
        finally:
            for number in heard:
                loop.remove_signal_handler(number)

    async def _drain(self, running: "asyncio.Future[None]", limit: Duration | None) -> None:
        """Stop it, and wait for its end, whoever cancels."""
        while not running.done():
            with suppress(ConsumerAlreadyStoppedError):  # or it hasn't begun yet: ask again
                self._inner.stop(limit)
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running], timeout=_LOOK_SECONDS)

    @asynccontextmanager
    async def background(
        self, workers: int = 10, *, stop_timeout: Duration | None = None
    ) -> AsyncIterator[Self]:
        """Run tasks while the block lasts, then drain; leaves signals to the program.

        Args:
            workers: threads, for handlers that aren't coroutines.
            stop_timeout: at the end abandon jobs that run longer than this.

        Raises:
            ConsumerAlreadyRunningError, VisibilityTimeoutTooShortError: as of `Consumer.run`.
        """
        self._loop = asyncio.get_running_loop()
        running = _in_thread(partial(self._inner.run, workers))
        try:
            while not (self.running or running.done()):
                await asyncio.wait([running], timeout=_LOOK_SECONDS)
            if running.done():
                await running
            yield self
        finally:
            await self._drain(running, stop_timeout)
        await running

    async def __aenter__(self) -> Self:
        self._block = self.background()
        return await self._block.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._block.__aexit__(kind, error, trace)


async def _elsewhere(awaitable: Awaitable[Any], loop: asyncio.AbstractEventLoop) -> Any:
    """Await it on another thread's `loop`; cancelled with this call."""
    running = asyncio.run_coroutine_threadsafe(_contained(awaitable), loop)
    result, error = await asyncio.wrap_future(running)
    if error is not None:
        raise error
    return result


async def _contained(awaitable: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """Its result or what it raised: SystemExit in a task would end the caller's loop."""
    try:
        return await awaitable, None
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - the handler's failure
        return None, error


def _in_thread(work: Callable[[], Any]) -> "asyncio.Future[Any]":
    """Do `work` in a thread of its own: it lasts."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if not ended.done():
            ended.set_result(result) if error is None else ended.set_exception(error)

    def run() -> None:
        try:
            result, failure = work(), None
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            result, failure = None, error
        with suppress(RuntimeError):  # the loop has ended: nobody waits
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="tasq-aio-consumer", daemon=True).start()
    return ended


def _hear(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> list[int]:
    """Let the first SIGINT or SIGTERM call `stop`; those that are heard."""
    if threading.current_thread() is not threading.main_thread():
        return []

    def on_signal() -> None:
        for number in _SIGNALS:  # the second one ends the process
            loop.remove_signal_handler(number)
        stop()

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal)
    return list(_SIGNALS)
