"""The attempts that a cancel ends: whose they were, for the table of attempts."""

from collections.abc import Sequence
from datetime import timedelta
from time import monotonic
from typing import Final

from tasq_core.fleet.registry import Registry
from tasq_core.fleet.reports import ConsumerReport
from tasq_core.reports import AttemptNote, Swap
from tasq_core.repository.claims_sql import SqlClaims
from tasq_core.repository.protocol import Repository
from tasq_core.repository.side_sql import CRASHED
from tasq_core.repository.side_tables import SideTables
from tasq_core.task import Task, TaskStatus

_LEASED: Final = (TaskStatus.ENQUEUED, TaskStatus.IN_PROGRESS)


def with_attempts(repository: Repository, swaps: Sequence[Swap]) -> list[Swap]:
    """The swaps, with an attempt "cancelled" where a lease ends as FAILED.

    A lease that had lapsed by then is one that "crashed". Its consumer is the one whose last
    heartbeat names the lease; "" where none does, as of Go's. Without side tables the swaps
    stay as they are.
    """
    observed = getattr(repository, "observed", repository)
    if not isinstance(observed, SqlClaims) or not any(map(_ends_a_lease, swaps)):
        return list(swaps)
    side = SideTables(observed)
    if not side.exist():
        return list(swaps)
    consumers = Registry(side).all()
    return [
        swap._replace(attempt=_note(swap.before, swap.after, consumers))
        if swap.after is not None and _ends_a_lease(swap)
        else swap
        for swap in swaps
    ]


def _note(before: Task, after: Task, consumers: Sequence[ConsumerReport]) -> AttemptNote:
    holders = (one for one in consumers if one.holds(before.id, before.receive_count))
    holder = next(holders, None)
    consumer, host = (holder.name, holder.host) if holder is not None else ("", "")
    lapsed = (after.finished_at or before.visible_at) - before.visible_at
    if lapsed < timedelta():
        return AttemptNote("cancelled", after.last_error, monotonic(), consumer, host)
    return AttemptNote("crashed", CRASHED, monotonic() - lapsed.total_seconds(), consumer, host)


def _ends_a_lease(swap: Swap) -> bool:
    before, after = swap.before, swap.after
    return before.status in _LEASED and after is not None and after.status is TaskStatus.FAILED
