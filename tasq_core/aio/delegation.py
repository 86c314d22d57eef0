"""Methods made of those of the sync classes, with their arguments, types and docstrings."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial, update_wrapper
from itertools import islice
from typing import Any, Concatenate, Final, Generic, ParamSpec, Self, TypeVar, overload

from tasq_core.aio.joining import submit_joined
from tasq_core.aio.threads import Threads

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound="Facade")

_CHUNK: Final = 500
"""What a stream takes from its thread at a time."""


class Facade:
    """The async side of one object of the sync library."""

    def __init__(self, inner: Any, threads: Threads) -> None:
        self._inner = inner
        self._threads = threads


class Delegated(Generic[P, R]):
    """A method that is called as it is: it touches no database."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, facade: None, owner: type) -> Self: ...

    @overload
    def __get__(self, facade: Facade, owner: type) -> Callable[P, R]: ...

    def __get__(self, facade: Facade | None, owner: type) -> "Self | Callable[P, R]":
        """The method of `facade`."""
        if facade is None:
            return self
        call = self.bound(facade)
        update_wrapper(call, self.method)
        return call

    def bound(self, facade: Facade) -> Callable[P, Any]:
        """What is called."""
        method, inner = self.method, facade._inner  # noqa: SLF001 - its own

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return method(inner, *args, **kwargs)

        return call


class Chained(Delegated[P, R]):
    """An option of the sync object; returns the facade."""

    def bound(self, facade: Facade) -> Callable[P, Any]:
        """What is called."""
        change = super().bound(facade)

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            change(*args, **kwargs)
            return facade

        return call


class Threaded(Delegated[P, R]):
    """A method that runs in a thread and is awaited."""

    def bound(self, facade: Facade) -> Callable[P, Any]:
        """What is called."""
        method, inner, threads = self.method, facade._inner, facade._threads  # noqa: SLF001 - its own

        async def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return await threads.call(partial(method, inner), *args, **kwargs)

        return call


class Joinable(Threaded[P, R]):
    """A method in a thread; with `connection=` its statements run on the caller's."""

    def bound(self, facade: Facade) -> Callable[P, Any]:
        """What is called."""
        alone = super().bound(facade)
        work, threads = partial(self.method, facade._inner), facade._threads  # noqa: SLF001 - its own

        async def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            if (connection := kwargs.get("connection")) is None:
                return await alone(*args, **kwargs)
            return await submit_joined(threads, work, args, kwargs, connection)

        return call


class Streamed(Delegated[P, R]):
    """An iterator that a thread fills, a chunk at a time."""

    def bound(self, facade: Facade) -> Callable[P, Any]:
        """What is called."""
        begin, threads = super().bound(facade), facade._threads  # noqa: SLF001 - its own

        async def call(*args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Any]:
            source = await threads.call(begin, *args, **kwargs)
            while chunk := await threads.call(_chunk, source):
                for element in chunk:
                    yield element

        return call


def _chunk(source: Iterator[R]) -> list[R]:
    return list(islice(source, _CHUNK))


def delegated(method: Callable[Concatenate[Any, P], R]) -> Delegated[P, R]:
    """`method`, called as it is."""
    return Delegated(method)


def chained(
    method: Callable[Concatenate[Any, P], Any], facade: Callable[[], type[F]]
) -> Delegated[P, F]:
    """An option; `facade` names the class that it returns."""
    del facade
    return Chained(method)


def threaded(
    method: Callable[Concatenate[Any, P], R],
) -> Delegated[P, Coroutine[Any, Any, R]]:
    """`method` in a thread, awaited."""
    return Threaded(method)


def joinable(
    method: Callable[Concatenate[Any, P], R],
) -> Delegated[P, Coroutine[Any, Any, R]]:
    """`method` in a thread, awaited; `connection=` is an async one."""
    return Joinable(method)


def streamed(
    method: Callable[Concatenate[Any, P], Iterator[R]],
) -> Delegated[P, AsyncIterator[R]]:
    """`method`, iterated by `async for`."""
    return Streamed(method)
