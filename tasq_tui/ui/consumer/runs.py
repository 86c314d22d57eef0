"""The tasks a consumer holds, and the last that it was done with. Pure; the text is raw."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from tasq_tui.child.protocol import ClaimedTask, Ending
from tasq_tui.ui.consumer.task_logs import RunKey

KEPT: Final = 200
"""How many ended runs are remembered."""


class RunState(StrEnum):
    """Where a run stands; those in IN_FLIGHT haven't ended."""

    CLAIMED = "claimed"
    WAITING = "waiting"
    """Step mode holds it for a decision."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETRYING = "retrying"
    REQUEUED = "requeued"
    LOST = "lost"
    RELEASED = "given back"
    ABANDONED = "abandoned"
    """The process died; the task comes back when its lease lapses."""
    UNKNOWN = "unknown"
    """Its end was among events that were dropped."""


IN_FLIGHT: Final = frozenset({RunState.CLAIMED, RunState.WAITING, RunState.RUNNING})

_STATE_OF: Final = {
    Ending.SUCCEEDED: RunState.SUCCEEDED,
    Ending.FAILED: RunState.FAILED,
    Ending.RETRYING: RunState.RETRYING,
    Ending.REQUEUED: RunState.REQUEUED,
    Ending.LOST: RunState.LOST,
}


@dataclass(slots=True)
class Run:
    """One run of a task; times are in seconds of the caller's monotonic clock."""

    task: ClaimedTask
    state: RunState
    since: float
    """When it came into this state."""
    dry: bool = False
    lease_seconds: float = 0.0
    lease_ends: float | None = None
    """None where there is no lease."""
    seconds: float | None = None
    """How long its handler took."""

    @property
    def key(self) -> RunKey:
        """Names it."""
        return RunKey(self.task.id, self.dry)

    @property
    def in_flight(self) -> bool:
        """Whether its end is still to come."""
        return self.state in IN_FLIGHT

    def lease_left(self, now: float) -> float | None:
        """Seconds until its lease ends, at least 0; None where there is none."""
        return None if self.lease_ends is None else max(self.lease_ends - now, 0.0)


class Runs:
    """Runs in flight, in the order they were claimed, and ended ones, the last first.

    Attributes:
        pinned: a run that isn't forgotten, however long ago it ended.
        ended: how many ended in each state since `reset_counts`; dry runs aren't counted.
    """

    def __init__(self) -> None:
        self._held: dict[RunKey, Run] = {}
        self._past: dict[RunKey, Run] = {}
        self.pinned: RunKey | None = None
        self.ended: Counter[RunState] = Counter()

    def __iter__(self) -> Iterator[Run]:
        yield from self._held.values()
        yield from (run for key, run in reversed(self._past.items()) if key not in self._held)

    @property
    def live(self) -> bool:
        """Whether anything goes on, dry runs included."""
        return bool(self._held)

    def counting(self, now: float) -> bool:
        """Whether a lease runs down at `now` whose process is gone."""
        return any(run.lease_left(now) for run in self._past.values())

    @property
    def in_flight(self) -> int:
        """How many tasks are held; dry runs hold none."""
        return sum(not run.dry for run in self._held.values())

    @property
    def running(self) -> int:
        """How many handlers run for tasks that are held."""
        return sum(run.state is RunState.RUNNING and not run.dry for run in self._held.values())

    def get(self, key: RunKey | None) -> Run | None:
        """The run named `key`."""
        return None if key is None else self._held.get(key) or self._past.get(key)

    def writer(self, task_id: UUID | None) -> RunKey | None:
        """The run that output of this task belongs to; the held one before a dry one."""
        if task_id is None:
            return None
        keys = RunKey(task_id), RunKey(task_id, dry=True)
        live = (key for key in keys if key in self._held)
        return next(live, next((key for key in keys if key in self._past), None))

    def claim(self, tasks: Iterable[ClaimedTask], lease_seconds: float, now: float) -> None:
        """These are held now."""
        for task in tasks:
            self._held[RunKey(task.id)] = Run(
                task, RunState.CLAIMED, now, False, lease_seconds, now + lease_seconds
            )

    def add_dry(self, task: ClaimedTask, now: float) -> None:
        """A dry run of `task` was asked for."""
        run = Run(task, RunState.CLAIMED, now, dry=True)
        self._held[run.key] = run

    def extend(self, task_ids: Iterable[UUID], lease_seconds: float, now: float) -> None:
        """The leases of these end in `lease_seconds`."""
        for task_id in task_ids:
            if run := self._held.get(RunKey(task_id)):
                run.lease_seconds = lease_seconds
                run.lease_ends = now + lease_seconds

    def change(self, key: RunKey, state: RunState, now: float) -> None:
        """A run in flight goes on to another state in flight."""
        if run := self._held.get(key):
            run.state, run.since = state, now

    def finish(self, key: RunKey, ending: Ending, seconds: float, now: float) -> None:
        """A run came to its end; one whose handler wasn't called took 0 seconds."""
        self._end(key, _STATE_OF[ending], now, seconds or None)

    def release(self, task_ids: Iterable[UUID], now: float) -> None:
        """Tasks were given back; those that were never more than claimed leave no trace."""
        for task_id in task_ids:
            run = self._held.get(key := RunKey(task_id))
            if run is not None and run.state is RunState.CLAIMED:
                del self._held[key]
            else:
                self._end(key, RunState.RELEASED, now)

    def lose(self, task_ids: Iterable[UUID], now: float) -> None:
        """Their leases passed on; what the handlers did, even to the end, wasn't recorded."""
        for task_id in task_ids:
            key = RunKey(task_id)
            past = self._past.get(key)
            if key not in self._held and past is not None:
                self.ended[past.state] -= 1
                self.ended[RunState.LOST] += 1
                past.state = RunState.LOST
            self._end(key, RunState.LOST, now)

    def abandon(self, task_ids: Iterable[UUID], now: float) -> None:
        """The process that held them died."""
        for task_id in task_ids:
            self._end(RunKey(task_id), RunState.ABANDONED, now)

    def end_all(self, state: RunState, now: float, *, dry: bool | None = None) -> None:
        """All in flight, or only dry or other runs, ended in a way that isn't known."""
        for key in [*self._held]:
            if dry is None or key.dry is dry:
                self._end(key, state, now)

    def end_unstarted_dry(self, now: float) -> None:
        """A command failed; if it was a dry run, that never began."""
        for key, run in [*self._held.items()]:
            if key.dry and run.state is RunState.CLAIMED:
                self._end(key, RunState.FAILED, now)

    def reset_counts(self) -> None:
        """Count ends anew."""
        self.ended.clear()

    def forgotten(self) -> list[RunKey]:
        """Forget the oldest beyond KEPT; which those were."""
        spare = len(self._past) - KEPT
        oldest = [key for key in self._past if key != self.pinned][: max(spare, 0)]
        for key in oldest:
            del self._past[key]
        return oldest

    def _end(self, key: RunKey, state: RunState, now: float, seconds: float | None = None) -> None:
        run = self._held.pop(key, None)
        if run is None:
            return
        run.state, run.since, run.seconds = state, now, seconds
        if state is not RunState.ABANDONED:
            run.lease_ends = None
        if not run.dry:
            self.ended[state] += 1
        self._past.pop(key, None)
        self._past[key] = run
