"""The outcome writer: starts, ends and releases of jobs, written in batches by one thread."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

from tasq_core.consumer.backoff import LONGEST_DELAY, Reconnect
from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.consumer.job import Job
from tasq_core.consumer.leases import Ledger
from tasq_core.consumer.presence import Presence
from tasq_core.consumer.tally import Tally
from tasq_core.errors import (
    ClientClosedError,
    ReadOnlyError,
    RepositoryError,
    RepositoryUnavailableError,
    TableMissingError,
)
from tasq_core.reports import Lease, Outcome
from tasq_core.repository.protocol import Repository
from tasq_core.task import Task, TaskStatus

if TYPE_CHECKING:
    from tasq_core.metrics.consumers import ConsumerMetrics

_AREA: Final = "outcomes"
_BATCH: Final = 1000
_LINGER: Final = 0.003
"""How long the first of a batch waits for company, in seconds."""
_FOLD: Final = 0.001
"""A start younger than this waits for one more window: its end may travel with it."""

_NOT_OF_ONE_ROW: Final = (RepositoryUnavailableError, TableMissingError, ReadOnlyError)
_UNSTORABLE: Final = "The error of this run could not be stored; the consumer's log has it."


class _Refused(NamedTuple):
    """What of a batch is still to be written, and why it can't be all at once."""

    starting: list[Job]
    ending: list[Job]
    error: RepositoryError


