"""Groups failures whose messages differ only in ids, numbers and quoted values."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from tasq_core.reports import ErrorGroup
from tasq_core.task import Task

_LONGEST: Final = 200

# A quote opens before what isn't a letter, but for the prefix of bytes, and closes behind: the
# apostrophes of "can't" and "users'" open and close nothing. Each way in begins with another
# character, so that a line of quotes takes no longer than its length.
_QUOTED: Final = re.compile(
    r"""(?<!\w)[bB]?'(?:[^'\\]|\\.|'(?=\w))*+'(?!\w)"""
    r"""|(?<!\w)[bB]?"(?:[^"\\]|\\.)*+\""""
    "|\u201c[^\u201d]*\u201d|\u2018[^\u2019]*\u2019(?!\\w)|`[^`]*`"
)
_LONGEST_READ: Final = 2000

_VARYING: Final = (
    (re.compile(r"\b[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<address>"),
    (_QUOTED, "<text>"),
    (re.compile(r"(?<![A-Za-z_])\d+(?:[.,:]\d+)*"), "<n>"),
)


def normalised(error: str | None) -> str:
    """The first line of an error with what varies between its occurrences taken out."""
    line = next((line.strip() for line in (error or "").splitlines() if line.strip()), "")
    line = line[:_LONGEST_READ]
    for pattern, name in _VARYING:
        line = pattern.sub(name, line)
    return line[:_LONGEST] or "(no message)"


def group_errors(tasks: Iterable[Task]) -> list[ErrorGroup]:
    """The groups of failed tasks, the largest first."""
    members: dict[str, list[Task]] = {}
    for task in tasks:
        members.setdefault(normalised(task.last_error), []).append(task)
    groups = [_group(message, found) for message, found in members.items()]
    return sorted(groups, key=lambda group: (-group.count, group.message))


def _group(message: str, tasks: list[Task]) -> ErrorGroup:
    tasks = sorted(tasks, key=_failed_at, reverse=True)
    return ErrorGroup(
        message=message,
        count=len(tasks),
        first_seen=_failed_at(tasks[-1]),
        last_seen=_failed_at(tasks[0]),
        types=tuple(sorted({task.type for task in tasks})),
        sample_id=tasks[0].id,
        task_ids=tuple(task.id for task in tasks),
    )


def _failed_at(task: Task) -> datetime:
    return task.finished_at or task.started_at or task.created_at
