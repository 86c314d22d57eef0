"""A consumer with the statements of Go's library on MySQL, since no Go can be had here.

`python -m tests.support.go_consumer URL TABLE`: one poller and ten workers on queue "" and type
"work", a connection each, every call a transaction at REPEATABLE READ, as Go's driver has it.
It ends on SIGTERM and prints how many tasks it finished and where MariaDB's error 1213 hit it.
Go logs a deadlock in a poll; in a start or a finish its process panics.
"""

import json
import os
import queue
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pymysql

from tests.support.connections import connect

LIMIT, WORKERS, LEASE, INTERVAL = 10, 10, timedelta(seconds=15), 0.05
_DEADLOCK = 1213


class GoConsumer:
    """Polls a batch when it holds none, and writes each start and end by itself."""

    def __init__(self, url: str, table: str) -> None:
        self._url = url
        self._table = table
        self._jobs: queue.Queue[bytes | None] = queue.Queue(LIMIT)
        self._over = threading.Event()
        self.counts: Counter[str] = Counter()

    def run(self) -> None:
        """Consume until `stop`."""
        workers = [threading.Thread(target=self._work) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        connection = self._open()
        while not self._over.is_set():
            ids = self._call(connection, "poll", self._poll) or []
            for id in ids:
                self._jobs.put(id)
            if len(ids) < LIMIT:
                self._over.wait(INTERVAL)
        for _ in workers:
            self._jobs.put(None)
        for worker in workers:
            worker.join()

    def stop(self) -> None:
        """Let `run` finish what it holds."""
        self._over.set()

    def _open(self) -> Any:
        connection = connect("mysql", self._url, autocommit=False)
        connection.cursor().execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return connection

    def _work(self) -> None:
        connection = self._open()
        while (id := self._jobs.get()) is not None:
            self._call(connection, "start", self._update, "status='IN_PROGRESS', started_at=%s", id)
            if self._call(
                connection, "finish", self._update, "status='SUCCESSFUL', finished_at=%s", id
            ):
                self.counts["finished"] += 1

    def _call(self, connection: Any, name: str, call: Callable[..., Any], *args: Any) -> Any:
        """One call in a transaction; None where it was a deadlock's victim."""
        try:
            with connection.cursor() as cursor:
                result = call(cursor, *args)
            connection.commit()
        except pymysql.OperationalError as error:
            connection.rollback()
            if error.args[0] != _DEADLOCK:
                raise
            self.counts[f"deadlocks in {name}"] += 1
            return None
        return result

    def _poll(self, cursor: Any) -> list[bytes]:
        now = datetime.now(UTC).replace(tzinfo=None)
        cursor.execute(
            f"SELECT id FROM {self._table} WHERE type IN ('work') AND queue IN ('')"
            " AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS') AND visible_at <= %s"
            " ORDER BY 'created_at ASC, priority DESC' LIMIT %s FOR UPDATE SKIP LOCKED",
            (now, LIMIT),
        )
        ids = [id for (id,) in cursor.fetchall()]
        if ids:
            cursor.execute(
                f"UPDATE {self._table} SET status = 'ENQUEUED',"
                " receive_count = receive_count + 1, visible_at = %s WHERE id IN %s",
                (now + LEASE, ids),
            )
            cursor.execute(f"SELECT * FROM {self._table} WHERE id IN %s", (ids,))
        return ids

    def _update(self, cursor: Any, change: str, id: bytes) -> bool:
        now = datetime.now(UTC).replace(tzinfo=None)
        cursor.execute(f"UPDATE {self._table} SET {change} WHERE id = %s", (now, id))
        cursor.execute(f"SELECT * FROM {self._table} WHERE id = %s", (id,))
        return True


def main() -> None:
    """Consume until SIGTERM, then print the counts."""
    consumer = GoConsumer(*sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: consumer.stop())
    os.write(1, b"ready\n")
    consumer.run()
    os.write(1, json.dumps(consumer.counts).encode())


if __name__ == "__main__":
    main()
