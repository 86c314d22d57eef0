"""Submits into the caller's async transaction: the sync flow in a thread, its statements here.

What to insert, what to check and what to undo is written once, in the repository. It runs in a
thread; each of its statements is awaited on the event loop, by the caller's own driver.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from tasq_core.aio.threads import Threads
from tasq_core.repository.driver import Params, Row
from tasq_core.repository.joining import AsyncJoined, Ready, join_async

R = TypeVar("R")

_UNDOING = ("ROLLBACK TO", "RELEASE")


class Bridge:
    """A caller's async transaction, for a flow in a thread: statements are awaited on the loop."""

    def __init__(self, joined: AsyncJoined, loop: asyncio.AbstractEventLoop) -> None:
        self.family = joined.family
        self.errors = joined.errors
        self.raw = joined.raw
        self._joined = joined
        self._loop = loop
        self._running: asyncio.Task[Any] | None = None
        self._cancelled = False

    def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        return self._await(lambda: self._joined.rows(sql, params))

    def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed."""
        return self._await(
            lambda: self._joined.change(sql, params), undoing=sql.startswith(_UNDOING)
        )

    def native(self) -> None:
        """None: our own drivers block."""

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Call `wake` after the commit, where the library lets us know of it."""
        self._await(lambda: self._joined.on_commit(wake))

    def cancel(self) -> None:
        """On the loop: cancel what runs, and let nothing follow but what undoes it."""
        self._cancelled = True
        if self._running is not None:
            self._running.cancel()

    def _await(self, begin: Callable[[], Coroutine[Any, Any, R]], *, undoing: bool = False) -> R:
        async def tracked() -> R:
            if self._cancelled and not undoing:
                raise asyncio.CancelledError
            if not undoing:  # a second cancellation must not stop it
                self._running = asyncio.current_task()
            try:
                return await begin()
            finally:
                self._running = None

        return asyncio.run_coroutine_threadsafe(tracked(), self._loop).result()


async def submit_joined(
    threads: Threads,
    work: Callable[..., R],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    connection: object,
) -> R:
    """Do `work` with `connection=` in the caller's async transaction.

    Cancelled, it cancels the statement that runs, undoes what it did and then ends: the
    connection is in step with its server, as far as its driver sees to that.

    Raises:
        InvalidTypeError, InvalidInputError: a connection that can't be joined.
    """
    joined = await join_async(connection)
    bridge = Bridge(joined, asyncio.get_running_loop())
    ready = Ready(connection, bridge)
    running = threads.start(work, *args, **{**kwargs, "connection": ready})
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        bridge.cancel()
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # looked at: that it failed is why we are here
        raise
