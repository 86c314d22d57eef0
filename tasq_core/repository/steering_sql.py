"""Changes by an operator: rows are rewritten where they still are as they were seen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Final
from uuid import UUID

from tasq_core.errors import InvalidInputError, RepositoryError, RepositoryUnavailableError
from tasq_core.filters import Filter
from tasq_core.filters.arguments import argument_terms
from tasq_core.reports import Lease, Outcome, Swap
from tasq_core.repository.batches import STATEMENT_BYTES, by_size
from tasq_core.repository.checks import checked
from tasq_core.repository.driver import Session
from tasq_core.repository.inspection_sql import SqlInspection
from tasq_core.repository.side_sql import note_attempts
from tasq_core.task import Task, TaskStatus

LEASED: Final = (TaskStatus.ENQUEUED, TaskStatus.IN_PROGRESS)
"""The statuses of a task that a consumer holds, or held when it died."""


class SqlSteering(SqlInspection):
    """Swaps whole rows, and says how tasks stand."""

    _side: dict[str, str]
    """The statements on the side tables, by name."""

    _notes_singly = False
    """Whether attempts are noted by one statement each."""

    def _notify_soon(self) -> None:
        """Wake idle consumers of what was just committed."""

    def _report_broken_leases(self) -> None:
        """Have consumers look at their leases, where a channel reaches them."""

    def _rewrite(self, session: Session, swaps: Sequence[tuple[Task, Task]]) -> None:
        """Write these rows, which are locked, as their second tasks have them."""
        raise NotImplementedError

    def swap_tasks(self, swaps: Collection[Swap], *, break_leases: bool = False) -> set[UUID]:
        """Change rows that still are as they were seen and that nobody holds; which ones.

        With `break_leases` also those whose lease is still the one that was seen. Half a
        megabyte of changed arguments and errors is one transaction. Where the attempts of
        broken leases are refused, the rows are changed without.
        """
        for swap in swaps:
            if swap.after is not None:
                checked(swap.after)
        ordered = sorted(swaps, key=_number_of)  # one order of locks, whoever writes
        done: set[UUID] = set()
        for some in by_size(ordered, _size_of, STATEMENT_BYTES):
            changed = self._swapped(some, break_leases=break_leases)
            self._report(some, changed, break_leases=break_leases)
            done |= changed
        return done

    def _swapped(self, swaps: Sequence[Swap], *, break_leases: bool) -> set[UUID]:
        """One transaction of a swap; again without attempts where it was refused with them."""
        try:
            return self._run(
                partial(self._swap, swaps=swaps, break_leases=break_leases), "transaction"
            )
        except RepositoryUnavailableError:
            raise
        except RepositoryError:
            if all(swap.attempt is None for swap in swaps):
                raise
            bare = [swap._replace(attempt=None) for swap in swaps]
            return self._run(
                partial(self._swap, swaps=bare, break_leases=break_leases), "transaction"
            )

    def _report(
        self, swaps: Sequence[Swap], changed: Collection[UUID], *, break_leases: bool
    ) -> None:
        """Wake those whom what was committed concerns."""
        done = [swap for swap in swaps if swap.before.id in changed]
        if any(swap.after is not None and swap.after.status is TaskStatus.NEW for swap in done):
            self._notify_soon()
        if break_leases and any(swap.before.status in LEASED for swap in done):
            self._report_broken_leases()

    def _swap(self, session: Session, *, swaps: Sequence[Swap], break_leases: bool) -> set[UUID]:
        ids = self._rows.ids([swap.before.id for swap in swaps])
        params = {**self._rows.clock(), "ids": ids, "held": break_leases}
        found = {
            task.id: task for task in map(self._task, session.rows(self._sql.lock_rows, params))
        }
        still = [
            swap
            for swap in swaps
            if (row := found.get(swap.before.id)) is not None
            and _is_still(row, swap.before, break_leases=break_leases)
        ]
        written = [(swap.before, swap.after) for swap in still if swap.after is not None]
        if written:
            self._rewrite(session, written)
        if ended := [_outcome(swap) for swap in still if swap.attempt is not None]:
            sql = self._side["note_attempts"]
            note_attempts(session, sql, self._rows, ended, singly=self._notes_singly)
        if deleted := [swap.before.id for swap in still if swap.after is None]:
            sql, more = self._where(self._sql.delete, Filter())
            session.change(sql, {**more, "ids": self._rows.ids(deleted), "safe": False})
        return {swap.before.id for swap in still}

    def ended_since(self, where: Filter, since: datetime, limit: int) -> list[Task]:
        """Up to `limit` matching tasks that ended at or after `since`, first ends first.

        Raises:
            InvalidInputError: a filter by arguments, which no index finds.
        """
        if argument_terms(where):
            raise InvalidInputError("args.… can't be followed; leave that part of the filter out")
        sql, params = self._where(self._sql.ended_since, where)
        params |= {"since": self._rows.time(since), "limit": limit}
        return [self._task(row) for row in self._rows_of(sql, params)]

    def statuses(self, ids: Sequence[UUID]) -> Mapping[UUID, TaskStatus]:
        """The status of each that exists."""
        return {id: status for id, status, _ in self._states(ids)}

    def live_leases(self, leases: Sequence[Lease]) -> set[Lease]:
        """Those of `leases` that are still in force, lapsed or not; nothing is written."""
        held = {
            lease
            for _, status, lease in self._states([lease.task_id for lease in leases])
            if status in LEASED
        }
        return held.intersection(leases)

    def _states(self, ids: Sequence[UUID]) -> list[tuple[UUID, TaskStatus, Lease]]:
        if not ids:
            return []
        found = []
        for raw, label, received, nonce in self._rows_of(
            self._sql.states, {"ids": self._rows.ids(ids)}
        ):
            id, status = self._rows.read_id(raw), TaskStatus(self._rows.status_of(label))
            found.append((id, status, Lease(id, received, nonce)))
        return found


def rewritten_args(before: Task, after: Task) -> bytes | None:
    """The arguments that a swap writes; None where they stay."""
    return None if before.args == after.args else after.args


def _is_still(row: Task, seen: Task, *, break_leases: bool) -> bool:
    """Whether nothing has happened to a row since; a start that was written late is nothing."""
    if row.unreadable or seen.unreadable:
        return False
    if break_leases and seen.status in LEASED:
        return row.status in LEASED and Lease.of(row) == Lease.of(seen)
    return replace(row, started_at=seen.started_at) == seen


def _outcome(swap: Swap) -> Outcome:
    """What became of the lease that a swap breaks."""
    before, after, attempt = swap
    now, started = monotonic(), None
    ended = None if after is None else after.finished_at
    if before.status is TaskStatus.IN_PROGRESS and before.started_at and ended:
        started = now - max((ended - before.started_at).total_seconds(), 0.0)
    return Outcome(Lease.of(before), TaskStatus.FAILED, started, now, attempt=attempt)


def _number_of(swap: Swap) -> int:
    return swap.before.id.int


def _size_of(swap: Swap) -> int:
    """About how many bytes the statement holds of the row."""
    before, after, _ = swap
    if after is None:
        return 0
    size = len(rewritten_args(before, after) or b"") * 4 // 3
    return size + len((after.last_error or "").encode()) + len(after.type) + len(after.queue)
