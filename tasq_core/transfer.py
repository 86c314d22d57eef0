"""Rows out of and into any tasq table, without loss: one JSON object a line.

The keys and times are those of `tasq list -o ndjson`: ISO 8601 in UTC to the microsecond, null
for "at once". `args` are `{"encoding": "base64", "value": …}`, so that any bytes survive. Lines
with decoded arguments, as `list` writes them, and those of earlier versions are read, too.
"""

import base64
import binascii
import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from tasq_core.args import JSON
from tasq_core.errors import InvalidInputError, TasqError
from tasq_core.repository.checks import checked
from tasq_core.task import IMMEDIATELY, Task, as_status

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
    row["args"] = {"encoding": "base64", "value": base64.b64encode(task.args).decode()}
    for name in _TIMES:
        row[name] = iso(row[name])
    if task.visible_at == IMMEDIATELY:
        row["visible_at"] = None
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


_BESIDE: Final = ("holder", "attempts")
"""What `tasq show` tells of a task beside its row."""


def from_line(line: str, number: int = 1) -> Task:
    """The task of a line.

    Args:
        line: a line that `to_line` wrote.
        number: its number, for the error.

    Raises:
        InvalidInputError: no such line; says which, and what is wrong with it.
    """
    try:
        return _task(line)
    except (TasqError, TypeError) as error:
        raise InvalidInputError(f"line {number} is not an exported task: {error}") from error


def _task(line: str) -> Task:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError("it isn't JSON") from error
    if not isinstance(row, dict):
        raise InvalidInputError("it isn't a JSON object")
    exact = row.pop("args_base64", None)
    for name in _BESIDE:
        row.pop(name, None)
    missing, unknown = set(_FIELDS) - row.keys(), row.keys() - set(_FIELDS)
    if missing or unknown:
        odd = ", ".join(sorted(missing or unknown))
        raise InvalidInputError(f"{'missing' if missing else 'unknown'} {odd}")
    try:
        row["id"] = UUID(row["id"])
    except (ValueError, AttributeError, TypeError):
        raise InvalidInputError(f"its id {row['id']!r} is not a UUID") from None
    row["args"] = _args(row["args"] if exact is None else exact)
    row["status"] = as_status(row["status"])
    if row["visible_at"] is None:
        row["visible_at"] = IMMEDIATELY
    for name in _TIMES:
        row[name] = _time(name, row[name])
    return checked(Task(**row))


def _time(name: str, given: object) -> datetime | None:
    if given is None and name in {"started_at", "finished_at"}:
        return None
    if isinstance(given, datetime):
        return given
    try:
        at = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInputError(
            f"its {name} {given!r} is not a time with a zone, as 2026-03-01T14:05:09Z"
        )
    return at


def _args(given: object) -> bytes:
    """The bytes of arguments: base64, or decoded with the name of their encoding."""
    if isinstance(given, str):
        return _from_base64(given)
    if not isinstance(given, dict) or not {"encoding", "value"} <= given.keys():
        raise InvalidInputError('its args are neither base64 nor {"encoding": …, "value": …}')
    encoding, value = given["encoding"], given["value"]
    if encoding == "json":
        return JSON.encode(value)
    if encoding == "base64" and isinstance(value, str):
        return _from_base64(value)
    if encoding == "text" and isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    raise InvalidInputError(
        f"its args have the encoding {encoding!r}, which can't be written back; use json, text or"
        " base64, or the line that tasq export writes"
    )


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInputError("its args are not base64") from None


def iso(at: datetime | None) -> str | None:
    """A time as `2026-03-01T14:05:09.123456Z`."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
