"""How an idle consumer on MySQL learns of new tasks: it looks, ever more rarely.

MySQL has no channel that tells of changes. A look reads the newest waiting task off the end
of an index. The next one follows after a hundredth of the time in which nothing came: a busy
queue is answered in milliseconds, a quiet one costs next to nothing.
"""

import threading
from time import monotonic
from typing import Any, Final

import pymysql

from tasq_core.errors import RepositoryUnavailableError

_SHARE: Final = 0.01
_SHORTEST: Final = 0.004
_LONGEST: Final = 0.25
"""Seconds between two looks."""


class ProbeWakeup:
    """Watches the newest waiting task of a table, over a connection of its own."""

    reports_steering = False

    def __init__(self, connection: Any, tasks: str) -> None:
        self._connection = connection
        self._sql = (
            f"SELECT id FROM {tasks} WHERE status = 'NEW'"  # noqa: S608 - a checked name, quoted
            " ORDER BY created_at DESC, id DESC LIMIT 1"
        )
        self._closed = threading.Event()
        self._newest: object = None
        self._changed = monotonic()

    def wait(self, timeout: float) -> bool:
        """Block until a newer task waits, or `timeout` seconds; whether one does.

        Once closed it returns False; the first such call frees the connection.

        Raises:
            RepositoryUnavailableError: the connection broke.
        """
        deadline = monotonic() + timeout
        while not self._closed.is_set():
            if self._look():
                return True
            now = monotonic()
            if now >= deadline:
                return False
            pause = min(_LONGEST, max(_SHORTEST, (now - self._changed) * _SHARE))
            self._closed.wait(min(pause, deadline - now))
        if self._connection.open:
            self._connection.close()
        return False

    def _look(self) -> bool:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(self._sql)
                newest = cursor.fetchone()
        except (pymysql.Error, OSError) as error:
            raise RepositoryUnavailableError(f"looking for new tasks broke off: {error}") from error
        if newest == self._newest:
            return False
        self._newest, self._changed = newest, monotonic()
        return newest is not None

    def leases_broken(self) -> bool:
        """Never known here: the next ping finds it out."""
        return False

    def fleet_changed(self) -> bool:
        """Never known here: heartbeats find out."""
        return False

    def close(self) -> None:
        """End a `wait` in another thread; that thread closes the connection."""
        self._closed.set()
