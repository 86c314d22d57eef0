"""What a handler is and returns: what is awaited, what is refused."""

import inspect
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from tasq_core.errors import InvalidTypeError


def check_handler(type: str, handler: Callable[..., Any]) -> None:
    """Refuse a generator function: calling it runs nothing, so its tasks would "succeed".

    Raises:
        InvalidTypeError: a generator or async generator function.
    """
    if _any_is(inspect.isgeneratorfunction, handler) or _any_is(
        inspect.isasyncgenfunction, handler
    ):
        raise InvalidTypeError(
            f"the handler of {type!r} is a generator function ({_name(handler)}): nothing would"
            " run it; take the `yield` out of it, or iterate it in a plain function"
        )


def is_coroutine_function(handler: Callable[..., Any]) -> bool:
    """Whether calling `handler` only makes a coroutine, which runs nothing before it is awaited."""
    return _any_is(inspect.iscoroutinefunction, handler)


def is_awaited(result: object) -> bool:
    """Whether `result` is for the event loop: a coroutine, or any other awaitable."""
    return inspect.isawaitable(result)


def finish(type: str, result: object) -> None:
    """Wait for a returned `concurrent.futures.Future`, whose failure is the handler's.

    Raises:
        InvalidTypeError: a generator, which nobody would iterate.
        BaseException: what the future failed with.
    """
    if isinstance(result, Future):
        result.result()
    elif inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise InvalidTypeError(
            f"the handler of {type!r} returned a generator, which nothing would run;"
            " iterate it in the handler"
        )


def _any_is(kind: Callable[[Any], bool], handler: Callable[..., Any]) -> bool:
    """Whether a function behind `handler` is of this kind: its own, a partial's, a `__call__`."""
    while isinstance(handler, partial):
        handler = handler.func
    return kind(handler) or kind(getattr(handler, "__call__", None))  # noqa: B004 - its function


def _name(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__qualname__", None) or repr(handler)
