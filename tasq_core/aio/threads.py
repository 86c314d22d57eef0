"""The threads that an async client's calls run on."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from tasq_core.errors import RepositoryError

P = ParamSpec("P")
R = TypeVar("R")

_MOST: Final = 32
"""Threads at most; each is started when all others are busy."""


class Threads:
    """An executor of our own: the event loop's is shared with whatever else a program does."""

    def __init__(self) -> None:
        self.closed = False
        self._executor = ThreadPoolExecutor(_MOST, "tasq-aio")

    def start(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[R]":
        """Do `work` in a thread, in the caller's context.

        Raises:
            RepositoryError: the client is closed.
        """
        if self.closed:
            raise RepositoryError(
                "this client is closed; make a new one with tasq_core.aio.connect,"
                " or close it later"
            )
        context = contextvars.copy_context()
        started: Any = self._executor.submit(context.run, partial(work, *args, **kwargs))
        return asyncio.wrap_future(started)

    async def call(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do `work` in a thread; if cancelled meanwhile, it goes on to its end unheard."""
        return await self.start(work, *args, **kwargs)

    def close(self) -> None:
        """End the threads once they have nothing left to do; doesn't wait."""
        self.closed = True
        self._executor.shutdown(wait=False)
