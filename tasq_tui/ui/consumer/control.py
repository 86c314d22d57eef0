"""Commands to the handlers' process, and the model that its events add up to."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from tasq_core.errors import InvalidInputError
from tasq_core.reports import MutationResult
from tasq_core.task import Task
from tasq_tui.child.parent import Deliver
from tasq_tui.child.pool import ChildPool
from tasq_tui.child.protocol import (
    AnyEvent,
    ClaimedTask,
    Decide,
    Decision,
    DryRun,
    Load,
    Start,
    Stop,
)
from tasq_tui.ui.consumer.runs import Run, RunState
from tasq_tui.ui.consumer.state import Consuming
from tasq_tui.ui.consumer.status_text import work_line
from tasq_tui.ui.consumer.task_logs import RunKey
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.sanitize import safe

CLOSING_SECONDS: Final = 0.7
"""What running handlers get at the app's end; 0.8 more at most until all are gone."""
DOUBLE_PRESS_SECONDS: Final = 0.25
"""A decision this soon after another is a key that bounced or was held down."""
_LONGEST_NAME: Final = 60


class ConsumerControl:
    """Sends what the user wants; the model knows it before the child answers."""

    def __init__(self, session: Session, deliver: Deliver) -> None:
        """Prepare; no process is made before handlers are loaded.

        Args:
            session: which database, and the log of changes.
            deliver: gets the events, from a thread; `take` is for them.
        """
        self.model = Consuming()
        self._session = session
        self._pool = ChildPool(deliver)
        self._started: Start | None = None
        self._decided_at = float("-inf")

    @property
    def started(self) -> Start | None:
        """What it was started with; None while it doesn't consume."""
        return self._started

    @property
    def pid(self) -> int | None:
        """Of the handlers' process; None without one."""
        return self._pool.pid

    def take(self, events: Sequence[AnyEvent]) -> None:
        """Let the model know what the child said."""
        now = time.monotonic()
        was_busy = self.model.busy
        for event in events:
            self.model.apply(event, now)
        if was_busy and not self.model.busy:
            self._note_work()

    def load(self, target: str) -> None:
        """Load handlers, `module:attr`, from the working directory.

        Raises:
            InvalidInputError: nothing is named, or no process can be made.
        """
        if not target:
            raise InvalidInputError(
                "name the handlers to load: module:attr, as in app.jobs:handlers"
            )
        settings = self._session.settings
        self.model.load(target)
        self._spawn(
            Load(target, str(Path.cwd()), settings.url, settings.prefix, settings.read_only)
        )

    def reload(self) -> None:
        """Load the same handlers' code anew.

        Raises:
            InvalidInputError: no process can be made.
        """
        self.model.load(self.model.target)
        self._spawn(None)

    def check_startable(self) -> None:
        """Refuse to consume where that can't be.

        Raises:
            InvalidInputError: the session is read-only.
        """
        if self._session.read_only:
            raise InvalidInputError(
                "this session is read-only, and consuming changes tasks: open tasq without"
                " --read-only for that; dry runs work here"
            )

    def start(self, command: Start) -> None:
        """Begin to consume."""
        self._started = command
        self.model.start()
        self._pool.send(command)

    def stop(self) -> None:
        """Claim no more."""
        self.model.stop()
        self._pool.send(Stop())

    def kill(self) -> None:
        """End the process at once; handlers loaded later don't go on consuming by themselves."""
        self._pool.send(Stop())
        threading.Thread(
            target=self._pool.close, args=(0.0,), name="tasq-kill", daemon=True
        ).start()
        self._note_work()
        self.model.killed(time.monotonic())

    def close(self) -> None:
        """End the process within CLOSING_SECONDS + 0.8, whatever its handlers do; blocks."""
        self._note_work()
        self._pool.close(CLOSING_SECONDS)

    def decide(self, decision: Decision, task_id: UUID | None, reason: str = "") -> None:
        """Decide on the task that step mode holds; a key that bounces decides on one only."""
        before, self._decided_at = self._decided_at, time.monotonic()
        if task_id is None or self._decided_at - before < DOUBLE_PRESS_SECONDS:
            return
        self._pool.send(Decide(task_id, decision, reason))
        self.model.decide()

    def dry_run(self, of: Task | Run) -> RunKey:
        """Run a handler on a task as given, or on one of the table; names the dry run.

        Raises:
            InvalidInputError: no handler for its type is loaded.
        """
        task = ClaimedTask.of(of) if isinstance(of, Task) else of.task
        if task.type not in self.model.types:
            raise InvalidInputError(
                f"no handler for task type {safe(task.type, _LONGEST_NAME)!r} is loaded"
            )
        self.model.run_dry(task, time.monotonic())
        self._pool.send(DryRun(task=of) if isinstance(of, Task) else DryRun(task_id=task.id))
        return RunKey(task.id, dry=True)

    def _spawn(self, command: Load | None) -> None:
        try:
            self._pool.load(command) if command else self._pool.reload()
        except OSError as error:
            self.model.loading = False
            raise InvalidInputError(
                f"no process can be made for the handlers: {error.strerror}"
            ) from error

    def _note_work(self) -> None:
        """Put what was consumed into the log of changes."""
        start, self._started = self._started, None
        ended = self.model.runs.ended
        done = sum(ended[state] for state in RunState if state is not RunState.RELEASED)
        if start is not None and done:
            line = work_line(self.model.target, start, self._session.settings)
            self._session.note("work", line, MutationResult(done, ended[RunState.RELEASED]))
