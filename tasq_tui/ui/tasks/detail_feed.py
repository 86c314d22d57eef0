"""Keeps the detail pane on the task under the cursor."""

import asyncio
import time
from datetime import datetime
from typing import Final
from uuid import UUID

from tasq_core.errors import RepositoryError
from tasq_core.task import Task
from tasq_tui.admin.explain import explain, place_of
from tasq_tui.admin.fleet import fleet_of
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.session import Session
from tasq_tui.ui.tasks.attempts import FleetFacts
from tasq_tui.ui.tasks.detail import TaskDetail

_REPEAT_SECONDS: Final = 0.06
"""Moves closer to each other than this are a key's repeats."""
_REST_SECONDS: Final = 0.04
"""How long the cursor rests on a task before all of it is read while a key repeats: longer
than a repeat takes. After a single key it is read at once."""
_SHOW_AFTER_SECONDS: Final = 0.03
"""How long the last task stays in the pane while the next one is read; then the row's own
facts stand in for it."""

_AGAIN_SECONDS: Final = 5.0
"""After so long a ready task's place among the others, or who holds it, is read again."""


class DetailFeed:
    """Shows the whole task as soon as it was read, and what the list's row knows until then."""

    def __init__(self, session: Session, detail: TaskDetail) -> None:
        self._session = session
        self._detail = detail
        self._row: Task | None = None
        self._place = ""
        self._fleet = FleetFacts()
        self._read_at = 0.0
        self._is_shown = False
        self._moved = 0.0

    def expire(self) -> None:
        """Read the task again, whether or not its row seems changed."""
        self._row = None

    def follow(self, row: Task | None) -> None:
        """Show the task of this row of the list; one that didn't change isn't read again."""
        if row is None:
            self._row = None
            self._detail.clear()
            return
        known, self._row = self._row, row
        now = time.monotonic()
        lasting = not self._place and self._fleet.holder is None
        if row == known and (lasting or now - self._read_at < _AGAIN_SECONDS):
            return
        repeats = now - self._moved < _REPEAT_SECONDS
        self._moved = now
        if known is None or known.id != row.id:
            self._place, self._fleet = "", FleetFacts()
            self._is_shown = False
            if known is None or repeats:
                self._show_row()
        rest = _REST_SECONDS if repeats else 0.0
        self._detail.run_worker(self._read(row.id, rest), group="detail", exclusive=True)

    def tick(self) -> None:
        """Let ages go on."""
        if self._is_shown:
            self._show_row()

    def _show_row(self) -> None:
        if self._row is not None:
            self._is_shown = True
            now = self._session.now()
            self._detail.show_facts(self._row, now, self._why(self._row, now), self._fleet)

    def _why(self, task: Task, now: datetime) -> str:
        """Why it stands where it does, with ages as of now."""
        return explain(task, now) + self._place

    async def _read(self, task_id: UUID, rest: float) -> None:
        await asyncio.sleep(rest)
        late = asyncio.get_running_loop().call_later(_SHOW_AFTER_SECONDS, self._show_row)
        try:
            found = await self._session.detail.attempt(self._whole, task_id)
        finally:
            late.cancel()
        if isinstance(found, Failure) or found.value is None:
            self._show_row()
            return
        task, self._place, self._fleet = found.value
        self._read_at = time.monotonic()
        self._is_shown = True
        now = self._session.now()
        self._detail.show(task, now, self._why(task, now), self._fleet)

    def _whole(self, task_id: UUID) -> tuple[Task, str, FleetFacts] | None:
        repository = self._session.detail.repository
        for task in repository.get_tasks([task_id]):
            return task, place_of(repository, task, self._session.now()), self._fleet_facts(task)
        return None

    def _fleet_facts(self, task: Task) -> FleetFacts:
        try:
            return FleetFacts(*fleet_of(task, self._session.detail.inspector))
        except RepositoryError as error:  # as without the right to read the side tables
            return FleetFacts(problem=str(error))
