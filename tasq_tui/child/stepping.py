"""Step mode: one task at a time is claimed, shown, and dealt with as the user decides."""

import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Self

from tasq_core.consumer.failures import judge
from tasq_core.consumer.gate import Gate
from tasq_core.errors import InvalidInputError, RepositoryError, RepositoryUnavailableError
from tasq_core.fleet.pauses import Pauses
from tasq_core.last_error import storable_error
from tasq_core.reports import AttemptNote, Lease, Outcome
from tasq_core.repository.side_tables import SideTables
from tasq_core.task import Task, TaskStatus, mark_lease_lost
from tasq_tui.child.attempt import Handler, run_now
from tasq_tui.child.capture import Capture, Report
from tasq_tui.child.protocol import (
    Awaiting,
    Decide,
    Decision,
    Ending,
    Error,
    Finished,
    LeaseLost,
    Start,
)

if TYPE_CHECKING:
    from uuid import UUID

    from tasq_core.repository.protocol import Repository

_RETRY_SECONDS: Final = 0.5
_PINGS_PER_LEASE: Final = 3
_MOST_PASSED: Final = 100
_NO_REASON: Final = "failed by hand in step mode"


class HeldLease:
    """A context in which one task's lease is pinged from a thread of its own."""

    def __init__(
        self, repository: "Repository", task: Task, timeout: float, on_lost: Callable[[], None]
    ) -> None:
        self.lease = Lease.of(task)
        self._repository = repository
        self._task = task
        self._timeout = timeout
        self._on_lost = on_lost
        self.ends = time.monotonic() + timeout
        """By this process's clock, a little early."""
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="tasq-step-lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Ping no more; a ping under way is waited for, so that none follows the last write."""
        self._left.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._left.wait(self._timeout / _PINGS_PER_LEASE):
            asked = time.monotonic()
            try:
                kept = self._repository.ping_leases([self.lease], self._timeout)
            except RepositoryError:
                continue  # the next ping, or the write under the lease, finds out
            if not kept:
                mark_lease_lost(self._task)
                self._on_lost()
                return
            self.ends = asked + self._timeout


class _Side:
    """The side tables as step mode needs them: what is paused, and who notes an attempt."""

    def __init__(self, repository: "Repository") -> None:
        self._gate = Gate()
        self._host = socket.gethostname() or "localhost"
        try:
            self._tables: SideTables | None = SideTables(repository)
        except InvalidInputError:
            self._tables = None

    def gate(self) -> Gate:
        """The pauses as they are now; as last known where the tables can't be read.

        Raises:
            RepositoryUnavailableError: the database is away.
        """
        try:
            if self._tables is not None and self._tables.exist(look_again=not self._tables.known):
                self._gate.update(Pauses(self._tables).all())
        except RepositoryUnavailableError:
            raise
        except RepositoryError:  # dropped meanwhile, or no right: as without them
            return self._gate
        return self._gate

    def note(self, outcome: str, error: str | None, ended: float) -> AttemptNote | None:
        """What is to be kept of an attempt that didn't succeed; None without side tables."""
        if self._tables is None or not self._tables.known:
            return None
        return AttemptNote(outcome, error, ended, f"{self._host}:{os.getpid()}-step", self._host)


