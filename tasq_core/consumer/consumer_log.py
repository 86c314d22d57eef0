"""What a consumer logs: one place for the levels, the wording and the `extra` fields."""

import logging
from typing import TYPE_CHECKING

from tasq_core.consumer.failures import FALLBACK_DELAY, Verdict
from tasq_core.consumer.job import Job
from tasq_core.consumer.options import Logger
from tasq_core.errors import ClientClosedError, RepositoryError
from tasq_core.task import Task
from tasq_core.wording import counted

if TYPE_CHECKING:
    from tasq_core.metrics.consumers import ConsumerMetrics


def task_fields(job: Job) -> dict[str, object]:
    """The `extra` of a record about one task."""
    task = job.task
    return {
        "task_id": str(job.lease.task_id),
        "task_type": task.type,
        "task_queue": task.queue,
        "receive_count": job.lease.receive_count,
        "max_receives": job.max_receives,
    }


class ConsumerLog:
    """Writes the consumer's log records."""

    def __init__(self, logger: Logger, metrics: "ConsumerMetrics | None" = None) -> None:
        self.logger = logger
        self._metrics = metrics
        self._failing: dict[str, str] = {}
        self.debug = logger.isEnabledFor(10)

    @property
    def last_error(self) -> str | None:
        """What the consumer can't do now, as it failed last; None where all works."""
        standing = list(self._failing.values())
        return standing[-1] if standing else None

    def _fails(self, doing: str, error: BaseException, area: str = "") -> None:
        self._failing.pop(area or doing, None)  # the newest stands last
        self._failing[area or doing] = f"could not {doing}: {error}"

    def started(self, job: Job) -> None:
        """The handler is about to run. Called only where `debug` is true."""
        self.logger.debug("task %s started", job.lease.task_id, extra=task_fields(job))

    def succeeded(self, job: Job) -> None:
        """The handler returned. Called only where `debug` is true."""
        self.logger.debug("task %s succeeded", job.lease.task_id, extra=task_fields(job))

    def failed(self, job: Job, error: BaseException, verdict: Verdict) -> None:
        """The handler raised, or ran out of time: an error where that is final."""
        what = "failed for good" if verdict.final else f"failed, retry in {verdict.retry_in:.3g} s"
        summary = (verdict.error or type(error).__name__).partition("\n")[0]
        self.logger.log(
            logging.ERROR if verdict.final else logging.WARNING,
            "task %s (%s) %s: %s", job.lease.task_id, job.task.type, what, summary,
            exc_info=error,
            extra=task_fields(job)
            | {
                "error_type": type(error).__name__,
                "final": verdict.final,
                "retry_in": None if verdict.final else verdict.retry_in,
            },
        )  # fmt: skip

    def snoozed(self, job: Job, verdict: Verdict) -> None:
        """The handler asked for the task to be put off."""
        self.logger.info(
            "task %s (%s) snoozed for %.3g s", job.lease.task_id, job.task.type, verdict.retry_in,
            extra=task_fields(job) | {"retry_in": verdict.retry_in},
        )  # fmt: skip

    def lease_lost(self, job: Job, reason: str) -> None:
        """The task isn't this consumer's any more."""
        self.logger.warning(
            "lease of task %s lost: %s", job.lease.task_id, reason, extra=task_fields(job)
        )

    def outcome_lost(self, job: Job, reason: str) -> None:
        """A finished task's outcome can't be recorded: the task will run again."""
        self.logger.error(
            "outcome %s of task %s not recorded: %s", job.status, job.lease.task_id, reason,
            extra=task_fields(job),
        )  # fmt: skip

    def start_refused(self, job: Job, error: BaseException) -> None:
        """IN_PROGRESS couldn't be recorded; the outcome will be tried all the same."""
        self.logger.warning(
            "start of task %s not recorded: %s", job.lease.task_id, error, extra=task_fields(job)
        )

    def unknown_type(self, job: Job) -> None:
        """The handler was forgotten after the claim."""
        self.logger.warning(
            "task %s released: no handler for type %r", job.lease.task_id, job.task.type,
            extra=task_fields(job),
        )  # fmt: skip

    def database_failed(
        self, doing: str, error: BaseException, delay: float, area: str = ""
    ) -> None:
        """A statement failed and will be tried again; `area` is that of `database_back`."""
        self._fails(doing, error, area)
        if self._metrics is not None:
            self._metrics.database_failed()
        self.logger.warning(
            "could not %s, trying again in %.1f s: %s", doing, delay, error,
            extra={"activity": doing, "retry_in": delay},
        )  # fmt: skip

    def claim_unanswered(self, tasks: int, error: BaseException) -> None:
        """A claim may have been made or not; the only line about it until claims are answered."""
        self.logger.warning(
            "no answer to a claim of %s: what it brought is released, and until an answer"
            " comes one task at a time is claimed: %s", counted(tasks, "task"), error,
            extra={"activity": "claim tasks", "tasks": tasks},
        )  # fmt: skip

    def still_unanswered(self, error: BaseException) -> None:
        """One more attempt to release an unanswered claim failed."""
        self.logger.debug(
            "the unanswered claim could not be released yet: %s", error,
            extra={"activity": "release an unanswered claim"},
        )  # fmt: skip

    def claims_answered(self, released: int) -> None:
        """The first answer after a claim without one."""
        self.logger.info(
            "claims are answered again; released, the attempt not counted: %s",
            counted(released, "task"), extra={"activity": "claim tasks", "tasks": released},
        )  # fmt: skip

    def database_back(self, doing: str, area: str = "") -> None:
        """The first success after failures, of all that is done in `area` where it is given."""
        self._failing.pop(area or doing, None)
        self.logger.info("can %s again", doing, extra={"activity": doing})

    def no_side_tables(self, lead: str) -> None:
        """The database lacks the side tables, or this user may not read them."""
        self.logger.info(
            "no tables %s_… beside the tasks: this consumer isn't shown in the fleet and heeds no"
            " pauses; `tasq migrate` makes them", lead, extra={"activity": "join the fleet"},
        )  # fmt: skip

    def attempts_refused(self, error: BaseException) -> None:
        """Attempts can't be noted; outcomes are recorded without."""
        self._fails("note attempts", error)
        self.logger.warning(
            "attempts can't be noted, outcomes are recorded without: %s", error,
            extra={"activity": "note attempts"},
        )  # fmt: skip

    def job_failed(self, doing: str, error: BaseException) -> None:
        """Something that the consumer does beside its tasks failed; it is tried again."""
        self._fails(doing, error)
        defect = None if isinstance(error, RepositoryError) else error
        self.logger.warning(
            "could not %s, trying again: %s", doing, error,
            exc_info=defect, extra={"activity": doing},
        )  # fmt: skip

    def policy_failed(self, job: Job, error: BaseException) -> None:
        """The retry policy raised or gave no duration."""
        self.logger.error(
            "retry policy failed on task %s, which retries in %g s: %s",
            job.lease.task_id, FALLBACK_DELAY, error,
            exc_info=error, extra=task_fields(job),
        )  # fmt: skip

    def hook_failed(self, task: Task, error: BaseException) -> None:
        """An `on_failure` function raised."""
        self.logger.error(
            "on_failure raised for task %s: %s", task.id, error, exc_info=error,
            extra={"task_id": str(task.id), "task_type": task.type, "task_queue": task.queue},
        )  # fmt: skip

    def crashed(self, thread: str, error: BaseException) -> None:
        """A defect, or a client that somebody closed, ended a thread; the consumer stops."""
        if isinstance(error, ClientClosedError):
            self.logger.critical("the consumer stops: %s", error)
            return
        self.logger.critical("%s crashed; the consumer stops", thread, exc_info=error)
