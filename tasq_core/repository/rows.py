"""Table names, and what all databases' rows have in common."""

import re
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID, SafeUUID

from tasq_core.errors import InvalidInputError
from tasq_core.task import Ordering, Task, check_text

_PREFIX: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_new_uuid: Final = object.__new__
_set_number: Final = vars(UUID)["int"].__set__  # its slots, behind the back of its __setattr__
_set_safety: Final = vars(UUID)["is_safe"].__set__

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


def uuid_of(data: bytes) -> UUID:
    """The UUID of 16 big-endian bytes, without the checks that take most of `UUID(bytes=…)`."""
    found = _new_uuid(UUID)
    _set_number(found, int.from_bytes(data))
    _set_safety(found, SafeUUID.unknown)
    return found


def as_number(id: UUID) -> int:
    """A key to sort ids by: the numbers compare without a call of Python's, the ids don't."""
    return id.int


def text_of(value: Any) -> str:
    """A text column; from MySQL, one in a binary collation comes as bytes."""
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")
