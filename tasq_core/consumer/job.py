"""A job: one claimed task on its way through its handler."""

import threading
from typing import TYPE_CHECKING, Protocol

from tasq_core.consumer.results import finish, is_awaited
from tasq_core.reports import AttemptNote, Lease, Outcome
from tasq_core.task import Task, TaskStatus

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from tasq_core.consumer.coroutines import Coroutines, Slot
    from tasq_core.consumer.failures import Verdict
    from tasq_core.consumer.handlers import Handler, Handlers
    from tasq_core.metrics.series import PairSeries


class JobHost(Protocol):
    """What a job needs of the run that claimed it."""

    handlers: "Handlers"
    coroutines: "Coroutines"

    def begin(self, job: "Job") -> bool:
        """Whether the job may run now."""

    def succeed(self, job: "Job") -> None:
        """The handler returned."""

    def fail(self, job: "Job", error: BaseException) -> None:
        """The handler raised."""

    def release(self, job: "Job") -> bool:
        """Give back an unstarted job; whether it was ours to give."""

    def release_unknown(self, job: "Job") -> None:
        """Give back a job whose handler was forgotten."""


class Job:
    """A claimed task. Call it to run the task's handler and have the outcome recorded.

    A job runs once; where it was released, or its lease passed to another consumer before it
    began, calling it does nothing. What the handler raises is recorded and not raised again,
    but for a `KeyboardInterrupt` in the main thread: that one is Ctrl+C, meant for the program.
    """

    __slots__ = (
        "_host", "abandoned", "attempt", "awaited", "cancel", "coroutine", "counted", "error",
        "expires", "finished", "lease", "max_receives", "retry_in", "series", "started",
        "status", "submitted", "task", "thread",
    )  # fmt: skip

    def __init__(self, task: Task, expires: float, host: JobHost) -> None:
        self._host = host
        self.task = task
        self.lease = Lease.of(task)
        self.max_receives = task.max_receives
        self.expires = expires
        self.status = TaskStatus.ENQUEUED
        self.started: float | None = None
        self.finished: float | None = None
        self.error: str | None = None
        self.retry_in = 0.0
        self.counted = True
        self.attempt: str | None = None
        """What to call its outcome, unless it succeeded: failed, retried, timed out, snoozed."""
        self.series: PairSeries | None = None
        """What it is counted in, where its consumer has metrics."""
        self.submitted: float | None = None
        """When its task was, as monotonic seconds; known with metrics, of first attempts."""
        self.thread = 0
        """The identity of the thread that runs it."""
        self.coroutine: asyncio.Task[None] | None = None
        self.abandoned = False
        self.awaited = False
        """Whether the event loop runs it, and no thread waits for it."""
        self.cancel: Callable[[], None] | None = None

    @property
    def lease_lost(self) -> bool:
        """Whether another consumer may be running the task."""
        return self.task.lease_lost

    @property
    def is_last_receive(self) -> bool:
        """Whether the task's attempts are used up, whatever the handler did to the task."""
        return 0 < self.max_receives <= self.lease.receive_count

    def release(self) -> bool:
        """Give the task back unstarted, visible at once, its attempt not counted.

        Returns: False where the job has begun or isn't ours any more.
        """
        return self._host.release(self)

    def __call__(self) -> None:
        """Run the handler to its end, unless the job was released or its lease is gone."""
        self.perform(wait=True)

    def perform(self, *, wait: bool) -> None:
        """Run the handler; without `wait` a coroutine is left to the event loop."""
        host = self._host
        handler = host.handlers.by_type.get(self.task.type)
        if handler is None:
            host.release_unknown(self)
        elif self.task.type not in host.handlers.coroutine_types:
            if host.begin(self):
                self._call(handler, wait=wait)
        else:
            # A slot is waited for before it begins: until then the job can still be released.
            with host.coroutines.slot() as slot:
                if host.begin(self):
                    self._call(handler, slot, wait=wait)

    def _call(self, handler: "Handler", slot: "Slot | None" = None, *, wait: bool) -> None:
        """Call the handler and see to what it returns."""
        task = self.task
        try:
            result = handler(task)
            if result is not None:
                if is_awaited(result):
                    self._host.coroutines.run(self, result, slot, wait=wait)
                    return
                finish(task.type, result)
        except BaseException as error:
            self._host.fail(self, error)
            if isinstance(error, KeyboardInterrupt) and _is_main_thread():
                raise
        else:
            self._host.succeed(self)

    def decide(self, status: TaskStatus, verdict: "Verdict | None" = None) -> None:
        """Fix what is to be recorded of the run."""
        self.task.status = self.status = status
        if verdict is not None:
            self.error, self.retry_in, self.counted, self.attempt = (
                verdict.error, verdict.retry_in, verdict.counted, verdict.attempt,
            )  # fmt: skip

    def start_outcome(self) -> Outcome:
        """What to write once it has run for a while."""
        return Outcome(self.lease, TaskStatus.IN_PROGRESS, self.started)

    def end_outcome(
        self, *, delete_on_success: bool, noted_by: tuple[str, str] | None = None
    ) -> Outcome:
        """What to write when it has ended.

        `noted_by`: the consumer's name and host, where attempts are noted.
        """
        note = None
        if self.attempt is not None and noted_by is not None and self.finished is not None:
            note = AttemptNote(self.attempt, self.error, self.finished, *noted_by)
        return Outcome(
            self.lease, self.status, self.started, self.finished if self.counted else None,
            self.error, self.retry_in,
            delete_on_success and self.status is TaskStatus.SUCCESSFUL, self.counted, note,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Job {self.task.id} type={self.task.type!r} attempt={self.lease.receive_count}>"


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
