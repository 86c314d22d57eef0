"""How values cross to and from PostgreSQL."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import UUID

from tasq_core.filters.where import PostgresWhere
from tasq_core.repository.driver import Row
from tasq_core.repository.rows import as_number, text_of
from tasq_core.repository.steering_sql import rewritten_args
from tasq_core.task import Task, TaskStatus, check_aware

_STATUSES: Final = {
    label: status for status in TaskStatus for label in (status.value, status.value.encode())
}
"""By label; in binary results an enum psycopg doesn't know comes as bytes."""


class PostgresRows:
    """How values cross to and from PostgreSQL. Times come as UTC without a zone.

    Text comes as bytes over a caller's connection whose client_encoding is SQL_ASCII.
    """

    where = PostgresWhere()

    def task(self, row: Row) -> Task:
        """The task of a row."""
        (id, type, args, queue, priority, status, received, limit, error,
         created, started, finished, visible) = row  # fmt: skip
        return Task(
            id,
            type if type.__class__ is str else text_of(type),
            args,
            queue if queue.__class__ is str else text_of(queue),
            priority, _STATUSES[status], received, limit,
            error if error is None or error.__class__ is str else text_of(error),
            created.replace(tzinfo=UTC),
            None if started is None else started.replace(tzinfo=UTC),
            None if finished is None else finished.replace(tzinfo=UTC),
            visible.replace(tzinfo=UTC),
        )  # fmt: skip

    def status_of(self, value: Any) -> str:
        """The enum's label."""
        return _STATUSES[value].value

    def id(self, value: UUID) -> object:
        """A native uuid."""
        return value

    def read_id(self, value: Any) -> UUID:
        """A native uuid."""
        return cast("UUID", value)

    def time(self, value: datetime) -> object:
        """An aware datetime; one that leaves the years of UTC becomes the nearest in them."""
        return value if 1 < value.year < 9999 else check_aware("time", value)  # noqa: PLR2004

    def bound(self, value: datetime) -> object:
        """As any time."""
        return self.time(value)

    def read_time(self, value: Any) -> datetime:
        """A time without a zone, which is UTC."""
        return cast("datetime", value.replace(tzinfo=UTC))

    def names(self, values: Sequence[str]) -> object:
        """An array."""
        return list(values)

    def ids(self, values: Sequence[UUID]) -> object:
        """An array as text: psycopg's list dumper takes a microsecond an element."""
        return array(id.hex for id in sorted(values, key=as_number))

    def clock(self) -> dict[str, object]:
        """The server has its own."""
        return {}


def array(values: Iterable[object]) -> str:
    """An array literal of values that need no quoting."""
    return f"{{{','.join(map(str, values))}}}"


def rewrite_arrays(
    swaps: Sequence[tuple[Task, Task]], time: Callable[[datetime], object]
) -> dict[str, object]:
    """The parameters of `rewrite`: an array a column."""
    tasks = [after for _, after in swaps]
    return {
        "ids": array(task.id.hex for task in tasks),
        "types": [task.type for task in tasks],
        "queues": [task.queue for task in tasks],
        "priorities": array(task.priority for task in tasks),
        "statuses": array(task.status for task in tasks),
        "receive_counts": array(task.receive_count for task in tasks),
        "limits": array(task.max_receives for task in tasks),
        "errors": [task.last_error for task in tasks],
        "finished": [task.finished_at and time(task.finished_at) for task in tasks],
        "visible": [time(task.visible_at) for task in tasks],
        "args": [rewritten_args(before, after) for before, after in swaps],
    }
