"""Attempts and holders put into the side tables of a SQLite file, as consumers write them."""

import json
import sqlite3
import uuid
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from tasq_core.task import Task


def put_attempt(path: Path, task: Task, number: int, **fields: Any) -> None:
    """One attempt that didn't succeed; `fields` replace the defaults. Times are datetimes."""
    values = {
        "consumer": "worker-2", "host": "app-1", "outcome": "retried", "error": None,
        "started_at": None, "ended_at": task.created_at,
    } | fields  # fmt: skip
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO tasq_attempts (task_id, receive_count, consumer, host, started_at,"
            " ended_at, outcome, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [task.id.bytes, number, values["consumer"], values["host"],
             _micro(values["started_at"]), _micro(values["ended_at"]), values["outcome"],
             values["error"]],
        )  # fmt: skip
    connection.close()


def put_consumer(path: Path, name: str, host: str, at: datetime, held: Iterable[Task] = ()) -> None:
    """A registered consumer whose last heartbeat, at `at`, names the tasks it holds."""
    running = [[t.id.hex, t.receive_count, t.type, t.queue, 1.0] for t in held]
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO tasq_consumers (id, format, name, host, pid, version, release_name, queues,"
            " types, workers, state, counts, in_flight, started_at, heartbeat_at,"
            " heartbeat_seconds) VALUES (?, 1, ?, ?, 7, '1', '', 'null', '[]', 1, 'running', '{}',"
            " ?, ?, ?, 5)",
            [uuid.uuid4().bytes, name, host, json.dumps({"running": running, "waiting": []}),
             _micro(at), _micro(at)],
        )  # fmt: skip
    connection.close()


def _micro(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1_000_000)
