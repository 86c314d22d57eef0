"""Middleware: the user's functions around handlers, and how they are nested.

- A plain function `fn(task, call_next)` goes around plain handlers.
- A coroutine function of the same arguments goes around coroutine handlers.
- A generator function `fn(task)` that yields once goes around both: what stands before the `yield`
  runs before the handler, what the handler raises is raised at the `yield`.
"""

import inspect
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any

from tasq_core.consumer.results import is_coroutine_function
from tasq_core.errors import InvalidTypeError
from tasq_core.task import Task

Middleware = Callable[..., Any]
"""One of the three kinds; see above."""

Call = Callable[[Task], Any]


def check_middleware(fn: object) -> None:
    """Refuse what can't go around a handler.

    Raises:
        InvalidTypeError: not callable, an async generator, or of other arguments.
    """
    if not callable(fn):
        raise InvalidTypeError(f"middleware must be callable, not {fn!r}")
    if inspect.isasyncgenfunction(fn):
        raise InvalidTypeError(
            f"middleware {name_of(fn)} is an async generator: write `async def"
            " middleware(task, call_next)`, or a plain generator with one `yield`"
        )
    given = ("task",) if inspect.isgeneratorfunction(fn) else ("task", "call_next")
    try:
        inspect.signature(fn).bind(*given)
    except TypeError:
        raise InvalidTypeError(
            f"middleware {name_of(fn)} must take {' and '.join(given)}"
        ) from None
    except ValueError:  # a callable without a signature
        return


def wrapped(type: str, handler: Call, middlewares: Sequence[Middleware]) -> Call:
    """`handler` within `middlewares`, the first of them outermost.

    Raises:
        InvalidTypeError: one that can't go around this kind of handler.
    """
    is_async = is_coroutine_function(handler)
    for fn in reversed(middlewares):
        if inspect.isgeneratorfunction(fn):
            handler = _around_coroutine(fn, handler) if is_async else _around_call(fn, handler)
        elif is_coroutine_function(fn) is not is_async:
            functions = ("a coroutine function", "a plain function")
            own, other = functions if is_async else functions[::-1]
            raise InvalidTypeError(
                f"middleware {name_of(fn)} is {other} and the handler of {type!r} is {own}:"
                " it can't go around it; written as a generator with one `yield` it goes"
                " around both"
            )
        else:
            handler = _calling_async(fn, handler) if is_async else _calling(fn, handler)
    return handler


def name_of(fn: object) -> str:
    """How a function is called in messages."""
    return getattr(fn, "__qualname__", None) or repr(fn)


def _calling(fn: Middleware, inner: Call) -> Call:
    def call(task: Task) -> Any:
        once = _Once(fn)

        def call_next() -> Any:
            once.check()
            return inner(task)

        return fn(task, call_next)

    return call


def _calling_async(fn: Middleware, inner: Call) -> Call:
    async def call(task: Task) -> Any:
        once = _Once(fn)

        def call_next() -> Awaitable[Any]:
            once.check()
            result: Awaitable[Any] = inner(task)
            return result

        return await fn(task, call_next)

    return call


class _Once:
    """Refuses to run a handler twice for one claim."""

    def __init__(self, fn: Middleware) -> None:
        self._fn = fn
        self._called = False

    def check(self) -> None:
        if self._called:
            raise RuntimeError(f"middleware {name_of(self._fn)} called call_next twice")
        self._called = True


def _around_call(fn: Middleware, inner: Call) -> Call:
    def call(task: Task) -> Any:
        around = fn(task)
        if not _entered(around):
            return None
        try:
            result = inner(task)
        except BaseException as error:  # noqa: BLE001 - the middleware decides
            return _failed(fn, around, error)
        return _left(fn, around, result)

    return call


def _around_coroutine(fn: Middleware, inner: Call) -> Call:
    async def call(task: Task) -> Any:
        around = fn(task)
        if not _entered(around):
            return None
        try:
            result = await inner(task)
        except BaseException as error:  # noqa: BLE001 - as above
            return _failed(fn, around, error)
        return _left(fn, around, result)

    return call


_Around = Generator[Any, Any, Any]


def _entered(around: _Around) -> bool:
    """Run what stands before the `yield`; False where it returned: the handler is left out."""
    return next(around, _Around) is not _Around


def _failed(fn: Middleware, around: _Around, error: BaseException) -> None:
    """Raise at the `yield` what the handler raised; where that is caught, the task succeeds."""
    try:
        around.throw(error)
    except StopIteration:
        return
    around.close()
    raise RuntimeError(f"middleware {name_of(fn)} yielded twice") from error


def _left(fn: Middleware, around: _Around, result: Any) -> Any:
    """Run what stands after the `yield`, to which it gives what the handler returned."""
    try:
        around.send(result)
    except StopIteration:
        return result
    around.close()
    raise RuntimeError(f"middleware {name_of(fn)} yielded twice")
