"""Waits for tasks to end, by looking at them ever more rarely."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from tasq_core.durations import Duration, seconds
from tasq_core.errors import TaskNotFoundError, WaitTimeoutError
from tasq_core.repository.protocol import Repository
from tasq_core.task import FINISHED_STATUSES, Task

_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 1.0
_SLOWER: Final = 1.3
_NAMED: Final = 5
"""Ids that an error names; of more it says how many."""


def wait_for(
    repository: Repository,
    ids: Sequence[UUID],
    timeout: Duration | None = None,
    pause: Callable[[float], object] | None = None,
) -> list[Task]:
    """The tasks once all of them have ended, in the order of `ids`.

    Args:
        repository: where they are.
        ids: which ones.
        timeout: seconds at most; None waits without limit.
        pause: waits so many seconds between two looks; what it raises ends the wait.

    Raises:
        TaskNotFoundError: one doesn't exist, or was deleted meanwhile.
        WaitTimeoutError: the time is over; names those that are still open.
    """
    pause = pause or threading.Event().wait
    wanted = list(dict.fromkeys(ids))
    limit = None if timeout is None else seconds("timeout", timeout)
    deadline = None if limit is None else time.monotonic() + limit
    left, length, begun = wanted, _FIRST_PAUSE, False
    while left:
        found = repository.statuses(left)
        if missing := [id for id in left if id not in found]:
            raise _missing(missing, begun=begun)
        left, begun = [id for id in left if found[id] not in FINISHED_STATUSES], True
        if not left:
            break
        rest = length if deadline is None else deadline - time.monotonic()
        if rest <= 0:
            raise WaitTimeoutError(
                f"not ended after {limit:g} s: {_some(left)}; the tasks themselves go on", left
            )
        pause(min(length, rest))
        length = min(_LONGEST_PAUSE, length * _SLOWER)
    tasks = repository.get_tasks(wanted)
    if len(tasks) < len(wanted):
        there = {task.id for task in tasks}
        raise _missing([id for id in wanted if id not in there], begun=True)
    return tasks


def _missing(ids: Sequence[UUID], *, begun: bool) -> TaskNotFoundError:
    if not begun:
        return TaskNotFoundError(f"no task {_some(ids)}", ids)
    return TaskNotFoundError(
        f"deleted while it was waited for: {_some(ids)}; a consumer with auto-delete does that"
        " on success, so its outcome can't be told",
        ids,
    )


def _some(ids: Sequence[UUID]) -> str:
    more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    return ", ".join(map(str, ids[:_NAMED])) + more
