"""Runs what `async def` handlers return, on one event loop in one thread."""

import contextvars
import threading
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Self

from tasq_core.consumer.job import Job
from tasq_core.locks import new_lock

if TYPE_CHECKING:
    import asyncio

_CLOSING_TIMEOUT = 2.0
"""Seconds that cancelled coroutines are given to end."""


class Slot:
    """The right to run one coroutine more; a context that gives it back, unless it was used."""

    def __init__(self, slots: threading.Semaphore) -> None:
        self._slots = slots
        self._kept = False

    def __enter__(self) -> Self:
        self._slots.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._kept:
            self._slots.release()

    def keep(self) -> None:
        """Leave it to `free`."""
        self._kept = True

    def free(self) -> None:
        """Let another coroutine run."""
        self._slots.release()


class Coroutines:
    """An event loop that starts with the first coroutine, and a bound on how many run at once."""

    def __init__(
        self,
        most: int,
        *,
        on_start: Callable[[Job], None],
        on_success: Callable[[Job], None],
        on_failure: Callable[[Job, BaseException], None],
    ) -> None:
        self._on_start = on_start
        self._on_success = on_success
        self._on_failure = on_failure
        self._slots = threading.Semaphore(most)
        self._lock = new_lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself refers to them weakly
        self._closing = False

    def slot(self) -> Slot:
        """A slot; entering it waits until one coroutine more may run."""
        return Slot(self._slots)

    def run(
        self, job: Job, awaitable: Awaitable[Any], slot: Slot | None = None, *, wait: bool
    ) -> None:
        """Await it on the loop, in the caller's context, and report how it ended.

        `job.cancel` cancels it meanwhile.

        Args:
            job: whose handler returned it.
            awaitable: what was returned.
            slot: one that the caller has entered; without it, one is waited for.
            wait: return only when it has ended.
        """
        loop = self._running_loop()
        context = contextvars.copy_context()
        ended = threading.Event()
        handle: list[asyncio.Task[None]] = []
        with nullcontext(slot) if slot else self.slot() as taken:
            taken.keep()

        def begin() -> None:
            task = loop.create_task(self._await(job, awaitable), context=context)
            handle.append(task)
            job.coroutine = task
            self._tasks.add(task)
            task.add_done_callback(end)
            if job.lease_lost:  # nobody could cancel it before there was a task
                task.cancel()

        def end(task: "asyncio.Task[None]") -> None:
            self._tasks.discard(task)
            if task.cancelled():  # before its first step: `_await` never saw it
                self._never_awaited(job, awaitable)
            taken.free()
            ended.set()

        def cancel() -> None:
            for task in handle:
                task.cancel()

        job.cancel = lambda: self._soon(cancel)
        if not wait:
            job.awaited = True
            self._on_start(job)
        loop.call_soon_threadsafe(begin)
        if wait:
            try:
                ended.wait()
            except BaseException:
                job.cancel()
                raise

    async def _await(self, job: Job, awaitable: Awaitable[Any]) -> None:
        """Await it, and let nothing out: SystemExit in a task would end the loop."""
        try:
            await _on_this_loop(awaitable)
        except BaseException as error:  # noqa: BLE001 - the handler's failure
            self._on_failure(job, error)
        else:
            self._on_success(job)

    def _never_awaited(self, job: Job, awaitable: Awaitable[Any]) -> None:
        import asyncio

        if asyncio.iscoroutine(awaitable):
            awaitable.close()
        self._on_failure(job, asyncio.CancelledError())

    def close(self) -> None:
        """Cancel what is left and end the thread; a coroutine that refuses is left behind."""
        with self._lock:
            thread, loop = self._thread, self._loop
        if thread is not None and loop is not None:
            self._closing = True
            self._soon(loop.stop)
            thread.join(_CLOSING_TIMEOUT)

    def _soon(self, call: Callable[[], object]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _running_loop(self) -> "asyncio.AbstractEventLoop":
        if self._loop is None:
            with self._lock:
                if self._loop is None:
                    import asyncio  # 50 ms that only async handlers cost

                    loop = asyncio.new_event_loop()
                    self._thread = threading.Thread(
                        target=self._serve, args=(loop,), name="tasq-coroutines", daemon=True
                    )
                    self._thread.start()
                    self._loop = loop
        return self._loop

    def _serve(self, loop: "asyncio.AbstractEventLoop") -> None:
        import asyncio

        asyncio.set_event_loop(loop)
        while not self._closing:
            try:
                loop.run_forever()
            except (KeyboardInterrupt, SystemExit):
                continue  # of a task that a handler started beside its own
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=_CLOSING_TIMEOUT))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _on_this_loop(awaitable: Awaitable[Any]) -> None:
    """Await it, a future of another running loop too.

    Raises:
        RuntimeError: a future of a loop that doesn't run, which would never be done.
    """
    import asyncio

    if not asyncio.isfuture(awaitable) or awaitable.get_loop() is asyncio.get_running_loop():
        await awaitable
        return
    if not awaitable.done():
        if not awaitable.get_loop().is_running():
            raise RuntimeError("the handler returned a future of a loop that isn't running")
        waiting = asyncio.run_coroutine_threadsafe(_settled(awaitable), awaitable.get_loop())
        await asyncio.wrap_future(waiting)
    awaitable.result()


async def _settled(future: "asyncio.Future[Any]") -> None:
    """Return once `future` is done, however it ended."""
    import asyncio

    await asyncio.wait([future])
