"""The states of a consumer and the only way through them."""

import os
import threading
from enum import Enum

from tasq_core.errors import ConsumerAlreadyRunningError, ConsumerAlreadyStoppedError
from tasq_core.locks import new_lock


class State(Enum):
    """Where a consumer stands."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


class Lifecycle:
    """STOPPED, STARTING, RUNNING, STOPPING, and round again, under one lock.

    A forked child has none of its parent's threads: there a running consumer is a stopped one.
    """

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._lock = new_lock()
        self._state = State.STOPPED
        self._process = os.getpid()
        self._stopped = threading.Event()
        self._stopped.set()

    @property
    def running(self) -> bool:
        """Whether it was started and not asked to stop."""
        self._check_process()
        return self._state in (State.STARTING, State.RUNNING)

    def check_changeable(self) -> None:
        """Refuse a change of options while there are threads that go by them.

        Raises:
            ConsumerAlreadyRunningError: not stopped.
        """
        self._check_process()
        if self._state is not State.STOPPED:
            raise ConsumerAlreadyRunningError(
                f"the consumer is {self._state.value}; change its options before start()"
            )

    def begin(self) -> None:
        """STOPPED to STARTING.

        Raises:
            ConsumerAlreadyRunningError: not stopped, or not yet.
        """
        self._check_process()
        with self._lock:
            if self._state is not State.STOPPED:
                hint = "wait() for it first" if self._state is State.STOPPING else "stop() it first"
                raise ConsumerAlreadyRunningError(f"the consumer is {self._state.value}; {hint}")
            self._state = State.STARTING
            self._stopped.clear()

    def started(self) -> bool:
        """STARTING to RUNNING; False where it was asked to stop meanwhile."""
        with self._lock:
            if self._state is State.STARTING:
                self._state = State.RUNNING
            return self._state is State.RUNNING

    def end(self) -> bool:
        """STARTING or RUNNING to STOPPING; False where it hadn't started yet.

        Raises:
            ConsumerAlreadyStoppedError: not running, or stopping already.
        """
        self._check_process()
        with self._lock:
            if self._state not in (State.STARTING, State.RUNNING):
                raise ConsumerAlreadyStoppedError(
                    f"the consumer is {self._state.value}; there is nothing to stop"
                )
            has_started = self._state is State.RUNNING
            self._state = State.STOPPING
            return has_started

    def ending(self) -> None:
        """STARTING or RUNNING to STOPPING, where a handler or a defect asked for it."""
        with self._lock:
            if self._state in (State.STARTING, State.RUNNING):
                self._state = State.STOPPING

    def ended(self) -> None:
        """To STOPPED: every thread is done."""
        with self._lock:
            self._state = State.STOPPED
        self._stopped.set()

    def wait(self, timeout: float | None) -> bool:
        """Wait until STOPPED, at most `timeout` seconds; whether it is."""
        self._check_process()
        return self._stopped.wait(timeout)

    def _check_process(self) -> None:
        if self._process != os.getpid():
            self._reset()
