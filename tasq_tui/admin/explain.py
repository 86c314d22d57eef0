"""Why isn't this task running? One line, from its row and what stands beside it."""

from datetime import datetime
from typing import Final

from tasq_core.errors import RepositoryError
from tasq_core.filters import Filter
from tasq_core.filters.model import Term
from tasq_core.filters.values import Span, State
from tasq_core.inspector import Inspector
from tasq_core.repository.protocol import Repository
from tasq_core.task import FINISHED_STATUSES, Task, TaskStatus
from tasq_core.wording import counted
from tasq_tui.admin.wording import ago, span

_COUNTED: Final = 1000
"""Tasks ahead are counted up to here."""


def explain(task: Task, now: datetime) -> str:
    """What the row alone tells, at `now`."""
    if task.status in FINISHED_STATUSES:
        return _finished(task, now)
    is_claimed = task.status is not TaskStatus.NEW
    if task.visible_at > now:
        return _held(task, now) if is_claimed else _delayed(task, now)
    if task.is_last_receive():
        return (
            f"it used up its {counted(task.max_receives, 'attempt')} without an outcome; the next"
            " poll of its type ends it FAILED"
        )
    if is_claimed:
        return (
            f"its consumer stopped extending the lease {ago(task.visible_at, now)}; the next poll"
            " of its type takes it again"
        )
    return f"ready for {span(now - max(task.visible_at, task.created_at))}, and not claimed yet"


def explain_in_place(repository: Repository, task: Task, now: datetime) -> str:
    """The same, and for a ready task what it waits for: a pause, others before it, a consumer."""
    return explain(task, now) + place_of(repository, task, now)


def place_of(repository: Repository, task: Task, now: datetime) -> str:
    """What follows `explain` for a ready task: its place; "" for others."""
    is_ready = task.status is TaskStatus.NEW and task.visible_at <= now
    if not is_ready or task.is_last_receive():
        return ""
    inspector = Inspector(repository)
    if paused := _paused(task, inspector):
        return paused
    kind = Filter.of(types=(task.type,), queues=(task.queue,))
    older = Filter((Term("is", (State.READY,)), Term("created", (Span(high=task.created_at),))))
    ahead = max(0, repository.count(kind & older, _COUNTED) - 1)
    being_run = repository.count(kind & Filter((Term("is", (State.LEASED,)),)), 1)
    are = "is" if ahead == 1 else "are"
    before = f"{counted(ahead, 'older one')} {are} before it"
    if ahead >= _COUNTED - 1:
        before = f"more than {before}"
    if being_run:
        return f": {before}" if ahead else ": it is the oldest of its type and queue"
    return f": {_takers(task, inspector)}" + (f"; {before}" if ahead else "")


def _paused(task: Task, inspector: Inspector) -> str:
    """Who paused its queue or type, until when and why; "" where nobody did."""
    try:
        pauses = inspector.pauses()
    except RepositoryError:  # as without the right to read the side tables
        return ""
    for pause in pauses:
        if pause.name == {"queue": task.queue, "type": task.type}.get(pause.kind):
            until = "" if pause.until is None else f", ends {ago(pause.until, pause.taken_at)}"
            reason = f" ({pause.reason})" if pause.reason else ""
            return f": {pause.kind} {pause.name!r} is paused by {pause.paused_by}{reason}{until}"
    return ""


def _takers(task: Task, inspector: Inspector) -> str:
    """Which registered consumers claim tasks of its type and queue, where none holds one."""
    place = f"type {task.type!r} in queue {task.queue!r}"
    try:
        alive = [found for found in inspector.consumers() if not found.vanished]
        is_known = inspector.has_registry()
    except RepositoryError:
        alive, is_known = [], False
    if not is_known:
        return f"no consumer holds a task of {place}; is one running?"
    takers = [found for found in alive if found.takes(task.type, task.queue)]
    if not takers:
        return (
            f"no registered consumer takes {place} ({len(alive):,} alive; Go's don't register);"
            " is one running?"
        )
    first = next((found for found in takers if found.state == "running"), takers[0])
    more = f" and {len(takers) - 1:,} more" if len(takers) > 1 else ""
    if first.state != "running":
        return f"{first.name}{more}, which would take it, claims nothing: {first.state}"
    busy = sum(len(found.in_flight) for found in takers)
    workers = sum(found.workers for found in takers)
    full = f", all {counted(workers, 'worker')} busy" if 0 < workers <= busy else ""
    return f"{first.name}{more} will take it{full}"


def _finished(task: Task, now: datetime) -> str:
    word = "succeeded" if task.status is TaskStatus.SUCCESSFUL else "failed"
    when = f" {ago(task.finished_at, now)}" if task.finished_at else ""
    if task.status is TaskStatus.SUCCESSFUL:
        return f"it {word}{when}"
    used = (
        f" after {task.receive_count} of {counted(task.max_receives, 'attempt')}"
        if task.max_receives
        else ""
    )
    return f"it {word}{when}{used}; requeue it to run it again"


def _held(task: Task, now: datetime) -> str:
    ends = f"its lease ends {ago(task.visible_at, now)} unless it is extended"
    if task.status is TaskStatus.IN_PROGRESS and task.started_at:
        return f"it is running, for {span(now - task.started_at)}; {ends}"
    return f"a consumer has claimed it and not started it; {ends}"


def _delayed(task: Task, now: datetime) -> str:
    again = "to be tried again" if task.receive_count else "delayed"
    return f"{again}: not before {task.visible_at:%Y-%m-%d %H:%M:%S}Z ({ago(task.visible_at, now)})"
