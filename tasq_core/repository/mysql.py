"""MySQL 8.0.1+ and MariaDB 10.6+, by PyMySQL and DBUtils' pool.

Times stand in the table as wall time without a zone, as Go's library writes them (its
process's zone); `time_zone` says which, UTC if nothing else. "Now" is the server's clock.
"""

import base64
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, cast
from uuid import UUID

import pymysql

from tasq_core.errors import InvalidInputError, RepositoryError
from tasq_core.filters import Filter
from tasq_core.filters.dialects import Bind
from tasq_core.filters.model import WORD
from tasq_core.filters.where import MySQLWhere
from tasq_core.ids import uuid_of
from tasq_core.reports import Lease, Outcome
from tasq_core.repository.claiming import NEWEST, Listed, Pair, Wanted
from tasq_core.repository.driver import Row, Session
from tasq_core.repository.mysql_candidates import Search
from tasq_core.repository.mysql_claim import MySQLClaims
from tasq_core.repository.mysql_driver import MySQLDriver
from tasq_core.repository.mysql_migration import migrate
from tasq_core.repository.mysql_table import TableFacts
from tasq_core.repository.mysql_wakeup import ProbeWakeup
from tasq_core.repository.replayed import Replayed
from tasq_core.repository.repository_sql import SqlRepository
from tasq_core.repository.rows import as_number, text_of
from tasq_core.repository.steering_sql import rewritten_args
from tasq_core.repository.zones import WallTime, zone_named
from tasq_core.sql import fill
from tasq_core.task import IMMEDIATELY, Ordering, Task, TaskStatus

_LONGEST_TEXT: Final = 65_535
"""Bytes a `text` column holds; INSERT IGNORE would cut what is longer without a word."""
_INSERT_ROWS: Final = 1000
_FEW: Final = 2000
"""Below this many matches, sorting beats walking the index."""
_LONGEST_TURN: Final = 0.5
"""Seconds that a claim lets others go first."""
_STARTED: Final = ("ENQUEUED", "IN_PROGRESS")
"""The statuses of a leased task; a claim that wasn't started has the first."""


class MySQLRows:
    """How values cross to and from MySQL, for tables of one time zone."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = WallTime(zone)
        self.where = MySQLWhere(self.zone.now, self.time, self._ago)
        self.clock = self.zone.params

    def task(self, row: Row) -> Task:
        """The task of a row; a claim's has the clock behind it."""
        created, started, finished, visible = row[9:13]
        return Task(
            uuid_of(row[0]), text_of(row[1]), row[2], text_of(row[3]), row[4],
            TaskStatus(row[5]), row[6], row[7], None if row[8] is None else text_of(row[8]),
            self.read_time(created),
            None if started is None else self.read_time(started),
            None if finished is None else self.read_time(finished),
            self.read_time(visible, later=True),
        )  # fmt: skip

    def _ago(self, seconds: float, bind: Bind) -> str:
        length = bind(seconds - self.zone.drift(-seconds))
        return self.zone.of(f"(UTC_TIMESTAMP(6) - INTERVAL {length} SECOND)")

    def status_of(self, value: Any) -> str:
        """The enum's label."""
        return str(value)

    def id(self, value: UUID) -> object:
        """Sixteen big-endian bytes: bound as text it would match no row."""
        return value.bytes

    def read_id(self, value: Any) -> UUID:
        """From sixteen bytes."""
        return uuid_of(value)

    def time(self, value: datetime) -> datetime:
        """Wall time of the table's zone; year 1 is the same in all of them."""
        return self.zone.write(value)

    def bound(self, value: datetime) -> object:
        """As any time."""
        return self.time(value)

    def read_time(self, value: Any, *, later: bool = False) -> datetime:
        """From wall time; a zero date, which comes as text, is year 1."""
        if not isinstance(value, datetime):
            return IMMEDIATELY
        return self.zone.read(value, later=later)

    def names(self, values: Sequence[str]) -> object:
        """A tuple, which PyMySQL spells out."""
        return tuple(map(str, values))

    def ids(self, values: Sequence[UUID]) -> object:
        """A tuple of sixteen bytes each."""
        return tuple(id.bytes for id in sorted(values, key=as_number))


