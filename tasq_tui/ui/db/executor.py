"""Database calls off the event loop: one thread and one connection for each purpose.

A `QueryThread` runs one call at a time, in order, on a thread of its own. Cancelling the awaiting
task drops the answer for good and interrupts the statement, so that the next call isn't kept
waiting by one whose answer nobody wants. The thread is a daemon: a call that hangs never
keeps the app from quitting.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from tasq_core.errors import TasqError

T = TypeVar("T")

INTERRUPT_AGAIN_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a call returned, and how long it took."""

    value: T
    seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call has no answer, and how long it took to fail."""

    error: TasqError
    seconds: float


class QueryThreadClosedError(TasqError):
    """The thread was closed before the call ran: the app is quitting, or changed its database."""


class _Call:
    """One call on its way through the thread."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.future = Future[Answer[Any]]()

    def run(self) -> None:
        started = time.perf_counter()
        try:
            value = self.work()
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            self._settle(self.future.set_exception, error)
        else:
            self._settle(self.future.set_result, Answer(value, time.perf_counter() - started))

    def refuse(self, error: Exception) -> None:
        self._settle(self.future.set_exception, error)

    def _settle(self, settle: Callable[[Any], None], outcome: object) -> None:
        with suppress(InvalidStateError):  # cancelled meanwhile: nobody waits for it
            settle(outcome)


class QueryThread:
    """Runs calls for one purpose, one after the other."""

    def __init__(self, purpose: str, interrupt: Callable[[], None] | None = None) -> None:
        """Start the thread.

        Args:
            purpose: names the thread: "page", "counts", "admin".
            interrupt: cancels the statement running on this thread's connection; it is called
                from a thread of its own and may block.
        """
        self.purpose = purpose
        self._interrupt = interrupt
        self._calls = queue.SimpleQueue[_Call | None]()
        self._running: _Call | None = None
        self._turn = threading.Condition()
        self._closed = False
        threading.Thread(target=self._work, name=f"tasq-{purpose}", daemon=True).start()

    async def run(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> Answer[T]:
        """The answer of `call(*args, **kwargs)`; errors are raised as they are.

        Raises:
            QueryThreadClosedError: it is closed.
        """
        if self._closed:
            raise self._closed_error()
        ours = _Call(lambda: call(*args, **kwargs))
        self._calls.put(ours)
        try:
            return await asyncio.wrap_future(ours.future)
        except asyncio.CancelledError:
            ours.future.cancel()
            self._stop(ours)
            raise

    async def attempt(
        self, call: Callable[..., T], *args: Any, **kwargs: Any
    ) -> Answer[T] | Failure:
        """As `run`, with tasq's own errors returned instead of raised."""
        started = time.perf_counter()
        try:
            return await self.run(call, *args, **kwargs)
        except TasqError as error:
            return Failure(error, time.perf_counter() - started)

    def close(self) -> None:
        """Take no more calls, interrupt the running one, end the thread; doesn't wait."""
        self._closed = True
        if running := self._running:
            self._stop(running)
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            if self._closed:
                call.refuse(self._closed_error())
                continue
            with self._turn:
                if call.future.cancelled():
                    continue
                self._running = call
            call.run()
            with self._turn:
                self._running = None
                self._turn.notify_all()

    def _closed_error(self) -> QueryThreadClosedError:
        return QueryThreadClosedError(
            f"the {self.purpose} connection is closed; reopen the profile"
        )

    def _stop(self, call: _Call) -> None:
        if self._interrupt is not None:
            name = f"tasq-{self.purpose}-interrupt"
            threading.Thread(
                target=self._interrupt_call, args=(call,), name=name, daemon=True
            ).start()

    def _interrupt_call(self, call: _Call) -> None:
        # While this holds the turn, the thread can't go on to a call that the interrupt
        # would hit. Once may be too early: before the statement has reached the database.
        with self._turn:
            while self._running is call and self._interrupt is not None:
                with suppress(TasqError):
                    self._interrupt()
                self._turn.wait(INTERRUPT_AGAIN_SECONDS)
