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


class Checkout:
    """One place in a pool for one piece of work, and the connection checked out for it.

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

    Places aren't counted: they are the checkouts that exist, in the order in which they came. The
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
        # By number, the order of the queue; the scope that uses a checkout keeps it alive.
        self._checkouts: dict[int, weakref.ref[Checkout]] = {}

    def take(self, checkout: Checkout, response_timeout: float | None) -> Any:
        """An idle connection, the one used last, or a new one; `put` the checkout back.

        Raises:
            PoolExhaustedError: all are in use and stay so.
        """
        checkout.number = next(self._numbers)
        self._checkouts[checkout.number] = weakref.ref(checkout)
        if len(self._checkouts) > self._size:
            self._wait(checkout)
        try:
            checkout.connection = self._idle.pop()
        except IndexError:
            checkout.connection = self._connect(response_timeout)
        return checkout.connection

    def _wait(self, checkout: Checkout) -> None:
        """Wait until fewer than `size` checkouts are left before this one."""
        deadline = monotonic() + self._timeout
        checkout.turn = SimpleQueue()
        while checkout not in self._first():
            left = deadline - monotonic()
            if left <= 0:
                raise PoolExhaustedError
            with suppress(Empty):
                checkout.turn.get(timeout=min(left, _LOOK_AGAIN))

    def _first(self) -> list[Checkout]:
        """The checkouts that have a place; those whose scope is gone are forgotten."""
        alive = []
        for number, known in list(self._checkouts.items()):
            if (checkout := known()) is None:
                self._checkouts.pop(number, None)
            else:
                alive.append(checkout)
        return alive[: self._size]

    def in_use(self) -> list[Any]:
        """The connections that somebody works with now."""
        return [each.connection for each in self._first() if each.connection is not None]

    def put(self, checkout: Checkout) -> None:
        """Give a checkout back; its connection goes on, unless it was closed or is out of step.

        What one call didn't finish, because an exception cut it off, another does.
        """
        connection = checkout.connection
        try:
            if connection is not None:
                if checkout.number > self._retired and self._is_usable(connection):
                    checkout.connection = None
                    self._idle.append(connection)
                    if self._closed:
                        self.drop_idle()
                else:
                    self._close(connection)
                    checkout.connection = None
        finally:
            self._checkouts.pop(checkout.number, None)
            if len(self._checkouts) >= self._size:
                self._wake()

    def _wake(self) -> None:
        for checkout in self._first():
            if checkout.turn is not None:
                checkout.turn.put(None)

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
