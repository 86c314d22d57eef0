"""What the side tables tell: consumers, what they hold, pauses and attempts. Frozen and plain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

MISSED_HEARTBEATS = 3
"""A consumer that missed so many counts as vanished."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """A task that a consumer runs."""

    task_id: UUID
    receive_count: int
    type: str
    queue: str
    started_at: datetime
    """By the database's clock, aware UTC."""


@dataclass(frozen=True, slots=True)
class ConsumerReport:
    """A running Python consumer, as its last heartbeat described it. Times are aware UTC."""

    id: UUID
    name: str
    host: str
    pid: int
    version: str
    """Of tasq."""
    release: str
    """Of the program, as `with_release` says."""
    queues: tuple[str, ...] | None
    """None is every queue."""
    types: tuple[str, ...]
    workers: int
    """Threads of `run(workers)`; 0 where the program brings its own."""
    state: str
    """running, quiet (claims nothing) or stopping."""
    counts: Mapping[str, int]
    """Since start: claimed, succeeded, failed, retried, timed out, snoozed, cancelled, lost."""
    in_flight: tuple[InFlight, ...]
    waiting: tuple[tuple[UUID, int], ...] = field(repr=False)
    """(task, receive_count) of what is claimed and not started."""
    last_error: str | None
    """Of its own: what it could not do at its last try; None once it could again."""
    started_at: datetime
    heartbeat_at: datetime
    heartbeat_seconds: float
    """How often it sends a heartbeat."""
    taken_at: datetime
    """The database's clock when this was read."""
    problem: str | None = None
    """Why parts are empty: a newer tasq wrote the row, or it can't be read."""

    @property
    def silent(self) -> timedelta:
        """Since its last heartbeat."""
        return self.taken_at - self.heartbeat_at

    @property
    def vanished(self) -> bool:
        """Whether it missed three heartbeats: killed, hung, or cut off from the database."""
        return self.silent.total_seconds() > MISSED_HEARTBEATS * self.heartbeat_seconds

    def holds(self, task_id: UUID, receive_count: int) -> bool:
        """Whether its last heartbeat names this attempt."""
        return (task_id, receive_count) in self.waiting or any(
            (task.task_id, task.receive_count) == (task_id, receive_count)
            for task in self.in_flight
        )

    def takes(self, type: str, queue: str) -> bool:
        """Whether it claims tasks of this type and queue."""
        return type in self.types and (self.queues is None or queue in self.queues)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a leased task, as far as the registry tells."""

    consumer: ConsumerReport | None
    """None: no heartbeat names the attempt."""
    may_be_new: bool = False
    """Whether a registered consumer may have claimed it since its last heartbeat."""
    since: datetime | None = None
    """When it was started, by the database's clock; None where it was only claimed."""

    def __str__(self) -> str:
        """For people, such as "held by mailer-1" or "held by an unregistered consumer (Go?)"."""
        if self.consumer is not None:
            found = self.consumer
            gone = f", which vanished {_ago(found.silent)}" if found.vanished else ""
            return f"held by {found.name} on {found.host}{gone}"
        if self.may_be_new:
            return "claimed since the last heartbeats, or held by an unregistered consumer (Go?)"
        return "held by an unregistered consumer (Go?)"


@dataclass(frozen=True, slots=True)
class Pause:
    """A queue or type of which Python consumers claim nothing. Go's don't know of it."""

    kind: str
    """queue or type."""
    name: str
    paused_by: str
    reason: str
    paused_at: datetime
    until: datetime | None
    """When it lapses by itself; None is never."""
    taken_at: datetime
    """The database's clock when this was read."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a task that didn't succeed. Times are the database's clock, aware UTC."""

    task_id: UUID
    receive_count: int
    consumer: str
    """Its name; "" where nobody knows, as of a Go consumer that crashed."""
    host: str
    started_at: datetime | None
    """None where the task was claimed and never started, or its start wasn't recorded."""
    ended_at: datetime
    """Of a crash: when its lease ended."""
    outcome: str
    """failed, retried, timed out, snoozed, cancelled or crashed."""
    error: str | None


def _ago(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    return f"{seconds} s ago" if seconds < 120 else f"{seconds // 60} min ago"  # noqa: PLR2004
