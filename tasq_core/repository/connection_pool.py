"""A pool of connections, into which none comes back that is out of step."""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any


class PoolExhaustedError(Exception):
    """No connection of the pool came free in time."""


class ConnectionPool:
    """At most `size` connections at a time; `timeout` seconds to wait for a free one.

    It holds no lock that an exception from a signal handler could leave locked. `is_usable`
    says whether a connection that comes back may serve again, `close` ends one.
    """

    def __init__(
        self,
        connect: Callable[[float | None], Any],
        is_usable: Callable[[Any], bool],
        close: Callable[[Any], None],
        *,
        size: int,
        timeout: float,
    ) -> None:
        self._connect = connect
        self._is_usable = is_usable
        self._close = close
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
            if self._is_usable(connection):
                self._idle.append(connection)
                if self._closed:
                    self.drop_idle()
            else:
                self._close(connection)
        finally:
            self._permits.put(None)

    def drop_idle(self) -> None:
        """Close the idle connections, which may be broken."""
        with suppress(IndexError):
            while True:
                self._close(self._idle.pop())

    def close(self) -> None:
        """Close the idle connections now, and the others as they come back."""
        self._closed = True
        self.drop_idle()
