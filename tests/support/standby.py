"""A standby of a private PostgreSQL: it streams from its primary, stops, comes back, is promoted."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.programs import postgres_program
from tests.support.servers import PostgresServer
from tests.support.wait import wait_until

NAME = "tasq_standby"
"""What the standby calls itself to its primary."""


class PostgresStandby(PostgresServer):
    """A hot standby, made by pg_basebackup; its password is the primary's."""

    def __init__(self, primary: PostgresServer) -> None:
        """Copy `primary` and follow it.

        Raises:
            ServerUnavailableError: a program is missing, or it won't start; says why.
        """
        self._primary = primary
        super().__init__()

    @classmethod
    def _require(cls) -> None:
        super()._require()
        postgres_program("pg_basebackup")

    def _initialise(self) -> None:
        self.password = self._primary.password
        data = self.folder / "data"
        self._run(
            postgres_program("pg_basebackup"),
            *("--pgdata", str(data), "--write-recovery-conf", "--no-sync", "--checkpoint=fast"),
            *("--dbname", f"{self._primary.url}?application_name={NAME}"),
        )
        with (data / "postgresql.conf").open("a") as file:  # the last of two settings counts
            file.write(f"port = {self.port}\nunix_socket_directories = '{self.folder}'\n")

    @property
    def streaming(self) -> bool:
        """Whether the primary sends it the log now."""
        rows = execute(
            self._primary,
            "SELECT 1 FROM pg_stat_replication"
            f" WHERE application_name = '{NAME}' AND state = 'streaming'",
        )
        return bool(rows)

    def promote(self) -> None:
        """Let it take over: from now on it takes writes."""
        execute(self, "SELECT pg_promote()")


def execute(server: PostgresServer, sql: str) -> list[tuple[object, ...]]:
    """Run one statement as the server's superuser; its rows. It waits for no standby."""
    import psycopg

    with psycopg.connect(
        server.url, autocommit=True, connect_timeout=10, options="-c synchronous_commit=local"
    ) as connection:
        cursor = connection.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


def wait_for_standbys(server: PostgresServer, names: str) -> None:
    """Let every commit on `server` wait for the standbys `names`; "" for none."""
    execute(server, f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    execute(server, "SELECT pg_reload_conf()")
    wait_until(lambda: execute(server, "SHOW synchronous_standby_names") == [(names,)])


@contextmanager
def synchronous_pair() -> Iterator[tuple[PostgresServer, PostgresStandby]]:
    """A primary whose commits wait for its streaming standby, and that standby.

    Raises:
        ServerUnavailableError: a program is missing, or one of them won't start.
    """
    with PostgresServer() as primary, PostgresStandby(primary) as standby:
        wait_until(lambda: standby.streaming, 30, "the standby to stream")
        wait_for_standbys(primary, f"FIRST 1 ({NAME})")
        yield primary, standby
