"""The consumer as the screen knows it: what its child's events add up to. Pure."""

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tasq_core.wording import counted
from tasq_tui.child.protocol import (
    Abandoned,
    AnyEvent,
    Awaiting,
    Claimed,
    ClaimedTask,
    Died,
    Dropped,
    Ending,
    Error,
    Finished,
    Idle,
    LeaseLost,
    Loaded,
    LoadFailed,
    Log,
    Output,
    Pinged,
    Released,
    Running,
    Started,
    Stopped,
)
from tasq_tui.ui.consumer.runs import Runs, RunState
from tasq_tui.ui.consumer.task_logs import RunKey, TaskLogs
from tasq_tui.ui.text.formats import duration

if TYPE_CHECKING:
    from uuid import UUID

_WARNINGS: Final = frozenset({"WARNING", "ERROR", "CRITICAL"})


class Phase(StrEnum):
    """What the child is about."""

    EMPTY = "empty"
    """No handlers."""
    READY = "ready"
    """Handlers, and nothing going on."""
    STARTING = "starting"
    CONSUMING = "consuming"
    STEPPING = "stepping"
    STOPPING = "stopping"


BUSY: Final = frozenset({Phase.STARTING, Phase.CONSUMING, Phase.STEPPING, Phase.STOPPING})


class Consuming:
    """Takes events, and the commands that were sent, and says how things stand.

    Attributes:
        target: the handlers loaded or being loaded, `module:attr`.
        types: the task types that have a handler.
        waiting: the task that step mode holds for a decision.
        idle: whether the last poll found nothing.
        problem: what went wrong last, until something is done about it.
        last_words: how the process ended, where it ended by itself.
        held_back: why it claims less than it could, as far as is known; "" if it doesn't.
    """

    def __init__(self) -> None:
        self.phase = Phase.EMPTY
        self.loading = False
        self.target = ""
        self.types: tuple[str, ...] = ()
        self.waiting: UUID | None = None
        self.idle = False
        self.problem = ""
        self.last_words: Died | None = None
        self.held_back = ""
        self.runs = Runs()
        self.logs = TaskLogs()

    @property
    def busy(self) -> bool:
        """Whether it consumes, or is about to begin or end that."""
        return self.phase in BUSY

    # -- what the user did --------------------------------------------------------------------

    def load(self, target: str) -> None:
        """Handlers are being loaded."""
        self.loading, self.target = True, target
        self.problem, self.last_words = "", None

    def start(self) -> None:
        """Start was sent."""
        self.phase, self.problem, self.idle = Phase.STARTING, "", False
        self.runs.reset_counts()

    def stop(self) -> None:
        """Stop was sent."""
        if self.busy:
            self.phase = Phase.STOPPING

    def decide(self) -> None:
        """A decision on the waiting task was sent."""
        self.waiting = None

    def run_dry(self, task: ClaimedTask, now: float) -> None:
        """A dry run was sent."""
        self.problem = ""
        self.runs.add_dry(task, now)

    def killed(self, now: float) -> None:
        """The process was killed by the user."""
        self._note(None, "the handlers' process was killed")
        self._gone(now)

    # -- what the child said ------------------------------------------------------------------

    def apply(self, event: AnyEvent, now: float) -> None:
        """Take one event at a monotonic time in seconds."""
        match event:
            case Output() | Log() | Error() | Dropped():
                self._take_words(event, now)
            case Claimed() | Pinged() | Released() | LeaseLost() | Abandoned():
                self._take_leases(event, now)
            case Awaiting() | Started() | Finished():
                self._take_run(event, now)
            case _:
                self._take_phase(event, now)

    def _take_words(self, event: Output | Log | Error | Dropped, now: float) -> None:
        match event:
            case Output(task_id=task_id, stream=stream, text=text):
                self.logs.add(stream, text, self.runs.writer(task_id))
            case Log(task_id=task_id, level=level, logger=logger, text=text):
                kind = "warning" if level in _WARNINGS else "log"
                self.logs.add(kind, f"{level} {logger}: {text}", self.runs.writer(task_id))
            case Error(text=text):
                self.problem = text
                self.logs.add("error", text)
                self.runs.end_unstarted_dry(now)
            case Dropped(lines=lines, events=events):
                self._note(
                    None, f"… not shown: {counted(lines, 'line')}, {counted(events, 'event')}"
                )
                if events:
                    self.runs.end_all(RunState.UNKNOWN, now)
                    self.waiting = None

    def _take_leases(
        self, event: Claimed | Pinged | Released | LeaseLost | Abandoned, now: float
    ) -> None:
        match event:
            case Claimed(tasks=tasks, lease_seconds=lease_seconds):
                self.idle = False
                self.runs.claim(tasks, lease_seconds, now)
            case Pinged(task_ids=ids, lease_seconds=lease_seconds):
                self.runs.extend(ids, lease_seconds, now)
            case Released(task_ids=ids):
                self.runs.release(ids, now)
            case LeaseLost(task_ids=ids):
                for task_id in ids:
                    if self.runs.get(key := RunKey(task_id)):
                        self._note(key, "the lease passed to another consumer")
                self.runs.lose(ids, now)
            case Abandoned(task_ids=ids):
                self.runs.abandon(ids, now)
        waiting = None if self.waiting is None else self.runs.get(RunKey(self.waiting))
        if waiting is None or not waiting.in_flight:
            self.waiting = None

    def _take_run(self, event: Awaiting | Started | Finished, now: float) -> None:
        match event:
            case Awaiting(task_id=task_id):
                self.waiting = task_id
                self.runs.change(RunKey(task_id), RunState.WAITING, now)
            case Started(task_id=task_id, dry=dry):
                key = RunKey(task_id, dry)
                self.runs.change(key, RunState.RUNNING, now)
                self._note(key, "dry run started" if dry else "started")
            case Finished():
                self._finish(event, now)

    def _finish(self, event: Finished, now: float) -> None:
        key = RunKey(event.task_id, event.dry)
        if event.error:
            self.logs.add("error", event.error.rstrip("\n"), key)
        what = "the handler failed" if event.ending is Ending.RETRYING else event.ending.value
        self._note(key, f"{what} after {duration(event.seconds)}" if event.seconds else what)
        self.runs.finish(key, event.ending, event.seconds, now)
        if self.waiting == event.task_id and not event.dry:
            self.waiting = None
        for old in self.runs.forgotten():
            self.logs.forget(old)

    def _take_phase(self, event: AnyEvent, now: float) -> None:
        match event:
            case Loaded(types=types):
                self.loading, self.types, self.waiting = False, tuple(types), None
                if self.phase is Phase.EMPTY:
                    self.phase = Phase.READY
                self._note(None, f"loaded {self.target}, which handles {', '.join(self.types)}")
            case LoadFailed(text=text):
                self.loading, self.problem = False, text
                self.logs.add("error", text)
            case Running(step=step):
                self.phase = Phase.STEPPING if step else Phase.CONSUMING
            case Idle():
                self.idle = True
            case Stopped():
                self.phase, self.waiting = Phase.READY, None
            case Died():
                self.last_words = event
                self._note(None, f"the handlers' process ended: {event.reason}")
                self._gone(now)

    def _gone(self, now: float) -> None:
        self.loading, self.waiting, self.types = False, None, ()
        self.phase = Phase.EMPTY
        self.runs.end_all(RunState.UNKNOWN, now, dry=True)
        self.runs.end_all(RunState.ABANDONED, now)

    def _note(self, run: RunKey | None, text: str) -> None:
        self.logs.add("note", text, run)
