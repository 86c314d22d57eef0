"""What handlers did to the world, counted in a table: one row for every time a task was done."""

import os
import threading
from typing import Any, NamedTuple

from tasq_core.task import Task
from tests.support.databases import Database

_COLUMNS = "task CHAR(36), receive_count INT, worker INT, lease_end {float}, done_at {float}"
_NOW = {
    "postgres": "extract(epoch FROM clock_timestamp())",
    "mysql": "unix_timestamp(now(6))",
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
}


class Effect(NamedTuple):
    """A task was done: by which process, under which claim, when by the database's clock."""

    task: str
    receive_count: int
    worker: int
    lease_end: float
    """When the lease ended as it was claimed; pings only make it later."""
    done_at: float


class Effects:
    """The table `<prefix>_effects`. Each thread writes over a connection of its own."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url = url
        backend = {"postgresql": "postgres"}.get(url.partition(":")[0], url.partition(":")[0])
        self._database = Database(backend, url, prefix)
        self._own = threading.local()
        self.name = f"{prefix}_effects"

    def create(self) -> None:
        """Make the table."""
        float_ = "REAL" if self._database.backend == "sqlite" else "DOUBLE PRECISION"
        self._execute(f"CREATE TABLE {self.name} ({_COLUMNS.format(float=float_)})")

    def add(self, task: Task) -> None:
        """Count `task` as done once more; committed when this returns."""
        mark = self._database.placeholder
        now = _NOW[self._database.backend]
        self._execute(
            f"INSERT INTO {self.name} VALUES ({mark}, {mark}, {mark}, {mark}, {now})",
            (str(task.id), task.receive_count, os.getpid(), task.visible_at.timestamp()),
        )

    def all(self) -> list[Effect]:
        """Every effect, in the order they happened."""
        return [
            Effect(*row) for row in self._execute(f"SELECT * FROM {self.name} ORDER BY done_at")
        ]

    def now(self) -> float:
        """The database's clock."""
        return float(self._execute(f"SELECT {_NOW[self._database.backend]}")[0][0])

    def close(self) -> None:
        """Close what this process opened."""
        self._database.close_connections()

    def _execute(self, sql: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        if not hasattr(self._own, "connection"):
            self._own.connection = self._connect()
        cursor = self._own.connection.cursor()
        try:
            cursor.execute(sql, params) if params else cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
        finally:
            cursor.close()

    def _connect(self) -> Any:
        connection = self._database.connect(autocommit=True)
        cursor = connection.cursor()
        if self._database.backend == "sqlite":
            # A killed process loses nothing by it, a machine without power would.
            cursor.execute("PRAGMA busy_timeout = 30000")
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = OFF")
        elif self._database.backend == "postgres":
            cursor.execute("SET synchronous_commit = off")
        cursor.close()
        return connection
