"""The inspector: counts, pages, and changes made by an operator rather than a consumer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from uuid import UUID

from tasq_core.error_groups import group_errors
from tasq_core.errors import InvalidInputError, TaskNotFoundError
from tasq_core.filters import Filter, parse
from tasq_core.producer import as_task_id
from tasq_core.reports import BreakdownRow, ErrorGroup, MutationResult, Page, Summary
from tasq_core.repository.batches import READ_BYTES, id_batches
from tasq_core.repository.checks import check_flag, matching
from tasq_core.repository.protocol import Names, PageOrder, Repository, Statuses
from tasq_core.task import Ordering, Task, TaskStatus, as_ordering, check_aware
from tasq_core.transfer import from_line, to_line

BATCH = 1000
"""Rows read or written at a time."""


class Inspector:
    """Looks at the whole table, and changes it by hand. Safe to share between threads."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
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
        """How many tasks match, exactly; None is no restriction."""
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
            InvalidTypeError: `safe_delete` is no bool.
            InvalidInputError: a restriction that is empty.
        """
        if where is None:
            return self._repository.purge_tasks(statuses, types, queues, safe_delete)
        wanted = matching(statuses, types, queues) & _restricting(where)
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
    ) -> MutationResult:
        """Make these, or all that match, NEW and visible now; leased ones are skipped.

        The receive count stays, and used-up receives get one more; with `reset` it becomes 0
        and the old outcome is forgotten. With `where` each thousand tasks is one transaction.

        Raises:
            InvalidInputError: both tasks and `where`, or a `where` that restricts nothing.
        """
        return self._each(tasks, where, lambda ids: self._repository.requeue_tasks(ids, reset))

    def _each(
        self,
        tasks: tuple[Task | UUID | str, ...],
        where: Filter | str | None,
        change: Callable[[list[UUID]], MutationResult],
    ) -> MutationResult:
        """Change these tasks, or those that match and exist by now, batch by batch."""
        if where is None:
            return change(_ids(tasks))
        if tasks:
            raise InvalidInputError("tasks and where= are both given; pass one of them")
        wanted, until = _restricting(where), self._repository.now()
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
            order: "newest" or "oldest" first.
            after: the `next` of another page, or `cursor(task)`.
            limit: tasks at most.
            preview: cut `args` and `last_error` to so many bytes and characters.

        Raises:
            FilterSyntaxError: a filter that can't be read.
            InvalidInputError: no cursor.
        """
        beyond = None if after is None else _position(after)
        tasks = self._repository.page(as_filter(where), order, beyond, limit + 1, preview)
        shown = tuple(tasks[:limit])
        return Page(shown, cursor(shown[-1]) if len(tasks) > limit and shown else None)

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

    def errors(self, where: Filter | str | None = None, limit: int = 10_000) -> list[ErrorGroup]:
        """The newest `limit` failed tasks that match, grouped by normalised message."""
        failed = as_filter(where) & Filter.of((TaskStatus.FAILED,))
        return group_errors(self._walk(failed, PageOrder.NEWEST, limit, preview=1000))

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
            InvalidInputError: a line that is no exported task; says which.
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
            after = (tasks[-1].created_at, tasks[-1].id)
            left = None if left is None else left - size


def as_filter(where: Filter | str | None) -> Filter:
    """`where` as a Filter; None matches all.

    Raises:
        FilterSyntaxError: text that can't be read.
    """
    if where is None:
        return Filter()
    return parse(where) if isinstance(where, str) else where


def _restricting(where: Filter | str) -> Filter:
    """`where` as a Filter that restricts something.

    Raises:
        InvalidInputError: it matches every task: a filter that came out empty must not.
    """
    wanted = as_filter(where)
    if not wanted:
        raise InvalidInputError(
            "where= is empty, which would be every task; name what is meant, say 'status:all'"
        )
    return wanted


def cursor(task: Task) -> str:
    """The cursor of the page that begins behind `task`, whichever way it is walked."""
    return f"{task.created_at.isoformat(timespec='microseconds')}/{task.id}"


def _position(after: str) -> tuple[datetime, UUID]:
    at, _, id = after.partition("/")
    try:
        moment = datetime.fromisoformat(at)
        return check_aware("cursor", moment), UUID(id)
    except ValueError:
        raise InvalidInputError(f"{after!r} is no cursor; pass a page's `next`") from None


def _ids(tasks: tuple[Task | UUID | str, ...]) -> list[UUID]:
    return [task.id if isinstance(task, Task) else as_task_id(task) for task in tasks]
