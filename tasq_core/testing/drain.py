"""Runs the tasks that are ready in the caller's thread, one after the other."""

import threading
from collections.abc import Awaitable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from tasq_core.consumer import Consumer, Handler
from tasq_core.consumer.backoff import retry_policy
from tasq_core.consumer.decisions import Retry, Snooze
from tasq_core.consumer.failures import Verdict, judge
from tasq_core.consumer.results import finish, is_awaited
from tasq_core.errors import InvalidTypeError
from tasq_core.reports import Lease, Outcome
from tasq_core.repository.protocol import Repository
from tasq_core.task import Ordering, Task, TaskStatus

_LEASE: Final = 3600
"""Seconds: a test that stops in a debugger keeps its task."""
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of one attempt.

    Attributes:
        task: as the table has it now; as it was claimed where it has been deleted.
        status: SUCCESSFUL, FAILED, or NEW where it will run again.
        error: what the handler raised; None where it returned.
    """

    task: Task
    status: TaskStatus
    error: BaseException | None = field(default=None, repr=True)


def drain(
    repository: Repository,
    handlers: Consumer | Mapping[str, Handler],
    *,
    raise_errors: bool = False,
) -> list[Drained]:
    """Run what is ready until nothing is; one `Drained` an attempt, in the order they ran.

    Outcomes are recorded as a consumer does, and tasks that a handler submits run too. What is
    delayed, snoozed or waits for its retry stays.

    Args:
        repository: where the tasks are.
        handlers: a consumer, whose handlers, middleware, queues and retry backoff count; or
            functions by task type, for all queues.
        raise_errors: record the first failure, then raise what the handler raised, unless it
            asked for a snooze or a retry.

    Raises:
        InvalidTypeError: neither a consumer nor a dict of functions.
        AssertionError: 10,000 tasks ran: they submit each other, or retry at once forever.
    """
    if isinstance(handlers, Consumer):
        consumer, queues = handlers, handlers.options.queues
    elif isinstance(handlers, Mapping):
        consumer, queues = Consumer(repository), None
        for type, handler in handlers.items():
            consumer.learn(type, handler)
    else:
        raise InvalidTypeError(
            f"handlers must be a consumer or a dict of functions by task type, not {handlers!r}"
        )
    known = consumer._handlers  # noqa: SLF001 - of this library
    done: list[Drained] = []
    while tasks := repository.poll_tasks(
        known.types, queues, _LEASE, Ordering.CREATED_AT_FIRST, limit=1
    ):
        if len(done) >= _MOST:
            raise AssertionError(f"{_MOST} tasks ran, and there are more: {tasks[0]!r}")
        drained = _run(repository, consumer, known.by_type[tasks[0].type], tasks[0])
        done.append(drained)
        error = drained.error
        if raise_errors and error is not None and not isinstance(error, Snooze | Retry):
            raise error
    return done


def _run(repository: Repository, consumer: Consumer, handler: Handler, task: Task) -> Drained:
    lease, started = Lease.of(task), monotonic()
    last_receive = task.is_last_receive()
    task.status = TaskStatus.IN_PROGRESS
    error, verdict, status = None, Verdict(final=False), TaskStatus.SUCCESSFUL
    try:
        result = handler(task)
        if is_awaited(result):
            _await(result)
        else:
            finish(task.type, result)
    except (Exception, SystemExit) as raised:  # noqa: BLE001 - not Ctrl+C, nor pytest.fail
        error = raised
        policy = retry_policy(consumer.options.retry_backoff)
        verdict = judge(raised, task, last_receive, policy, _raise)
        status = TaskStatus.FAILED if verdict.final else TaskStatus.NEW
    delete = consumer.options.auto_delete_on_success and error is None
    outcome = Outcome(
        lease, status, started, monotonic() if verdict.counted else None, verdict.error,
        verdict.retry_in, delete, verdict.counted,
    )  # fmt: skip
    repository.record_outcomes([outcome])
    stored = repository.get_tasks([task.id])
    return Drained(stored[0] if stored else task, status, error)


def _raise(error: BaseException) -> None:
    """A retry policy that fails is a fault of the program under test."""
    raise error


def _await(awaitable: Awaitable[Any]) -> None:
    """Run it on an event loop of its own, in a thread: the test may be on one itself."""
    import asyncio

    failed: list[BaseException] = []
    context = copy_context()

    async def wait() -> None:
        await awaitable

    def run() -> None:
        try:
            context.run(asyncio.run, wait())
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            failed.append(error)

    thread = threading.Thread(target=run, name="tasq-drain")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
