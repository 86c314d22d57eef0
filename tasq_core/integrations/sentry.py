"""Sentry: an isolated scope and a transaction around each handler; failures are reported.

    sentry_sdk.init(...)
    consumer.middleware(reporting())

Needs the extra `tasq-core[sentry]`.
"""

from collections.abc import Callable, Generator

import sentry_sdk

from tasq_core.consumer.decisions import Decision
from tasq_core.task import Task


def reporting(*, only_last: bool = False) -> Callable[[Task], Generator[None, None, None]]:
    """Middleware for handlers of both kinds that reports what they raise.

    Reports have the task's id, type, queue and receive_count, never its arguments. A `Snooze`,
    `Retry` or `Discard` isn't reported: the handler decided so.

    Args:
        only_last: report a failure only where the task's attempts are used up.
    """

    def around(task: Task) -> Generator[None, None, None]:
        with sentry_sdk.isolation_scope() as scope:
            scope.clear_breadcrumbs()
            scope.set_tag("tasq.type", task.type)
            scope.set_tag("tasq.queue", task.queue)
            scope.set_context("tasq", {"id": str(task.id), "receive_count": task.receive_count})
            last = task.is_last_receive()
            with sentry_sdk.start_transaction(op="queue.process", name=task.type) as transaction:
                try:
                    yield
                except Decision:
                    raise
                except BaseException as error:
                    transaction.set_status("internal_error")
                    if last or not only_last:
                        sentry_sdk.capture_exception(error)
                    raise

    return around
