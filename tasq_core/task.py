"""The task: one row of the table, its statuses, and the orders it is claimed in.

The thirteen fields, their order and the status names are Go's (`task.go` of
greencoda/tasq); a Go program reads and writes the same rows.
"""

import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar, overload

from tasq_core.args import Codec, convert_args, decode_args, encode_args
from tasq_core.args.json_text import lone_surrogate
from tasq_core.errors import InvalidInputError, InvalidTypeError
from tasq_core.ids import new_id
from tasq_core.locks import new_lock

T = TypeVar("T")
Into = type[T]
"""A type to convert into; `type` itself is a field's name inside the class."""

IMMEDIATELY: Final = datetime(1, 1, 1, tzinfo=UTC)
"""`visible_at` of a task that is ready now: Go's zero time, immune to disagreeing time zones."""

END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)
"""The last time there is."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
"""What a time is counted from, and in, where it is a number."""

MAX_INT16: Final = 2**15 - 1
MAX_INT32: Final = 2**31 - 1


class TaskStatus(StrEnum):
    """Where a task stands. The values are the database's enum labels."""

    NEW = "NEW"
    ENQUEUED = "ENQUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCESSFUL = "SUCCESSFUL"
    FAILED = "FAILED"


class TaskStatusGroup(StrEnum):
    """A named set of statuses."""

    ALL = "ALL"
    OPEN = "OPEN"
    FINISHED = "FINISHED"


OPEN_STATUSES: Final = (TaskStatus.NEW, TaskStatus.ENQUEUED, TaskStatus.IN_PROGRESS)
FINISHED_STATUSES: Final = (TaskStatus.SUCCESSFUL, TaskStatus.FAILED)

_STATUSES: Final = {
    TaskStatusGroup.ALL: OPEN_STATUSES + FINISHED_STATUSES,
    TaskStatusGroup.OPEN: OPEN_STATUSES,
    TaskStatusGroup.FINISHED: FINISHED_STATUSES,
}

_GROUPS: Final = frozenset(group.value for group in TaskStatusGroup)


def get_task_statuses(group: TaskStatusGroup | str) -> list[TaskStatus]:
    """The statuses of `group`, in the order a task passes through them.

    Raises:
        InvalidInputError: `group` is not a group's name.
    """
    try:
        return list(_STATUSES[TaskStatusGroup(group)])
    except ValueError:
        raise InvalidInputError(
            f"unknown status group {group!r}: use one of {', '.join(TaskStatusGroup)}"
        ) from None


class Ordering(StrEnum):
    """The order tasks are claimed and scanned in; ties end on the other key, then the id."""

    CREATED_AT_FIRST = "CREATED_AT_FIRST"
    """Oldest first, then higher priority."""
    PRIORITY_FIRST = "PRIORITY_FIRST"
    """Higher priority first, then oldest."""


class PollStrategy(StrEnum):
    """How a consumer chooses among the tasks it could claim."""

    BY_CREATED_AT = "pollByCreatedAt"
    BY_PRIORITY = "pollByPriority"


class _Clock:
    """Strictly increasing microseconds, so that one producer's tasks keep their order."""

    def __init__(self) -> None:
        self._last = 0
        self.renew_lock()

    def renew_lock(self) -> None:
        """In a forked child, which lacks the thread that may hold it."""
        self._lock = new_lock()

    def now(self) -> datetime:
        with self._lock:
            self._last = max(time.time_ns() // 1000, self._last + 1)
            microseconds = self._last
        return EPOCH + timedelta(microseconds=microseconds)


_clock: Final = _Clock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_clock.renew_lock)


class _Flags:
    """Holds what is not a column: whether this copy's lease was lost, why a row can't be read."""

    __slots__ = ("_lost", "_row_id", "_unreadable")
    _lost: bool
    _row_id: Any
    _unreadable: str


