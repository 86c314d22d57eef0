"""One session of PostgreSQL: bounded waits, its limits, and whether a pooler stands in between."""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import capabilities
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row

from tasq_core.errors import InvalidInputError
from tasq_core.repository.redaction import redact
from tasq_core.repository.unstorable import UnstorableTextError

_CANCEL_SECONDS: Final = 1.0
"""How long the server is given to take a cancellation of what took too long."""

_SET: Final = """
    SELECT set_config(name, value, false)
    FROM unnest(%s::text[], %s::text[]) AS wanted(name, value)
"""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed where the server keeps it waiting for too long."""

    answer_within: float | None = None
    """In seconds. psycopg itself waits until TCP breaks, which a silent server never does."""
    pooled = False
    """Whether each transaction may run in another session of the server."""
    submit_is_prepared = False
    """Whether the INSERT of `postgres_submit` is."""

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """Run one of psycopg's steps to its end.

        Raises:
            psycopg.OperationalError: no end of it in time.
        """
        bound = self.answer_within
        return super().wait(gen if bound is None else self._bounded(gen, bound), *args, **options)

    def _bounded(self, step: Generator[Any, Any, Any], bound: float) -> Generator[Any, Any, Any]:
        deadline = time.monotonic() + bound
        try:
            wanted = next(step)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() >= deadline:
                    self._give_up()
                    raise psycopg.OperationalError(f"no answer from the server in {bound:g} s")
                wanted = step.send(ready)
        except StopIteration as end:
            return end.value

    def _give_up(self) -> None:
        """Close at once; a server that waits for a lock would go on waiting, so cancel first."""
        if capabilities.has_cancel_safe():  # the older cancel may itself wait for ever
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=_CANCEL_SECONDS)
        self.pgconn.finish()


def cursor_of(connection: psycopg.Connection[Any]) -> psycopg.Cursor[Any]:
    """A cursor whose rows are tuples, whatever factories the connection's owner has set."""
    return psycopg.Cursor(connection, row_factory=tuple_row)


@contextmanager
def carried(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Statements whose text a connection of the caller's may not be able to carry.

    Raises:
        UnstorableTextError: it can't.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        encoding = connection.info.parameter_status("client_encoding")
        raise UnstorableTextError(
            f"the connection's client_encoding is {encoding}, which can't carry"
            f" {error.object[error.start : error.end]!r}: connect with client_encoding=UTF8",
            [error.encoding],
        ) from None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session of ours may do."""

    read_only: bool
    statement_timeout: float | None
    """In seconds; None leaves the server's."""

    def establish(self, connection: BoundedConnection) -> None:
        """Put these limits in force on a new connection, or prepare it for `begin`.

        They don't travel as start-up options, which a pooler may drop without a word. One that
        shares its sessions gives a process number of its own: there a setting would reach
        other programs, a prepared statement would be missing or another program's.

        Raises:
            psycopg.Error: the server refuses one of them.
        """
        (pid,) = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone() or (0,)
        connection.pooled = pid != connection.info.backend_pid
        if connection.pooled:
            connection.prepare_threshold = None
            connection.read_only = self.read_only or None
            return
        wanted: dict[str, str] = {}
        if self.read_only:
            wanted["default_transaction_read_only"] = "on"
        if self.statement_timeout is not None:
            wanted["statement_timeout"] = self._milliseconds()
        if wanted:
            cursor = connection.execute(_SET, [[*wanted], [*wanted.values()]], prepare=False)
            if self.read_only and ("on",) not in cursor.fetchall():
                connection.close()
                raise psycopg.OperationalError("the server doesn't hold the session read-only")

    def needs_begin(self, connection: psycopg.Connection[Any]) -> bool:
        """Whether each statement needs a transaction that `begin` limits."""
        return (
            isinstance(connection, BoundedConnection)
            and connection.pooled
            and (self.read_only or self.statement_timeout is not None)
        )

    def begin(self, connection: psycopg.Connection[Any]) -> None:
        """Limit the transaction just begun on a pooled connection; READ ONLY is in its BEGIN."""
        if self.needs_begin(connection) and self.statement_timeout is not None:
            connection.execute(f"SET LOCAL statement_timeout = {self._milliseconds()}")

    def _milliseconds(self) -> str:
        return str(max(1, round((self.statement_timeout or 0) * 1000)))


def conninfo(source: str) -> str:
    """`source` as libpq reads it, which knows no scheme such as postgresql+psycopg.

    Raises:
        InvalidInputError: it can't be read; quotes nothing of a password.
    """
    scheme, slashes, rest = source.partition("://")
    if slashes and "=" not in scheme:
        source = f"postgresql://{rest}"
    # libpq quotes what it can't read, which may be a piece of a password: its error stays out
    # of the chain of ours.
    with suppress(psycopg.Error):
        conninfo_to_dict(source)
        return source
    raise InvalidInputError(
        f"{redact(source)!r} can't be read: libpq knows no such parameter, or a value with"
        " spaces stands without quotes"
    )


def names_several_hosts(source: str) -> bool:
    """Whether libpq has another host to go on to."""
    hosts = conninfo_to_dict(source)
    return any("," in str(hosts.get(key) or "") for key in ("host", "hostaddr", "port"))


def whole_seconds(timeout: float) -> int:
    """A timeout as libpq takes it: whole, and 2 at least."""
    return max(2, round(timeout))


def settings(connect_timeout: float, wake_up: bool) -> dict[str, Any]:
    """Connection keywords."""
    found: dict[str, Any] = {
        "autocommit": True,
        "connect_timeout": whole_seconds(connect_timeout),
        "application_name": "tasq",
        # Whatever the database's own encoding is: the server converts, and checks.
        "client_encoding": "UTF8",
        # Half-open connections are found by TCP itself, in about 15 seconds.
        "keepalives_idle": 5, "keepalives_interval": 3, "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }  # fmt: skip
    if not wake_up:
        found["prepare_threshold"] = None
    return found
