"""One run of a consumer, from start to stop: its parts and its threads."""

import threading
from collections.abc import Callable, Sequence
from threading import get_ident
from time import monotonic
from typing import Final

from tasq_core.consumer.backoff import retry_policy
from tasq_core.consumer.channel import Channel
from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.consumer.coroutines import Coroutines
from tasq_core.consumer.failure_hooks import Failure, FailureHooks, Hook
from tasq_core.consumer.failures import Verdict, judge
from tasq_core.consumer.firing import Firing
from tasq_core.consumer.gate import Gate
from tasq_core.consumer.handlers import Handlers
from tasq_core.consumer.job import Job
from tasq_core.consumer.leases import PINGS_PER_TIMEOUT, LeaseKeeper, Ledger
from tasq_core.consumer.options import ConsumerOptions
from tasq_core.consumer.outcomes import OutcomeWriter
from tasq_core.consumer.pacing import Window
from tasq_core.consumer.periodic import Periodic
from tasq_core.consumer.poller import Poller
from tasq_core.consumer.presence import Presence
from tasq_core.consumer.tally import Tally
from tasq_core.consumer.waker import Waker
from tasq_core.errors import ClientClosedError
from tasq_core.repository.protocol import Repository
from tasq_core.repository.repository_sql import SqlRepository
from tasq_core.task import Task, TaskStatus, mark_lease_lost

_LEAST_RESPONSE_TIMEOUT: Final = 1.0
"""Seconds that any statement may take, however short the leases."""


