"""A repository that reports what was really claimed, kept, lost and given back."""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from tasq_core.durations import Duration, seconds
from tasq_core.reports import Lease, Outcome
from tasq_core.task import Ordering, Task
from tasq_tui.child.capture import Report
from tasq_tui.child.protocol import Claimed, ClaimedTask, Idle, LeaseLost, Pinged, Released

if TYPE_CHECKING:
    from tasq_core.repository.protocol import Names, Repository


class ObservedRepository:
    """Passes every call on to another repository and reports on four of them."""

    def __init__(self, repository: "Repository", report: Report) -> None:
        self._repository = repository
        self._report = report
        self._idle = False

    @property
    def observed(self) -> "Repository":
        """The repository behind it."""
        return self._repository

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repository, name)

    def with_response_timeout(self, timeout: Duration) -> "ObservedRepository":
        """A view that reports as well."""
        return ObservedRepository(self._repository.with_response_timeout(timeout), self._report)

    def poll_tasks(
        self,
        types: "Names",
        queues: "Names",
        visibility_timeout: Duration,
        ordering: Ordering | str = Ordering.CREATED_AT_FIRST,
        limit: int = 10,
        *,
        skip_queues: Collection[str] = (),
        note_crashes: bool = False,
    ) -> list[Task]:
        """Claim, and report Claimed, or Idle at the first of several empty polls."""
        tasks = self._repository.poll_tasks(
            types, queues, visibility_timeout, ordering, limit,
            skip_queues=skip_queues, note_crashes=note_crashes,
        )  # fmt: skip
        if tasks:
            lease_seconds = seconds("visibility_timeout", visibility_timeout)
            self._report(Claimed([ClaimedTask.of(task) for task in tasks], lease_seconds))
        elif not self._idle:
            self._report(Idle())
        self._idle = not tasks
        return tasks

    def ping_leases(self, leases: Sequence[Lease], visibility_timeout: Duration) -> set[Lease]:
        """Extend, and report Pinged and LeaseLost."""
        kept = self._repository.ping_leases(leases, visibility_timeout)
        if kept:
            lease_seconds = seconds("visibility_timeout", visibility_timeout)
            self._report(Pinged([lease.task_id for lease in kept], lease_seconds))
        self._report_lost(lease for lease in leases if lease not in kept)
        return kept

    def record_outcomes(self, outcomes: Sequence[Outcome]) -> set[Lease]:
        """Write, and report LeaseLost for what wasn't."""
        written = self._repository.record_outcomes(outcomes)
        self._report_lost(o.lease for o in outcomes if o.lease not in written)
        return written

    def release_leases(self, leases: Sequence[Lease]) -> set[Lease]:
        """Give back, and report all as Released: those not held any more are gone as well."""
        released = self._repository.release_leases(leases)
        self._report(Released([lease.task_id for lease in leases]))
        return released

    def _report_lost(self, leases: Iterable[Lease]) -> None:
        if lost := list(dict.fromkeys(lease.task_id for lease in leases)):
            self._report(LeaseLost(lost))


def observed(repository: "Repository", report: Report) -> "Repository":
    """`repository`, reporting."""
    return cast("Repository", ObservedRepository(repository, report))
