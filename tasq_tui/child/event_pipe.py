"""The child's way out: events written at once while the pipe has room, else kept for later.

Writing at once means that what a handler printed just before it took the process down is
still read. Never blocking means that an app that stalls can't keep a lease from being pinged.
"""

import os
import select
import threading
from typing import Final

from tasq_tui.child.backlog import Backlog
from tasq_tui.child.protocol import AnyEvent, encode

_RECHECK_MS: Final = 1000


class EventPipe:
    """Writes events to a descriptor, from any thread; once its reader is gone, to nowhere."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._lock = threading.RLock()  # a finalizer may print while this thread reports
        self._writing = False
        self._broken = False
        self._rest = b""
        self._backlog = Backlog()
        self._late = threading.Event()
        self._sent = threading.Event()
        self._sent.set()
        threading.Thread(target=self._catch_up, name="tasq-events", daemon=True).start()

    def __call__(self, event: AnyEvent) -> None:
        """Report `event`; never blocks for longer than another thread's write."""
        with self._lock:
            if self._writing or self._rest or self._backlog:
                self._backlog.add(event)
                self._postpone()
                return
            self._writing = True
            try:
                self._write(encode(event))
            finally:
                self._writing = False

    def drain(self, timeout: float) -> None:
        """Wait up to `timeout` seconds until all was written."""
        self._sent.wait(timeout)

    def _write(self, data: bytes) -> None:
        try:
            written = 0 if self._broken else os.write(self._descriptor, data)
        except BlockingIOError:
            written = 0
        except OSError:
            self._broken = True
            written = 0
        self._rest = b"" if self._broken else data[written:]
        if self._rest:
            self._postpone()

    def _postpone(self) -> None:
        self._sent.clear()
        self._late.set()

    def _catch_up(self) -> None:
        room = select.poll()
        room.register(self._descriptor, select.POLLOUT)
        while True:
            self._late.wait()
            room.poll(_RECHECK_MS)
            with self._lock:
                self._writing = True
                self._write(self._rest or b"".join(map(encode, self._backlog.take())))
                self._writing = False
                if not self._rest and not self._backlog:
                    self._late.clear()
                    self._sent.set()
