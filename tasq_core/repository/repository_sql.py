"""The changing half of the flow: claim, write under a lease, submit, delete. Written once."""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from tasq_core.durations import Duration, seconds
from tasq_core.errors import (
    InvalidInputError,
    RepositoryError,
    TaskNotFoundError,
)
from tasq_core.filters import Filter
from tasq_core.last_error import storable_error
from tasq_core.reports import Lease, MutationResult, Outcome
from tasq_core.repository.batches import outcome_batches
from tasq_core.repository.checks import as_submitted, checked, lease_lost, matching
from tasq_core.repository.driver import Session
from tasq_core.repository.inspection_sql import Mode
from tasq_core.repository.joining import Joined
from tasq_core.repository.joins_sql import SqlJoins
from tasq_core.repository.protocol import Names, Statuses
from tasq_core.repository.replayed import Replayed
from tasq_core.repository.side_sql import note_attempts
from tasq_core.repository.steering_sql import SqlSteering
from tasq_core.repository.unstorable import with_escapes
from tasq_core.task import (
    FINISHED_STATUSES,
    OPEN_STATUSES,
    Task,
    TaskStatus,
    as_status,
    check_flag,
)

BATCH: Final = 1000
"""Rows a deletion takes at a time: no lock is held for long, and each batch commits."""

_SUBMITTED: Final = (
    "id", "type", "args", "queue", "priority", "max_receives", "created_at", "visible_at",
)  # fmt: skip
"""What a submit says; the other columns are those of any new task."""


