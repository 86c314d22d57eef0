"""What the database itself can do: a driver's single-row INSERT, COPY, a claim and nothing else."""

import json
import sqlite3
import statistics
import time
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from benchmarks.contenders import ARGS, Stopwatch, write_for

WARM_UP = 20
_COLUMNS = "id, type, args, queue, priority, status, max_receives, created_at, visible_at"


def _row() -> tuple[Any, ...]:
    now = datetime.now(UTC)
    year_one = datetime(1, 1, 1, tzinfo=UTC)
    return (uuid.uuid4(), "bench", json.dumps(ARGS).encode(), "", 0, "NEW", 0, now, year_one)


def submit_single(backend: str, url: str, table: str, count: int) -> float:
    """One INSERT, one commit, over one connection, with no library between."""
    insert = {"sqlite": _sqlite, "postgres": _postgres, "mysql": _mysql}[backend](url, table)
    for _ in range(WARM_UP):
        insert()
    watch = Stopwatch()
    for _ in range(count):
        insert()
    return watch.rate(count)


def write(url: str, table: str, signal: str, seconds: float) -> float:
    """One of several writers on PostgreSQL: INSERTs a second, begun at the `signal`."""
    return write_for(_postgres(url, table), signal, seconds)


def _sqlite(url: str, table: str) -> Any:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    sql = f'INSERT INTO "{table}" ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'

    def insert() -> None:
        id, type, args, queue, priority, status, limit, *_ = _row()
        now = time.time_ns() // 1000
        connection.execute(sql, (id.bytes, type, args, queue, priority, status, limit, now, 0))

    return insert


def _postgres(url: str, table: str) -> Any:
    import psycopg

    connection = psycopg.connect(url, autocommit=True)
    sql = f'INSERT INTO "{table}" ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)'
    return lambda: connection.execute(sql, _row())


def _mysql(url: str, table: str) -> Any:
    import pymysql

    parts = urlsplit(url)
    connection = pymysql.connect(
        host=parts.hostname, port=parts.port or 3306, user=parts.username,
        password=parts.password or "", database=parts.path[1:], autocommit=True,
    )  # fmt: skip
    sql = f"INSERT INTO `{table}` ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
    cursor = connection.cursor()

    def insert() -> None:
        id, *rest, created, visible = _row()
        naive = (created.replace(tzinfo=None), visible.replace(tzinfo=None))
        cursor.execute(sql, (id.bytes, *rest, *naive))

    return insert


def copy(url: str, table: str, count: int) -> float:
    """COPY of rows that are formatted beforehand: what the server takes, nothing else."""
    import psycopg

    lines = [
        f"{id}\t{type}\t\\\\x{args.hex()}\t{queue}\t{priority}\t{status}\t{limit}\t{created}\t"
        "0001-01-01 00:00:00+00\n"
        for id, type, args, queue, priority, status, limit, created, _ in (
            _row() for _ in range(count)
        )
    ]
    blocks = ["".join(lines[first : first + 1000]).encode() for first in range(0, count, 1000)]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        watch = Stopwatch()
        with cursor.copy(f'COPY "{table}" ({_COLUMNS}) FROM STDIN') as sink:
            for block in blocks:
                sink.write(block)
        connection.commit()
        return watch.rate(count)


def claim(url: str, table: str, count: int, batch: int) -> float:
    """A queue's least: lock some rows past others' locks, mark them, commit; nothing decoded.

    It walks the index of tasks that were never delayed, as our own claims do.
    """
    import psycopg

    sql = f"""
        WITH c AS MATERIALIZED (
          SELECT id FROM "{table}" WHERE queue = '' AND type = 'bench'
            AND status IN ('NEW', 'ENQUEUED', 'IN_PROGRESS')
            AND visible_at <= '0001-01-01 00:00:00+00'
          ORDER BY created_at, priority DESC LIMIT {batch} FOR UPDATE SKIP LOCKED)
        UPDATE "{table}" SET status = 'SUCCESSFUL' WHERE id = ANY(ARRAY(SELECT id FROM c))
    """
    with psycopg.connect(url, autocommit=True) as connection:
        watch = Stopwatch()
        for _ in range(0, count, batch):
            connection.execute(sql)
        return watch.rate(count)


def round_trip(url: str) -> float:
    """Milliseconds of `SELECT 1`."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        taken = []
        for _ in range(500):
            start = time.perf_counter()
            connection.execute("SELECT 1").fetchall()
            taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1000
