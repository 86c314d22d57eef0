"""The handlers a consumer has learned, by task type."""

from collections.abc import Callable
from typing import Any, TypeVar

from tasq_core.consumer.middleware import Middleware, check_middleware, wrapped
from tasq_core.consumer.results import check_handler, is_coroutine_function
from tasq_core.errors import (
    InvalidTypeError,
    TaskTypeAlreadyLearnedError,
    TaskTypeNotFoundError,
)
from tasq_core.locks import new_lock
from tasq_core.task import Task, check_text

Handler = Callable[[Task], Any]
"""Runs a task; an exception means failure. An awaitable or future it returns is awaited."""

H = TypeVar("H", bound=Handler)


class Handlers:
    """Handlers by task type. Reading takes no lock: a change replaces the whole mapping."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._lock = new_lock()
        self._on_change = on_change
        self._learned: dict[str, Handler] = {}
        self._middlewares: tuple[Middleware, ...] = ()
        self.by_type: dict[str, Handler] = {}
        """As they are called: within the middleware."""
        self.types: tuple[str, ...] = ()
        self.coroutine_types: frozenset[str] = frozenset()
        """The types whose handlers are coroutine functions."""

    def learn(self, type: str, handler: Handler, *, override: bool = False) -> None:
        """Run tasks of `type` by `handler`.

        Raises:
            TaskTypeAlreadyLearnedError: there is one, and `override` is false.
            InvalidTypeError: `type` is not text, or `handler` can't be called or is a generator
                function.
        """
        check_text("type", type)
        if not callable(handler):
            raise InvalidTypeError(f"the handler of {type!r} must be callable, not {handler!r}")
        check_handler(type, handler)
        with self._lock:
            if type in self._learned and not override:
                raise TaskTypeAlreadyLearnedError(
                    f"task type {type!r} has a handler; pass override=True to replace it"
                )
            self._replace({**self._learned, type: handler}, self._middlewares)
        self._on_change()

    def forget(self, type: str) -> None:
        """Claim no more tasks of `type`; those claimed and not yet started are released.

        Raises:
            TaskTypeNotFoundError: it was never learned.
        """
        with self._lock:
            if type not in self.by_type:
                known = ", ".join(map(repr, self.types)) or "none"
                raise TaskTypeNotFoundError(f"task type {type!r} has no handler; known: {known}")
            left = {name: fn for name, fn in self._learned.items() if name != type}
            self._replace(left, self._middlewares)

    def surround(self, middleware: Middleware) -> None:
        """Call all handlers within `middleware`, itself within those that came before it.

        Raises:
            InvalidTypeError: it can't be called, or can't go around a handler that is known.
        """
        check_middleware(middleware)
        with self._lock:
            self._replace(self._learned, (*self._middlewares, middleware))

    def _replace(self, learned: dict[str, Handler], middlewares: tuple[Middleware, ...]) -> None:
        by_type = {type: wrapped(type, handler, middlewares) for type, handler in learned.items()}
        self._learned, self._middlewares = learned, middlewares
        self.by_type = by_type
        self.types = tuple(learned)
        self.coroutine_types = frozenset(
            type for type, handler in learned.items() if is_coroutine_function(handler)
        )
