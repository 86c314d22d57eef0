"""A pool of connections, into which none comes back that is out of step."""

import itertools
import weakref
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Final

_LOOK_AGAIN: Final = 0.1
"""Seconds after which who waits for a place counts the places anew."""


class PoolExhaustedError(Exception):
    """No connection of the pool came free in time."""


class Hold:
    """One place in a pool for one piece of work, and the connection that it uses.

    Made before the place is taken and given back as a whole, as often as one likes. So an
    exception of a signal handler costs no place, whatever it lands between.
    """

    __slots__ = ("__weakref__", "connection", "number", "turn")

    def __init__(self) -> None:
        self.connection: Any = None
        self.number = -1
        self.turn: SimpleQueue[None] | None = None


class ConnectionPool:
    """At most `size` connections at a time; `timeout` seconds to wait for a free one.

    Places aren't counted: they are the holds that exist, in the order in which they came. The
    pool keeps no lock that an exception from a signal handler could leave locked. `is_usable`
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
        self._size = size
        self._timeout = timeout
        self._idle: list[Any] = []
        self._closed = False
        self._retired = -1
        self._numbers = itertools.count()
        # By number, which is the order of the queue; the scope that uses a hold keeps it alive.
        self._holds: dict[int, weakref.ref[Hold]] = {}

    def take(self, hold: Hold, response_timeout: float | None) -> Any:
        """An idle connection, the one used last, or a new one; `put` it back by the same hold.

        Raises:
            PoolExhaustedError: all are in use and stay so.
        """
        hold.number = next(self._numbers)
        self._holds[hold.number] = weakref.ref(hold)
        if len(self._holds) > self._size:
            self._wait(hold)
        try:
            hold.connection = self._idle.pop()
        except IndexError:
            hold.connection = self._connect(response_timeout)
        return hold.connection

    def _wait(self, hold: Hold) -> None:
        """Wait until fewer than `size` holds are left before this one."""
        deadline = monotonic() + self._timeout
        hold.turn = SimpleQueue()
        while hold not in self._first():
            left = deadline - monotonic()
            if left <= 0:
                raise PoolExhaustedError
            with suppress(Empty):
                hold.turn.get(timeout=min(left, _LOOK_AGAIN))

    def _first(self) -> list[Hold]:
        """The holds that have a place; those whose scope is gone are forgotten."""
        alive = []
        for number, known in list(self._holds.items()):
            if (hold := known()) is None:
                self._holds.pop(number, None)
            else:
                alive.append(hold)
        return alive[: self._size]

    def in_use(self) -> list[Any]:
        """The connections that somebody works with now."""
        return [hold.connection for hold in self._first() if hold.connection is not None]

    def put(self, hold: Hold) -> None:
        """Give a hold back; its connection goes on, unless it was closed or is out of step.

        What one call didn't finish, because an exception cut it off, another does.
        """
        connection = hold.connection
        try:
            if connection is not None:
                if hold.number > self._retired and self._is_usable(connection):
                    hold.connection = None
                    self._idle.append(connection)
                    if self._closed:
                        self.drop_idle()
                else:
                    self._close(connection)
                    hold.connection = None
        finally:
            self._holds.pop(hold.number, None)
            if len(self._holds) >= self._size:
                self._wake()

    def _wake(self) -> None:
        for hold in self._first():
            if hold.turn is not None:
                hold.turn.put(None)

    def drop_idle(self) -> None:
        """Close the idle connections, which may be broken."""
        with suppress(IndexError):
            while True:
                self._close(self._idle.pop())

    def retire(self) -> None:
        """Use the connections that there are no more: those lent close as they come back."""
        self._retired = next(self._numbers)
        self.drop_idle()
        self._retired = next(self._numbers)  # of those lent meanwhile one may have been idle

    def close(self) -> None:
        """Close the idle connections now, and the others as they come back."""
        self._closed = True
        self.drop_idle()
