"""One connection kept beside the pool: the pool's own bookkeeping costs a quarter of a submit."""

import threading
import time
from typing import Any, Final

import psycopg
import psycopg_pool
from psycopg.pq import TransactionStatus

_LONGEST: Final = 60.0
"""Seconds after which the pool sees it again, which ends connections that are old."""


class SpareConnection:
    """Holds back the connection that was used last, unless a thread waits for the pool's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: psycopg_pool.ConnectionPool[Any] | None = None
        self._connection: psycopg.Connection[Any] | None = None
        self._since = 0.0
        self._waiting = 0

    def take(self, pool: psycopg_pool.ConnectionPool[Any]) -> psycopg.Connection[Any] | None:
        """The connection, if `pool` gave it; with None the caller counts as waiting for `pool`."""
        with self._lock:
            if self._connection is None or self._pool is not pool:
                self._waiting += 1
                return None
            found, self._connection = self._connection, None
            return found

    def waited(self) -> None:
        """The caller's wait for the pool is over."""
        with self._lock:
            self._waiting -= 1

    def keep(
        self, connection: psycopg.Connection[Any], pool: psycopg_pool.ConnectionPool[Any]
    ) -> bool:
        """Whether `connection` was kept; else it goes back to `pool`."""
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        now = time.monotonic()
        with self._lock:
            if self._waiting or self._connection is not None or pool.closed:
                return False
            if self._pool is not pool or now - self._since > _LONGEST:
                self._pool, self._since = pool, now
                return False
            self._connection = connection
            return True

    def give_back(self) -> None:
        """Return what is kept to the pool it came from."""
        with self._lock:
            connection, self._connection = self._connection, None
            pool, self._pool = self._pool, None
        if connection is not None and pool is not None:
            pool.putconn(connection)
