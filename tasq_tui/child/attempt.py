"""One call of a handler: whose output is whose, how long it took, how it ended."""

import inspect
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from tasq_core.consumer import Discard, Snooze
from tasq_core.last_error import storable_error
from tasq_core.task import Task
from tasq_tui.child.capture import Capture, Report, current_task
from tasq_tui.child.protocol import Ending, Finished, Started

Handler = Callable[..., Any]


class Attempt:
    """A context that a handler runs in; reports Started and Finished, passes exceptions on."""

    def __init__(self, task: Task, report: Report, capture: Capture, dry: bool = False) -> None:
        self._task = task
        self._report = report
        self._capture = capture
        self._dry = dry

    def __enter__(self) -> Self:
        self._token = current_task.set(self._task.id)
        self._report(Started(self._task.id, self._dry))
        self._begun = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        seconds = time.monotonic() - self._begun
        self._capture.end(self._task.id)
        current_task.reset(self._token)
        text = None if error is None else storable_error(_without_our_frames(error))
        self._report(Finished(self._task.id, self._ending(error), seconds, text, self._dry))

    def _ending(self, error: BaseException | None) -> Ending:
        if self._task.lease_lost:
            return Ending.LOST
        if error is None:
            return Ending.SUCCEEDED
        if isinstance(error, Snooze):
            return Ending.RETRYING
        final = self._dry or isinstance(error, Discard) or self._task.is_last_receive()
        return Ending.FAILED if final else Ending.RETRYING


def attempting(handler: Handler, report: Report, capture: Capture) -> Handler:
    """`handler` as a function of its kind, sync or async, whose every call is an Attempt."""
    if _is_async(handler):

        async def attempt_async(task: Task) -> None:
            with Attempt(task, report, capture):
                await handler(task)

        return attempt_async

    def attempt(task: Task) -> Any:
        with Attempt(task, report, capture):
            return handler(task)

    return attempt


def run_now(
    handler: Handler, task: Task, report: Report, capture: Capture, dry: bool = False
) -> BaseException | None:
    """Run `handler`, sync or async, to its end as an Attempt; what it raised, if it did."""
    try:
        with Attempt(task, report, capture, dry):
            returned = handler(task)
            if inspect.isawaitable(returned):
                import asyncio

                asyncio.run(_awaited(returned))
    except BaseException as error:  # noqa: BLE001 - a handler may raise anything, SystemExit too
        return _without_our_frames(error)
    return None


async def _awaited(returned: Awaitable[Any]) -> None:
    await returned


def _without_our_frames(error: BaseException) -> BaseException:
    frames = error.__traceback__
    while frames and frames.tb_next and frames.tb_frame.f_globals.get("__name__") == __name__:
        frames = frames.tb_next
    return error.with_traceback(frames)


def _is_async(handler: Handler) -> bool:
    called = getattr(handler, "__call__", None)  # noqa: B004 - an object's method may be async
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(called)
