"""What a task must be like before it is written, and what is said when a write is refused."""

from collections.abc import Collection
from dataclasses import fields, replace
from uuid import UUID

from tasq_core.errors import InvalidTypeError, LeaseLostError, RepositoryError
from tasq_core.filters import Filter
from tasq_core.repository.protocol import Names, Statuses
from tasq_core.task import (
    MAX_INT16,
    MAX_INT32,
    Task,
    TaskStatus,
    check_aware,
    check_integer,
    check_names,
    check_statuses,
    check_text,
)


def lease_lost(task: Task) -> LeaseLostError:
    """The error for a write whose lease no longer held."""
    return LeaseLostError(
        f"the lease on task {task.id} (attempt {task.receive_count}) is lost: it ended, passed"
        " to another consumer, or the task was deleted; nothing was written",
        task.id,
    )


def refuse_foreign_table(table: str, where: str, columns: Collection[str]) -> None:
    """Leave alone a table of our name that somebody else made.

    Raises:
        RepositoryError: one of a task's columns isn't among `columns`; names what is missing.
    """
    missing = [field.name for field in fields(Task) if field.name not in columns]
    if missing:
        raise RepositoryError(
            f"{where}: {table!r} exists and isn't a task table (it has no {', '.join(missing)});"
            " nothing was changed; give another prefix"
        )


def checked(task: Task) -> Task:
    """`task`, if the table can hold it.

    Raises:
        InvalidInputError: a field out of its range or of the wrong type.
    """
    if not isinstance(task, Task):
        raise InvalidTypeError(f"a Task is needed, not {task!r}; make one with Task.new(…)")
    check_text("type", task.type)
    check_text("queue", task.queue)
    check_integer("priority", task.priority, -MAX_INT16 - 1, MAX_INT16)
    check_integer("receive_count", task.receive_count, 0, MAX_INT32)
    check_integer("max_receives", task.max_receives, 0, MAX_INT32)
    if not isinstance(task.id, UUID):
        raise InvalidTypeError(f"id must be a UUID, not {task.id!r}")
    if not isinstance(task.args, bytes):
        raise InvalidTypeError(f"args must be bytes, not {type(task.args).__name__}")
    check_aware("created_at", task.created_at)
    check_aware("visible_at", task.visible_at)
    if task.last_error is None and task.started_at is None and task.finished_at is None:
        return task
    return _checked_outcome(task)


def _checked_outcome(task: Task) -> Task:
    """`task`, if the table can hold what became of it."""
    for name in ("started_at", "finished_at"):
        if getattr(task, name) is not None:
            check_aware(name, getattr(task, name))
    if task.last_error is not None:
        # Some databases take a NUL and Go writes it: that is for the database to say.
        text: object = task.last_error
        check_text("last_error", text.replace("\0", "") if isinstance(text, str) else text)
    return task


def as_submitted(task: Task) -> Task:
    """`task` as a submit stores it: NEW, never received."""
    checked(task)
    if (
        task.status is TaskStatus.NEW
        and task.receive_count == 0
        and task.last_error is None
        and task.started_at is None
        and task.finished_at is None
    ):
        return task
    return replace(
        task, status=TaskStatus.NEW, receive_count=0, last_error=None, started_at=None,
        finished_at=None,
    )  # fmt: skip


def matching(statuses: Statuses, types: Names, queues: Names) -> Filter:
    """The filter of Go's three arguments; None means no restriction.

    Raises:
        InvalidInputError: an empty sequence or an unknown status.
    """
    return Filter.of(
        check_statuses(statuses), check_names("types", types), check_names("queues", queues)
    )
