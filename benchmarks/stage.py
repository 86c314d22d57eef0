"""Where measurements happen: private servers with default durability, a fresh table each time."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from benchmarks import child
from tests.support.databases import Database
from tests.support.programs import ServerUnavailableError
from tests.support.servers import MariaDBServer, PostgresServer, Server

_SERVERS: dict[str, type[Server]] = {"postgres": PostgresServer, "mysql": MariaDBServer}

NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL", "mysql": "MariaDB"}
"""The backends that there may be, and what people call them."""


class Stage:
    """The servers of one run. A context manager: leaving it removes all there was.

    Attributes:
        backends: those that can be had here, by name.
        missing: why the others can't.
    """

    def __init__(self) -> None:
        self._exit = ExitStack()
        self.folder = Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="tasq-")))
        self._urls: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        for name, server in _SERVERS.items():
            try:
                self._urls[name] = self._exit.enter_context(server(durable=True)).url
            except ServerUnavailableError as error:
                self.missing[name] = str(error).splitlines()[0]

    @property
    def backends(self) -> list[str]:
        return ["sqlite", *self._urls]

    @contextmanager
    def table(
        self, backend: str, *, side_tables: bool = True, notify: bool | None = None
    ) -> Iterator[Database]:
        """A fresh, migrated task table, dropped at the end; `notify`: with the trigger or not."""
        if backend == "sqlite":
            path = self.folder / f"{uuid.uuid4().hex[:10]}.db"
            database = Database.in_file(path)
        else:
            database = Database(backend, self._urls[backend])
        child.call(
            "contenders.tasq", "prepare", url=database.url, prefix=database.prefix,
            side_tables=side_tables, notify=notify,
        )  # fmt: skip
        try:
            yield database
        finally:
            database.close()
            if backend == "sqlite":
                for left in self.folder.glob(f"{path.name}*"):
                    left.unlink()

    def peer_url(self, name: str) -> str:
        """A PostgreSQL database of a peer's own, on the same server."""
        import psycopg

        server = self._urls["postgres"]
        with psycopg.connect(server, autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if not found.fetchone():
                connection.execute(f'CREATE DATABASE "{name}"')
        return server.rsplit("/", 1)[0] + f"/{name}"

    def peer_file(self) -> str:
        """The path of a fresh SQLite file."""
        return str(self.folder / f"{uuid.uuid4().hex[:10]}.db")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()
