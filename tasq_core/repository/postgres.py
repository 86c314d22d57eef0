"""PostgreSQL, by psycopg 3 and its pool."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, cast

import psycopg
from psycopg import errors

from tasq_core.errors import (
    ClaimUnansweredError,
    ReadOnlyError,
    RepositoryError,
    TableMissingError,
)
from tasq_core.reports import Lease, Outcome
from tasq_core.repository.claiming import EXHAUSTED, Pair, by_order, due_rows
from tasq_core.repository.claims_sql import besides
from tasq_core.repository.driver import Row, Session, within
from tasq_core.repository.inspection_sql import Mode, R
from tasq_core.repository.postgres_connection import BoundedConnection, carried, cursor_of
from tasq_core.repository.postgres_driver import Pool, PostgresDriver
from tasq_core.repository.postgres_migration import Migration
from tasq_core.repository.postgres_notify import Notifier
from tasq_core.repository.postgres_rows import PostgresRows, array, rewrite_arrays
from tasq_core.repository.postgres_session import Connection, PostgresSession
from tasq_core.repository.postgres_submit import insert
from tasq_core.repository.postgres_wakeup import LEASES_BROKEN, NotifyWakeup, hears
from tasq_core.repository.replayed import Replayed
from tasq_core.repository.repository_sql import SqlRepository
from tasq_core.repository.rows import text_of
from tasq_core.repository.side_sql import CRASHED, side_lead
from tasq_core.sql import fill
from tasq_core.task import Ordering, Task, TaskStatus

_COPY_TYPES: Final = (
    "uuid", "text", "bytea", "text", "int2", "text", "int4", "timestamptz", "timestamptz",
)  # fmt: skip
"""The columns of `submit_many`; an enum's binary form is its label's text."""

_OTHER_SPELLINGS: Final = """
    SELECT relname::text FROM pg_class
    WHERE relkind IN ('r', 'p') AND lower(relname) = lower(%(table)s) AND relname <> %(table)s
      AND CASE WHEN %(schema)s = '' THEN pg_table_is_visible(oid)
          ELSE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) END
    ORDER BY relname
