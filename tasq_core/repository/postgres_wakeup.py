"""How an idle consumer on PostgreSQL learns of new tasks: LISTEN."""

import os
import select
import threading
from typing import Any

import psycopg
from psycopg import sql

from tasq_core.errors import RepositoryUnavailableError


class NotifyWakeup:
    """Listens on a channel, over a connection of its own."""

    def __init__(self, connection: "psycopg.Connection[Any]", channel: str) -> None:
        self._connection = connection
        self._notices = threading.Event()
        self._end, self._stop = os.pipe()
        self._closed = False
        connection.add_notify_handler(lambda _: self._notices.set())
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))

    def wait(self, timeout: float) -> bool:
        """Block until a notice comes, or `timeout` seconds; whether one did.

        Raises:
            RepositoryUnavailableError: the connection broke.
        """
        try:
            if not self._notices.is_set():
                readable, _, _ = select.select(
                    [self._connection.fileno(), self._end], [], [], timeout
                )
                if self._end in readable or self._closed:
                    self._connection.close()
                    os.close(self._end)
                    return False
                if readable:
                    # An empty read runs the notify handler and finds a broken connection.
                    self._connection.pgconn.consume_input()
                    while self._connection.pgconn.notifies():
                        self._notices.set()
        except psycopg.Error as error:
            raise RepositoryUnavailableError(
                f"listening for new tasks broke off: {error}"
            ) from error
        found = self._notices.is_set()
        self._notices.clear()
        return found

    def close(self) -> None:
        """End a `wait` in another thread; that thread closes the connection."""
        if not self._closed:
            self._closed = True
            os.close(self._stop)
