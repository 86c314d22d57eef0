"""A filter that comes close to a group of errors. Pure."""

import re
from typing import Final

from tasq_core.filters import Filter, parse
from tasq_core.filters.values import quoted
from tasq_core.reports import ErrorGroup
from tasq_core.task import TaskStatus

_VARYING: Final = re.compile(r"<(?:id|address|text|n)>")
_SHORTEST: Final = 3
_MOST_TYPES: Final = 5


def filter_of(group: ErrorGroup, *, retrying: bool = False) -> Filter:
    """Failed tasks of its types whose errors hold the longest part the group has in common.

    With `retrying`, those too that may succeed yet.
    """
    types = group.types if len(group.types) <= _MOST_TYPES else None
    where = Filter.of(None if retrying else (TaskStatus.FAILED,), types=types)
    common = max((part.strip() for part in _VARYING.split(group.message)), key=len)
    if len(common) < _SHORTEST or group.message == "(no message)":
        return where
    return where & parse(f"error:{quoted(common)}")
