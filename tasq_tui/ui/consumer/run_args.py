"""The arguments of a run: as they came with it, or read in full where they came cut."""

from typing import Final
from uuid import UUID

from tasq_tui.ui.consumer.runs import Run
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.session import Session

_FULL_ARGS_BYTES: Final = 1_000_000


class RunArgs:
    """Holds those of one run, the one that was asked for last."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: tuple[UUID, bytes] | None = None

    def of(self, run: Run) -> tuple[bytes, bool]:
        """What is known of them, and whether `read` knows more."""
        task = run.task
        if len(task.args) == task.args_bytes:
            return task.args, False
        if self._held is not None and self._held[0] == task.id:
            return self._held[1], False
        self._held = (task.id, task.args)
        return task.args, task.args_bytes <= _FULL_ARGS_BYTES

    async def read(self, task_id: UUID) -> bool:
        """Read them in full; whether there is something new to show."""
        detail = self._session.detail
        answer = await detail.attempt(detail.repository.get_tasks, [task_id])
        if isinstance(answer, Failure) or not answer.value:
            return False
        self._held = (task_id, answer.value[0].args)
        return True
