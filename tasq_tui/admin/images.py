"""What became of rows, as lines of the undo log: which columns changed, or a digest of the row."""

import hashlib
import json
from dataclasses import fields
from typing import Any, Final
from uuid import UUID

from tasq_core.errors import InvalidInputError
from tasq_core.task import Task
from tasq_core.transfer import from_line, to_line

_FIELDS: Final = tuple(field.name for field in fields(Task))
_DIGEST: Final = 32
"""Hexadecimal digits of SHA-256."""


def swap_line(before: Task, after: Task) -> str:
    """The id and those columns of `after` that differ from `before`."""
    was, now = json.loads(to_line(before)), json.loads(to_line(after))
    changed = {name: now[name] for name in _FIELDS if name == "id" or now[name] != was[name]}
    return json.dumps(changed, ensure_ascii=False, separators=(",", ":"))


def swapped(row: str, change: str, number: int) -> tuple[Task, Task]:
    """A row before and after a change, from its two lines.

    Raises:
        InvalidInputError: they don't belong together, or can't be read.
    """
    before, changed = from_line(row, number), _object(change, number)
    if changed.get("id") != str(before.id):
        raise InvalidInputError(f"line {number} of the changes is about another task")
    return before, from_line(json.dumps({**json.loads(to_line(before)), **changed}), number)


def digest_line(task: Task) -> str:
    """The id of a row and a digest of all its columns."""
    return json.dumps({"id": str(task.id), "digest": digest(task)}, separators=(",", ":"))


def digested(line: str, number: int) -> tuple[UUID, str]:
    """The id and the digest of a line.

    Raises:
        InvalidInputError: it can't be read.
    """
    found = _object(line, number)
    try:
        return UUID(found["id"]), str(found["digest"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise InvalidInputError(f"line {number} of the changes can't be read") from None


def digest(task: Task) -> str:
    """A digest of all columns of a row."""
    return hashlib.sha256(to_line(task).encode()).hexdigest()[:_DIGEST]


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidInputError(f"line {number} of the changes can't be read")
    return found