class SqlRepository(SqlJoins, SqlSteering):
    """A task table in an SQL database; see `Repository` for what each method promises."""

    # -- what each database does its own way ------------------------------------------------

    _batch_mode: Mode = "write"
    """How a batch of leases is changed: by one statement, unless a database needs more."""

    _streams = False
    """Whether rows are sent while the input is still being read."""

    def migrate(self) -> None:
        """Create or adopt the table."""
        raise NotImplementedError

    def check_takes_writes(self) -> None:
        """Find out whether anything can be written here; changes nothing.

        Raises:
            ReadOnlyError: not on this server, or not over this client.
            RepositoryError: it can't be asked now.
        """
        self._run(lambda session: session.change(self._sql.write_nothing, {}), "write")

    def migrate_with_trigger(self, enabled: bool) -> None:
        """`migrate`; no trigger notifies here."""
        del enabled
        self.migrate()

    def _change_leases(
        self, session: Session, sql: str, leases: Sequence[Lease], **params: object
    ) -> set[Lease]:
        """Run a write fenced by `leases`; those it matched."""
        raise NotImplementedError

    def _record(self, session: Session, outcomes: Sequence[Outcome]) -> set[Lease]:
        """Write outcomes (none of them a deletion); those whose lease held."""
        raise NotImplementedError

    def _insert(self, session: Session, task: Task) -> int:
        """Insert a checked task; 0 where its id exists."""
        columns = self._columns_of(task)
        params = {name: columns[name] for name in _SUBMITTED}  # some drivers quote all they get
        return session.change(self._sql.submit, params)

    def _insert_many(self, session: Session, tasks: Replayed) -> int:
        """Insert checked tasks within the session's transaction; how many were new."""
        raise NotImplementedError

    def notify(self, *, connection: Any = None) -> None:
        """Wake idle consumers; nothing to do where they look by themselves."""
        del connection

    # -- claims and leases ------------------------------------------------------------------

    def ping_tasks(self, task_ids: Collection[UUID], visibility_timeout: Duration) -> list[Task]:
        """Let the leases of these open tasks end `visibility_timeout` from now, unfenced."""
        timeout = seconds("visibility_timeout", visibility_timeout, positive=True)
        if not task_ids:
            return []
        params = {
            **self._rows.clock(), "ids": self._rows.ids(list(task_ids)), "timeout": timeout,
        }  # fmt: skip

        def work(session: Session) -> list[Task]:
            session.change(self._sql.ping, params)
            return [self._task(row) for row in session.rows(self._sql.get, params)]

        found = {task.id: task for task in self._run(work, "transaction")}
        tasks = [found[id] for id in dict.fromkeys(task_ids) if id in found]
        return [task for task in tasks if task.status in OPEN_STATUSES]

    def register_start(self, task: Task) -> Task:
        """Set IN_PROGRESS and `started_at`, under the lease of `task`."""
        return self._under_lease(task, self._sql.start)

    def register_error(self, task: Task, error: BaseException | str) -> Task:
        """Record `last_error`, made storable, under the lease of `task`."""
        text = storable_error(error)
        return with_escapes(
            lambda escape: self._under_lease(task, self._sql.error, error=escape(text))
        )

    def register_finish(self, task: Task, status: TaskStatus | str) -> Task:
        """Set SUCCESSFUL or FAILED and `finished_at`, under the lease of `task`."""
        final = as_status(status)
        if final not in FINISHED_STATUSES:
            raise InvalidInputError(f"a task can't finish as {final}: use SUCCESSFUL or FAILED")
        return self._under_lease(task, self._sql.finish, status=final.value)

    def _under_lease(self, task: Task, sql: str, **params: object) -> Task:
        lease = Lease.of(task)
        everything = {
            **self._rows.clock(),
            **params,
            "id": self._rows.id(lease.task_id),
            "ids": self._rows.ids([lease.task_id]),
            "receive_count": lease.receive_count,
            "nonce": lease.nonce,
        }

        def work(session: Session) -> Task:
            if session.change(sql, everything) == 0:
                raise lease_lost(task)
            rows = session.rows(self._sql.get, everything)
            return self._task(rows[0])

        return self._run(work, "transaction")

    def ping_leases(self, leases: Sequence[Lease], visibility_timeout: Duration) -> set[Lease]:
        """Extend these leases to now + `visibility_timeout`; those still held."""
        timeout = seconds("visibility_timeout", visibility_timeout, positive=True)
        return self._leases(self._sql.ping_leases, leases, timeout=timeout)

    def release_leases(self, leases: Sequence[Lease]) -> set[Lease]:
        """Give back claims that were never started: NEW, visible now, attempt not counted."""
        return self._leases(self._sql.release_leases, leases)

    def _leases(self, sql: str, leases: Sequence[Lease], **params: object) -> set[Lease]:
        if not leases:
            return set()
        ordered = sorted(
            leases, key=lambda lease: lease.task_id.int
        )  # one order of locks, whoever writes
        return self._run(
            lambda session: self._change_leases(session, sql, ordered, **params), self._batch_mode
        )

    def record_outcomes(self, outcomes: Sequence[Outcome]) -> set[Lease]:
        """Write starts and ends, each under its lease, in one transaction; those written.

        Letters of an error that the database's character set lacks are written as escapes.
        """
        return with_escapes(
            lambda escape: self._recorded(
                [one._replace(error=escape(one.error)) for one in outcomes]
            )
        )

    def _recorded(self, outcomes: Sequence[Outcome]) -> set[Lease]:
        ordered = sorted(outcomes, key=lambda outcome: outcome.lease.task_id.int)
        writes = [outcome for outcome in ordered if not outcome.delete]
        deletions = [outcome.lease for outcome in ordered if outcome.delete]
        batches = list(outcome_batches(writes))
        noted = [outcome for outcome in writes if outcome.attempt is not None]

        def work(session: Session) -> set[Lease]:
            held = set[Lease]().union(*(self._record(session, batch) for batch in batches))
            if noted:
                sure = [outcome for outcome in noted if outcome.lease in held]
                sql = self._side["note_attempts"]
                note_attempts(session, sql, self._rows, sure, singly=self._notes_singly)
            if deletions:
                held |= self._change_leases(session, self._sql.delete_leases, deletions)
            return held

        if not ordered:
            return set()
        one = len(batches) + bool(deletions) == 1 and not noted
        return self._run(work, self._batch_mode if one else "transaction")

    # -- submitting -------------------------------------------------------------------------

    def submit_task(self, task: Task, *, connection: Any = None) -> Task:
        """Insert `task` as NEW; where its id exists, change nothing and return the stored one."""
        fresh = as_submitted(task)

        def work(session: Session) -> Task:
            if self._insert(session, fresh):
                return fresh
            rows = session.rows(self._sql.get, {"ids": self._rows.ids([task.id])})
            if not rows:  # deleted between the two statements
                raise RepositoryError(f"task {task.id} was deleted while it was submitted again")
            return self._task(rows[0])

        due = fresh.visible_at <= fresh.created_at
        if connection is not None:
            return self._joined(connection, work, wakes=due)
        stored = self._run(work, "write")
        if due:
            self._notify_soon()
        return stored

    def submit_tasks(self, tasks: Iterable[Task], *, connection: Any = None) -> int:
        """Insert many in one transaction; ids that exist are skipped. How many were inserted."""
        eager = connection is not None or not self._streams
        held = isinstance(tasks, list | tuple)
        with Replayed(map(as_submitted, tasks), eager=eager, held=held) as fresh:
            if fresh.is_empty():
                return 0
            if connection is not None:
                return self._joined(
                    connection, lambda joined: self._insert_joined(joined, fresh), one=False,
                    wakes=True,
                )  # fmt: skip
            try:
                done = self._run(lambda session: self._insert_many(session, fresh), "transaction")
            except RepositoryError:
                if fresh.failure is not None:  # the caller's own, which may be the driver's as well
                    raise fresh.failure from None
                raise
        if done:
            self._notify_soon()
        return done

    def _insert_joined(self, joined: Joined, tasks: Replayed) -> int:
        native = joined.native()
        if native is not None:
            return self._insert_many(native, tasks)
        return sum(self._insert(joined, task) for task in tasks)

    def restore_tasks(self, tasks: Sequence[Task]) -> MutationResult:
        """Insert rows with every column as given; ids that exist are skipped."""

        def work(session: Session) -> int:
            return sum(
                session.change(self._sql.restore, self._columns_of(checked(task))) for task in tasks
            )

        done = self._run(work, "transaction") if tasks else 0
        if done:
            self._notify_soon()
        return MutationResult(done, len(tasks) - done)

    def _columns_of(self, task: Task) -> dict[str, object]:
        time = self._rows.time
        return {
            "id": self._rows.id(task.id),
            "type": task.type,
            "args": task.args,
            "queue": task.queue,
            "priority": task.priority,
            "status": task.status.value,
            "receive_count": task.receive_count,
            "max_receives": task.max_receives,
            "last_error": task.last_error,
            "created_at": time(task.created_at),
            "started_at": None if task.started_at is None else time(task.started_at),
            "finished_at": None if task.finished_at is None else time(task.finished_at),
            "visible_at": time(task.visible_at),
        }

    # -- requeue and delete -------------------------------------------------------------------

    def requeue_task(self, task: Task) -> Task:
        """Make the task NEW again, visible now, unless another consumer holds it."""
        lease = Lease.of(task)
        params = {
            **self._rows.clock(),
            "id": self._rows.id(task.id),
            "ids": self._rows.ids([task.id]),
            "receive_count": lease.receive_count,
            "nonce": lease.nonce,
        }

        def work(session: Session) -> Task:
            changed = session.change(self._sql.requeue_own, params)
            rows = session.rows(self._sql.get, params)
            if not rows:
                raise TaskNotFoundError(f"task {task.id} doesn't exist", [task.id])
            found = self._task(rows[0])
            if not changed and found.status is not TaskStatus.NEW:
                raise lease_lost(task)
            return found

        found = self._run(work, "transaction")
        self._notify_soon()
        return found

    def requeue_tasks(self, ids: Sequence[UUID], reset: bool = False) -> MutationResult:
        """`requeue_task` for many, leased ones skipped."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return MutationResult(0, 0)
        sql = self._sql.reset if reset else self._sql.requeue
        params = {**self._rows.clock(), "ids": self._rows.ids(wanted)}

        done = self._run(lambda session: session.change(sql, params), "write")
        self._notify_soon()
        return MutationResult(done, len(wanted) - done)

    def delete_task(self, task: Task, safe_delete: bool) -> None:
        """Delete the row; with `safe_delete` not while it is leased. No row isn't an error."""
        self.delete_tasks([task.id], safe_delete)

    def delete_tasks(self, ids: Sequence[UUID], safe_delete: bool) -> MutationResult:
        """Delete by id in one transaction; with `safe_delete` leased ones are skipped."""
        wanted = list(dict.fromkeys(ids))
        done = self._delete(wanted, Filter(), check_flag("safe_delete", safe_delete))
        return MutationResult(done, len(wanted) - done)

    def purge_tasks(
        self, statuses: Statuses, types: Names, queues: Names, safe_delete: bool
    ) -> int:
        """Delete all that match, in batches; with `safe_delete` not those leased. How many."""
        where = matching(statuses, types, queues)
        safe = check_flag("safe_delete", safe_delete)
        deleted, after = 0, None
        while batch := self.ids(where, after=after, limit=BATCH):
            deleted += self._delete([id for _, id in batch], where, safe)
            after = batch[-1]
        return deleted

    def clean_tasks(self, minimum_age: Duration) -> int:
        """Delete finished tasks created at least `minimum_age` ago, in batches; how many."""
        age = seconds("minimum_age", minimum_age)
        where = Filter.of(FINISHED_STATUSES)
        until = self.now() - timedelta(seconds=age)
        deleted, after = 0, None
        while batch := self.ids(where, until, after, BATCH):
            deleted += self._delete([id for _, id in batch], where, True)
            after = batch[-1]
        return deleted

    def _delete(self, ids: Sequence[UUID], where: Filter, safe: bool) -> int:
        """Delete those of `ids` that still match."""
        if not ids:
            return 0
        sql, params = self._where(self._sql.delete, where)
        params |= {"ids": self._rows.ids(ids), "safe": safe}
        return self._run(lambda session: session.change(sql, params), "write")
