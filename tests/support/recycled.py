"""Migrated tables that serve one test after the other: making them takes longer than most tests.

A test gets them empty and as `migrate` leaves them. What a test has changed in another way, or
may still be writing to, is dropped behind it.
"""

import re
import threading
from collections import deque
from contextlib import suppress
from typing import Any

from tests.support.connections import taken
from tests.support.databases import Database

_PROCESSES = "start_process"
_free: dict[tuple[str, str], deque[str]] = {}
_pristine: dict[tuple[str, str], list[Any]] = {}


class Recycled:
    """What one test takes, if it asks for tables that are migrated already."""

    def __init__(self, backend: str, url: str, fixtures: list[str]) -> None:
        self._kind = (backend, url)
        self._migrated = not {"repository", "client"}.isdisjoint(fixtures)
        self._outlived = _PROCESSES in fixtures  # a process may end after the database's turn
        self._threads = set(threading.enumerate())

    @property
    def prefix(self) -> str | None:
        """That of tables which are free; None if there are none, or a test makes its own."""
        free = _free.get(self._kind)
        return free.popleft() if free and self._migrated else None

    def close(self, database: Database) -> None:
        """Empty the tables of a test for another one, or drop them."""
        database.close_connections()
        if not (self._migrated and self._is_over and self._empty(database)):
            database.close()

    @property
    def _is_over(self) -> bool:
        return not self._outlived and self._threads.issuperset(threading.enumerate())

    def _make(self) -> None:
        """Tables that no test has had. An error here is one of this module, and ends the run."""
        made = Database(*self._kind)
        made.open().migrate()
        made.close_connections()
        with taken(*self._kind) as cursor:
            _pristine[self._kind] = _shape(cursor, made)
        _free[self._kind] = deque([made.prefix])

    def _empty(self, database: Database) -> bool:
        if self._kind not in _pristine:
            self._make()
        shape = _pristine[self._kind]
        quote = '"' if database.backend == "postgres" else "`"
        with suppress(Exception), taken(*self._kind) as cursor:
            for table in _tables(cursor, database):
                if table != database.table:  # made at first use
                    cursor.execute(f"DROP TABLE {quote}{table}{quote}")
            if _shape(cursor, database) != shape:
                return False
            cursor.execute(f"DELETE FROM {quote}{database.table}{quote}")
            _free[self._kind].append(database.prefix)
            return True
        return False


def _tables(cursor: Any, database: Database) -> list[str]:
    like = f"{database.prefix}\\_%"
    cursor.execute(_POSTGRES_TABLES if database.backend == "postgres" else _MYSQL_TABLES, [like])
    return [name for (name,) in cursor.fetchall()]


_POSTGRES_TABLES = """
    SELECT relname FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname LIKE %s ORDER BY 1
"""
_MYSQL_TABLES = """
    SELECT table_name FROM information_schema.tables
     WHERE table_schema = database() AND table_name LIKE %s ORDER BY 1
"""
_POSTGRES_SHAPE = """
WITH own AS (
  SELECT oid, relname, relkind, reloptions, relacl, relpersistence FROM pg_class
   WHERE relnamespace = 'public'::regnamespace AND relname LIKE %(like)s
)
SELECT concat_ws(' ', relname, relkind, reloptions, relacl, relpersistence) FROM own
UNION ALL
SELECT concat_ws(' ', relname, attname, format_type(atttypid, atttypmod), attnotnull, attcollation,
    attidentity, pg_get_expr(adbin, adrelid))
  FROM own JOIN pg_attribute a ON a.attrelid = own.oid
  LEFT JOIN pg_attrdef d ON d.adrelid = own.oid AND d.adnum = a.attnum
 WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT pg_get_indexdef(oid) || i.indisvalid FROM own JOIN pg_index i ON i.indexrelid = own.oid
UNION ALL
SELECT conname || pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN own ON own.oid = conrelid
UNION ALL
SELECT pg_get_triggerdef(t.oid) || tgenabled::text FROM pg_trigger t JOIN own ON own.oid = tgrelid
UNION ALL
SELECT concat_ws(' ', typname, enumlabel, enumsortorder)
  FROM pg_enum e JOIN pg_type t ON t.oid = enumtypid WHERE typname LIKE %(like)s
UNION ALL
SELECT proname || prosrc FROM pg_proc
 WHERE pronamespace = 'public'::regnamespace AND proname LIKE %(like)s
ORDER BY 1
"""


def _shape(cursor: Any, database: Database) -> list[str]:
    """All that makes up the tables but their rows, without the prefix."""
    if database.backend == "postgres":
        cursor.execute(_POSTGRES_SHAPE, {"like": f"{database.prefix}\\_%"})
        found = [row[0] for row in cursor.fetchall()]
    else:
        found = []
        for table in _tables(cursor, database):
            cursor.execute(f"SHOW CREATE TABLE `{table}`")
            found.append(re.sub(r" AUTO_INCREMENT=\d+", "", cursor.fetchone()[1]))
        cursor.execute(f"SHOW TRIGGERS LIKE '{database.prefix}\\_%'")
        found += [str(row[:5]) for row in cursor.fetchall()]
    return [text.replace(database.prefix, "") for text in found]
