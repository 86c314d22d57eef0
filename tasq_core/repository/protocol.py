"""The Repository: all that tasq asks of a database. Its docstrings are the contract.

The first thirteen methods are Go's `IRepository`, in its argument order. For all of them:
durations are seconds or `timedelta`; `None` for statuses, types or queues means no
restriction; an empty sequence claims nothing in a poll and is an `InvalidInputError` (a
ValueError) elsewhere; a lone str counts as one element; types and queues compare byte for
byte. "Now" is the database's clock (SQLite has none: there it is this machine's). Every
method is one short transaction of its own unless it says otherwise, is safe to call from
several threads, and raises `RepositoryError` or one of its kinds, never a driver's own.
Deadlocks, lock timeouts and serialization failures are retried inside.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, Self
from uuid import UUID

from tasq_core.durations import Duration
from tasq_core.errors import InvalidInputError
from tasq_core.filters import Filter
from tasq_core.reports import BreakdownRow, Health, Lease, MutationResult, Outcome, Swap
from tasq_core.task import (
    END_OF_TIME,
    IMMEDIATELY,
    Ordering,
    Task,
    TaskStatus,
    TaskStatusGroup,
)

Statuses = Sequence[TaskStatus | TaskStatusGroup | str] | str | None
Names = Sequence[str] | str | None


class PageOrder(StrEnum):
    """The order of pages: by creation or by the end, ties by id; each walks along an index.

    Pages by the end hold only tasks that have one: finished ones, and those requeued since.
    """

    NEWEST = "newest"
    OLDEST = "oldest"
    LAST_FINISHED = "last-finished"
    FIRST_FINISHED = "first-finished"

    @property
    def descends(self) -> bool:
        """Whether later times come first."""
        return self in {PageOrder.NEWEST, PageOrder.LAST_FINISHED}

    @property
    def by_end(self) -> bool:
        """Whether it is by the end, not by the creation."""
        return self in {PageOrder.LAST_FINISHED, PageOrder.FIRST_FINISHED}

    @property
    def reverse(self) -> "PageOrder":
        """The other way round."""
        if self.by_end:
            return PageOrder.FIRST_FINISHED if self.descends else PageOrder.LAST_FINISHED
        return PageOrder.OLDEST if self.descends else PageOrder.NEWEST

    def place(self, task: Task) -> tuple[datetime, UUID]:
        """Where `task` stands in it: its time and id; one without an end stands last."""
        if not self.by_end:
            return task.created_at, task.id
        return task.finished_at or (IMMEDIATELY if self.descends else END_OF_TIME), task.id


def as_page_order(order: PageOrder | str) -> PageOrder:
    """`order` as a PageOrder.

    Raises:
        InvalidInputError: no such order.
    """
    try:
        return PageOrder(order)
    except ValueError:
        raise InvalidInputError(
            f"unknown page order {order!r}: use one of {', '.join(PageOrder)}"
        ) from None


class Wakeup(Protocol):
    """Notifies an idle consumer that the table changed. Belongs to one thread, but `close`."""

    reports_steering: bool
    """Whether it notices broken leases, commands and pauses: they need no ping or heartbeat."""

    def wait(self, timeout: float) -> bool:
        """Block until something may have changed, or `timeout` seconds; whether it did.

        Once closed it returns False; the first such call frees the connection.

        Raises:
            RepositoryUnavailableError: the connection broke; open another.
        """

    def leases_broken(self) -> bool:
        """Whether leases may have been broken since the last call, as far as it can tell."""

    def fleet_changed(self) -> bool:
        """Whether commands or pauses may have changed before the last `wait` returned."""

    def close(self) -> None:
        """End a `wait` in another thread soon."""


class Repository(Protocol):
    """A task table in one database."""

    @property
    def table(self) -> str:
        """The table's name, prefix included, unquoted."""

    @property
    def dialect(self) -> str:
        """The kind of server: "postgresql", "mysql", "mariadb" or "sqlite"."""

    def check_takes_writes(self) -> None:
        """Find out whether anything can be written here; changes nothing.

        Raises:
            ReadOnlyError: not on this server, or not over this client.
            RepositoryError: it can't be asked now.
        """

    # -- Go's thirteen --------------------------------------------------------------------

    def migrate(self) -> None:
        """Create the table and its indexes; adopt a table that Go made.

        Idempotent, and safe when several processes run it at once. PostgreSQL: a table that is
        adopted gets a trigger that wakes idle consumers at every insert, a new one doesn't.
        """

    def migrate_with_trigger(self, enabled: bool) -> None:
        """`migrate`, and make or drop PostgreSQL's trigger; elsewhere there is none."""

    def ping_tasks(self, task_ids: Collection[UUID], visibility_timeout: Duration) -> list[Task]:
        """Let the leases of these open tasks end `visibility_timeout` from now, unfenced.

        Returns: the tasks as they are now; those missing were finished or deleted.
        """

    def poll_tasks(
        self,
        types: Names,
        queues: Names,
        visibility_timeout: Duration,
        ordering: Ordering | str = Ordering.CREATED_AT_FIRST,
        limit: int = 10,
        *,
        skip_queues: Collection[str] = (),
        note_crashes: bool = False,
    ) -> list[Task]:
        """Claim up to `limit` visible open tasks, in the order asked for, of no `skip_queues`.

        Each comes back ENQUEUED, its receive_count raised, invisible to others until now +
        `visibility_timeout`. Concurrent polls never return the same task. Tasks whose
        attempts are used up aren't claimed: where a poll finds fewer than `limit`, those of
        the given types and queues whose last lease has lapsed end FAILED, with a
        `last_error` that says so. With `note_crashes` each lapsed lease that is claimed or ended
        becomes an attempt in the side tables, which must exist, in the same transaction.

        Raises:
            ClaimUnansweredError: the connection broke, or stayed silent, while the claim
                committed; its `leases` are to be released. Any other error: nothing was claimed.
        """

    def clean_tasks(self, minimum_age: Duration) -> int:
        """Delete finished tasks created at least `minimum_age` ago, in batches; how many."""

    def register_start(self, task: Task) -> Task:
        """Set IN_PROGRESS and `started_at`, under the lease of `task`.

        Raises:
            LeaseLostError: the lease has passed on, or the row is gone; nothing was written.
        """

    def register_error(self, task: Task, error: BaseException | str) -> Task:
        """Record `last_error`, made storable, under the lease of `task`.

        Raises:
            LeaseLostError: as for `register_start`.
        """

    def register_finish(self, task: Task, status: TaskStatus | str) -> Task:
        """Set SUCCESSFUL or FAILED and `finished_at`, under the lease of `task`.

        Raises:
            LeaseLostError: as for `register_start`.
            InvalidInputError: `status` is an open one.
        """

    def submit_task(self, task: Task, *, connection: Any = None) -> Task:
        """Insert `task` as NEW; where its id exists, change nothing and return the stored one.

        `connection`: the caller's own, whose open transaction the insert joins.
        """

    def delete_task(self, task: Task, safe_delete: bool) -> None:
        """Delete the row; with `safe_delete` not while it is leased. No row isn't an error."""

    def requeue_task(self, task: Task) -> Task:
        """Make the task NEW again, visible now.

        Its receive_count stays; used-up attempts get exactly one more.

        Raises:
            TaskNotFoundError: no such row.
            LeaseLostError: it is leased by a consumer other than the one `task` came from.
        """

    def scan_tasks(
        self,
        statuses: Statuses,
        types: Names,
        queues: Names,
        ordering: Ordering | str = Ordering.CREATED_AT_FIRST,
        limit: int = 10,
    ) -> list[Task]:
        """Up to `limit` matching tasks in order, without claiming them."""

    def count_tasks(self, statuses: Statuses, types: Names, queues: Names) -> int:
        """How many match, exactly."""

    def purge_tasks(
        self, statuses: Statuses, types: Names, queues: Names, safe_delete: bool
    ) -> int:
        """Delete all that match, in batches; with `safe_delete` not those leased. How many."""

    # -- what batching needs ---------------------------------------------------------------

    def submit_tasks(self, tasks: Iterable[Task], *, connection: Any = None) -> int:
        """Insert many in one transaction, the fastest way there is; ids that exist are skipped.

        On PostgreSQL the transaction is open while `tasks` are read, which takes no lock that
        others want; elsewhere they are all read first.

        Returns: how many were inserted.
        """

    def ping_leases(self, leases: Sequence[Lease], visibility_timeout: Duration) -> set[Lease]:
        """Extend these leases to now + `visibility_timeout`; those still held."""

    def record_outcomes(self, outcomes: Sequence[Outcome]) -> set[Lease]:
        """Write starts and ends, each under its lease, in one transaction; those written.

        Each lease is named once. What isn't returned was lost.
        """

    def release_leases(self, leases: Sequence[Lease]) -> set[Lease]:
        """Give back claims that were never started: NEW, visible now, attempt not counted."""

    # -- what inspection needs -------------------------------------------------------------

    def now(self) -> datetime:
        """The database's clock, aware UTC."""

    def get_tasks(self, ids: Sequence[UUID]) -> list[Task]:
        """Those that exist, in the order of `ids`."""

    def sizes(self, ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """About how many bytes the arguments and the error of each take, of those that exist."""

    def page(
        self,
        where: Filter,
        order: PageOrder | str = PageOrder.NEWEST,
        after: tuple[datetime, UUID] | None = None,
        limit: int = 100,
        preview: int | None = None,
    ) -> list[Task]:
        """Up to `limit` tasks that match, beyond the place (time, id) in that order.

        `preview`: cut `args` and `last_error` to that many bytes and characters.
        """

    def count(self, where: Filter, limit: int | None = None) -> int:
        """How many match; counting stops at `limit`."""

    def ids(
        self,
        where: Filter,
        created_until: datetime | None = None,
        after: tuple[datetime, UUID] | None = None,
        limit: int = 1000,
    ) -> list[tuple[datetime, UUID]]:
        """(created_at, id) of those that match, oldest first, none created later."""

    def delete_tasks(self, ids: Sequence[UUID], safe_delete: bool) -> MutationResult:
        """Delete by id in one transaction; with `safe_delete` leased ones are skipped."""

    def requeue_tasks(self, ids: Sequence[UUID], reset: bool = False) -> MutationResult:
        """`requeue_task` for many, leased ones skipped.

        `reset`: receive_count 0, `finished_at` and `last_error` cleared.
        """

    def restore_tasks(self, tasks: Sequence[Task]) -> MutationResult:
        """Insert rows with every column as given; ids that exist are skipped."""

    def swap_tasks(self, swaps: Collection[Swap], *, break_leases: bool = False) -> set[UUID]:
        """Change rows that still are as they were seen and that nobody holds; which ones.

        All columns are written but the id and the times of creation and start. With
        `break_leases` also rows whose lease is still the one that was seen: its holder's
        writes are refused from then on, and it is told where `open_wakeup` has a channel.
        """

    def ended_since(self, where: Filter, since: datetime, limit: int) -> list[Task]:
        """Up to `limit` matching tasks that ended at or after `since`, first ends first."""

    def statuses(self, ids: Sequence[UUID]) -> Mapping[UUID, TaskStatus]:
        """The status of each that exists."""

    def live_leases(self, leases: Sequence[Lease]) -> set[Lease]:
        """Those of `leases` that are still in force, lapsed or not; nothing is written."""

    def open_counts(self) -> tuple[Mapping[TaskStatus, int], Health]:
        """Exact counts of the open statuses, and what holds them."""

    def finished_counts(self) -> Mapping[TaskStatus, int]:
        """Exact counts of the finished statuses; costs a scan of an index."""

    def breakdown(self, by: str) -> list[BreakdownRow]:
        """Counts per queue or type (`by` is "queue" or "type") and status, by name."""

    def activity(self, since: datetime) -> list[tuple[datetime, TaskStatus, int]]:
        """(minute, SUCCESSFUL or FAILED, finished in it) since then, oldest first."""

    # -- the connection ----------------------------------------------------------------------

    def notify(self, *, connection: Any = None) -> None:
        """Wake idle consumers, where the database can tell them.

        Submits do it by themselves after their commit; call this after the commit of your own
        transaction that tasks joined. `connection`: at the commit of its open transaction.
        """

    def open_wakeup(self) -> Wakeup | None:
        """A channel of notifications of new tasks; None where the database offers none."""

    def with_response_timeout(self, timeout: Duration) -> Self:
        """A view over the same connections that gives up one silent for longer than `timeout`.

        The half-open connection of a dead network or a stalled server then counts as broken:
        the call is tried once on a new one. Bounds neither SQLite, which has no server, nor
        a connection that the caller brought. Closing either closes both.
        """

    def interrupt(self) -> None:
        """Cancel the statements now running through this repository, from any thread."""

    def close(self) -> None:
        """Close what this repository opened; a borrowed connection or pool stays open."""
