"""A standby of a private PostgreSQL: it streams from its primary, stops, comes back, is promoted."""

import os
import signal
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
        assert execute(self, "SELECT pg_promote()") == [(True,)]

    def freeze_stream(self) -> None:
        """Let the primary send it nothing more, and not notice."""
        ((pid,),) = execute(
            self._primary,
            f"SELECT pid FROM pg_stat_replication WHERE application_name = '{NAME}'",
        )
        os.kill(int(str(pid)), signal.SIGSTOP)

    def position(self) -> int:
        """The byte of the killed primary's log up to which it has everything; all is applied."""

        def applied() -> object:
            # What the primary had sent still arrives when it is gone.
            sql = (
                "SELECT pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(),"
                " (SELECT count(*) FROM pg_stat_wal_receiver)"
            )
            ((received, replayed, receivers),) = execute(self, sql)
            return received if received == replayed and receivers == 0 else None

        return log_position(wait_until(applied, 30))

    def url_of_pair(self) -> str:
        """The URL that leads to whichever of the two takes writes."""
        hosts = f"127.0.0.1:{self._primary.port},127.0.0.1:{self.port}"
        account = f"tasq:{self.password}"
        return f"postgresql://{account}@{hosts}/postgres?target_session_attrs=read-write"


def log_position(lsn: object) -> int:
    """A position in the log as a number of bytes; PostgreSQL writes it as `16/B374D848`."""
    high, _, low = str(lsn).partition("/")
    return (int(high, 16) << 32) + int(low, 16)


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
def streaming_pair() -> Iterator[tuple[PostgresServer, PostgresStandby]]:
    """A primary and its standby, which streams and which nobody waits for.

    Raises:
        ServerUnavailableError: a program is missing, or one of them won't start.
    """
    with PostgresServer() as primary, PostgresStandby(primary) as standby:
        wait_until(lambda: standby.streaming, 30, "the standby to stream")
        yield primary, standby


@contextmanager
def synchronous_pair() -> Iterator[tuple[PostgresServer, PostgresStandby]]:
    """The same; each commit waits for the standby.

    Raises:
        ServerUnavailableError: a program is missing, or one of them won't start.
    """
    with streaming_pair() as (primary, standby):
        wait_for_standbys(primary, f"FIRST 1 ({NAME})")
        yield primary, standby