class ConsumerRun:
    """One run of a consumer. Jobs report to it; every thread of it ends with it.

    The poller's thread lives longest: once halted it waits for held tasks to be settled,
    closes the others in order, and says that all is over.
    """

    def __init__(
        self,
        repository: Repository,
        options: ConsumerOptions,
        *,
        handlers: Handlers,
        channel: Channel,
        failure_hooks: Sequence[Hook],
        least_held: int,
        workers: int = 0,
        on_stopping: Callable[[], None],
        on_stopped: Callable[[], None],
    ) -> None:
        self.handlers = handlers
        self.coroutines = Coroutines(
            options.max_coroutines or options.max_active_tasks,
            on_start=self._hand_over,
            on_success=self.succeed,
            on_failure=self.fail,
        )
        self.crash: BaseException | None = None
        self.on_abandoned: Callable[[], None] | None = None
        # A ping without an answer when the next one is due is tried on a new connection.
        repository = repository.with_response_timeout(
            max(_LEAST_RESPONSE_TIMEOUT, options.visibility_timeout / PINGS_PER_TIMEOUT)
        )
        self._options = options
        self._retry_policy = retry_policy(options.retry_backoff)
        self._channel = channel
        self._on_stopping = on_stopping
        self._on_stopped = on_stopped
        self._stopping = False
        self._deadline = float("inf")
        self._settled = threading.Event()
        self._log = log = ConsumerLog(options.logger, options.metrics)
        self._debug = log.debug
        self._failure_hooks = FailureHooks(failure_hooks, log)
        self._ledger = ledger = Ledger()
        self._gate, self._tally = Gate(), Tally()
        self._presence = Presence(
            repository,
            options,
            workers=workers,
            handlers=handlers,
            ledger=ledger,
            tally=self._tally,
            gate=self._gate,
            log=log,
            on_closed=self._release_closed,
            on_open=self.wake,
            on_stop=lambda: self.stop(None),
        )
        self._periodic = Periodic(log)
        self._presence.join(self._periodic)
        self._poller = Poller(
            repository,
            options,
            handlers=handlers,
            channel=channel,
            ledger=ledger,
            log=log,
            window=Window(least_held, options.max_active_tasks),
            gate=self._gate,
            presence=self._presence,
            on_claimed=self._deliver,
        )
        self._writer = OutcomeWriter(
            repository,
            ledger,
            log,
            presence=self._presence,
            tally=self._tally,
            visibility_timeout=options.visibility_timeout,
            delete_on_success=options.auto_delete_on_success,
            metrics=options.metrics,
            on_lost=self._lose,
            on_requeued=self._poller.expect,
            on_settled=self._after_writing,
        )
        self._keeper = LeaseKeeper(
            repository,
            ledger,
            log,
            visibility_timeout=options.visibility_timeout,
            job_timeout=options.job_timeout,
            on_lost=self._lose,
            on_timeout=self._time_out,
        )
        self._waker = Waker(
            repository,
            log,
            self._poller.idle,
            self._poller.wake,
            on_leases_broken=self._keeper.look,
            on_fleet_changed=self._presence.changed,
        )
        if isinstance(repository, SqlRepository):
            self._periodic.add("fire schedules", Firing(repository, options.logger))
        channel.refill = self._poller.wake
        self._helpers = [
            self._thread("tasq-outcomes", self._writer.run),
            self._thread("tasq-leases", self._keeper.run),
            self._thread("tasq-waker", self._waker.run),
            self._thread("tasq-periodic", self._periodic.run),
        ]
        self._main = threading.Thread(target=self._supervise, name="tasq-poller", daemon=True)

    # -- from start to stop ------------------------------------------------------------------

    def start(self) -> None:
        """Start every thread."""
        if self._options.metrics is not None:
            self._options.metrics.attach(self._presence.figures)
        for thread in (*self._helpers, self._main):
            thread.start()

    def stop(self, timeout: float | None) -> None:
        """Claim nothing more, release what hasn't started; returns at once.

        Jobs still running after `timeout` seconds are abandoned.
        """
        if timeout is not None:
            self._deadline = monotonic() + timeout
        self._stopping = self._presence.stopping = True
        self._presence.beat_soon()
        self._on_stopping()
        self._channel.close()
        self._release_unstarted()
        self._poller.halt()
        self._waker.close()

    def wake(self) -> None:
        """Poll now: there is a handler that there wasn't."""
        self._poller.wake()

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - a defect: stop rather than half-live
                self._crashed(name, error)

        return threading.Thread(target=run, name=name, daemon=True)

    def _crashed(self, name: str, error: BaseException) -> None:
        if not isinstance(self.crash, ClientClosedError):  # which every thread finds out
            self._log.crashed(name, error)
        self.crash = self.crash or error
        self.stop(None)
        self._settled.set()

    def _supervise(self) -> None:
        try:
            self._poller.run()
        except Exception as error:  # noqa: BLE001 - as in _thread
            self._crashed("tasq-poller", error)
        self._release_unstarted()
        self._wait_until_settled()
        self._writer.close()
        self._keeper.close()
        self._periodic.close()
        for thread in self._helpers:
            thread.join()
        self.coroutines.close()
        self._failure_hooks.close()
        if self._options.metrics is not None:
            self._options.metrics.detach(self._presence.figures)
        self._on_stopped()

    def _wait_until_settled(self) -> None:
        while self._ledger.held and not self.crash:
            left = self._deadline - monotonic()
            if left <= 0:
                self._abandon_running()
                self._deadline = float("inf")
                continue
            self._settled.wait(min(left, threading.TIMEOUT_MAX))
            self._settled.clear()

    def _abandon_running(self) -> None:
        """Leave running handlers to themselves; their leases lapse, as those may still write."""
        for job in list(self._ledger.running):
            if self._ledger.end(job):
                self._log.lease_lost(job, "it outlasted the stop")
                self._disown(job)
                self._ledger.settle((job,))

    def _after_writing(self) -> None:
        self._check_settled()
        self._channel.ask_for_more()

    def _check_settled(self) -> None:
        if self._stopping and not self._ledger.held:
            self._settled.set()

    # -- what becomes of jobs ----------------------------------------------------------------

    def _deliver(self, tasks: list[Task], expires: float) -> None:
        jobs = [Job(task, expires, self) for task in tasks]
        if self._options.metrics is not None:
            self._options.metrics.claimed(jobs)
        self._ledger.claim(jobs)
        self._tally.claimed += len(jobs)
        if self._stopping:
            self._release_unstarted()
        else:
            self._channel.put(jobs)

    def begin(self, job: Job) -> bool:
        """Whether the job may run now."""
        if not self._ledger.begin(job):
            return False
        now = monotonic()
        if now >= job.expires:
            self._ledger.end(job)
            self._log.lease_lost(job, "it ended before the task could start")
            mark_lease_lost(job.task)
            # Fenced: where nobody has claimed it since, its receive isn't used up.
            self._writer.release((job,))
            return False
        job.started, job.thread = now, get_ident()
        job.task.status = job.status = TaskStatus.IN_PROGRESS
        if self._debug:
            self._log.started(job)
        self._writer.start(job)
        return True

    def succeed(self, job: Job) -> None:
        """The handler returned."""
        if not self._ledger.end(job):
            return
        if self._debug:
            self._log.succeeded(job)
        self._finish(job, TaskStatus.SUCCESSFUL)

    def fail(self, job: Job, error: BaseException) -> None:
        """The handler raised, whatever it was: that costs its own task only."""
        if self._ledger.end(job):
            self._record_failure(job, error)

    def release(self, job: Job) -> bool:
        """Give back an unstarted job; whether it was ours to give."""
        if not self._ledger.withdraw(job):
            return False
        self._writer.release((job,))
        return True

    def release_unknown(self, job: Job) -> None:
        """Give back a job whose handler was forgotten."""
        if self.release(job):
            self._log.unknown_type(job)

    def _record_failure(self, job: Job, error: BaseException, *, timed_out: bool = False) -> None:
        verdict = judge(
            error, job.task, job.is_last_receive, self._retry_policy,
            lambda raised: self._log.policy_failed(job, raised),
        )  # fmt: skip
        if timed_out:
            verdict = verdict._replace(timed_out=True)
        if verdict.counted:
            self._log.failed(job, error, verdict)
            job.task.last_error = verdict.error
            self._failure_hooks.report(Failure(job.task, error, verdict.final, verdict.retry_in))
        else:
            self._log.snoozed(job, verdict)
        self._finish(job, TaskStatus.FAILED if verdict.final else TaskStatus.NEW, verdict)

    def _finish(self, job: Job, status: TaskStatus, verdict: Verdict | None = None) -> None:
        """Hand the outcome of a job that has left `running` to the writer."""
        if job.task.lease_lost:
            self._log.outcome_lost(job, "its lease was lost while it ran")
            self._drop(job)
            return
        job.decide(status, verdict)
        job.finished = monotonic()
        self._writer.end(job)
        if self._channel.wants_jobs:
            self._channel.ask_for_more()

    def _time_out(self, job: Job) -> None:
        """Record a job that ran too long as failed. Its thread is left to itself."""
        if self._ledger.end(job):
            limit = self._options.job_timeout
            error = TimeoutError(f"the task ran longer than {limit:g} s")
            self._record_failure(job, error, timed_out=True)
            self._disown(job)

    def _lose(self, job: Job) -> None:
        """Another consumer may run the task: notify the handler, or never start it."""
        self._log.lease_lost(
            job, "it was cancelled, passed to another consumer, or the task is gone"
        )
        mark_lease_lost(job.task)
        if self._ledger.withdraw(job):
            self._drop(job)
        elif job.cancel is not None:
            job.cancel()

    def _disown(self, job: Job) -> None:
        """Mark a running handler as abandoned, and replace its thread."""
        mark_lease_lost(job.task)
        job.abandoned = True
        if job.cancel is not None:
            job.cancel()
        if self.on_abandoned is not None and not job.awaited:
            self.on_abandoned()

    def _hand_over(self, job: Job) -> None:
        """The event loop runs a job: there is room for another claim."""
        self._ledger.hand_over(job)
        if self._channel.wants_jobs:
            self._channel.ask_for_more()

    def _drop(self, job: Job) -> None:
        """Stop tracking a job; write nothing."""
        self._ledger.settle((job,))
        self._check_settled()
        self._channel.ask_for_more()

    def _release_closed(self) -> None:
        """Give back what is claimed and not started of what is paused by now."""
        closed = self._gate.closed_to
        self._release_unstarted(lambda job: closed(job.task.type, job.task.queue))

    def _release_unstarted(self, chosen: Callable[[Job], bool] = lambda _: True) -> None:
        jobs = [
            job
            for job in list(self._ledger.unstarted)
            if chosen(job) and self._ledger.withdraw(job)
        ]
        if jobs:
            self._writer.release(jobs)
