"""What an operator's changes make of a task: pure functions, and the loop that applies them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from tasq_core.args import GOB, JSON, RawArgs, encode_args
from tasq_core.durations import Duration, seconds
from tasq_core.errors import ArgsDecodeError, InvalidInputError
from tasq_core.fleet.cancelled import with_attempts
from tasq_core.last_error import storable_error
from tasq_core.reports import MutationResult, Swap
from tasq_core.repository.batches import id_batches
from tasq_core.repository.protocol import Repository
from tasq_core.task import (
    IMMEDIATELY,
    MAX_INT16,
    MAX_INT32,
    OPEN_STATUSES,
    Task,
    TaskStatus,
    check_aware,
    check_integer,
    check_text,
)

_LEASED: Final = (TaskStatus.ENQUEUED, TaskStatus.IN_PROGRESS)
_TRIES: Final = 3
"""How often a task is tried to be cancelled that changes under our hands."""

Keep = Callable[[Sequence[Swap]], None]
"""Told of rows before they are changed, so that they can be kept as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """New values for open tasks that nobody holds; what is None stays.

    Raises:
        InvalidInputError: a value the table can't hold, or none at all.
    """

    type: str | None = None
    queue: str | None = None
    priority: int | None = None
    max_receives: int | None = None
    visible_at: datetime | None = None
    args: Any = ...
    """Encoded as the task's own are, in gob as the same Go type; `...` leaves them."""

    def __post_init__(self) -> None:
        if self.args is ... and all(
            value is None
            for value in (
                self.type, self.queue, self.priority, self.max_receives, self.visible_at,
            )
        ):  # fmt: skip
            raise InvalidInputError(
                "nothing to edit: give a queue, priority, time, max_receives, type or args"
            )
        if self.type is not None:
            check_text("type", self.type)
        if self.queue is not None:
            check_text("queue", self.queue)
        if self.priority is not None:
            check_integer("priority", self.priority, -MAX_INT16 - 1, MAX_INT16)
        if self.max_receives is not None:
            check_integer("max_receives", self.max_receives, 0, MAX_INT32)
        if self.visible_at is not None:
            check_aware("visible_at", self.visible_at)

    def applied(self, task: Task) -> Task | None:
        """The task as edited; None for one that isn't open, or is so already.

        Raises:
            ArgsEncodeError: there is no form for `args` in the task's own encoding.
        """
        if task.status not in OPEN_STATUSES:
            return None
        edited = replace(
            task,
            type=task.type if self.type is None else self.type,
            queue=task.queue if self.queue is None else self.queue,
            priority=task.priority if self.priority is None else self.priority,
            max_receives=task.max_receives if self.max_receives is None else self.max_receives,
            args=task.args if self.args is ... else encoded_like(task.args, self.args),
        )
        if self.visible_at is not None:
            # A time in the future would make a lapsed lease look like one that runs.
            edited.status, edited.visible_at = TaskStatus.NEW, self.visible_at
        return None if edited == task else edited


def encoded_like(data: bytes, value: Any) -> bytes:
    """`value` encoded as `data` is: as JSON, or in gob as the same Go type.

    Raises:
        ArgsEncodeError: there is no form for the value.
    """
    if isinstance(value, RawArgs):
        return value.data
    try:
        JSON.decode(data)
    except ArgsDecodeError:
        try:
            GOB.decode(data)
        except ArgsDecodeError:
            return encode_args(value, JSON)
        from tasq_core.args import gob  # noqa: PLC0415 - loaded by those who use it

        try:
            return encode_args(value, GOB, go_type=gob.type_of(data))
        except ArgsDecodeError:  # a type that can't be written by its name
            return encode_args(value, GOB)
    return encode_args(value, JSON)


def visible_from(
    now: datetime, delay: Duration | None, visible_at: datetime | None
) -> datetime | None:
    """The time that `delay` or `visible_at` says; None where neither is given.

    Raises:
        InvalidInputError: both, or one that can't be used.
    """
    if delay is None:
        return None if visible_at is None else check_aware("visible_at", visible_at)
    if visible_at is not None:
        raise InvalidInputError("delay and visible_at are both given; pass one of them")
    wait = seconds("delay", delay)
    return now + timedelta(seconds=wait) if wait else IMMEDIATELY


def cancelled(task: Task, reason: str, now: datetime) -> Task | None:
    """The task as a cancel ends it; None for one that isn't open.

    A lease is broken: FAILED refuses whatever its holder writes.
    """
    if task.status not in OPEN_STATUSES:
        return None
    return replace(
        task,
        status=TaskStatus.FAILED,
        finished_at=now,
        last_error=storable_error(f"cancelled: {reason}" if reason else "cancelled"),
        visible_at=now if task.status in _LEASED else task.visible_at,
    )


def is_leased(task: Task, now: datetime) -> bool:
    """Whether a consumer holds the task at `now`."""
    return task.status in _LEASED and task.visible_at > now


def requeued(task: Task, *, reset: bool = False, visible_at: datetime = IMMEDIATELY) -> Task:
    """The task NEW again and visible at `visible_at`; used-up attempts get one more."""
    new = replace(task, status=TaskStatus.NEW, visible_at=visible_at)
    if reset:
        new.receive_count, new.finished_at, new.last_error = 0, None, None
    elif 0 < task.max_receives <= task.receive_count:
        new.max_receives = min(task.receive_count, MAX_INT32 - 1) + 1
    return new


def put_back(before: Task) -> Task:
    """A row's image as an undo writes it: a lease that ended meanwhile is not given back."""
    return requeued(before) if before.status in _LEASED else before


def spread_over(start: datetime, window: float, total: int) -> Iterator[datetime]:
    """When each of `total` tasks is due: evenly over `window` seconds, the last at its end."""
    end = start + timedelta(seconds=window)
    for place in range(1, total):
        yield start + timedelta(seconds=window * place / total)
    while True:
        yield end


def change_tasks(
    repository: Repository,
    ids: Sequence[UUID],
    change: Callable[[Task], Task | None],
    *,
    break_leases: bool = False,
    keep: Keep | None = None,
) -> MutationResult:
    """Apply `change` to rows as they are now; those that change meanwhile are left alone.

    Args:
        repository: where they are.
        ids: which ones.
        change: the row as it is to be; None leaves it. Called in the order of `ids`.
        break_leases: also change what a consumer holds, and look again at what changed.
        keep: told of each batch before it is written.
    """
    wanted = list(dict.fromkeys(ids))
    done, left = 0, wanted
    for _ in range(_TRIES if break_leases else 1):
        changed: set[UUID] = set()
        missed: list[UUID] = []
        now = repository.now()
        for few in id_batches(repository, left):
            tasks = repository.get_tasks(few)
            if not break_leases:
                tasks = [task for task in tasks if not is_leased(task, now)]
            swaps = list(_swaps(tasks, change))
            if break_leases:
                swaps = with_attempts(repository, swaps)
            if keep is not None and swaps:
                keep(swaps)
            changed |= repository.swap_tasks(swaps, break_leases=break_leases)
            missed += [swap.before.id for swap in swaps if swap.before.id not in changed]
        done += len(changed)
        left = missed
        if not left:
            break
    return MutationResult(done, len(wanted) - done)


def _swaps(tasks: Iterable[Task], change: Callable[[Task], Task | None]) -> Iterator[Swap]:
    for task in tasks:
        if not task.unreadable and (after := change(task)) is not None:
            yield Swap(task, after)
