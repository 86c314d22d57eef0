"""How an idle consumer on PostgreSQL learns of new tasks: LISTEN."""

import os
import select
import threading
from typing import Any, Final
from uuid import uuid4

import psycopg
from psycopg import sql

from tasq_core.errors import RepositoryUnavailableError

_PROBE_SECONDS: Final = 1.0

LEASES_BROKEN: Final = "leases"
"""The payload of a notice that leases were broken."""


def hears(listener: "psycopg.Connection[Any]", speaker: "psycopg.Connection[Any]") -> bool:
    """Whether a notice reaches `listener`: a pooler that shares its sessions keeps it away."""
    channel = f"tasq_probe_{uuid4().hex}"
    name = sql.Identifier(channel)
    listener.execute(sql.SQL("LISTEN {}").format(name))
    speaker.execute("SELECT pg_notify(%s, '')", [channel])
    heard = any(True for _ in listener.notifies(timeout=_PROBE_SECONDS, stop_after=1))
    listener.execute(sql.SQL("UNLISTEN {}").format(name))
    return heard


class NotifyWakeup:
    """Listens on a channel of tasks and one of the fleet, over a connection of its own."""

    reports_steering = True

    def __init__(self, connection: "psycopg.Connection[Any]", channel: str, fleet: str) -> None:
        self._connection = connection
        self._notices = threading.Event()
        self._broken = False
        self._fleet = fleet
        self._fleet_changed = False
        connection.add_notify_handler(lambda notice: self._take(notice.channel, notice.payload))
        try:
            for name in (channel, fleet):
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(name)))
        except BaseException:
            connection.pgconn.finish()
            raise
        self._end, self._stop = os.pipe()
        self._closed = self._freed = False

    def wait(self, timeout: float) -> bool:
        """Block until a notice comes, or `timeout` seconds; whether one did. False once closed.

        Raises:
            RepositoryUnavailableError: the connection broke.
        """
        try:
            if not self._closed and not self._notices.is_set():
                self._receive(timeout)
        except psycopg.Error as error:
            raise RepositoryUnavailableError(
                f"listening for new tasks broke off: {error}"
            ) from error
        if self._closed:
            self._free()
            return False
        found = self._notices.is_set()
        self._notices.clear()
        return found

    def _receive(self, timeout: float) -> None:
        """Wait for the connection or the end, and take in what came."""
        connection = self._connection.fileno()
        poll = select.poll()  # select() takes no descriptor above 1023
        poll.register(connection, select.POLLIN)
        poll.register(self._end, select.POLLIN)
        if connection in dict(poll.poll(timeout * 1000)):
            # An empty read also finds out that the connection is broken.
            self._connection.pgconn.consume_input()
            while notice := self._connection.pgconn.notifies():
                self._take(notice.relname.decode(), notice.extra.decode())

    def _take(self, channel: str, payload: str) -> None:
        self._broken |= payload == LEASES_BROKEN
        self._fleet_changed |= channel == self._fleet
        self._notices.set()

    def leases_broken(self) -> bool:
        """Whether a notice said so since the last call."""
        broken, self._broken = self._broken, False
        return broken

    def fleet_changed(self) -> bool:
        """Whether a notice came on the fleet's channel since the last call."""
        changed, self._fleet_changed = self._fleet_changed, False
        return changed

    def _free(self) -> None:
        if not self._freed:
            self._freed = True
            self._connection.close()  # which leaves the socket of a broken one open
            self._connection.pgconn.finish()
            os.close(self._end)

    def close(self) -> None:
        """End a `wait` in another thread; that thread closes the connection."""
        if not self._closed:
            self._closed = True
            os.close(self._stop)
