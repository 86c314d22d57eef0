"""tasq work."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Annotated

import typer

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
from tasq_tui.cli.durations import age
from tasq_tui.cli.options import VerbCommand, verb_app
from tasq_tui.cli.progress import interruptible

app = verb_app()

_LOOK_SECONDS = 0.1
_LONGEST_BACKOFF = 300.0
"""Seconds that the doubled backoff grows to, as in the library."""
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING,
           "error": logging.ERROR}  # fmt: skip
_HANDLERS = {"text": diagnostics.LogLines, "json": diagnostics.JsonLogLines}


@app.command("work", cls=VerbCommand)
def work(
    context: typer.Context,
    *,
    handlers: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:ATTR",
            help="Handlers: a dict of task type to function, or a function that learns them.",
        ),
    ],
    queue: Annotated[
        list[str] | None,
        typer.Option("--queue", metavar="QUEUE", help="Only these; all queues without it."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=1000, help="Threads that run handlers.")] = 10,
    once: Annotated[bool, typer.Option("--once", help="Run one task, if one is ready.")] = False,
    drain: Annotated[
        bool,
        typer.Option(
            "--drain",
            help="End when none of its tasks can still run, retries included; exit 6"
            " where some failed for good.",
        ),
    ] = False,
    by_priority: Annotated[
        bool, typer.Option("--by-priority", help="Urgent tasks first, instead of old ones.")
    ] = False,
    delete: Annotated[
        bool, typer.Option("--delete-on-success", help="Don't keep tasks that succeed.")
    ] = False,
    poll: Annotated[str, typer.Option("--poll-interval", metavar="DURATION")] = "5s",
    visibility: Annotated[
        str,
        typer.Option(
            "--visibility-timeout",
            metavar="DURATION",
            help="How long a lease lasts unless extended.",
        ),
    ] = "15s",
    backoff: Annotated[
        str,
        typer.Option(
            "--retry-backoff",
            metavar="DURATION",
            help="Before a failed task runs again; doubled with each attempt, up to 5m.",
        ),
    ] = "1s",
    within: Annotated[
        str | None,
        typer.Option(
            "--within",
            metavar="DURATION",
            help="With --drain or --once: give up after so long, exit 4. A drain waits for delayed"
            " tasks that are due by then, and for no others.",
        ),
    ] = None,
    stop_timeout: Annotated[
        str | None,
        typer.Option(
            "--stop-timeout",
            metavar="DURATION",
            help="After a signal, leave handlers that run longer; their tasks run again.",
            show_default="no limit",
        ),
    ] = None,
    job_timeout: Annotated[
        str | None,
        typer.Option(
            "--job-timeout",
            metavar="DURATION",
            help="A handler that runs longer has failed.",
            show_default="no limit",
        ),
    ] = None,
    log: Annotated[
        str, typer.Option("--log", metavar="LEVEL", help="debug, info, warning or error.")
    ] = "info",
    log_format: Annotated[
        str,
        typer.Option(
            "--log-format", metavar="text|json", help="Lines for people, or an object a line."
        ),
    ] = "text",
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="What the log and the fleet call it.")
    ] = "",
) -> int:
    """Run tasks with your handlers until Ctrl+C or SIGTERM, which let running ones finish.

    A second Ctrl+C quits at once; the tasks it cut off run again when their lease ends.

    Examples:
      tasq work app.jobs:handlers --queue mail --queue billing --workers 8
      tasq work app.jobs --drain --within 5m
    """
    if once and drain:
        raise InvalidInputError("--once runs one task and --drain all: give one of them")
    if within is not None and not (once or drain):
        raise InvalidInputError("--within goes with --once or --drain")
    limit = _seconds("--within", within)
    patience = _seconds("--stop-timeout", stop_timeout)
    found = load_handlers(handlers)
    with connected(context.obj) as connection:
        check_writable(connection.settings, "work")
        check_table(connection.client)
        check_times(connection.repository, connection.settings, "work")
        base = age("--retry-backoff", backoff).total_seconds()
        consumer = connection.client.new_consumer(
            queues=tuple(queue) if queue else None,
            poll_interval=age("--poll-interval", poll),
            visibility_timeout=age("--visibility-timeout", visibility),
            poll_strategy=PollStrategy.BY_PRIORITY if by_priority else PollStrategy.BY_CREATED_AT,
            auto_delete_on_success=delete,
            retry_backoff=exponential(base=base, cap=max(base, _LONGEST_BACKOFF)) if base else 0,
            job_timeout=_seconds("--job-timeout", job_timeout),
            logger=_logger(log, log_format, name),
            name=name,
        )
        for type, handler in found.items():
            consumer.learn(type, handler)
        mine = Filter.of(types=tuple(found), queues=tuple(queue) if queue else None)
        if once:
            return _one(consumer, connection.repository, mine, limit, patience)
        diagnostics.note(
            f"working on {', '.join(sorted(found))} in {connection.settings.redacted_url};"
            " Ctrl+C stops"
        )
        if not drain:
            consumer.run(workers=workers, stop_timeout=patience)
            return ExitCode.DONE
        began = connection.repository.now()
        drained = _drained(connection.repository, mine, began, limit)
        watch = _Watch(consumer, drained, limit, patience)
        consumer.run(workers=workers, stop_timeout=patience)
        watch.end()
        return _failures(connection.repository, mine, began)


def _one(
    consumer: Consumer,
    repository: Repository,
    mine: Filter,
    limit: float | None,
    patience: float | None,
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
        watch = _Watch(consumer, lambda: interrupted() or gone(), limit, patience, taken)
        try:
            job = next(consumer.channel(), None)
            taken.set()
            if job is not None:
                runner = threading.Thread(target=job, name="tasq-once", daemon=True)
                runner.start()
                while runner.is_alive() and not (interrupted() and consumer.wait(_LOOK_SECONDS)):
                    runner.join(_LOOK_SECONDS)
                    if interrupted():
                        _stop(consumer, patience)
        finally:
            _stop(consumer, patience)
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
        patience: float | None,
        done: threading.Event | None = None,
    ) -> None:
        self._consumer, self._holds, self._patience = consumer, holds, patience
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
                _stop(self._consumer, self._patience)
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


def _stop(consumer: Consumer, patience: float | None) -> None:
    try:
        consumer.stop(patience)
    except ConsumerAlreadyStoppedError:
        return


def _seconds(option: str, text: str | None) -> float | None:
    return None if text is None else age(option, text).total_seconds()


def _logger(level: str, form: str, name: str) -> logging.Logger:
    """The logger of the handlers' consumer, whose lines go to standard error."""
    if level.lower() not in _LEVELS:
        raise InvalidInputError(f"--log {level!r}: use one of {', '.join(_LEVELS)}")
    if form not in _HANDLERS:
        raise InvalidInputError(f"--log-format {form!r}: use one of {', '.join(_HANDLERS)}")
    handler = _HANDLERS[form](name)
    logging.basicConfig(level=_LEVELS[level.lower()], handlers=[handler], force=True)
    return logging.getLogger("tasq_core.consumer")