class OutcomeWriter:
    """Writes what became of jobs, each under its lease.

    While one batch is being written the next one gathers. A batch that fails as a whole is
    tried again until its leases end; one that fails for a row in it is divided until only
    that row is left behind.
    """

    def __init__(
        self,
        repository: Repository,
        ledger: Ledger,
        log: ConsumerLog,
        *,
        presence: Presence,
        tally: Tally,
        visibility_timeout: float,
        delete_on_success: bool,
        metrics: "ConsumerMetrics | None",
        on_lost: Callable[[Job], None],
        on_requeued: Callable[[list[float]], None],
        on_settled: Callable[[], None],
    ) -> None:
        self._repository = repository
        self._ledger = ledger
        self._log = log
        self._presence = presence
        self._tally = tally
        self._delete_on_success = delete_on_success
        self._metrics = metrics
        self._on_lost = on_lost
        self._on_requeued = on_requeued
        self._on_settled = on_settled
        self._starts: deque[Job] = deque()
        self._ends: deque[Job] = deque()
        self._releases: deque[Job] = deque()
        self._refused: list[Job] = []
        self._refused_due = 0.0
        self._alarm = threading.Event()
        self._asleep = False
        self._closing = threading.Event()
        self._pause = threading.Event()
        # Several tries fit into a lease, whatever its length.
        self._reconnect = Reconnect(longest=min(LONGEST_DELAY, visibility_timeout / 6))

    def start(self, job: Job) -> None:
        """Record that `job` runs, unless it ends before that is written."""
        self._starts.append(job)
        if self._asleep:
            self._wake()

    def end(self, job: Job) -> None:
        """Record the end of `job`."""
        self._ends.append(job)
        if self._asleep:
            self._wake()

    def release(self, jobs: Iterable[Job]) -> None:
        """Give back `jobs`, which never started."""
        self._releases.extend(jobs)
        self._wake()

    def close(self) -> None:
        """End `run` once everything is written."""
        self._closing.set()
        self._wake()

    def run(self) -> None:
        """Write until closed and empty."""
        while self._wait_for_work():
            ending = _taken(self._ends)
            starting = self._due_starts()
            if starting or ending:
                self._write(starting, ending)
            if self._releases:
                self._write_releases()
            if self._refused and monotonic() >= self._refused_due:
                refused, self._refused = self._refused, []
                for job in refused:
                    self._write([], [job])
            self._on_settled()

    def _wake(self) -> None:
        self._asleep = False
        self._alarm.set()

    def _wait_for_work(self) -> bool:
        """Sleep until there is something to write, then gather; False when all is over."""
        while not self._has_work():
            if self._closing.is_set() and not self._refused:
                return False
            self._asleep = True
            # What was added before the line above woke nobody.
            if not self._has_work():
                self._alarm.wait(self._refused_due - monotonic() if self._refused else None)
            self._alarm.clear()
            self._asleep = False
        self._closing.wait(_LINGER)
        return True

    def _has_work(self) -> bool:
        if self._starts or self._ends or self._releases:
            return True
        return bool(self._refused) and monotonic() >= self._refused_due

    def _due_starts(self) -> list[Job]:
        """The jobs that have been running for a moment and still are."""
        due = []
        latest = monotonic() - _FOLD
        while self._starts:
            job = self._starts[0]
            if job.finished is None and not job.lease_lost:
                if job.started is not None and job.started > latest:
                    break
                due.append(job)
            self._starts.popleft()
        return due

    def _write(self, starting: list[Job], ending: list[Job]) -> None:
        """Write a batch; one that is refused for a row in it in parts, until only that is left."""
        batches = [(starting, ending)]
        while batches:
            if (refused := self._write_whole(*batches.pop())) is not None:
                parts = split_batch(refused.starting, refused.ending)
                batches += reversed(parts)
                if not parts:
                    self._leave_behind(refused)

    def _write_whole(self, starting: list[Job], ending: list[Job]) -> _Refused | None:
        """Write it, again while the database fails; None, or what was refused for a row."""
        while starting or ending:
            outcomes = [job.start_outcome() for job in starting]
            delete, noted_by = self._delete_on_success, self._noted_by()
            outcomes += [
                job.end_outcome(delete_on_success=delete, noted_by=noted_by) for job in ending
            ]
            try:
                written = self._repository.record_outcomes(outcomes)
            except RepositoryError as error:
                if self._blames_attempts(outcomes, error):
                    continue
                if not isinstance(error, _NOT_OF_ONE_ROW):
                    return _Refused(starting, ending, error)
                self._back_off("record outcomes", error)
                self._starts.extendleft(reversed(starting))
                starting, ending = [], self._still_leased(ending, error)
            else:
                self._succeeded("record outcomes")
                recorded = ending
                if len(written) < len(outcomes):
                    written |= self._written_unheard(ending, written)
                    self._lost(starting, ending, written)
                    recorded = [job for job in ending if job.lease in written]
                self._tally.add(recorded, len(recorded))
                if self._metrics is not None:
                    self._metrics.ended(recorded)
                self._settle(ending)
                break
        return None

    def _noted_by(self) -> tuple[str, str] | None:
        """The consumer's name and host, where attempts are to be noted."""
        presence = self._presence
        return (presence.name, presence.host) if presence.notes_attempts else None

    def _blames_attempts(self, outcomes: list[Outcome], error: RepositoryError) -> bool:
        """Whether to try again without noting attempts: those may be what was refused."""
        if isinstance(error, RepositoryUnavailableError):
            return False
        if all(outcome.attempt is None for outcome in outcomes):
            return False
        self._presence.attempts_refused(error)
        return True

    def _settle(self, ending: list[Job]) -> None:
        self._ledger.settle(ending)
        again = [job.retry_in for job in ending if job.status is TaskStatus.NEW]
        if again:
            self._on_requeued(again)

    def _lost(self, starting: list[Job], ending: list[Job], written: set[Lease]) -> None:
        for job in starting:
            if job.lease not in written and job.finished is None:
                self._on_lost(job)
        for job in ending:
            if job.lease not in written:
                self._lose_outcome(job, "the lease has passed on, or the row is gone")

    def _lose_outcome(self, job: Job, reason: str) -> None:
        self._tally.lost += 1
        if self._metrics is not None:
            self._metrics.lost(job)
        self._log.outcome_lost(job, reason)

    def _written_unheard(self, ending: list[Job], written: set[Lease]) -> set[Lease]:
        """Those whose earlier write did commit, though the connection broke before we knew."""
        missing = [job for job in ending if job.lease not in written]
        try:
            rows = {
                row.id: row for row in self._repository.get_tasks([j.lease[0] for j in missing])
            }
        except RepositoryError:
            return set()
        return {job.lease for job in missing if self._is_written(job, rows.get(job.lease.task_id))}

    def _is_written(self, job: Job, row: Task | None) -> bool:
        if row is None:
            return self._delete_on_success and job.status is TaskStatus.SUCCESSFUL
        count = job.lease.receive_count - (not job.counted)
        return row.receive_count == count and row.status is job.status

    def _leave_behind(self, refused: _Refused) -> None:
        """Go on without the one row at fault."""
        for job in refused.starting:
            self._log.start_refused(job, refused.error)
        for job in refused.ending:
            self._refuse(job, refused.error)

    def _refuse(self, job: Job, error: RepositoryError) -> None:
        """Put aside an end that the database refuses, to be tried again until its lease ends."""
        if not self._still_leased([job], error):
            return
        delay = self._reconnect.next()
        doing = f"record the outcome of {job.lease.task_id}"
        self._log.database_failed(doing, error, delay, _AREA)
        if job.error is not None:
            job.error = _UNSTORABLE
        self._refused.append(job)
        self._refused_due = monotonic() + delay

    def _still_leased(self, ending: list[Job], error: RepositoryError) -> list[Job]:
        """Those whose lease runs; the others are another consumer's to run again."""
        now = monotonic()
        over = [job for job in ending if job.expires <= now]
        if over:
            # Where only commits stall, the earlier write is there to be read.
            written = self._written_unheard(over, set())
            for job in over:
                if job.lease not in written:
                    reason = f"the lease ended while the database failed: {error}"
                    self._lose_outcome(job, reason)
            self._ledger.settle(over)
        return [job for job in ending if job.expires > now]

    def _write_releases(self) -> None:
        jobs = _taken(self._releases)
        try:
            self._repository.release_leases([job.lease for job in jobs])
        except ClientClosedError:
            raise
        except RepositoryError as error:
            self._back_off("release leases", error)
            now = monotonic()
            self._releases.extend(job for job in jobs if job.expires > now)
            self._ledger.settle(job for job in jobs if job.expires <= now)
        else:
            self._succeeded("release leases")
            self._ledger.settle(jobs)

    def _back_off(self, doing: str, error: RepositoryError) -> None:
        delay = self._reconnect.next()
        self._log.database_failed(doing, error, delay, _AREA)
        self._pause.wait(delay)

    def _succeeded(self, doing: str) -> None:
        if self._reconnect.failing and not self._refused:
            self._reconnect.reset()
            self._log.database_back(doing, _AREA)


def split_batch(starting: list[Job], ending: list[Job]) -> list[tuple[list[Job], list[Job]]]:
    """The parts of a refused batch, to be written one by one; none of a batch of one row."""
    if starting and ending:
        return [(starting, []), ([], ending)]
    middle = len(starting or ending) // 2
    if not middle:
        return []
    if starting:
        return [(starting[:middle], []), (starting[middle:], [])]
    return [([], ending[:middle]), ([], ending[middle:])]


def _taken(jobs: deque[Job]) -> list[Job]:
    return [jobs.popleft() for _ in range(min(len(jobs), _BATCH))]
