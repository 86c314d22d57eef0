"""Rows into tasks, one by one: one that can't be read is named, shown, and hinders no other."""

import logging
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

from tasq_core.repository.driver import RowFormat
from tasq_core.repository.rows import text_of
from tasq_core.task import END_OF_TIME, IMMEDIATELY, Task, TaskStatus, mark_unreadable

_LOG: Final = logging.getLogger("tasq_core.repository")
_MOST_NAMED: Final = 20
"""Unreadable rows that are named in the log, each once; of the others it says that there are."""

_COLUMNS: Final = (
    "id", "type", "args", "queue", "priority", "status", "receive_count", "max_receives",
    "last_error", "created_at", "started_at", "finished_at", "visible_at",
)  # fmt: skip
_SHOWN: Final = 60
MISREAD: Final = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError)
"""What reading a row raises where a column holds something else than its type."""


class TaskReader:
    """Makes tasks of the rows of one table."""

    def __init__(self, rows: RowFormat, table: str) -> None:
        self._rows = rows
        self._table = table
        self._named: set[UUID] = set()

    def __call__(self, row: tuple[Any, ...]) -> Task:
        """The task of a row; of one that can't be read, what can (see `Task.unreadable`)."""
        try:
            return self._rows.task(row)
        except MISREAD:
            task = unreadable(row, self._rows)
        if task.id not in self._named and len(self._named) <= _MOST_NAMED:
            self._named.add(task.id)
            self._name(task)
        return task

    def _name(self, task: Task) -> None:
        if len(self._named) > _MOST_NAMED:
            _LOG.error("more rows in table %s can't be read; these aren't named", self._table)
            return
        _LOG.error(
            "task %s in table %s can't be read and is skipped: %s; mend or delete the row",
            task.id, self._table, task.unreadable,
        )  # fmt: skip


def unreadable(row: Sequence[Any], rows: RowFormat) -> Task:
    """The task of a row that `rows.task` couldn't read: what could be read, and why not all.

    An id that is not a UUID becomes one made of its text, so that the row can be shown.
    """
    wrong: list[str] = []

    def read(place: int, reader: Callable[[Any], Any], otherwise: Any) -> Any:
        try:
            return reader(row[place])
        except MISREAD:
            wrong.append(f"{_COLUMNS[place]} is {_shown(row[place])}")
            return otherwise

    task = Task(
        read(0, rows.read_id, uuid.uuid5(uuid.NAMESPACE_OID, repr(row[0]))),
        read(1, _exact_text, _lenient_text(row[1])),
        read(2, _raw, b""),
        read(3, _exact_text, _lenient_text(row[3])),
        read(4, _integer, 0),
        read(5, lambda value: TaskStatus(rows.status_of(value)), TaskStatus.FAILED),
        read(6, _integer, 0),
        read(7, _integer, 0),
        None if row[8] is None else _lenient_text(row[8]),
        read(9, rows.read_time, END_OF_TIME),  # where SQLite sorts it: text is above all numbers
        None if row[10] is None else read(10, rows.read_time, None),
        None if row[11] is None else read(11, rows.read_time, None),
        read(12, rows.read_time, IMMEDIATELY),
    )
    why = ", ".join(wrong) or "a column holds another type than its own"
    mark_unreadable(task, why, row[0])
    before = "" if task.last_error is None else f"\n{task.last_error}"
    task.last_error = f"this row can't be read, so it isn't run: {why}{before}"
    return task


def _exact_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise TypeError


def _lenient_text(value: Any) -> str:
    return text_of(value) if isinstance(value, str | bytes | bytearray) else str(value)


def _raw(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(memoryview(value))


def _integer(value: Any) -> int:
    if isinstance(value, int):
        return value
    raise TypeError


def _shown(value: Any) -> str:
    text = repr(value)
    kind = {str: "text", bytes: "bytes", float: "a fraction", type(None): "NULL"}.get(
        type(value), type(value).__name__
    )
    return f"{kind}, {text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}"