@dataclass(slots=True)
class Task(_Flags):
    """A task, field by field as it stands in the table. Times are aware UTC."""

    id: uuid.UUID
    """Chosen by the producer; the primary key."""
    type: str
    """The handler's name."""
    args: bytes
    """Encoded arguments: JSON text or a gob stream."""
    queue: str = ""
    priority: int = 0
    """int16; a higher one is more urgent."""
    status: TaskStatus = TaskStatus.NEW
    receive_count: int = 0
    """How often the task was claimed; with it a lease is fenced."""
    max_receives: int = 0
    """How often it may be claimed; 0 means without limit."""
    last_error: str | None = None
    created_at: datetime = IMMEDIATELY
    started_at: datetime | None = None
    finished_at: datetime | None = None
    visible_at: datetime = IMMEDIATELY
    """Not claimed before this time. While leased, the time the lease ends."""

    @classmethod
    def new(
        cls,
        type: str,
        args: Any,
        queue: str = "",
        priority: int = 0,
        max_receives: int = 0,
        *,
        codec: Codec | str = "json",
        go_type: str | None = None,
        as_struct: bool = False,
    ) -> "Task":
        """A task ready to submit: a random id, created now, visible at once.

        Args:
            type: the name its handler is learned under.
            args: plain values, dataclasses, pydantic models; `RawArgs` are stored as they are.
            queue: any text.
            priority: -32768 to 32767, higher is more urgent.
            max_receives: how often it may be claimed; 0 is no limit.
            codec: "json", "gob", or one of your own.
            go_type: the Go type to write `args` as, say "[]int"; implies gob.
            as_struct: write dicts as Go structs; implies gob.

        Raises:
            InvalidInputError: a field the table can't hold.
            ArgsEncodeError: there is no form for `args`, or none that reads back equal.
        """
        check_text("type", type)
        check_text("queue", queue)
        check_integer("priority", priority, -MAX_INT16 - 1, MAX_INT16)
        check_integer("max_receives", max_receives, 0, MAX_INT32)
        encoded = encode_args(args, codec, go_type=go_type, as_struct=as_struct)
        return cls(
            new_id(), type, encoded, queue, priority,
            max_receives=max_receives, created_at=_clock.now(),
        )  # fmt: skip

    def is_last_receive(self) -> bool:
        """Whether a failure of this run is final. Never so with `max_receives` 0 (no limit)."""
        return 0 < self.max_receives <= self.receive_count

    def set_visibility(self, at: datetime) -> None:
        """Hide the task until `at`, an aware time.

        Raises:
            InvalidInputError: `at` has no time zone.
        """
        self.visible_at = check_aware("visible_at", at)

    @overload
    def unmarshal_args(self, into: None = None) -> Any: ...
    @overload
    def unmarshal_args(self, into: Into[T]) -> T: ...
    def unmarshal_args(self, into: Into[T] | None = None) -> T | Any:
        """The arguments as plain values, or converted into the type `into`.

        Args:
            into: anything msgspec converts to (a dataclass, TypedDict, Struct, `list[int]`, …)
                or a pydantic model. A field that Go left out, its zero, is the default of
                `into`'s field, or the zero of its type.

        Raises:
            ArgsDecodeError: neither JSON nor gob, or not of the type asked for.
        """
        return decode_args(self.args) if into is None else convert_args(self.args, into)

    @property
    def lease_lost(self) -> bool:
        """Whether the consumer running this task found its lease to have passed to another."""
        return getattr(self, "_lost", False)

    @property
    def unreadable(self) -> str | None:
        """What is wrong with the row this was read from, or None; such a task never runs.

        Its other fields are shown as far as they could be read.
        """
        return getattr(self, "_unreadable", None)


def mark_unreadable(task: Task, why: str, row_id: object) -> None:
    """Make `task.unreadable` say `why`; `row_id` is what stands in the row's id column."""
    object.__setattr__(task, "_unreadable", why)
    object.__setattr__(task, "_row_id", row_id)


def row_id_of(task: Task) -> object:
    """What stands in the id column of an unreadable task's row."""
    return task._row_id  # noqa: SLF001 - set above


def mark_lease_lost(task: Task) -> None:
    """Make `task.lease_lost` true, for good."""
    object.__setattr__(task, "_lost", True)


