"""How our own writers wake idle consumers on PostgreSQL: NOTIFY after the commit, not in it.

A transaction that notifies takes a lock of the whole cluster until its commit is on disk:
with a trigger that does so 16 writers reach a quarter of the inserts. A notice of its own
holds that lock for an instant, and one stands for all that was written meanwhile.
"""

import atexit
import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Final
from weakref import ref

from tasq_core.locks import new_lock

_GAP: Final = 0.005
"""Seconds between two notices of one repository."""
_LINGER: Final = 1.0
"""Seconds that the thread waits for more before it ends."""
_FLUSH: Final = 1.0
"""Seconds that the end of a program waits for the last notice."""


class Notifier:
    """Sends notices from a thread of its own: at once, then at most one each 5 ms."""

    def __init__(self, send: Callable[[], None]) -> None:
        self._send = send
        # Entered as itself, in one step: see `ForkGuard`.
        self._lock = new_lock()
        self._condition = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._wanted = self._sending = False
        self._closed = False
        self._pause = threading.Event()
        self._pid = os.getpid()
        self._at_exit: Callable[[], None] | None = None

    def notify(self) -> None:
        """Send a notice soon; returns at once."""
        if self._pid != os.getpid():  # a fork has left the thread behind
            self._lock = new_lock()
            self._condition = threading.Condition(self._lock)
            self._thread, self._pid = None, os.getpid()
            self._wanted = self._sending = False
        with self._lock:
            if self._wanted:
                return
            self._wanted = True
            if self._at_exit is None:
                self._at_exit = _flush_at_exit(self)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tasq-notify", daemon=True)
                self._thread.start()
            else:
                self._condition.notify_all()

    def flush(self) -> None:
        """Wait, for a second at most, until nothing is left to send."""
        deadline = monotonic() + _FLUSH
        if self._pid != os.getpid():
            return
        with self._lock:
            while (self._wanted or self._sending) and (left := deadline - monotonic()) > 0:
                self._condition.wait(left)

    def close(self) -> None:
        """Send what is left, and end the thread; that takes a second at most."""
        deadline = monotonic() + _FLUSH
        self.flush()
        with self._lock:
            self._closed = True
            thread = self._thread if self._pid == os.getpid() else None
            self._condition.notify_all()
        self._pause.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(deadline - monotonic(), 0))
        if self._at_exit is not None:
            atexit.unregister(self._at_exit)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._wanted and not self._closed:
                    self._condition.wait(_LINGER)
                if not self._wanted:
                    self._thread = None
                    return
                # Before it is sent: what is committed meanwhile needs the next one.
                self._wanted, self._sending = False, True
            try:
                self._send()
            finally:
                with self._lock:
                    self._sending = False
                    self._condition.notify_all()
            self._pause.wait(_GAP)


def _flush_at_exit(notifier: Notifier) -> Callable[[], None]:
    """Flush it before the program ends and its pool closes, which was registered before."""
    alive = ref(notifier)

    def flush() -> None:
        if (found := alive()) is not None:
            found.flush()

    return atexit.register(flush)