class MySQLRepository(SqlRepository):
    """A task table in MySQL or MariaDB.

    Args:
        source: a URL, a PyMySQL connection (of one thread), or a DBUtils `PooledDB` over
            PyMySQL; what is passed in stays the caller's to close.
        prefix: the table is `<prefix>_tasks`; "db.billing" is one of the database `db`.
        pool_size: connections at most.
        connect_timeout: seconds to wait for a connection.
        statement_timeout: seconds a statement may take; None leaves the server's default.
        time_zone: the zone whose wall time the table holds: "UTC", "local", a name like
            "Europe/Berlin", or a tzinfo. Run Go with TZ=UTC and leave it: where clocks are set
            back, a lease or delay that ends in the first of two equal hours may end an hour late.
        read_only: refuse writes, in the database's own session.
        wake_up: let `open_wakeup` look for newer tasks between polls.
    """

    def __init__(
        self,
        source: Any,
        prefix: str = "",
        *,
        pool_size: int = 10,
        connect_timeout: float = 5.0,
        statement_timeout: float | None = None,
        time_zone: str | tzinfo = "UTC",
        read_only: bool = False,
        wake_up: bool = True,
    ) -> None:
        self._mysql = MySQLDriver(
            source,
            pool_size=pool_size,
            connect_timeout=connect_timeout,
            statement_timeout=statement_timeout,
            read_only=read_only,
        )
        rows = self._mysql_rows = MySQLRows(zone_named(time_zone))
        zone = rows.zone
        super().__init__(self._mysql, rows, prefix, "mysql", "`", now=zone.now, wall=zone.wall)
        self._wake_up = wake_up
        self._facts = TableFacts(self._slots)
        self._claims_of_table = MySQLClaims(self._sql, self._rows, self._facts, self._task)

    # differs: the server's clock is asked for in UTC; its wall time may be one of two.
    def now(self) -> datetime:
        """The database's clock, aware UTC."""
        found: datetime = self._rows_of(self._sql.now, {})[0][0]
        return found.replace(tzinfo=UTC)

    # differs: text is indexed by a prefix, which can't be walked from name to name.
    _lists_quickly = False

    # differs: what changes many leases takes several statements.
    _batch_mode = "transaction"

    def migrate(self) -> None:
        """Create or adopt the table, and add the indexes that are missing.

        Raises:
            RepositoryError: a table of this name that isn't a task table, left as it is; or
                another process that has been migrating for ten minutes.
        """
        self._mysql.check_writable()

        def work(session: Session) -> None:
            self._mysql.unbound(session)
            migrate(session, self._slots, self._mysql.shown)

        self._run(work, "write")
        self._facts.forget()

    # differs: SELECT … FOR UPDATE SKIP LOCKED, then an UPDATE; there is no RETURNING.
    def _claim(
        self,
        pairs: Sequence[Pair],
        timeout: float,
        ordering: Ordering,
        limit: int,
        *,
        note_crashes: bool = False,
    ) -> list[Task]:
        self._look()
        search = self._claims_of_table.candidates.among(pairs, ordering, limit)
        return self._claim_found(search, timeout, limit, note_crashes=note_crashes)

    # differs: pairs can't be listed quickly, so that what is near is looked through first.
    def _claim_nearest(
        self,
        wanted: Wanted,
        timeout: float,
        ordering: Ordering,
        limit: int,
        *,
        note_crashes: bool = False,
    ) -> tuple[list[Task], bool]:
        facts = self._look()
        if not (facts.hint("ready_created") and facts.hint("status")):
            return [], False
        search = self._claims_of_table.candidates.any_of(wanted, ordering)
        tasks = self._claim_found(search, timeout, limit, note_crashes=note_crashes)
        return tasks, search.is_all

    # differs: without the index it would be a scan.
    def _newest_pairs(self) -> list[Listed]:
        age_hint = self._look().hint("status")
        sql = fill(self._sql.newest_pairs, {"age_hint": age_hint})
        return self._listed(sql, {"newest": NEWEST}) if age_hint else []

    def _claim_found(
        self, search: Search, timeout: float, limit: int, *, note_crashes: bool
    ) -> list[Task]:
        note = self._side["note_crashes"] if note_crashes else ""
        try:
            turn_timeout = min(_LONGEST_TURN, (self._response_timeout or _LONGEST_TURN * 4) / 4)
            claim = self._claims_of_table.prepare(
                search, timeout, limit, note_crashes=note, turn_timeout=turn_timeout
            )
            ended = 0

            def work(session: Session, claimed: list[Task]) -> None:
                nonlocal ended
                tasks, ended = claim(session)
                claimed += tasks

            while not (tasks := self._claiming(work, "claim")):
                if not ended:
                    break
        except RepositoryError:
            self._facts.forget()
            raise
        return tasks

    def _look(self) -> TableFacts:
        self._facts.look(lambda sql: self._rows_of(sql, {}), self.dialect)
        return self._facts

    def _walk_hint(self, where: Filter, *, by_end: bool) -> str:
        """The index in whose order is walked, unless another one finds the few rows there are."""
        if any(term.key in {"id", WORD} and not term.negated for term in where.terms):
            return ""
        statuses, queues = where.statuses(), where.queues()
        if queues:
            named = Filter.of(statuses, where.types() or None, queues)
            if statuses is None or self.count(named, _FEW) < _FEW:
                return ""
        return self._look().hint("finished" if by_end else "status")

    def _figure_slots(self, by: str | None) -> dict[str, str]:
        facts = self._look()
        ended_by = f"COALESCE(done.{by}, failed.{by})" if by else "''"
        hints = {"hint": facts.hint("finished"), "age_hint": facts.hint("status")}
        return {**hints, "ended_by": ended_by}

    # differs: an UPDATE says how many rows it matched, not which.
    def _change_leases(
        self, session: Session, sql: str, leases: Sequence[Lease], **params: object
    ) -> set[Lease]:
        statuses = _STARTED[:1] if sql == self._sql.release_leases else _STARTED

        def rows_of(some: Sequence[Lease]) -> dict[str, object]:
            listed = [(lease.task_id.hex, lease.receive_count, lease.nonce) for lease in some]
            return {
                **self._rows.clock(), **params, "leases": json.dumps(listed),
                "statuses": statuses,
            }  # fmt: skip

        return self._matched(session, sql, leases, rows_of)

    def _record(self, session: Session, outcomes: Sequence[Outcome]) -> set[Lease]:
        now = time.monotonic()
        by_lease = {outcome.lease: outcome for outcome in outcomes}
        plain = all(
            outcome.error is None and outcome.status is not TaskStatus.NEW for outcome in outcomes
        )
        sql = self._sql.record_endings if plain else self._sql.record_outcomes

        def rows_of(some: Sequence[Lease]) -> dict[str, object]:
            listed = [self._outcome_row(by_lease[lease], now) for lease in some]
            return {
                **self._rows.clock(),
                "leases": json.dumps(listed, ensure_ascii=False),
                "statuses": _STARTED,
            }

        return self._matched(session, sql, list(by_lease), rows_of)

    def _outcome_row(self, outcome: Outcome, now: float) -> tuple[object, ...]:
        lease, status, started, finished, error, retry_in, _, counted, _ = outcome
        if retry_in:
            retry_in += self._mysql_rows.zone.drift(retry_in)
        return (
            lease.task_id.hex, lease.receive_count, lease.nonce, status.value,
            None if started is None else max(0, round((now - started) * 1e6)),
            None if finished is None else max(0, round((now - finished) * 1e6)),
            error,
            retry_in if status is TaskStatus.NEW else None,
            int(not counted),
        )  # fmt: skip

    def _matched(
        self,
        session: Session,
        sql: str,
        leases: Sequence[Lease],
        rows_of: Callable[[Sequence[Lease]], dict[str, object]],
    ) -> set[Lease]:
        """Run a fenced write; where some didn't match, undo it, find out which hold, and redo."""
        session.change("SAVEPOINT tasq", {})
        if session.change(sql, rows_of(leases)) == len(leases):
            return set(leases)
        session.change("ROLLBACK TO SAVEPOINT tasq", {})
        found = session.rows(self._sql.held_leases, rows_of(leases))
        held = {(id.lower(), count) for id, count in found}
        matched = [lease for lease in leases if (lease.task_id.hex, lease.receive_count) in held]
        if matched:
            session.change(sql, rows_of(matched))
        return set(matched)

    def _insert_many(self, session: Session, tasks: Replayed) -> int:
        return sum(self._insert_some(session, listed) for listed in tasks.in_lists(_INSERT_ROWS))

    def _insert_some(self, session: Session, tasks: Sequence[Task]) -> int:
        """Insert with one statement, or one by one where an id exists; how many were new."""
        rows = [
            (
                task.id.bytes, task.type, task.args, task.queue, task.priority, "NEW", 0,
                task.max_receives, self._rows.time(task.created_at),
                self._rows.time(task.visible_at),
            )
            for task in map(_fits, tasks)
        ]  # fmt: skip
        session.change("SAVEPOINT tasq", {})
        try:
            return int(cast("Any", session).change_many(self._sql.submit_many, rows))
        except pymysql.IntegrityError:
            session.change("ROLLBACK TO SAVEPOINT tasq", {})
            return sum(session.change(self._sql.submit, self._columns_of(task)) for task in tasks)

    def _columns_of(self, task: Task) -> dict[str, object]:
        return super()._columns_of(_fits(task))

    def _rewrite(self, session: Session, swaps: Sequence[tuple[Task, Task]]) -> None:
        rows = [self._rewritten(before, _fits(after)) for before, after in swaps]
        session.change(self._sql.rewrite, {"rows": json.dumps(rows, ensure_ascii=False)})

    def _rewritten(self, before: Task, after: Task) -> tuple[object, ...]:
        time, args = self._rows.time, rewritten_args(before, after)
        return (
            after.id.hex, after.type, after.queue, after.priority, after.status.value,
            after.receive_count, after.max_receives, after.last_error,
            None if after.finished_at is None else str(time(after.finished_at)),
            str(time(after.visible_at)),
            None if args is None else base64.b64encode(args).decode(),
        )  # fmt: skip

    def open_wakeup(self) -> ProbeWakeup | None:
        """Looks for newer tasks over a connection of its own."""
        self._check_open()
        if not self._wake_up:
            return None
        try:
            connection = self._mysql.connect(self._response_timeout)
        except self._mysql.errors as error:
            raise self._mysql.translate(error, self._table) from error
        return None if connection is None else ProbeWakeup(connection, self._slots["tasks"])


def _fits(task: Task) -> Task:
    for name in ("type", "queue", "last_error"):
        size = len((getattr(task, name) or "").encode())
        if size > _LONGEST_TEXT:
            raise InvalidInputError(
                f"{name} is {size} bytes long; MySQL's text column holds {_LONGEST_TEXT}"
            )
    return task
