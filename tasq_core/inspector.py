"""The inspector: counts, pages, and changes made by an operator rather than a consumer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain, islice
from typing import Any
from uuid import UUID

from tasq_core.durations import Duration, seconds
from tasq_core.error_groups import group_errors
from tasq_core.errors import InvalidInputError, TaskNotFoundError
from tasq_core.filters import Filter
from tasq_core.inspector_figures import InspectorFigures
from tasq_core.inspector_input import as_filter, cursor, ids_of, place, position, restricting
from tasq_core.producer import as_task_id
from tasq_core.reports import BreakdownRow, ErrorGroup, MutationResult, Page, Schedule, Summary
from tasq_core.repository.batches import READ_BYTES, id_batches
from tasq_core.repository.checks import matching
from tasq_core.repository.protocol import Names, PageOrder, Repository, Statuses
from tasq_core.repository.schedules_table import SchedulesTable
from tasq_core.steering import (
    Edit,
    cancelled,
    change_tasks,
    requeued,
    spread_over,
    visible_from,
)
from tasq_core.task import (
    IMMEDIATELY,
    Ordering,
    Task,
    TaskStatus,
    as_ordering,
    check_flag,
    check_text,
)
from tasq_core.transfer import from_line, to_line
from tasq_core.waiting import wait_for

BATCH = 1000
"""Rows read or written at a time."""


class Inspector(InspectorFigures):
    """Looks at the whole table, and changes it by hand. Safe to share between threads."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self._finished: tuple[datetime, Mapping[TaskStatus, int]] | None = None

    # -- Go's names ------------------------------------------------------------------------

    def count(
        self,
        statuses: Statuses = None,
        types: Names = None,
        queues: Names = None,
        *,
        where: Filter | str | None = None,
    ) -> int:
        """How many tasks match, exactly; None restricts nothing."""
        return self._repository.count(matching(statuses, types, queues) & as_filter(where))

    def scan(
        self,
        statuses: Statuses = None,
        types: Names = None,
        queues: Names = None,
        ordering: Ordering | str = Ordering.CREATED_AT_FIRST,
        limit: int = 10,
        *,
        where: Filter | str | None = None,
    ) -> list[Task]:
        """Up to `limit` matching tasks, in order.

        Raises:
            InvalidInputError: `where` in another order than that of creation.
        """
        if where is None:
            return self._repository.scan_tasks(statuses, types, queues, ordering, limit)
        if as_ordering(ordering) is not Ordering.CREATED_AT_FIRST:
            raise InvalidInputError("where= scans in the order of creation: CREATED_AT_FIRST")
        wanted = matching(statuses, types, queues) & as_filter(where)
        return self._repository.page(wanted, PageOrder.OLDEST, limit=limit)

    def purge(
        self,
        safe_delete: bool,
        statuses: Statuses = None,
        types: Names = None,
        queues: Names = None,
        *,
        where: Filter | str | None = None,
    ) -> int:
        """Delete all that match; with `safe_delete` none that is leased. How many.

        Raises:
            InvalidTypeError: `safe_delete` is not a bool.
            InvalidInputError: a restriction that is empty.
        """
        if where is None:
            return self._repository.purge_tasks(statuses, types, queues, safe_delete)
        wanted = matching(statuses, types, queues) & restricting(where)
        return self.delete(safe_delete, where=wanted).done

    def delete(
        self, safe_delete: bool, *tasks: Task | UUID | str, where: Filter | str | None = None
    ) -> MutationResult:
        """Delete these, or all that match; with `safe_delete` leased ones are skipped.

        With `where` each thousand tasks is one transaction.

        Raises:
            InvalidInputError: both tasks and `where`, or a `where` that restricts nothing.
        """
        safe = check_flag("safe_delete", safe_delete)
        return self._each(tasks, where, lambda ids: self._repository.delete_tasks(ids, safe))

    # -- one and many ----------------------------------------------------------------------

    def get(self, id: UUID | str) -> Task:
        """The task with this id.

        Raises:
            TaskNotFoundError: there is none.
        """
        task_id = as_task_id(id)
        found = self._repository.get_tasks([task_id])
        if not found:
            raise TaskNotFoundError(f"task {task_id} doesn't exist", [task_id])
        return found[0]

    def requeue(
        self,
        *tasks: Task | UUID | str,
        where: Filter | str | None = None,
        reset: bool = False,
        spread: Duration | None = None,
    ) -> MutationResult:
        """Make these, or all that match, NEW and visible now; leased ones are skipped.

        The receive_count stays, and used-up attempts get one more; with `reset` it becomes 0
        and the old outcome is forgotten. With `where` each thousand tasks is one transaction.

        Args:
            tasks: which, as tasks or ids.
            where: all that match and exist by now, oldest first.
            reset: start over.
            spread: seconds over which they become visible, evenly and in order, the last one
                at their end.

        Raises:
            InvalidInputError: both tasks and `where`, a `where` that restricts nothing, or a
                `spread` that isn't positive.
        """
        repository = self._repository
        if spread is None:
            return self._each(tasks, where, lambda ids: repository.requeue_tasks(ids, reset))
        window, now = seconds("spread", spread, positive=True), repository.now()
        due = spread_over(now, window, len(tasks) if where is None else self._movable(where))
        return self._each(
            tasks,
            where,
            lambda ids: change_tasks(
                repository, ids, lambda task: requeued(task, reset=reset, visible_at=next(due))
            ),
        )

    def update(
        self,
        *tasks: Task | UUID | str,
        where: Filter | str | None = None,
        queue: str | None = None,
        priority: int | None = None,
        delay: Duration | None = None,
        visible_at: datetime | None = None,
        max_receives: int | None = None,
        type: str | None = None,
        args: Any = ...,
    ) -> MutationResult:
        """Give open tasks that nobody holds other values; the others are skipped.

        Skipped are tasks that are leased, finished, gone, so already, or that changed between
        our look and our write. Up to a thousand tasks are read, and written, at a time.

        Args:
            tasks: which, as tasks or ids.
            where: all that match and exist by now.
            queue: the new queue.
            priority: -32768 to 32767.
            delay: claimable in so many seconds, by the database's clock; 0 is now.
            visible_at: claimable from then on; an aware time.
            max_receives: how often it may be claimed in all; 0 is no limit.
            type: the handler's name.
            args: encoded as each task's own are, in gob as the same Go type.

        Raises:
            InvalidInputError: nothing to change, a value the table can't hold, both tasks and
                `where`, or a `where` that restricts nothing.
            ArgsEncodeError: there is no form for `args`.
        """
        now = self._repository.now() if delay is not None else IMMEDIATELY
        edit = Edit(
            type=type, queue=queue, priority=priority, max_receives=max_receives,
            visible_at=visible_from(now, delay, visible_at), args=args,
        )  # fmt: skip
        return self._each(
            tasks, where, lambda ids: change_tasks(self._repository, ids, edit.applied)
        )

    def cancel(
        self,
        *tasks: Task | UUID | str,
        where: Filter | str | None = None,
        reason: str = "",
    ) -> MutationResult:
        """End open tasks as FAILED, "cancelled: reason"; finished ones are skipped.

        A running one loses its lease: what its handler does later is refused, a coroutine is
        cancelled. Its consumer learns of it at once where `open_wakeup` has a channel for it
        (PostgreSQL, SQLite), else with its next ping. A Go consumer writes without a look at
        its lease: when its handler ends, its outcome stands.

        Args:
            tasks: which, as tasks or ids.
            where: all that match and exist by now.
            reason: for `last_error`.

        Raises:
            InvalidInputError: both tasks and `where`, a `where` that restricts nothing, or a
                reason that no database can store.
        """
        check_text("reason", reason)

        def cancel_some(ids: list[UUID]) -> MutationResult:
            now = self._repository.now()
            return change_tasks(
                self._repository, ids, lambda task: cancelled(task, reason, now), break_leases=True
            )

        return self._each(tasks, where, cancel_some)

    def wait(self, *tasks: Task | UUID | str, timeout: Duration | None = None) -> list[Task]:
        """The tasks once all of them have ended, in the order asked for.

        Looks at most fifty times a second, and ever more rarely, down to once a second.

        Args:
            tasks: which, as tasks or ids.
            timeout: seconds at most; None waits without limit.

        Raises:
            TaskNotFoundError: one doesn't exist, or was deleted meanwhile (as by a consumer
                that deletes what succeeded).
            WaitTimeoutError: the time is over; names those that are still open.
        """
        return wait_for(self._repository, ids_of(tasks), timeout)

    def _movable(self, where: Filter | str) -> int:
        """How many match and aren't leased."""
        wanted = as_filter(where)
        leased = self._repository.count(wanted & Filter.in_state("leased"))
        return self._repository.count(wanted) - leased

    def _each(
        self,
        tasks: tuple[Task | UUID | str, ...],
        where: Filter | str | None,
        change: Callable[[list[UUID]], MutationResult],
    ) -> MutationResult:
        """Change these tasks, or those that match and exist by now, batch by batch."""
        if where is None:
            return change(ids_of(tasks))
        if tasks:
            raise InvalidInputError("tasks and where= are both given; pass one of them")
        wanted, until = restricting(where), self._repository.now()
        total, after = MutationResult(0, 0), None
        while found := self._repository.ids(wanted, until, after, BATCH):
            total += change([id for _, id in found])
            after = found[-1]
        return total

    def page(
        self,
        where: Filter | str | None = None,
        order: PageOrder | str = PageOrder.NEWEST,
        after: str | None = None,
        limit: int = 100,
        preview: int | None = None,
    ) -> Page:
        """One window of the table: the same cost at any depth.

        Args:
            where: a filter, or its text (`status:failed queue:mail`).
            order: "newest" or "oldest" first; "last-finished" or "first-finished", which leaves
                out tasks without an end.
            after: the `next` of another page, or `cursor(task)`.
            limit: tasks at most.
            preview: cut `args` and `last_error` to so many bytes and characters.

        Raises:
            FilterSyntaxError: a filter that can't be read.
            InvalidInputError: no cursor.
        """
        beyond = None if after is None else position(after)
        tasks = self._repository.page(as_filter(where), order, beyond, limit + 1, preview)
        shown = tuple(tasks[:limit])
        return Page(shown, cursor(shown[-1], order) if len(tasks) > limit and shown else None)

    # -- counts ----------------------------------------------------------------------------

    def summary(self, max_age: float = 0.0) -> Summary:
        """Counts by status, and what holds the open ones.

        Open counts are exact. Counting the finished ones costs a scan of an index, so an
        earlier count of this inspector up to `max_age` seconds old is used again; its time
        is in `Summary.finished_at`.
        """
        counts, health = self._repository.open_counts()
        now = self._repository.now()
        cached = self._finished
        if cached is None or (now - cached[0]).total_seconds() > max_age or max_age <= 0:
            cached = self._finished = (now, self._repository.finished_counts())
        return Summary({**counts, **cached[1]}, health, taken_at=now, finished_at=cached[0])

    def breakdown(self, by: str) -> list[BreakdownRow]:
        """Counts per "queue" or "type", by name."""
        return self._repository.breakdown(by)

    def errors(
        self, where: Filter | str | None = None, limit: int = 10_000, *, retrying: bool = False
    ) -> list[ErrorGroup]:
        """The newest `limit` failed tasks that match, grouped by normalised message.

        With `retrying` also the newest `limit` that failed and will run again.
        """
        wanted = [Filter.of((TaskStatus.FAILED,))]
        wanted += [Filter.in_state("retrying")] if retrying else []
        walks = (
            self._walk(as_filter(where) & one, PageOrder.NEWEST, limit, preview=1000)
            for one in wanted
        )
        return group_errors(chain.from_iterable(walks))

    def schedules(self) -> list[Schedule]:
        """The periodic tasks, by name.

        Raises:
            TableMissingError: `migrate` hasn't made the side tables.
        """
        return SchedulesTable(self._repository).all()

    # -- rows out and in -------------------------------------------------------------------

    def export(
        self, where: Filter | str | None = None, order: PageOrder | str = PageOrder.OLDEST
    ) -> Iterator[str]:
        """The matching tasks as lines of JSON that `restore` reads back.

        Rows that can't be read are left out; the log names each.
        """
        walked = self._walk(as_filter(where), order, None, preview=1)
        while ids := [task.id for task in islice(walked, BATCH)]:
            for few in id_batches(self._repository, ids):
                for task in self._repository.get_tasks(few):
                    if not task.unreadable:
                        yield to_line(task)

    def restore(self, lines: Iterable[str]) -> MutationResult:
        """Insert exported tasks with every column as it was; ids that exist are skipped.

        Each thousand lines is one transaction, or fewer where they hold more than 4 MB.

        Raises:
            InvalidInputError: a line that is not an exported task; says which.
        """
        total, batch, size = MutationResult(0, 0), [], 0
        for number, line in enumerate(lines, 1):
            if line.strip():
                batch.append(from_line(line, number))
                size += len(line)
            if len(batch) >= BATCH or size >= READ_BYTES:
                total += self._repository.restore_tasks(batch)
                batch, size = [], 0
        return total + self._repository.restore_tasks(batch)

    def _walk(
        self, where: Filter, order: PageOrder | str, limit: int | None, preview: int | None
    ) -> Iterator[Task]:
        after, left = None, limit
        while left is None or left > 0:
            size = BATCH if left is None else min(BATCH, left)
            tasks = self._repository.page(where, order, after, size, preview)
            yield from tasks
            if len(tasks) < size:
                return
            after = place(tasks[-1], order)
            left = None if left is None else left - size