class Stepper:
    """Walks through the claimable tasks; `run` is its thread's body."""

    def __init__(
        self,
        repository: "Repository",
        handlers: Mapping[str, Handler],
        start: Start,
        report: Report,
        capture: Capture,
    ) -> None:
        self._repository = repository
        self._handlers = handlers
        self._start = start
        self._report = report
        self._capture = capture
        self._decisions: queue.SimpleQueue[Decide | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._passed: dict[UUID, None] = {}
        self._side = _Side(repository)

    def decide(self, decision: Decide) -> None:
        """Hand in what is to become of the task shown."""
        self._decisions.put(decision)

    def stop(self) -> None:
        """Give back the task that waits for a decision, or let its handler finish; then end."""
        self._stopping.set()
        self._look_up()

    def run(self) -> None:
        """Claim, show, wait, act, until stopped. A database that fails is tried again."""
        while not self._stopping.is_set():
            try:
                task = self._claim()
                if task is None:
                    self._stopping.wait(self._start.poll_interval)
                else:
                    self._offer(task)
            except RepositoryError as error:
                self._report(Error.of(error))
                self._stopping.wait(max(_RETRY_SECONDS, self._start.poll_interval))

    def _claim(self) -> Task | None:
        """The first task not shown in this round; once all were, the round begins anew.

        What was shown before is claimed along and given back at once: a poll can't leave
        out single tasks.
        """
        start = self._start
        gate = self._side.gate()
        types = gate.open_types(tuple(self._handlers))
        if not types:
            return None
        tasks = self._repository.poll_tasks(
            types, start.queues, start.visibility_timeout, start.ordering, 1 + len(self._passed),
            skip_queues=gate.paused_queues,
        )  # fmt: skip
        if not tasks:
            return None
        fresh = next((task for task in tasks if task.id not in self._passed), None)
        if fresh is None or len(self._passed) >= _MOST_PASSED:
            self._passed.clear()
        chosen = fresh or tasks[0]
        self._passed[chosen.id] = None
        others = [Lease.of(task) for task in tasks if task is not chosen]
        if others:
            self._repository.release_leases(others)
        return chosen

    def _offer(self, task: Task) -> None:
        try:
            self._deal_with(task)
        except RepositoryError:
            self._report(LeaseLost([task.id]))  # we let go; the lease lapses by itself
            raise

    def _deal_with(self, task: Task) -> None:
        timeout = self._start.visibility_timeout
        with HeldLease(self._repository, task, timeout, self._look_up) as held:
            self._report(Awaiting(task.id))
            chosen = self._decision(task)
            if task.lease_lost:
                return
            if chosen is None or chosen.decision is Decision.SKIP:
                held.leave()
                self._repository.release_leases([held.lease])
            elif chosen.decision is Decision.RUN:
                self._run(task, held)
            else:
                self._settle(task, held, chosen)

    def _decision(self, task: Task) -> Decide | None:
        """The user's decision on `task`; None where there is no point in one any more."""
        while not (task.lease_lost or self._stopping.is_set()):
            decision = self._decisions.get()
            if decision is None:
                continue
            if decision.task_id == task.id:
                return decision
            self._report(Error(f"task {decision.task_id} isn't waiting for a decision"))
        return None

    def _run(self, task: Task, held: HeldLease) -> None:
        started = time.monotonic()
        start = Outcome(held.lease, TaskStatus.IN_PROGRESS, started=started)
        if not self._repository.record_outcomes([start]):
            return
        task.status = TaskStatus.IN_PROGRESS
        last = task.is_last_receive()
        error = run_now(self._handlers[task.type], task, self._report, self._capture)
        ended = time.monotonic()
        if error is None:
            self._record(held, Outcome(held.lease, TaskStatus.SUCCESSFUL, started, ended))
            return
        verdict = judge(error, task, last, lambda *_: 0.0, self._ignore)
        outcome = Outcome(
            held.lease,
            TaskStatus.FAILED if verdict.final else TaskStatus.NEW,
            started,
            ended if verdict.counted else None,
            verdict.error,
            verdict.retry_in,
            counted=verdict.counted,
            attempt=self._side.note(verdict.attempt, verdict.error, ended),
        )
        self._record(held, outcome)

    @staticmethod
    def _ignore(_: BaseException) -> None:
        """Nothing: the policy of step mode, to retry at once, can't fail."""

    def _settle(self, task: Task, held: HeldLease, decide: Decide) -> None:
        now = time.monotonic()
        if decide.decision is Decision.FAIL:
            text = storable_error(decide.reason.strip() or _NO_REASON)
            note = self._side.note("failed", text, now)
            outcome = Outcome(held.lease, TaskStatus.FAILED, None, now, text, attempt=note)
            ending = Ending.FAILED
        else:
            text = None
            outcome = Outcome(held.lease, TaskStatus.NEW, retry_in=decide.delay)
            ending = Ending.REQUEUED
        if self._record(held, outcome):
            self._report(Finished(task.id, ending, 0.0, text))

    def _record(self, held: HeldLease, outcome: Outcome) -> bool:
        """Write `outcome`, trying again until the lease ends; whether it was written."""
        held.leave()
        while True:
            try:
                return bool(self._repository.record_outcomes([outcome]))
            except RepositoryError as error:
                if outcome.attempt is not None and not isinstance(
                    error, RepositoryUnavailableError
                ):
                    outcome = outcome._replace(attempt=None)  # that may be what was refused
                    continue
                self._report(Error.of(error))
                if time.monotonic() >= held.ends:
                    self._report(LeaseLost([held.lease.task_id]))
                    return False
                threading.Event().wait(_RETRY_SECONDS)

    def _look_up(self) -> None:
        """Make a wait for a decision see what has changed."""
        self._decisions.put(None)
