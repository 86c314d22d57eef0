"""How an idle consumer on SQLite learns of new tasks."""

import sqlite3
import threading
import time
from typing import Final

_LOOK_EVERY: Final = 0.002
"""Seconds between looks at the data version: one costs 3 µs, so 0.2 % of a core."""


class FileWakeup:
    """Watches a file through `PRAGMA data_version`, which every other connection's commit moves."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._closed = threading.Event()
        self._version = self._look()

    def _look(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def wait(self, timeout: float) -> bool:
        """Block until another connection commits, or `timeout` seconds; whether one did."""
        deadline = time.monotonic() + timeout
        while not self._closed.is_set():
            version = self._look()
            if version != self._version:
                self._version = version
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._closed.wait(min(_LOOK_EVERY, left))
        self._connection.close()
        return False

    def close(self) -> None:
        """End a `wait` in another thread; that thread closes the connection."""
        self._closed.set()


class MemoryWakeup:
    """Watches a database in memory, which only its own repository can change."""

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._closed = False

    def wait(self, timeout: float) -> bool:
        """Block until the repository commits, or `timeout` seconds; whether it did."""
        with self._changed:
            return not self._closed and self._changed.wait(timeout) and not self._closed

    def close(self) -> None:
        """End a `wait` in another thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
