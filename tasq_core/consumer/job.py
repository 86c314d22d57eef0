"""A job: one claimed task on its way through its handler."""

from inspect import isawaitable
from typing import TYPE_CHECKING

from tasq_core.reports import Lease, Outcome
from tasq_core.task import Task, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasq_core.consumer.run import ConsumerRun


class Job:
    """A claimed task. Call it to run the task's handler and have the outcome recorded.

    A job runs once; where it was released, or its lease passed to another consumer before it
    began, calling it does nothing. It raises only what stops a program: `KeyboardInterrupt`
    and `SystemExit`, after recording them as the task's failure.
    """

    __slots__ = (
        "_run", "abandoned", "cancel", "error", "expires",
        "finished", "lease", "retry_in", "started", "status", "task",
    )  # fmt: skip

    def __init__(self, task: Task, expires: float, run: "ConsumerRun") -> None:
        self._run = run
        self.task = task
        self.lease = Lease.of(task)
        self.expires = expires
        self.status = TaskStatus.ENQUEUED
        self.started: float | None = None
        self.finished: float | None = None
        self.error: str | None = None
        self.retry_in = 0.0
        self.abandoned = False
        self.cancel: Callable[[], None] | None = None

    @property
    def lease_lost(self) -> bool:
        """Whether another consumer may be running the task."""
        return self.task.lease_lost

    def release(self) -> bool:
        """Give the task back unstarted, visible at once, its receive not counted.

        Returns: False where the job has begun or isn't ours any more.
        """
        return self._run.release(self)

    def __call__(self) -> None:
        """Run the handler, unless the job has been released or its lease is gone."""
        run = self._run
        task = self.task
        handler = run.handlers.by_type.get(task.type)
        if handler is None:
            run.release_unknown(self)
            return
        if not run.begin(self):
            return
        try:
            result = handler(task)
            if result is not None and isawaitable(result):
                run.coroutines.run(self, result)
        except BaseException as error:
            run.fail(self, error)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        else:
            run.succeed(self)

    def start_outcome(self) -> Outcome:
        """What to write once it has run for a while."""
        return Outcome(self.lease, TaskStatus.IN_PROGRESS, self.started)

    def end_outcome(self, *, delete_on_success: bool) -> Outcome:
        """What to write when it has ended."""
        return Outcome(
            self.lease, self.status, self.started, self.finished, self.error, self.retry_in,
            delete_on_success and self.status is TaskStatus.SUCCESSFUL,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Job {self.task.id} type={self.task.type!r} receive={self.lease.receive_count}>"
