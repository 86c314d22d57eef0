"""SQLite: the embedded default. One file, or a table in memory.

Times are whole microseconds since 1970 UTC; "now" is this machine's clock. A repository
keeps one connection that writes, behind a lock, and one that reads beside it (WAL).
"""

import json
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from tasq_core.errors import InvalidInputError
from tasq_core.filters.where import SQLiteWhere
from tasq_core.ids import uuid_of
from tasq_core.reports import Lease, Outcome
from tasq_core.repository.checks import refuse_foreign_table
from tasq_core.repository.claiming import CLAIM_ORDERS, EXHAUSTED, Pair, due_rows
from tasq_core.repository.driver import Row, Session
from tasq_core.repository.replayed import Replayed
from tasq_core.repository.repository_sql import SqlRepository
from tasq_core.repository.rows import table_names
from tasq_core.repository.side_sql import CRASHED
from tasq_core.repository.sqlite_driver import BUSY_SECONDS, SQLiteDriver
from tasq_core.repository.sqlite_session import SQLiteSession
from tasq_core.repository.sqlite_wakeup import FileWakeup, MemoryWakeup
from tasq_core.repository.steering_sql import rewritten_args
from tasq_core.sql import OBSOLETE_INDEXES, drop_index, fill, load_schema
from tasq_core.task import (
    END_OF_TIME,
    EPOCH,
    IMMEDIATELY,
    MICROSECOND,
    Ordering,
    Task,
    TaskStatus,
    row_id_of,
)

_YEAR_ONE: Final = (IMMEDIATELY - EPOCH) // MICROSECOND
_ID_BYTES: Final = 16
_BEYOND_ALL: Final = b"\xff"
_FEW_PAIRS: Final = 16
"""Pairs whose ready tasks are claimed by a statement that names each."""
_STATUSES: Final = {status.value: status for status in TaskStatus}


