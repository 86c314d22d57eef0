"""Calls of the user's `on_failure` functions, on a thread of their own."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.locks import new_lock
from tasq_core.task import Task

_CLOSING_TIMEOUT = 5.0
"""Seconds that calls still waiting are given when the consumer stops."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed, as `on_failure` is told of it."""

    task: Task
    error: BaseException
    """What the handler raised; a TimeoutError where it ran too long."""
    final: bool
    """Whether the task ended FAILED, rather than run again."""
    retry_in: float = 0.0
    """Seconds before it runs again."""


Hook = Callable[[Failure], object]


class FailureHooks:
    """Tells the hooks of failures, in order; a slow one holds up neither leases nor outcomes."""

    def __init__(self, hooks: Sequence[Hook], log: ConsumerLog) -> None:
        self._hooks = tuple(hooks)
        self._log = log
        self._lock = new_lock()
        self._queue: SimpleQueue[Failure | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def report(self, failure: Failure) -> None:
        """Have every hook called soon."""
        if not self._hooks:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="tasq-failures", daemon=True
                )
                self._thread.start()
        self._queue.put(failure)

    def close(self) -> None:
        """Wait for the calls that are due, but not for one that doesn't end."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(_CLOSING_TIMEOUT)

    def _work(self) -> None:
        while (failure := self._queue.get()) is not None:
            for hook in self._hooks:
                try:
                    hook(failure)
                except BaseException as error:  # noqa: BLE001 - the user's code, as a handler is
                    self._log.hook_failed(failure.task, error)
