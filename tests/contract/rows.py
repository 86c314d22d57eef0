"""Raw SQL beside the library: leases that lapse, tables and rows as Go makes them."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from tasq_core.task import Task, TaskStatus
from tests.support.databases import Database

ROWS = Path(__file__).resolve().parents[1] / "gob" / "data" / "rows"
"""Rows that Go's library wrote, dumped from both databases."""

GO_POSTGRES = """
CREATE TYPE {enum} AS ENUM ('NEW', 'ENQUEUED', 'IN_PROGRESS', 'SUCCESSFUL', 'FAILED');
CREATE TABLE {tasks} (
  id UUID NOT NULL PRIMARY KEY,
  type TEXT NOT NULL,
  args BYTEA NOT NULL,
  queue TEXT NOT NULL,
  priority SMALLINT NOT NULL,
  status {enum} NOT NULL,
  receive_count INTEGER NOT NULL DEFAULT 0,
  max_receives INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT '0001-01-01 00:00:00.000000+00',
  started_at TIMESTAMPTZ,
  finished_at TIMESTAMPTZ,
  visible_at TIMESTAMPTZ NOT NULL DEFAULT '0001-01-01 00:00:00.000000+00'
)
"""

GO_MYSQL = """
CREATE TABLE {tasks} (
  id binary(16) NOT NULL,
  type text NOT NULL,
  args longblob NOT NULL,
  queue text NOT NULL,
  priority smallint NOT NULL,
  status enum("NEW", "ENQUEUED", "IN_PROGRESS", "SUCCESSFUL", "FAILED") NOT NULL,
  receive_count int NOT NULL DEFAULT '0',
  max_receives int NOT NULL DEFAULT '0',
  last_error text,
  created_at datetime(6) NOT NULL DEFAULT '0001-01-01 00:00:00.000000',
  started_at datetime(6),
  finished_at datetime(6),
  visible_at datetime(6) NOT NULL DEFAULT '0001-01-01 00:00:00.000000',
  PRIMARY KEY (id)
)
"""

COLUMNS = (
    "id", "type", "args", "queue", "priority", "status", "receive_count", "max_receives",
    "last_error", "created_at", "started_at", "finished_at", "visible_at",
)  # fmt: skip


def make_go_table(database: Database) -> None:
    """The table as Go's `Migrate` makes it, by hand."""
    template = GO_POSTGRES if database.backend == "postgres" else GO_MYSQL
    for statement in template.split(";\n"):
        database.execute(
            statement.format(tasks=database.table, enum=f"{database.prefix}_task_status")
        )


def insert_row(database: Database, **values: Any) -> UUID:
    """One row by a hand-written INSERT, as Go writes it; what isn't given is Go's zero."""
    row: dict[str, Any] = {
        "type": "email", "args": b"\x03\x04\x00\x0e", "queue": "mail", "priority": 0,
        "status": "NEW", "receive_count": 0, "max_receives": 0,
        "created_at": "2026-01-02 03:04:05.678901", "visible_at": "0001-01-01 00:00:00.000000",
    }  # fmt: skip
    row |= values
    if database.backend == "postgres":
        row |= {name: f"{row[name]}+00" for name in ("created_at", "visible_at")}
    id: UUID = row.pop("id")
    marks = ", ".join([database.placeholder] * (len(row) + 1))
    database.execute(
        f"INSERT INTO {database.table} (id, {', '.join(row)}) VALUES ({marks})",
        [raw_id(database, id), *row.values()],
    )
    return id


def go_rows(backend: str, name: str) -> list[dict[str, Any]]:
    """The rows of one dump ("new" or "after"), as JSON has them."""
    if backend == "postgres":
        return list(json.loads((ROWS / f"pg_{name}.json").read_text()))
    lines = (ROWS / f"maria_{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def load_go_row(database: Database, row: dict[str, Any]) -> Task:
    """Insert a dumped row by hand; the task it stands for."""
    id = UUID(row["id"])
    args = bytes.fromhex(row["args_hex"])
    values = [raw_id(database, id), row["type"], args, *(row[name] for name in COLUMNS[3:])]
    marks = ", ".join([database.placeholder] * len(COLUMNS))
    database.execute(f"INSERT INTO {database.table} VALUES ({marks})", values)
    plain = {
        name: row[name]
        for name in ("type", "queue", "priority", "receive_count", "max_receives", "last_error")
    }
    times = {name: None if row[name] is None else _utc(row[name]) for name in COLUMNS[9:]}
    return Task(id=id, args=args, status=TaskStatus(row["status"]), **plain, **times)  # type: ignore[arg-type]


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text.removesuffix("+00"))
    return moment.replace(tzinfo=UTC)


def raw_id(database: Database, id: UUID) -> object:
    """An id as a parameter of raw SQL."""
    return str(id) if database.backend == "postgres" else id.bytes


def lapse(database: Database, tasks: Iterable[Task]) -> None:
    """Let the leases of `tasks` have ended an hour ago; nothing else of the rows changes."""
    earlier = {
        "postgres": "visible_at - interval '1 hour'",
        "mysql": "visible_at - INTERVAL 1 HOUR",
        "sqlite": "visible_at - 3600000000",
    }[database.backend]
    for task in tasks:
        database.execute(
            f"UPDATE {database.table} SET visible_at = {earlier} WHERE id = {database.placeholder}",
            [raw_id(database, task.id)],
        )
