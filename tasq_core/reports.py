"""What reading and changing the table returns: frozen, named, plain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tasq_core.task import FINISHED_STATUSES, OPEN_STATUSES, Task, TaskStatus


class Lease(NamedTuple):
    """The right to run one task: what a write must match, or it changes nothing.

    `receive_count` rises with every claim. Where it could repeat (a release gives it back,
    a reset clears it), `nonce` tells one lease from another: the last three digits of
    `visible_at`'s microseconds, random per claim and kept by every ping.
    """

    task_id: UUID
    receive_count: int
    nonce: int

    @classmethod
    def of(cls, task: Task) -> "Lease":
        """The lease that a claimed `task` stands for."""
        return cls(task.id, task.receive_count, task.visible_at.microsecond % 1000)


class AttemptNote(NamedTuple):
    """What the side tables keep of an attempt that didn't succeed; `ended` is monotonic."""

    outcome: str
    """failed, retried, timed out, snoozed or cancelled."""
    error: str | None
    ended: float
    consumer: str
    host: str


class Outcome(NamedTuple):
    """What became of a leased task, written under its lease.

    `status`: IN_PROGRESS (it started), SUCCESSFUL, FAILED, or NEW (to run again, visible
    after `retry_in` seconds). Times are `time.monotonic()` seconds; the database turns them
    into its own clock's. With `delete` the row is removed instead (auto-delete on success).
    Where it isn't `counted`, the claim's attempt is given back. `attempt` goes to the side
    tables, which must exist, in the same transaction.
    """

    lease: Lease
    status: TaskStatus
    started: float | None = None
    finished: float | None = None
    error: str | None = None
    retry_in: float = 0.0
    delete: bool = False
    counted: bool = True
    attempt: AttemptNote | None = None


class Swap(NamedTuple):
    """A row as it was seen, and as it is to be; None deletes it.

    `attempt` goes to the side tables, which must exist, in the same transaction: that of the
    lease which the swap breaks.
    """

    before: Task
    after: Task | None
    attempt: AttemptNote | None = None


@dataclass(frozen=True, slots=True)
class MutationResult:
    """What a change of many rows did."""

    done: int
    """Rows changed or deleted."""
    skipped: int
    """Rows asked for that were left alone: leased, gone, or already so."""

    def __add__(self, other: "MutationResult") -> "MutationResult":
        return MutationResult(self.done + other.done, self.skipped + other.skipped)


@dataclass(frozen=True, slots=True)
class Page:
    """One window of the table."""

    tasks: tuple[Task, ...]
    next: str | None
    """The cursor for `after`; None where the table ends."""


@dataclass(frozen=True, slots=True)
class Health:
    """The open tasks, by what holds them."""

    ready: int = 0
    """Claimable now."""
    delayed: int = 0
    """NEW, visible later."""
    leased: int = 0
    """Held by a consumer: ENQUEUED or IN_PROGRESS, the lease running."""
    stale: int = 0
    """ENQUEUED or IN_PROGRESS with a lapsed lease: a consumer died or stalls (part of ready)."""
    exhausted: int = 0
    """Lapsed with no attempts left: the next poll of its type ends them FAILED."""
    oldest_ready: datetime | None = None
    """When the longest waiting ready task was created."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The table at a glance. Open counts are exact; finished ones are as of `finished_at`."""

    counts: Mapping[TaskStatus, int]
    health: Health
    taken_at: datetime
    """The database's clock when the open tasks were counted."""
    finished_at: datetime
    """The database's clock when the finished tasks were counted."""

    @property
    def open(self) -> int:
        """NEW, ENQUEUED and IN_PROGRESS together."""
        return sum(self.counts.get(status, 0) for status in OPEN_STATUSES)

    @property
    def finished(self) -> int:
        """SUCCESSFUL and FAILED together."""
        return sum(self.counts.get(status, 0) for status in FINISHED_STATUSES)

    @property
    def total(self) -> int:
        """All of them."""
        return self.open + self.finished


@dataclass(frozen=True, slots=True)
class BreakdownRow:
    """The counts of one queue or one type."""

    name: str
    counts: Mapping[TaskStatus, int]

    @property
    def total(self) -> int:
        """All statuses together."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Failures whose messages differ only in ids, numbers and quoted values."""

    message: str
    """The normalised first line."""
    count: int
    first_seen: datetime
    last_seen: datetime
    types: tuple[str, ...]
    sample_id: UUID
    """A task of the group, the newest."""
    task_ids: tuple[UUID, ...] = field(repr=False)
    """The group's tasks, newest first."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A periodic task as it is declared in the database. Times are aware UTC."""

    name: str
    cron: str
    time_zone: str
    """Whose wall time `cron` is in."""
    missed: str
    """What becomes of ticks that nobody fired in time: "latest", "all" or "none"."""
    type: str
    queue: str
    args: bytes = field(repr=False)
    priority: int
    max_receives: int
    next_at: datetime
    last_at: datetime | None = None
    """The tick that was fired last."""
    last_task_id: UUID | None = None
    paused: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    problem: str | None = None
    """Why it isn't fired: what of its row can't be read, and is something else here."""