class SQLiteRows:
    """How values cross to and from SQLite."""

    where = SQLiteWhere()

    def task(self, row: Row) -> Task:
        """The task of a row."""
        (id, type, args, queue, priority, status, received, limit, error,
         created, started, finished, visible) = row  # fmt: skip
        # Columns hold any type here: what isn't compared below is used as it comes.
        if not (
            len(id) == _ID_BYTES
            and type.__class__ is queue.__class__ is str
            and priority.__class__ is received.__class__ is limit.__class__ is int
        ):
            raise TypeError
        if args.__class__ is str:  # typed by hand
            args = args.encode()
        return Task(
            uuid_of(id), type, bytes(args), queue, priority, _STATUSES[status], received, limit,
            error, self.read_time(created),
            None if started is None else self.read_time(started),
            None if finished is None else self.read_time(finished),
            self.read_time(visible),
        )  # fmt: skip

    def status_of(self, value: Any) -> str:
        """Stored as its label."""
        return str(value)

    def id(self, value: UUID) -> object:
        """Sixteen bytes."""
        return value.bytes

    def read_id(self, value: Any) -> UUID:
        """From sixteen bytes."""
        if len(value) != _ID_BYTES:
            raise ValueError
        return uuid_of(value)

    def time(self, value: datetime) -> object:
        """Microseconds since 1970."""
        return (value - EPOCH) // MICROSECOND

    def bound(self, value: datetime) -> object:
        """A blob is beyond every number, and text that stands for one."""
        return _BEYOND_ALL if value == END_OF_TIME else self.time(value)

    def read_time(self, value: Any) -> datetime:
        """From microseconds; what no datetime can hold becomes the nearest it can."""
        if value <= _YEAR_ONE:
            return IMMEDIATELY
        try:
            return EPOCH + timedelta(microseconds=value)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)

    def names(self, values: Sequence[str]) -> object:
        """A JSON array."""
        return json.dumps(values)

    def ids(self, values: Sequence[UUID]) -> object:
        """One blob, sixteen bytes an id."""
        return b"".join(id.bytes for id in values)

    def clock(self) -> dict[str, object]:
        """SQLite has no clock of its own with microseconds."""
        return {"now": time.time_ns() // 1000}


def _definition(index: str) -> str:
    """What a CREATE INDEX says of its columns and rows; SQLite keeps its text as it was."""
    return " ".join(index.partition(" ON ")[2].split())


class SQLiteRepository(SqlRepository):
    """A task table in an SQLite file or in memory.

    Args:
        source: a URL (`sqlite:///file.db`, `sqlite://` in memory), a path, or a
            `sqlite3.Connection` of one thread; the caller closes a connection.
        prefix: the table is `<prefix>_tasks`.
        read_only: refuse writes, in the database's own session.
        busy_timeout: seconds to wait for another process's write lock.
        wake_up: let `open_wakeup` watch for changes.
    """

    def __init__(
        self,
        source: str | sqlite3.Connection,
        prefix: str = "",
        *,
        read_only: bool = False,
        busy_timeout: float = BUSY_SECONDS,
        wake_up: bool = True,
    ) -> None:
        driver = SQLiteDriver(source, read_only=read_only, busy_timeout=busy_timeout)
        if table_names(prefix).schema:
            raise InvalidInputError(
                f"prefix {prefix!r} names a schema, which SQLite hasn't: leave it out, and give"
                " the other file's URL instead"
            )
        super().__init__(driver, SQLiteRows(), prefix, "sqlite", '"')
        self._sqlite = driver
        self._wake_up = wake_up
        self._claims_of_ready: dict[tuple[Ordering, int], str] = {}

    # differs: asking by a write would wait for another program's lock.
    def check_takes_writes(self) -> None:
        """Find out whether this client may write.

        Raises:
            ReadOnlyError: it may not.
        """
        self._sqlite.check_writable("written")

    def migrate(self) -> None:
        """Create the table and its indexes where they are missing, or from an older tasq.

        Raises:
            RepositoryError: a table of this name that isn't a task table, left as it is.
        """
        self._sqlite.check_writable("migrated")
        missing = self._run(self._missing, "read") if self._sqlite.has_file() else [""]
        if missing:
            self._run(self._make_missing, "transaction")

    def _make_missing(self, session: Session) -> None:
        for statement in self._missing(session):
            session.change(statement, {})

    def _missing(self, session: Session) -> list[str]:
        """The statements that have something to make or to drop, in their order.

        Raises:
            RepositoryError: there is a table of this name which isn't a task table.
        """
        where = str(self._sqlite.path or "the SQLite database")
        columns = session.rows("SELECT name FROM pragma_table_info(:table)", {"table": self._table})
        if columns:
            refuse_foreign_table(self._table, where, [name for (name,) in columns])
        made = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :table"
        found: dict[str, str] = dict(session.rows(made, {"table": self._table}))
        statements: list[str] = []
        for step, text in load_schema("sqlite").items():
            statement = fill(text, self._slots)
            name = f"{self._table}_tasq_{step.removeprefix('index_')}"
            if step == "create_table":
                statements += [] if columns else [statement]
            elif name not in found:
                statements.append(statement)
            elif _definition(found[name]) != _definition(statement):
                statements += [f'DROP INDEX "{name}"', statement]
        return statements + [
            drop_index("sqlite", self._slots, index)
            for index in OBSOLETE_INDEXES
            if f"{self._table}_tasq_{index}" in found
        ]

    # differs: in process a call is cheaper than reading JSON, and ids are blobs.
    _notes_singly = True

    def _claim(
        self,
        pairs: Sequence[Pair],
        timeout: float,
        ordering: Ordering,
        limit: int,
        *,
        note_crashes: bool = False,
    ) -> list[Task]:
        few = len(pairs) <= _FEW_PAIRS

        def work(session: Session, claimed: list[Task]) -> None:
            now = time.time_ns() // 1000  # after the wait for the write lock
            params = {
                "now": now,
                "until": now + round(timeout * 1_000_000),
                "pairs": json.dumps(pairs),
                "limit": limit,
                "due": due_rows(pairs, limit),
                "reason": EXHAUSTED,
            }
            ((due, exhausted),) = session.rows(self._sql.claim_extent, params)
            lapsed = (
                session.rows(self._side["lapsed_leases"], params) if due and note_crashes else []
            )
            if due or not few:
                claimed += map(self._task, session.rows(self._claims[ordering], params))
            else:
                sql = self._claim_of_ready(ordering, len(pairs))
                for n, (queue, type) in enumerate(pairs):
                    params |= {f"queue_{n}": queue, f"type_{n}": type}
                claimed += map(self._task, session.rows(sql, params))
            if lapsed:
                self._note_crashes(session, lapsed, claimed)
            if exhausted and len(claimed) < limit:
                if note_crashes:
                    session.change(self._side["note_exhausted"], {**params, "crash": CRASHED})
                session.change(self._sql.fail_exhausted, params)

        return self._claiming(work, "transaction")

    def _claim_of_ready(self, ordering: Ordering, pairs: int) -> str:
        """The statement that claims of so many pairs without due tasks."""
        key = ordering, pairs
        if key not in self._claims_of_ready:
            walks = [fill(self._sql.claim_ready_of_pair, {"pair": str(n)}) for n in range(pairs)]
            statement = fill(self._sql.claim_ready, {"branches": "\nUNION ALL\n".join(walks)})
            self._claims_of_ready[key] = fill(statement, {"order": CLAIM_ORDERS[ordering]})
        return self._claims_of_ready[key]

    def _note_crashes(
        self, session: Session, lapsed: Sequence[Row], claimed: Sequence[Task]
    ) -> None:
        """Note the leases that had lapsed, of the tasks claimed from them."""
        ids = {row_id_of(task) if task.unreadable else task.id.bytes for task in claimed}
        for id, receive_count, started, ended in lapsed:
            if id in ids:
                params = {
                    "id": id, "receive_count": receive_count, "started_at": started,
                    "ended_at": ended, "crash": CRASHED,
                }  # fmt: skip
                session.change(self._side["note_crash"], params)

    def _change_leases(
        self, session: Session, sql: str, leases: Sequence[Lease], **params: object
    ) -> set[Lease]:
        everything = {**self._rows.clock(), **params}
        return {
            lease
            for lease in leases
            if session.change(
                sql,
                everything
                | {
                    "id": lease.task_id.bytes,
                    "receive_count": lease.receive_count,
                    "nonce": lease.nonce,
                },
            )
        }

    def _record(self, session: Session, outcomes: Sequence[Outcome]) -> set[Lease]:
        now, monotonic = time.time_ns() // 1000, time.monotonic()

        def at(moment: float | None) -> int | None:
            return None if moment is None else now - round((monotonic - moment) * 1_000_000)

        held = set()
        for lease, status, started, finished, error, retry_in, _, counted, _ in outcomes:
            visible = None
            if status is TaskStatus.NEW:
                visible = now + round(retry_in * 1_000_000) if retry_in else _YEAR_ONE
            params = (
                status.value, at(started), at(finished), error, visible,
                lease.task_id.bytes, lease.receive_count, lease.nonce, int(not counted),
            )  # fmt: skip
            if session.change(self._sql.record_outcomes, params):  # type: ignore[arg-type] # by position
                held.add(lease)
        return held

    def _insert_many(self, session: Session, tasks: Replayed) -> int:
        assert isinstance(session, SQLiteSession)  # noqa: S101 - this driver's only kind
        rows = (
            (
                task.id.bytes, task.type, task.args, task.queue, task.priority,
                task.max_receives, (task.created_at - EPOCH) // MICROSECOND,
                (task.visible_at - EPOCH) // MICROSECOND,
            )
            for task in tasks
        )  # fmt: skip
        return session.change_many(self._sql.submit_many, rows)

    def _rewrite(self, session: Session, swaps: Sequence[tuple[Task, Task]]) -> None:
        for before, after in swaps:
            columns = self._columns_of(after) | {"args": rewritten_args(before, after)}
            session.change(self._sql.rewrite, columns)

    def open_wakeup(self) -> FileWakeup | MemoryWakeup | None:
        """Watches the file's data version; in memory, this repository's own commits."""
        self._check_open()
        if not self._wake_up or not self._sqlite.opens_connections:
            return None
        if self._sqlite.path is None:
            return MemoryWakeup(self._sqlite.changed)
        return FileWakeup(self._sqlite.open_raw)
