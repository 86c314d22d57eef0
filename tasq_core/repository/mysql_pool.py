"""A pool of PyMySQL connections, into which none comes back that is out of step."""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any


class PoolExhaustedError(Exception):
    """No connection of the pool came free in time."""


class ConnectionPool:
    """At most `size` connections at a time; `timeout` seconds to wait for a free one.

    It holds no lock that an exception from a signal handler could leave locked.
    """

    def __init__(
        self, connect: Callable[[float | None], Any], *, size: int, timeout: float
    ) -> None:
        self._connect = connect
        self._timeout = timeout
        self._idle: list[Any] = []
        self._closed = False
        self._permits: SimpleQueue[None] = SimpleQueue()
        for _ in range(size):
            self._permits.put(None)

    def take(self, response_timeout: float | None) -> Any:
        """An idle connection, the one used last, or a new one.

        Raises:
            PoolExhaustedError: all are in use and stay so.
        """
        try:
            self._permits.get(timeout=self._timeout)
        except Empty:
            raise PoolExhaustedError from None
        try:
            with suppress(IndexError):
                return self._idle.pop()
            return self._connect(response_timeout)
        except BaseException:
            self._permits.put(None)
            raise

    def put(self, connection: Any) -> None:
        """Take a connection back, unless it was closed where its last call didn't end."""
        try:
            if connection.open:
                self._idle.append(connection)
                if self._closed:
                    self.drop_idle()
        finally:
            self._permits.put(None)

    def drop_idle(self) -> None:
        """Close the idle connections, which may be broken."""
        with suppress(IndexError):
            while True:
                close(self._idle.pop())

    def close(self) -> None:
        """Close the idle connections now, and the others as they come back."""
        self._closed = True
        self.drop_idle()


def close(connection: Any) -> None:
    """Say good-bye to the server, if it is there."""
    with suppress(Exception):
        connection.close()


def close_at_once(connection: Any) -> None:
    """Close without a word: behind a call cut off in the middle the server would misread it."""
    with suppress(Exception):
        connection._force_close()  # noqa: SLF001 - PyMySQL has no public way