def as_status(status: TaskStatus | str) -> TaskStatus:
    """`status` as a TaskStatus; its name in any case will do.

    Raises:
        InvalidInputError: no such status.
    """
    if isinstance(status, TaskStatus):
        return status
    try:
        return TaskStatus(status.upper())
    except (ValueError, AttributeError):
        raise InvalidInputError(
            f"unknown status {status!r}: use one of {', '.join(TaskStatus)}"
        ) from None


def as_ordering(ordering: Ordering | str) -> Ordering:
    """`ordering` as an Ordering.

    Raises:
        InvalidInputError: no such ordering.
    """
    try:
        return Ordering(ordering)
    except ValueError:
        raise InvalidInputError(
            f"unknown ordering {ordering!r}: use one of {', '.join(Ordering)}"
        ) from None


def check_text(name: str, value: object) -> str:
    """`value`, if every database can store it as text.

    Raises:
        InvalidTypeError: no str.
        InvalidInputError: holds NUL or a lone surrogate.
    """
    if not isinstance(value, str):
        raise InvalidTypeError(f"{name} must be text, not {value.__class__.__name__} ({value!r})")
    if "\0" in value:
        raise InvalidInputError(f"{name} {value!r} holds a NUL character; take it out")
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{name} {value!r}: {lone_surrogate(error)}") from None
    return value


def check_flag(name: str, value: object) -> bool:
    """`value`, if it is a bool: a filter passed in its place must not mean "yes".

    Raises:
        InvalidTypeError: anything else.
    """
    if not isinstance(value, bool):
        raise InvalidTypeError(f"{name} must be True or False, not {value!r}")
    return value


def check_integer(name: str, value: object, low: int, high: int) -> int:
    """`value`, if it is a whole number from `low` to `high`.

    Raises:
        InvalidTypeError: no int.
        InvalidInputError: out of range.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidTypeError(
            f"{name} must be a whole number, not {value.__class__.__name__} ({value!r})"
        )
    if not low <= value <= high:
        raise InvalidInputError(f"{name} {value} is out of range: use {low} to {high}")
    return value


def check_aware(name: str, at: object) -> datetime:
    """`at` in UTC.

    Raises:
        InvalidTypeError: no datetime.
        InvalidInputError: without a time zone.
    """
    if not isinstance(at, datetime):
        raise InvalidTypeError(f"{name} must be a datetime, not {at.__class__.__name__} ({at!r})")
    if at.tzinfo is None:
        raise InvalidInputError(f"{name} {at} has no time zone; pass an aware datetime, say UTC")
    try:
        return at.astimezone(UTC)
    except OverflowError:  # year 1 east of Greenwich, year 9999 west of it
        return IMMEDIATELY if at.year == 1 else END_OF_TIME


def check_statuses(
    statuses: Sequence[TaskStatus | TaskStatusGroup | str] | str | None,
) -> tuple[TaskStatus, ...] | None:
    """`statuses` as TaskStatus values, groups as theirs; None stays None (no restriction).

    Raises:
        InvalidInputError: an unknown status, or an empty sequence.
    """
    names = check_names("statuses", statuses)
    if names is None:
        return None
    return tuple(dict.fromkeys(status for name in names for status in _statuses_of(name)))


def _statuses_of(name: str) -> Sequence[TaskStatus]:
    group = name.upper()
    return _STATUSES[TaskStatusGroup(group)] if group in _GROUPS else (as_status(name),)


def check_names(name: str, values: Sequence[str] | str | None) -> tuple[str, ...] | None:
    """`values` as a tuple without repeats; a lone str counts as one element, None stays None.

    Raises:
        InvalidInputError: an empty sequence: a filter that came out empty must not match all.
    """
    if values is None:
        return None
    try:
        found = (values,) if isinstance(values, str) else tuple(dict.fromkeys(values))
    except TypeError:
        raise InvalidTypeError(f"{name} must be names, not {values!r}") from None
    if not found:
        raise InvalidInputError(f"{name} is empty; pass None for no restriction")
    for value in found:
        check_text(name, value)
    return found
