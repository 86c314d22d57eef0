"""A database as a test sees it: a URL, a prefix of its own, raw SQL beside the library."""

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import connections

if TYPE_CHECKING:
    from tasq_core import Client
    from tasq_core.repository.protocol import Repository
    from tests.support.servers import Server

BACKENDS = ("sqlite", "postgres", "mysql")


class Database:
    """One prefix in one database, for one test; `close` drops what stands under the prefix.

    Attributes:
        backend: "sqlite", "postgres" or "mysql".
        url: what `tasq_core.connect` takes.
        prefix: unique, so that tests share a server.
        placeholder: how raw SQL marks a parameter: "?" or "%s".
        server: the private server it stands on, for tests that break it.
        keeps: whether it leaves its raw connection to the next one with this URL.
    """

    def __init__(
        self,
        backend: str,
        url: str,
        prefix: str | None = None,
        server: "Server | None" = None,
        *,
        keeps: bool = False,
    ) -> None:
        self.backend = backend
        self.url = url
        self.prefix = f"t{uuid.uuid4().hex[:10]}" if prefix is None else prefix
        self.placeholder = "?" if backend == "sqlite" else "%s"
        self.server = server
        self.keeps = keeps
        self._opened: list[Any] = []
        self._connection: Any = None

    @classmethod
    def in_file(cls, path: Path) -> "Database":
        """A SQLite database at `path`."""
        return cls("sqlite", f"sqlite:///{path}")

    @property
    def table(self) -> str:
        """The task table's name, unquoted."""
        return f"{self.prefix}_tasks" if self.prefix else "tasks"

    def open(self, **options: Any) -> "Repository":
        """A new repository on it; `options` go to `open_repository`. Closed with the database."""
        from tasq_core.repository import open_repository

        return self._closed_at_the_end(open_repository(self.url, self.prefix, **options))

    def client(self, **options: Any) -> "Client":
        """A new client on it; `options` go to `connect`. Closed with the database."""
        import tasq_core

        return self._closed_at_the_end(tasq_core.connect(self.url, prefix=self.prefix, **options))

    def connect(self, *, autocommit: bool = False) -> Any:
        """A new connection of the driver. Closed with the database."""
        made = connections.connect(self.backend, self.url, autocommit=autocommit)
        return self._closed_at_the_end(made)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one hand-written statement, committed at once; its rows. Session time is UTC."""
        if self._connection is None:
            if self.keeps:
                self._connection = connections.take(self.backend, self.url)
            else:
                self._connection = self.connect(autocommit=True)
        cursor = self._connection.cursor()
        try:
            # no params, no formatting: a literal % stays one
            cursor.execute(sql, tuple(params)) if params else cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            cursor.close()

    def close_connections(self) -> None:
        """Close what was opened here; the data stays."""
        for opened in reversed(self._opened):
            opened.close()
        self._opened.clear()
        if self.keeps and self._connection is not None:
            connections.give_back(self.url, self._connection)
        self._connection = None

    def close(self) -> None:
        """Close what was opened here and drop the tables, types and functions of the prefix."""
        self.close_connections()
        if self.backend != "sqlite":
            opened = connections.taken if self.keeps else connections.connected
            with opened(self.backend, self.url) as cursor:
                _drop(self.backend, cursor, self.table, self.prefix)

    def _closed_at_the_end(self, opened: Any) -> Any:
        self._opened.append(opened)
        return opened


def external_url(backend: str) -> str | None:
    """The URL of a server given for the tests, if one is."""
    return os.environ.get(f"TASQ_TEST_{backend.upper()}_URL")


def server_version(backend: str, url: str) -> str:
    """What the server at `url` calls itself."""
    database = Database(backend, url, prefix="")
    connection = database.connect()
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT version()")
        return str(cursor.fetchone()[0])
    finally:
        connection.close()


_POSTGRES_LEFTOVERS = """
    SELECT format('DROP TABLE IF EXISTS %%s CASCADE', c.oid::regclass)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY (current_schemas(false))
       AND (c.relname = %(table)s OR c.relname LIKE %(like)s)
    UNION ALL
    SELECT format('DROP TYPE IF EXISTS %%s CASCADE', t.oid::regtype)
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE t.typtype = 'e' AND n.nspname = ANY (current_schemas(false))
       AND (t.typname = %(type)s OR t.typname LIKE %(like)s)
    UNION ALL
    SELECT format('DROP FUNCTION IF EXISTS %%s CASCADE', p.oid::regprocedure)
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = ANY (current_schemas(false)) AND p.proname LIKE %(like)s
"""

_MYSQL_LEFTOVERS = """
    SELECT concat('DROP TABLE IF EXISTS ', group_concat('`', table_name, '`'))
      FROM information_schema.tables
     WHERE table_schema = database()
       AND (table_name = %(table)s OR table_name LIKE %(like)s)
    HAVING count(*) > 0
"""


def _drop(backend: str, cursor: Any, table: str, prefix: str) -> None:
    """Drop what stands under `prefix`; without one, the default names and side tables."""
    like = f"{prefix}\\_%" if prefix else "tasq\\_%"
    names = {"table": table, "type": "task_status", "like": like}
    if prefix:
        names["type"] = f"{prefix}_task_status"
    cursor.execute(_POSTGRES_LEFTOVERS if backend == "postgres" else _MYSQL_LEFTOVERS, names)
    if statements := [statement for (statement,) in cursor.fetchall()]:
        cursor.execute("; ".join(statements))
