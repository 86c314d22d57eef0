"""Table names, and what all databases' rows have in common."""

import re
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from tasq_core.errors import InvalidInputError
from tasq_core.task import Ordering, Task, check_text

_PREFIX: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_LONGEST_PREFIX: Final = 36
"""PostgreSQL cuts names at 63 bytes; the longest of ours adds 26 to the prefix."""


def table_names(prefix: str) -> tuple[str, str]:
    """The unquoted names of the task table and of PostgreSQL's enum type.

    Raises:
        InvalidInputError: a prefix that is no plain identifier.
    """
    if prefix and not _PREFIX.match(check_text("prefix", prefix)):
        raise InvalidInputError(
            f"prefix {prefix!r} can't name a table: use letters, digits and _,"
            " starting with a letter or _"
        )
    if len(prefix) > _LONGEST_PREFIX:
        raise InvalidInputError(
            f"prefix {prefix!r} is too long: use {_LONGEST_PREFIX} characters at most"
        )
    lead = f"{prefix}_" if prefix else ""
    return f"{lead}tasks", f"{lead}task_status"


def in_order(tasks: Iterable[Task], ordering: Ordering) -> list[Task]:
    """`tasks` sorted: an UPDATE returns its rows in no particular order."""
    if ordering is Ordering.PRIORITY_FIRST:
        return sorted(tasks, key=lambda task: (-task.priority, task.created_at, task.id.int))
    return sorted(tasks, key=lambda task: (task.created_at, -task.priority, task.id.int))


def as_number(id: UUID) -> int:
    """A key to sort ids by: the numbers compare without a call of Python's, the ids don't."""
    return id.int


def text_of(value: Any) -> str:
    """A text column; from MySQL, one in a binary collation comes as bytes."""
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")