"""

_NOTIFY: Final = "SELECT pg_notify(%(channel)s, %(payload)s)"
_FEW_PAIRS: Final = 8
"""Pairs that are walked with each row locked; of more, only what is wanted is locked."""


class PostgresRepository(SqlRepository):
    """A task table in PostgreSQL 13 or newer.

    Args:
        source: a URL or libpq connection string, a `psycopg.Connection` (of one thread) or a
            `psycopg_pool.ConnectionPool`; what is passed in stays the caller's to close.
        prefix: the table is `<prefix>_tasks`, found along the `search_path`; "sch.billing" is
            one of the schema `sch`.
        pool_size: connections at most.
        connect_timeout: seconds to wait for a connection.
        statement_timeout: seconds a statement may take; None leaves the server's default.
        read_only: refuse writes, in the database's own session.
        wake_up: LISTEN for new tasks; without it, and behind a pooler that lets no notice
            through, idle consumers poll. False also does without prepared statements.
    """

    def __init__(
        self,
        source: str | Connection | Pool,
        prefix: str = "",
        *,
        pool_size: int = 10,
        connect_timeout: float = 5.0,
        statement_timeout: float | None = None,
        read_only: bool = False,
        wake_up: bool = True,
    ) -> None:
        driver = PostgresDriver(
            source,
            pool_size=pool_size,
            connect_timeout=connect_timeout,
            statement_timeout=statement_timeout,
            read_only=read_only,
            wake_up=wake_up,
        )
        super().__init__(driver, PostgresRows(), prefix, "postgres", '"')
        self._postgres = driver
        self._wake_up, self._read_only = wake_up, read_only
        # A connection of the caller's is one thread's, and may be in a transaction.
        quiet = not wake_up or read_only or isinstance(source, psycopg.Connection)
        self._notifier = None if quiet else Notifier(self._notify_quietly)
        self._channel = f"{self._slots['name']}_tasq"
        # differs: what a claim notes of lapsed leases is a part of its one statement.
        crashes = self._side["claim_crashes"]
        exhausted = self._side["claim_crashes_exhausted"]
        self._plain = self._claims_with("", "")
        self._noting = self._claims_with(
            fill(crashes, {"exhausted": f"\n{exhausted}"}), fill(crashes, {"exhausted": ""})
        )
        # On the caller's only connection the source of the tasks may be a query.
        self._streams = driver.opens_connections

    def _claims_with(
        self, crashes: str, crashes_of_many: str
    ) -> tuple[Mapping[Ordering, str], Mapping[Ordering, str]]:
        """The claims of few pairs and of many, for each order."""
        return (
            by_order(fill(self._sql.claim, {"crashes": crashes})),
            by_order(fill(self._sql.claim_many, {"crashes": crashes_of_many})),
        )

    def _run(
        self,
        work: Callable[[Session], R],
        mode: Mode,
        repeatable: Callable[[], bool] = lambda: True,
    ) -> R:
        try:
            return super()._run(work, mode, repeatable)
        except TableMissingError as missing:
            try:
                found = self._other_spellings()
            except psycopg.Error:
                found = []
            if not found:
                raise
            hint = f"{missing}; there is {found[0]!r}, and case matters in the prefix"
            raise TableMissingError(hint, self._table) from missing.__cause__

    def _other_spellings(self) -> list[str]:
        """Tables here whose names differ from ours in case alone."""
        schema, _, name = self._table.rpartition(".")
        params = {"table": name, "schema": schema}
        rows = within(self._postgres.read(), lambda session: session.rows(_OTHER_SPELLINGS, params))
        return [text_of(name) for (name,) in rows]

    def migrate(self) -> None:
        """Create or adopt the table and its indexes.

        A table of Go's that is adopted gets a trigger that wakes idle consumers at every insert;
        a new one doesn't need it, since our own submits notify after their commits.

        On a connection or pool of the caller's all is made in one transaction; else indexes of
        a table that holds rows are made beside its writers.

        Raises:
            ReadOnlyError: this repository is read-only.
            RepositoryError: a foreign table of this name, no right to make what is missing, or
                another process that migrates for ten minutes.
        """
        self._migrate(None)

    def migrate_with_trigger(self, enabled: bool) -> None:
        """`migrate`, and make or drop the trigger: it holds back concurrent writers.

        Raises:
            ReadOnlyError, RepositoryError: as `migrate`.
        """
        self._migrate(enabled)

    def _migrate(self, notify: bool | None) -> None:
        if self._read_only:
            raise ReadOnlyError(f"{self._postgres.shown} is open read-only: nothing is migrated")
        migration = Migration(self._slots, self._postgres.shown, notify)
        if not self._run(lambda session: migration.missing(_raw(session)), "read"):
            return
        if not self._postgres.opens_connections:
            self._run(lambda session: migration.at_once(_raw(session)), "write")
            return
        self._run(lambda _: self._migrate_beside_writers(migration), "read")

    def _migrate_beside_writers(self, migration: Migration) -> None:
        with self._postgres.connect() as worker, self._postgres.connect() as locker:
            migration.beside_writers(worker, locker)

    def _claim(
        self,
        pairs: Sequence[Pair],
        timeout: float,
        ordering: Ordering,
        limit: int,
        *,
        note_crashes: bool = False,
    ) -> list[Task]:
        claims, claims_of_many = self._noting if note_crashes else self._plain
        params = {
            "queues": [queue for queue, _ in pairs], "types": [type for _, type in pairs],
            "timeout": timeout, "limit": limit, "due": due_rows(pairs, limit),
            "reason": EXHAUSTED,
        }  # fmt: skip
        if note_crashes:
            params["crash"] = CRASHED

        def run(sql: str) -> list[Task]:
            def work(session: Session, claimed: list[Task]) -> None:
                with cast("PostgresSession", session).uncommitted(sql, params) as rows:
                    claimed += map(self._task, rows)

            return self._claiming(work, "write")

        found: list[Task] = []
        if len(pairs) > _FEW_PAIRS:
            found = run(claims_of_many[ordering])
            params["limit"] = limit - len(found)
        if len(found) < limit:  # others have locked what was best, or there is no more
            try:
                found += run(claims[ordering])
            except ClaimUnansweredError as error:
                raise besides(error, found) from error.__cause__
            except RepositoryError:
                if not found:  # what was claimed must reach its consumer
                    raise
        return found

    def _change_leases(
        self, session: Session, sql: str, leases: Sequence[Lease], **params: object
    ) -> set[Lease]:
        everything = {**params, **_lease_arrays(leases)}
        return _matched(leases, session.rows(sql, everything))

    def _record(self, session: Session, outcomes: Sequence[Outcome]) -> set[Lease]:
        now = time.monotonic()
        leases = [outcome.lease for outcome in outcomes]
        params = _lease_arrays(leases) | {
            "statuses": array(outcome.status for outcome in outcomes),
            "started_ago": array(_ago(now, outcome.started) for outcome in outcomes),
            "finished_ago": array(_ago(now, outcome.finished) for outcome in outcomes),
            # A shorter array is filled up with NULLs by unnest.
            "retry_in": array(
                outcome.retry_in if outcome.status is TaskStatus.NEW else "NULL"
                for outcome in outcomes
            )
            if any(outcome.status is TaskStatus.NEW for outcome in outcomes)
            else "{}",
            "given_back": array(int(not outcome.counted) for outcome in outcomes)
            if not all(outcome.counted for outcome in outcomes)
            else "{}",
            "errors": [outcome.error for outcome in outcomes]
            if any(outcome.error is not None for outcome in outcomes)
            else [],
        }
        return _matched(leases, session.rows(self._sql.record_outcomes, params))

    def _rewrite(self, session: Session, swaps: Sequence[tuple[Task, Task]]) -> None:
        session.change(self._sql.rewrite, rewrite_arrays(swaps, self._rows.time))

    # differs: an INSERT of our own connections is prepared and sent without psycopg's cursor.
    def _insert(self, session: Session, task: Task) -> int:
        raw, time = _raw(session), self._rows.time
        if isinstance(raw, BoundedConnection):
            at = cast("datetime", time(task.created_at)), cast("datetime", time(task.visible_at))
            done = insert(raw, self._sql.submit_prepared, task, *at)
            if done is not None:
                return done
        return super()._insert(session, task)

    def _insert_many(self, session: Session, tasks: Replayed) -> int:
        raw = _raw(session)
        raw.execute("SAVEPOINT tasq")  # a transaction of the caller's survives a duplicate
        try:
            _copy(raw, self._sql.submit_many, tasks, self._rows.time)
            raw.execute("RELEASE SAVEPOINT tasq")
        except errors.UniqueViolation:
            raw.execute("ROLLBACK TO SAVEPOINT tasq")
            with carried(raw), cursor_of(raw) as cursor:
                cursor.executemany(self._sql.submit, [self._columns_of(task) for task in tasks])
                return cursor.rowcount
        return len(tasks)

    def notify(self, *, connection: Any = None) -> None:
        """Wake idle consumers now; with `connection`, at the commit of the caller's transaction.

        Our own submits do this by themselves, unless they joined a caller's transaction. There
        it is the caller's choice: a transaction that notifies holds a lock of the whole cluster
        until its commit is on disk, so that 16 such writers reach a quarter of the commits.
        Better call this without a connection, after the commit.

        Raises:
            RepositoryError: as of any statement.
        """
        params = {"channel": self._channel, "payload": ""}
        if connection is not None:
            self._joined(connection, lambda session: session.rows(_NOTIFY, params))
        elif self._wake_up:
            self._run(lambda session: session.rows(_NOTIFY, params), "write")

    def _notify_quietly(self) -> None:
        with suppress(RepositoryError):  # consumers poll where nothing wakes them
            self.notify()

    def _report_broken_leases(self) -> None:
        params = {"channel": self._channel, "payload": LEASES_BROKEN}
        if self._wake_up:
            with suppress(RepositoryError):  # the next ping finds it out
                self._run(lambda session: session.rows(_NOTIFY, params), "write")

    def _notify_soon(self) -> None:
        if self._notifier is not None:
            self._notifier.notify()

    def close(self) -> None:
        """Close what this repository opened, once the last notice is sent."""
        if self._notifier is not None:
            self._notifier.close()
        super().close()

    def open_wakeup(self) -> NotifyWakeup | None:
        """Listens for notices of new tasks on a connection of its own.

        None also behind a pooler that shares its sessions, which lets no notice through.
        """
        self._check_open()
        if not self._wake_up or not self._postgres.opens_connections:
            return None
        try:
            connection = self._postgres.connect(self._response_timeout)
            if connection.pooled and not self._run(
                lambda session: hears(connection, _raw(session)), "read"
            ):
                connection.close()
                return None
            fleet = f"{side_lead(self._slots['name'])}_fleet"
            return NotifyWakeup(connection, self._channel, fleet)
        except psycopg.Error as error:
            raise self._postgres.translate(error, self._table) from error


def _raw(session: Session) -> Connection:
    return cast("PostgresSession", session).raw


def _copy(
    raw: Connection, sql: str, tasks: Iterable[Task], time: Callable[[datetime], object]
) -> None:
    with carried(raw), cursor_of(raw) as cursor, cursor.copy(sql) as copy:
        copy.set_types(_COPY_TYPES)
        for task in tasks:
            copy.write_row(
                (
                    task.id, task.type, task.args, task.queue, task.priority, "NEW",
                    task.max_receives, time(task.created_at), time(task.visible_at),
                )
            )  # fmt: skip


def _lease_arrays(leases: Sequence[Lease]) -> dict[str, object]:
    return {
        "ids": array(lease.task_id.hex for lease in leases),
        "receive_counts": array(lease.receive_count for lease in leases),
        "nonces": array(lease.nonce for lease in leases),
    }


def _matched(leases: Sequence[Lease], rows: list[Row]) -> set[Lease]:
    """The leases at the ordinals, counted from 1, that a statement returned in an array."""
    ((ordinals,),) = rows
    return {leases[ordinal - 1] for ordinal in ordinals}


def _ago(now: float, moment: float | None) -> str:
    """Seconds since `moment`, to the microsecond: shorter to write and to read than a float."""
    if moment is None:
        return "NULL"
    return f"{now - moment:.6f}" if moment < now else "0"
