"""Rows out of and into any tasq table, without loss: one JSON object a line.

`args` are base64, so that any bytes survive; times are ISO 8601 in UTC to the microsecond.
"""

import base64
import binascii
import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from tasq_core.errors import InvalidInputError, TasqError
from tasq_core.repository.checks import checked
from tasq_core.task import Task, as_status

_TIMES: Final = ("created_at", "started_at", "finished_at", "visible_at")
_FIELDS: Final = tuple(field.name for field in fields(Task))


def to_line(task: Task) -> str:
    """`task` as one line of JSON, without the line's end.

    Raises:
        InvalidInputError: the row couldn't be read, so nothing would bring it back as it is.
    """
    if task.unreadable:
        raise InvalidInputError(
            f"task {task.id} can't be exported, since its row can't be read: {task.unreadable};"
            " mend or delete the row in the database"
        )
    row: dict[str, Any] = {name: getattr(task, name) for name in _FIELDS}
    row["id"] = str(task.id)
    row["status"] = task.status.value
    row["args"] = base64.b64encode(task.args).decode()
    for name in _TIMES:
        if row[name] is not None:
            row[name] = row[name].astimezone(UTC).isoformat(timespec="microseconds")
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def from_line(line: str, number: int = 1) -> Task:
    """The task of a line.

    Args:
        line: a line that `to_line` wrote.
        number: its number, for the error.

    Raises:
        InvalidInputError: no such line; says which, and what is wrong with it.
    """
    try:
        row = json.loads(line)
        if not isinstance(row, dict):
            raise InvalidInputError("it is no JSON object")
        missing, unknown = set(_FIELDS) - row.keys(), row.keys() - set(_FIELDS)
        if missing or unknown:
            odd = ", ".join(sorted(missing or unknown))
            raise InvalidInputError(f"{'missing' if missing else 'unknown'} {odd}")
        row["id"] = UUID(row["id"])
        row["args"] = base64.b64decode(row["args"], validate=True)
        row["status"] = as_status(row["status"])
        for name in _TIMES:
            if row[name] is not None:
                row[name] = datetime.fromisoformat(row[name])
        return checked(Task(**row))
    except (TasqError, ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise InvalidInputError(f"line {number} is no exported task: {error}") from error
