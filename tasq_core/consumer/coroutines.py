"""Runs what `async def` handlers return, on one event loop in one thread."""

import contextvars
import threading
from collections.abc import Awaitable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from tasq_core.consumer.job import Job

if TYPE_CHECKING:
    import asyncio

_CLOSING_PATIENCE = 2.0


class Coroutines:
    """An event loop that starts with the first coroutine. Each caller waits for its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, job: Job, awaitable: Awaitable[Any]) -> None:
        """Await it on the loop, in the caller's context; `job.cancel` cancels it meanwhile."""
        loop = self._running_loop()
        done: Future[None] = Future()
        context = contextvars.copy_context()
        handle: list[asyncio.Task[None]] = []

        async def main() -> None:
            try:
                await awaitable
            except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
                done.set_exception(error)
            else:
                done.set_result(None)

        def begin() -> None:
            task = loop.create_task(main(), context=context)
            handle.append(task)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _: done.done() or done.cancel())

        def cancel() -> None:
            for task in handle:
                task.cancel()

        job.cancel = lambda: self._soon(cancel)
        loop.call_soon_threadsafe(begin)
        try:
            done.result()
        except BaseException:
            job.cancel()
            raise

    def close(self) -> None:
        """Cancel what is left and end the thread; a coroutine that refuses is left behind."""
        with self._lock:
            thread, stop = self._thread, self._stop
        if thread is not None and stop is not None:
            self._soon(stop.set)
            thread.join(_CLOSING_PATIENCE)

    def _soon(self, call: Any) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _running_loop(self) -> "asyncio.AbstractEventLoop":
        if self._loop is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._serve, name="tasq-coroutines", daemon=True
                    )
                    self._thread.start()
                self._ready.wait()
        assert self._loop is not None  # noqa: S101 - for mypy: `_ready` is set after it
        return self._loop

    def _serve(self) -> None:
        import asyncio  # 50 ms that only async handlers cost

        async def serve() -> None:
            self._stop = asyncio.Event()
            self._loop = asyncio.get_running_loop()
            self._ready.set()
            await self._stop.wait()

        asyncio.run(serve())
