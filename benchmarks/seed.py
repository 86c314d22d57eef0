"""Large tables, the same at every run, made by the database itself.

Ids begin as those of `tasq_core.ids.new_id` do, with a byte that tells 64 seconds from the next.
"""

import time
from typing import Any

from tests.support.databases import Database

MIXED = "mixed"
"""A table in use: 5 queues, 7 types, one row in a hundred open, four failed, the rest done."""
HISTORY = "history"
"""Finished tasks of the queue and type that are drained."""
BACKLOG = "backlog"
"""Older open tasks of that queue and type, of ten priorities."""
OTHERS = "others"
"""Older open tasks in queues that nobody consumes."""
OPEN = "open"
"""Open tasks only, of the queues and types of `MIXED`."""
GRID = "grid"
"""Open tasks of each of `GRID_TYPES` in each of `GRID_QUEUES`."""
PAIRS = "pairs"
"""Open tasks of 50,000 pairs: 5,000 queues with ten of `PAIR_TYPES` each."""

GRID_QUEUES = [f"queue-{number}" for number in range(10)]
GRID_TYPES = [f"type-{number}" for number in range(50)]
PAIR_TYPES = [f"type-{number}" for number in range(500)]

_ERROR = "ConnectionError: connection refused by 10.0.0.7:5432"

# (type, queue, priority, status) as expressions of `g`, the row's number.
_KINDS = {
    HISTORY: ("'bench'", "''", "0", "'SUCCESSFUL'"),
    BACKLOG: ("'bench'", "''", "g % 10", "'NEW'"),
    OTHERS: ("'bench'", "{other}", "g % 10", "'NEW'"),
    OPEN: ("{type}", "{queue}", "g % 10", "'NEW'"),
    GRID: ("{grid_type}", "{grid_queue}", "g % 10", "'NEW'"),
    PAIRS: ("{pair_type}", "{pair_queue}", "g % 10", "'NEW'"),
    MIXED: (
        "{type}",
        "{queue}",
        "g % 10",
        "CASE WHEN g % 100 = 7 THEN 'NEW' WHEN g % 100 < 4 THEN 'FAILED' ELSE 'SUCCESSFUL' END",
    ),
}
_COLUMNS = """id, type, args, queue, priority, status, receive_count, max_receives,
  last_error, created_at, started_at, finished_at, visible_at"""
_BEGIN = 1767225600  # 2026-01-01
_ARGS = '{"to": "ada@example.com", "subject": "Your order has shipped"}'


def fill(database: Database, kind: str, first: int, last: int, *, delayed: bool = False) -> None:
    """Insert rows number `first` to `last` of `kind`, oldest first: a table in use grew by one
    task a second, the others by one a millisecond. `delayed` ones are visible tomorrow.
    """
    {"sqlite": _sqlite, "postgres": _postgres, "mysql": _mysql}[database.backend](
        database, kind, first, last, delayed
    )


def _expressions(kind: str, join: Any, divide: str = "/") -> list[str]:
    names = {
        "type": join("'type-'", "g % 7"),
        "queue": join("'queue-'", "g % 5"),
        "other": join("'other-'", "g % 7"),
        "grid_type": join("'type-'", "g % 50"),
        "grid_queue": join("'queue-'", f"g {divide} 50 % 10"),
        "pair_type": join("'type-'", f"g % 50 * 10 + g {divide} 5000 % 10"),
        "pair_queue": join("'queue-'", "g % 5000"),
    }
    return [part.format(**names) for part in _KINDS[kind]]


def _gap(kind: str) -> int:
    """Milliseconds between one row and the next."""
    return 1000 if kind == MIXED else 1


def _place(kind: str, divide: str) -> str:
    """The byte that the id of row `g` begins with."""
    return f"({_BEGIN} + g * {_gap(kind)} {divide} 1000) >> 6 & 255"


def _finished(status: str, value: str) -> str:
    return f"CASE WHEN {status} IN ('SUCCESSFUL', 'FAILED') THEN {value} END"


def _postgres(database: Database, kind: str, first: int, last: int, delayed: bool) -> None:
    type, queue, priority, status = _expressions(kind, lambda a, b: f"{a} || ({b})")
    enum = f'"{database.prefix}_task_status"'
    at = f"timestamptz '2026-01-01 00:00:00+00' + g * interval '{_gap(kind)} milliseconds'"
    place = f"lpad(to_hex({_place(kind, '/')}), 2, '0')"
    visible = "now() + interval '1 day'" if delayed else "'0001-01-01 00:00:00+00'"
    database.execute(f"""
        INSERT INTO "{database.table}" ({_COLUMNS})
        SELECT overlay(md5(g::text) PLACING {place} FROM 1)::uuid, {type},
          convert_to('{_ARGS}', 'UTF8'), {queue}, {priority}, ({status})::{enum}, 0, 0,
          CASE WHEN {status} = 'FAILED' THEN '{_ERROR}' END, {at},
          {_finished(status, at)}, {_finished(status, at)}, {visible}
        FROM generate_series({first}::bigint, {last}) AS g
    """)
    database.execute(f'VACUUM (ANALYZE) "{database.table}"')


def _mysql(database: Database, kind: str, first: int, last: int, delayed: bool) -> None:
    type, queue, priority, status = _expressions(kind, lambda a, b: f"CONCAT({a}, {b})", "DIV")
    at = f"'2026-01-01' + INTERVAL g * {_gap(kind)}000 MICROSECOND"
    place = f"LPAD(HEX({_place(kind, 'DIV')}), 2, '0')"
    visible = "UTC_TIMESTAMP(6) + INTERVAL 1 DAY" if delayed else "'0001-01-01 00:00:00'"
    for start in range(first, last + 1, 100_000):
        end = min(last, start + 99_999)
        database.execute(f"""
            INSERT INTO `{database.table}` ({_COLUMNS})
            SELECT UNHEX(INSERT(MD5(g), 1, 2, {place})), {type}, '{_ARGS}', {queue}, {priority},
              {status}, 0, 0, CASE WHEN {status} = 'FAILED' THEN '{_ERROR}' END, {at},
              {_finished(status, at)}, {_finished(status, at)}, {visible}
            FROM (SELECT seq AS g FROM seq_{start}_to_{end}) AS n
        """)
    database.execute(f"ANALYZE TABLE `{database.table}`")


def _sqlite(database: Database, kind: str, first: int, last: int, delayed: bool) -> None:
    type, queue, priority, status = _expressions(kind, lambda a, b: f"{a} || ({b})")
    at = f"{_BEGIN}000000 + g * {_gap(kind)}000"
    visible = (int(time.time()) + 86_400) * 1_000_000 if delayed else -62135596800000000
    # The scattered ids touch all of their index, which the cache as it comes doesn't hold.
    database.execute("PRAGMA cache_size = -2000000")
    # The multiplier scatters the ids of a place, the number at their end tells them apart.
    database.execute(f"""
        INSERT INTO "{database.table}" ({_COLUMNS})
        WITH RECURSIVE n(g) AS (SELECT {first} UNION ALL SELECT g + 1 FROM n WHERE g < {last})
        SELECT CAST(printf('%02x%06x%08x', {_place(kind, "/")},
            g * 2654435761 % 16777216, g) AS BLOB), {type},
          CAST('{_ARGS}' AS BLOB), {queue}, {priority}, {status}, 0, 0,
          CASE WHEN {status} = 'FAILED' THEN '{_ERROR}' END, {at},
          {_finished(status, at)}, {_finished(status, at)}, {visible}
        FROM n
    """)
