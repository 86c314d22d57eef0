"""tasq work."""

import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Annotated

import typer

from tasq_core.consumer import Consumer, exponential
from tasq_core.errors import ConsumerAlreadyStoppedError, InvalidInputError
from tasq_core.filters import Filter
from tasq_core.filters.model import Term
from tasq_core.filters.values import State
from tasq_core.repository.protocol import Repository
from tasq_core.task import PollStrategy, TaskStatus
from tasq_tui.admin.loader import load_handlers
from tasq_tui.admin.session import check_table, check_writable
from tasq_tui.cli import diagnostics
from tasq_tui.cli.connection import connected
from tasq_tui.cli.diagnostics import ExitCode, TimedOutError
from tasq_tui.cli.durations import age
from tasq_tui.cli.options import VerbCommand, verb_app

app = verb_app()

_LOOK_SECONDS = 0.1
_LONGEST_BACKOFF = 300.0
"""Seconds that the doubled backoff grows to, as in the library."""
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING,
           "error": logging.ERROR}  # fmt: skip


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
        bool, typer.Option("--drain", help="End when no task is ready or being run.")
    ] = False,
    by_priority: Annotated[
        bool, typer.Option("--by-priority", help="Urgent tasks first, instead of old ones.")
    ] = False,
    delete: Annotated[
        bool, typer.Option("--delete-on-success", help="Don't keep tasks that succeed.")
    ] = False,
    poll: Annotated[str, typer.Option("--poll-interval", metavar="AGE")] = "5s",
    visibility: Annotated[
        str,
        typer.Option(
            "--visibility-timeout", metavar="AGE", help="How long a lease lasts unless extended."
        ),
    ] = "15s",
    backoff: Annotated[
        str,
        typer.Option(
            "--retry-backoff",
            metavar="AGE",
            help="Before a failed task runs again; doubled with each receive, up to 5m.",
        ),
    ] = "1s",
    within: Annotated[
        str | None,
        typer.Option(
            "--within", metavar="AGE", help="With --drain or --once: give up after so long, exit 4."
        ),
    ] = None,
    log: Annotated[
        str, typer.Option("--log", metavar="LEVEL", help="debug, info, warning or error.")
    ] = "info",
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
    limit = None if within is None else age("--within", within).total_seconds()
    found = load_handlers(handlers)
    with connected(context.obj) as connection:
        check_writable(connection.settings, "work")
        check_table(connection.client)
        base = age("--retry-backoff", backoff).total_seconds()
        consumer = connection.client.new_consumer(
            queues=tuple(queue) if queue else None,
            poll_interval=age("--poll-interval", poll),
            visibility_timeout=age("--visibility-timeout", visibility),
            poll_strategy=PollStrategy.BY_PRIORITY if by_priority else PollStrategy.BY_CREATED_AT,
            auto_delete_on_success=delete,
            retry_backoff=exponential(base=base, cap=max(base, _LONGEST_BACKOFF)) if base else 0,
            logger=_logger(log),
        )
        for type, handler in found.items():
            consumer.learn(type, handler)
        mine = Filter.of(types=tuple(found), queues=tuple(queue) if queue else None)
        if once:
            return _one(consumer, connection.repository, mine, limit)
        diagnostics.note(
            f"working on {', '.join(sorted(found))} in {connection.settings.redacted_url};"
            " Ctrl+C stops"
        )
        watch = _Watch(consumer, _drained(connection.repository, mine), limit) if drain else None
        consumer.run(workers=workers)
        if watch is not None:
            watch.end()
    return ExitCode.DONE


def _one(consumer: Consumer, repository: Repository, mine: Filter, limit: float | None) -> int:
    """Run one task in this thread."""
    consumer.with_max_active_tasks(1).with_poll_limit(1).with_channel_size(1)
    if not repository.count(mine & _is(State.READY), 1):
        diagnostics.note("no task is ready")
        return ExitCode.DONE
    taken = threading.Event()

    def gone() -> bool:
        return not taken.is_set() and not repository.count(mine & _is(State.READY, State.LEASED), 1)

    consumer.start()
    watch = _Watch(consumer, gone, limit, taken)
    try:
        job = next(consumer.channel(), None)
        taken.set()
        if job is None:
            watch.end()
            diagnostics.note("no task is ready")
            return ExitCode.DONE
        job()
    finally:
        _stop(consumer)
        consumer.wait()
    diagnostics.note(f"task {job.task.id} ({job.task.type}): {job.status}")
    return ExitCode.DONE if job.status is TaskStatus.SUCCESSFUL else ExitCode.FAILED


class _Watch:
    """Stops a consumer once a condition holds, or a time limit has passed."""

    def __init__(
        self,
        consumer: Consumer,
        holds: Callable[[], bool],
        limit: float | None,
        done: threading.Event | None = None,
    ) -> None:
        self._consumer, self._holds = consumer, holds
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
                _stop(self._consumer)
                return


def _drained(repository: Repository, mine: Filter) -> Callable[[], bool]:
    busy = mine & _is(State.READY, State.LEASED)
    return lambda: not repository.count(busy, 1)


def _is(*states: State) -> Filter:
    return Filter((Term("is", states),))


def _stop(consumer: Consumer) -> None:
    try:
        consumer.stop()
    except ConsumerAlreadyStoppedError:
        return


def _logger(level: str) -> logging.Logger:
    """The logger of the handlers' consumer, whose lines go to standard error."""
    if level.lower() not in _LEVELS:
        raise InvalidInputError(f"--log {level!r}: use one of {', '.join(_LEVELS)}")
    logging.basicConfig(level=_LEVELS[level.lower()], handlers=[diagnostics.LogLines()], force=True)
    return logging.getLogger("tasq_core.consumer")
