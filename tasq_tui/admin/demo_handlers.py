"""Handlers for the demo's tasks, to load in the app or by `tasq work`: they print, wait, fail.

What becomes of an attempt is decided by the task's id and the attempt's number, so that the same
table leads to the same ends.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final

from tasq_core.task import Task
from tasq_tui.admin.demo import WorkFailedError
from tasq_tui.admin.demo_data import JOB_TYPES, JobType, Shop

TARGET: Final = f"{__name__}:handlers"
"""What to enter to load them."""

_log = logging.getLogger("shop")


def _handler(kind: JobType) -> Callable[[Task], None]:
    def work(task: Task) -> None:
        # Less, not more: so the tasks in the pictures end well. A traceback has a machine's paths.
        shop = Shop(task.id.int - task.receive_count)
        print(f"{kind.type}: {task.unmarshal_args()}")  # noqa: T201 - the app shows it
        if task.receive_count > 1:
            _log.warning("attempt %d", task.receive_count)
        threading.Event().wait(shop.seconds(kind))
        if shop.fails(kind):
            raise WorkFailedError.of(shop.error(kind))
        print("done")  # noqa: T201

    return work


handlers: Final = {kind.type: _handler(kind) for kind in JOB_TYPES}
