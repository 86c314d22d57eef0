"""Table names, and what all databases' rows have in common."""

import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from uuid import UUID

from tasq_core.errors import InvalidInputError
from tasq_core.task import Ordering, Task, check_text

_PREFIX: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_LONGEST_PREFIX: Final = 36
"""PostgreSQL cuts names at 63 bytes; the longest of ours adds 26 to the prefix."""
_LONGEST_SCHEMA: Final = 63


class TableName(NamedTuple):
    """What a prefix such as "billing" or "sch.billing" stands for; nothing is quoted."""

    schema: str
    """PostgreSQL's schema or MySQL's database; empty where the connection's is meant."""
    name: str
    enum: str
    """PostgreSQL's type of a status."""

    @property
    def shown(self) -> str:
        """The table as people write it."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def slots(self, quote: str, here: str) -> dict[str, str]:
        """What statements name it by; `here` is SQL for the connection's own schema."""
        place = f"{quote}{self.schema}{quote}." if self.schema else ""
        return {
            "name": self.name,
            "shown": self.shown,
            "qualifier": place,
            "tasks": f"{place}{quote}{self.name}{quote}",
            "enum": f"{place}{quote}{self.enum}{quote}",
            "schema": f"'{self.schema}'" if self.schema else here,
        }


def table_names(prefix: str) -> TableName:
    """The names that `prefix` stands for.

    Raises:
        InvalidInputError: a prefix that is not a plain identifier, nor one behind a schema's.
    """
    schema, dot, own = check_text("prefix", prefix).rpartition(".")
    parts = (schema, own) if dot else (own,)
    if prefix and not all(map(_PREFIX.match, parts)):
        raise InvalidInputError(
            f"prefix {prefix!r} can't name a table: use letters, digits and _,"
            " starting with a letter or _; a schema or database may stand before it,"
            " as in 'sch.billing'"
        )
    if len(own) > _LONGEST_PREFIX:
        raise InvalidInputError(
            f"prefix {own!r} is too long: use {_LONGEST_PREFIX} characters at most"
        )
    if len(schema) > _LONGEST_SCHEMA:
        raise InvalidInputError(
            f"{schema!r} is too long for a schema: use {_LONGEST_SCHEMA} characters at most"
        )
    lead = f"{own}_" if own else ""
    return TableName(schema, f"{lead}tasks", f"{lead}task_status")


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
