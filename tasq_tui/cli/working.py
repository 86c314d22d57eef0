"""What `tasq work` does in one process: a consumer of the handlers, run until it has ended."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Final

from tasq_core.consumer import Consumer, exponential
from tasq_core.errors import ConsumerAlreadyStoppedError, InvalidInputError
from tasq_core.filters import Filter
from tasq_core.filters.model import Term
from tasq_core.filters.values import Numbers, Span, State
from tasq_core.repository.protocol import Repository
from tasq_core.task import PollStrategy, TaskStatus
from tasq_core.wording import counted
from tasq_tui.admin.loader import load_handlers
from tasq_tui.admin.session import check_table, check_writable
from tasq_tui.admin.table_times import check_times
from tasq_tui.cli import diagnostics
from tasq_tui.cli.connection import connected
from tasq_tui.cli.diagnostics import ExitCode, TimedOutError
from tasq_tui.cli.options import Given
from tasq_tui.cli.progress import interruptible

if TYPE_CHECKING:
    from tasq_core.metrics.consumers import ConsumerMetrics

_LOOK_SECONDS: Final = 0.1
_LONGEST_BACKOFF: Final = 300.0
"""Seconds that the doubled backoff grows to, as in the library."""
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING,
                  "error": logging.ERROR}  # fmt: skip
_HANDLERS: Final = {"text": diagnostics.LogLines, "json": diagnostics.JsonLogLines}


@dataclass(frozen=True, slots=True)
class Work:
    """What `tasq work` was asked to do. Durations are seconds, None no limit."""

    handlers: str
    queues: tuple[str, ...] | None
    workers: int
    once: bool
    drain: bool
    by_priority: bool
    delete: bool
    poll_interval: float
    visibility_timeout: float
    backoff: float
    within: float | None
    stop_timeout: float | None
    job_timeout: float | None
    log: str
    log_format: str
    name: str
    announced: bool = True
    """Whether to say what it works on."""


def work(
    given: Given,
    asked: Work,
    metrics: "ConsumerMetrics | None" = None,
    on_ready: Callable[[], None] = lambda: None,
) -> int:
    """Run tasks as `asked`; the exit code.

    Args:
        given: the options that every verb takes.
        asked: those of this one.
        metrics: counts what the consumer does.
        on_ready: called when all that can be checked is, just before the first claim.
    """
    logger = logger_of(asked)
    found = load_handlers(asked.handlers)
    with connected(given) as connection:
        check_writable(connection.settings, "work")
        check_table(connection.client)
        check_times(connection.repository, connection.settings, "work")
        base = asked.backoff
        consumer = connection.client.new_consumer(
            queues=asked.queues,
            poll_interval=asked.poll_interval,
            visibility_timeout=asked.visibility_timeout,
            poll_strategy=(
                PollStrategy.BY_PRIORITY if asked.by_priority else PollStrategy.BY_CREATED_AT
            ),
            auto_delete_on_success=asked.delete,
            retry_backoff=exponential(base=base, cap=max(base, _LONGEST_BACKOFF)) if base else 0,
            job_timeout=asked.job_timeout,
            logger=logger,
            metrics=metrics,
            name=asked.name,
        )
        for type, handler in found.items():
            consumer.learn(type, handler)
        mine = Filter.of(types=tuple(found), queues=asked.queues)
        consumer.options.check_startable()
        on_ready()
        if asked.once:
            return _one(consumer, connection.repository, mine, asked.within, asked.stop_timeout)
        if asked.announced:
            diagnostics.note(
                f"working on {', '.join(sorted(found))} in {connection.settings.redacted_url};"
                " Ctrl+C stops"
            )
        if not asked.drain:
            consumer.run(workers=asked.workers, stop_timeout=asked.stop_timeout)
            return ExitCode.DONE
        began = connection.repository.now()
        drained = _drained(connection.repository, mine, began, asked.within)
        watch = _Watch(consumer, drained, asked.within, asked.stop_timeout)
        consumer.run(workers=asked.workers, stop_timeout=asked.stop_timeout)
        watch.end()
        return _failures(connection.repository, mine, began)


def logger_of(asked: Work) -> logging.Logger:
    """The logger of the handlers' consumer, whose lines go to standard error.

    Raises:
        InvalidInputError: no such level or format.
    """
    if asked.log.lower() not in _LEVELS:
        raise InvalidInputError(f"--log {asked.log!r}: use one of {', '.join(_LEVELS)}")
    if asked.log_format not in _HANDLERS:
        raise InvalidInputError(
            f"--log-format {asked.log_format!r}: use one of {', '.join(_HANDLERS)}"
        )
    handler = _HANDLERS[asked.log_format](asked.name)
    logging.basicConfig(level=_LEVELS[asked.log.lower()], handlers=[handler], force=True)
    return logging.getLogger("tasq_core.consumer")


def _one(
    consumer: Consumer,
    repository: Repository,
    mine: Filter,
    limit: float | None,
    stop_timeout: float | None,
) -> int:
    """Run one task, in a thread: whatever its handler raises ends the task, not the command."""
    consumer.with_max_active_tasks(1).with_poll_limit(1).with_channel_size(1)
    if not repository.count(mine & _is(State.READY), 1):
        diagnostics.note("no task is ready")
        return ExitCode.DONE
    taken = threading.Event()

    def gone() -> bool:
        return not taken.is_set() and not repository.count(mine & _is(State.READY, State.LEASED), 1)

    with interruptible() as interrupted:
        consumer.start()
        watch = _Watch(consumer, lambda: interrupted() or gone(), limit, stop_timeout, taken)
        try:
            job = next(consumer.channel(), None)
            taken.set()
            if job is not None:
                runner = threading.Thread(target=job, name="tasq-once", daemon=True)
                runner.start()
                while runner.is_alive() and not (interrupted() and consumer.wait(_LOOK_SECONDS)):
                    runner.join(_LOOK_SECONDS)
                    if interrupted():
                        _stop(consumer, stop_timeout)
        finally:
            _stop(consumer, stop_timeout)
            consumer.wait()
    if job is None:
        watch.end()
        diagnostics.note("no task is ready")
        return ExitCode.DONE
    diagnostics.note(f"task {job.task.id} ({job.task.type}): {job.status}")
    return ExitCode.DONE if job.status is TaskStatus.SUCCESSFUL else ExitCode.FAILED


def _failures(repository: Repository, mine: Filter, began: datetime) -> int:
    """Say how many tasks of a drain failed for good; the exit code."""
    ended = Term("finished", (Span(low=began),))
    failed = repository.count(mine & Filter.of((TaskStatus.FAILED,)) & Filter((ended,)))
    if not failed:
        return ExitCode.DONE
    diagnostics.note(f"{counted(failed, 'task')} failed for good; `tasq errors` groups them")
    return ExitCode.PARTLY_DONE


class _Watch:
    """Stops a consumer once a condition holds, or a time limit has passed."""

    def __init__(
        self,
        consumer: Consumer,
        holds: Callable[[], bool],
        limit: float | None,
        stop_timeout: float | None,
        done: threading.Event | None = None,
    ) -> None:
        self._consumer, self._holds, self._stop_timeout = consumer, holds, stop_timeout
        self._done = done or threading.Event()
        self._deadline = None if limit is None else monotonic() + limit
        self._limit = limit
        self._late = False
        threading.Thread(target=self._watch, name="tasq-watch", daemon=True).start()

    def end(self) -> None:
        """Stop watching.

        Raises:
            TimedOutError: the limit was what stopped the consumer.
        """
        self._done.set()
        if self._late:
            raise TimedOutError(f"not done within {self._limit:g} s; what ran was finished")

    def _watch(self) -> None:
        while not self._done.wait(_LOOK_SECONDS):
            self._late = self._deadline is not None and monotonic() > self._deadline
            if self._consumer.running and (self._late or self._holds()):
                _stop(self._consumer, self._stop_timeout)
                return


def _drained(
    repository: Repository, mine: Filter, began: datetime, limit: float | None
) -> Callable[[], bool]:
    """Tells whether no task can still run within the limit: ready, held, or a pending retry."""
    waited = [
        mine & _is(State.READY, State.LEASED, State.EXHAUSTED),
        mine & _is(State.DELAYED) & Filter((Term("receives", (Numbers(low=1),)),)),
    ]
    if limit is not None:
        due = Term("visible", (Span(high=began + timedelta(seconds=limit)),))
        waited.append(mine & _is(State.DELAYED) & Filter((due,)))
    return lambda: not any(repository.count(where, 1) for where in waited)


def _is(*states: State) -> Filter:
    return Filter((Term("is", states),))


def _stop(consumer: Consumer, stop_timeout: float | None) -> None:
    try:
        consumer.stop(stop_timeout)
    except ConsumerAlreadyStoppedError:
        return
