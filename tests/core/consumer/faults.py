"""A repository that counts its calls and fails when it is told to."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from tasq_core.errors import RepositoryUnavailableError

Fault = Callable[..., None]


class FaultyRepository:
    """Passes every call on to a real repository, unless a fault raises first (or after)."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._before: dict[str, Fault] = {}
        self._after: dict[str, Fault] = {}
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()
        self.arguments: dict[str, list[tuple[Any, ...]]] = {}

    def before(self, name: str, fault: Fault) -> None:
        """Call `fault` with the arguments of `name` before it does anything."""
        self._before[name] = fault

    def after(self, name: str, fault: Fault) -> None:
        """Call `fault` once `name` has done its work, as when the answer is lost."""
        self._after[name] = fault

    def heal(self) -> None:
        """No more faults."""
        self._before.clear()
        self._after.clear()

    def with_response_timeout(self, timeout: float) -> "FaultyRepository":
        """The same faults and counts over a view of the real repository."""
        view = FaultyRepository(self._inner.with_response_timeout(timeout))
        vars(view).update({name: own for name, own in vars(self).items() if name != "_inner"})
        return view

    def __getattr__(self, name: str) -> Any:
        target = getattr(self._inner, name)
        if not callable(target):
            return target

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self.calls[name] += 1
                self.arguments.setdefault(name, []).append(args)
            if name in self._before:
                self._before[name](*args)
            result = target(*args, **kwargs)
            if name in self._after:
                self._after[name](*args)
            return result

        return call


def unavailable(*_: Any) -> None:
    """The database is away."""
    raise RepositoryUnavailableError("the database is away, says the test")


def times(count: int, fault: Fault) -> Fault:
    """`fault`, the first `count` times only."""
    left = [count]

    def limited(*args: Any) -> None:
        if left[0] > 0:
            left[0] -= 1
            fault(*args)

    return limited
