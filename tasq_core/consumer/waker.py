"""The waker: turns the database's notices of new tasks into early polls."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tasq_core.consumer.backoff import Reconnect
from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.errors import ClientClosedError, RepositoryError
from tasq_core.locks import new_lock
from tasq_core.repository.protocol import Repository, Wakeup

_WATCH: Final = 60.0
_DRAIN_EVERY: Final = 0.25
"""How often notices are read off while the poller is busy and needs none, in seconds."""
_LEASES_EVERY: Final = 0.2
"""The same where they may be of broken leases, which running handlers are to learn of."""


class Waker:
    """Wakes an idle poller, and has leases looked at. No-op without notifications."""

    def __init__(
        self,
        repository: Repository,
        log: ConsumerLog,
        idle: threading.Event,
        wake: Callable[[], None],
        *,
        on_leases_broken: Callable[[], None],
        on_fleet_changed: Callable[[], None],
    ) -> None:
        self._repository = repository
        self._log = log
        self._idle = idle
        self._wake = wake
        self._on_leases_broken = on_leases_broken
        self._on_fleet_changed = on_fleet_changed
        self._closing = threading.Event()
        self._lock = new_lock()
        self._wakeup: Wakeup | None = None
        self._reconnect = Reconnect()

    def close(self) -> None:
        """End `run` soon."""
        self._closing.set()
        self._idle.set()
        with self._lock:
            if self._wakeup is not None:
                self._wakeup.close()

    def run(self) -> None:
        """Listen until closed, over as many connections as it takes."""
        while not self._closing.is_set():
            try:
                if not self._open():
                    return
                self._listen()
            except ClientClosedError:
                raise
            except RepositoryError as error:
                if self._closing.is_set():
                    return
                delay = self._reconnect.next()
                self._log.database_failed("listen for new tasks", error, delay)
                self._closing.wait(delay)
            finally:
                self._drop()

    def _open(self) -> bool:
        wakeup = self._repository.open_wakeup()
        if wakeup is None:
            return False
        with self._lock:
            self._wakeup = wakeup
        if self._reconnect.failing:
            self._reconnect.reset()
            self._log.database_back("listen for new tasks")
        # What was submitted or paused before we listened sent us no notification.
        self._wake()
        if wakeup.reports_steering:
            self._on_fleet_changed()
        return True

    def _listen(self) -> None:
        wakeup = self._wakeup
        while wakeup is not None and not self._closing.is_set():
            idle = self._idle.wait(_LEASES_EVERY if wakeup.reports_steering else _DRAIN_EVERY)
            if wakeup.wait(_WATCH if idle else 0.0):
                if wakeup.leases_broken():
                    self._on_leases_broken()
                self._wake()
                if wakeup.fleet_changed():
                    self._on_fleet_changed()

    def _drop(self) -> None:
        with self._lock:
            wakeup, self._wakeup = self._wakeup, None
        if wakeup is not None:
            wakeup.close()
            with suppress(RepositoryError):
                # The connection is freed by the thread that waits on it, in a wait after `close`.
                while wakeup.wait(0.0):
                    continue
