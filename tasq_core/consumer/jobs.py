"""What becomes of claimed tasks: each is run, given back, lost or timed out, once."""

from collections.abc import Callable, Sequence
from threading import get_ident
from time import monotonic

from tasq_core.consumer.backoff import retry_policy
from tasq_core.consumer.channel import Channel
from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.consumer.coroutines import Coroutines
from tasq_core.consumer.failure_hooks import Failure, FailureHooks, Hook
from tasq_core.consumer.failures import Verdict, judge
from tasq_core.consumer.handlers import Handlers
from tasq_core.consumer.job import Job
from tasq_core.consumer.leases import Ledger
from tasq_core.consumer.options import ConsumerOptions
from tasq_core.consumer.outcomes import OutcomeWriter
from tasq_core.consumer.tally import Tally
from tasq_core.task import Task, TaskStatus, mark_lease_lost


class Jobs:
    """The jobs of one run of a consumer, which report to it.

    Whatever several threads decide about a job at once (its handler, the lease keeper, a stop),
    the ledger lets one of them have it.
    """

    writer: OutcomeWriter
    """Writes the outcomes; set before the first job."""

    def __init__(
        self,
        options: ConsumerOptions,
        *,
        handlers: Handlers,
        channel: Channel,
        ledger: Ledger,
        tally: Tally,
        log: ConsumerLog,
        failure_hooks: Sequence[Hook],
        on_settled: Callable[[], None],
    ) -> None:
        self.handlers = handlers
        self.coroutines = Coroutines(
            options.max_coroutines or options.max_active_tasks,
            on_start=self._hand_over,
            on_success=self.succeed,
            on_failure=self.fail,
        )
        self.on_abandoned: Callable[[], None] | None = None
        """Called when a thread is left to the handler that it runs."""
        self.stopping = False
        """Whether what is delivered from now on is given back."""
        self._options = options
        self._retry_policy = retry_policy(options.retry_backoff)
        self._channel = channel
        self._ledger = ledger
        self._tally = tally
        self._log = log
        self._debug = log.debug
        self._failure_hooks = FailureHooks(failure_hooks, log)
        self._on_settled = on_settled

    def close(self) -> None:
        """End the event loop and the hooks' thread, once every job is settled."""
        self.coroutines.close()
        self._failure_hooks.close()

    def deliver(self, tasks: list[Task], expires: float) -> None:
        """Take charge of claimed tasks, whose leases end at `expires` by the monotonic clock."""
        jobs = [Job(task, expires, self) for task in tasks]
        if self._options.metrics is not None:
            self._options.metrics.claimed(jobs)
        self._ledger.claim(jobs)
        self._tally.claimed += len(jobs)
        if self.stopping:
            self.release_unstarted()
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
            # Fenced: where nobody has claimed it since, its attempt isn't used up.
            self.writer.release((job,))
            return False
        job.started, job.thread = now, get_ident()
        job.task.status = job.status = TaskStatus.IN_PROGRESS
        if self._debug:
            self._log.started(job)
        self.writer.start(job)
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
        self.writer.release((job,))
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
        self.writer.end(job)
        self._channel.ask_for_more()

    def time_out(self, job: Job) -> None:
        """Record a job that ran too long as failed. Its thread is left to itself."""
        if self._ledger.end(job):
            limit = self._options.job_timeout
            error = TimeoutError(f"the task ran longer than {limit:g} s")
            self._record_failure(job, error, timed_out=True)
            self._disown(job)

    def lose(self, job: Job) -> None:
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
        self._channel.ask_for_more()

    def _drop(self, job: Job) -> None:
        """Stop tracking a job; write nothing."""
        self._ledger.settle((job,))
        self._on_settled()
        self._channel.ask_for_more()

    def release_unstarted(self, chosen: Callable[[Job], bool] = lambda _: True) -> None:
        """Give back what is claimed and not started, as far as it is `chosen`."""
        jobs = [
            job
            for job in list(self._ledger.unstarted)
            if chosen(job) and self._ledger.withdraw(job)
        ]
        if jobs:
            self.writer.release(jobs)

    def abandon_running(self) -> None:
        """Leave running handlers to themselves; their leases lapse, as those may still write."""
        for job in list(self._ledger.running):
            if self._ledger.end(job):
                self._log.lease_lost(job, "it outlasted the stop")
                self._disown(job)
                self._ledger.settle((job,))
