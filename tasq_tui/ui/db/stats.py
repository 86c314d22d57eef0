"""Expensive counts, cached and rate-limited by their cost, shared by the screens."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from tasq_core.fleet.findings import Verdict
from tasq_core.fleet.reports import ConsumerReport, Pause
from tasq_core.reports import BreakdownRow, Schedule
from tasq_core.task import TaskStatus
from tasq_core.timings import Rates, Timings
from tasq_tui.admin.failures import Failures, read_failures
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.queues.pace import read_pace
from tasq_tui.ui.text.formats import age

if TYPE_CHECKING:
    from tasq_tui.ui.session import Connection, Session

T = TypeVar("T")

FRESH: Final = timedelta(seconds=5)
"""A figure that is older is marked, and its age told."""

NEWEST_FAILURES: Final = 10_000
"""How many failures are grouped."""

_COST_RATIO: Final = 20.0
"""A scan may run a twentieth of the time."""


def is_fresh(at: datetime | None, now: datetime) -> bool:
    """Whether a figure asked for at `at` still stands for now; None is one known to be old."""
    return at is not None and now - at <= FRESH


def dated(text: str, at: datetime | None, now: datetime) -> str:
    """`text`, with its age in steps of `FRESH` where it isn't fresh: nothing ticks for a figure."""
    if at is None or is_fresh(at, now):
        return text
    return f"{text}, {age(at, now - (now - at) % FRESH)} ago"


class Scan(Generic[T]):
    """One figure, when it was read, and when it may be read again.

    Attributes:
        value: the figure; None until it was read.
        at: when it was asked for, by the database's clock; None once a change made it old.
    """

    def __init__(self, every_seconds: float) -> None:
        self.value: T | None = None
        self.at: datetime | None = None
        self._every = every_seconds
        self._due = 0.0
        self._expired = 0

    @property
    def is_due(self) -> bool:
        """Whether it may be read again."""
        return time.monotonic() >= self._due

    def expire(self) -> None:
        """It is old now: let it be read again at once."""
        self.at = None
        self._due = 0.0
        self._expired += 1

    def keep(self, value: T) -> None:
        """Show `value` and read no more; for pictures and tests."""
        self.value = value
        self._due = float("inf")

    def drop(self, seconds: float) -> None:
        """It couldn't be read, which took `seconds`: show none, and wait as after an answer."""
        self.value = self.at = None
        self._due = time.monotonic() + max(self._every, _COST_RATIO * seconds)

    async def read(
        self, connection: "Connection", now: datetime, call: Callable[..., T], *args: Any
    ) -> Failure | None:
        """Read it if it is due; why it couldn't be read."""
        if not self.is_due:
            return None
        self._due = time.monotonic() + self._every
        expired = self._expired
        found = await connection.attempt(call, *args)
        if isinstance(found, Failure):
            self._due = 0.0
            return found
        self.value = found.value
        if expired != self._expired:
            return None  # it may have been read before the change that made it old
        self.at = now
        self._due = time.monotonic() + max(self._every, _COST_RATIO * found.seconds)
        return None


class Figures:
    """What the screens share of them."""

    def __init__(self) -> None:
        self.finished = Scan[Mapping[TaskStatus, int]](1.0)
        self.queues = Scan[Sequence[BreakdownRow]](2.0)
        self.types = Scan[Sequence[BreakdownRow]](2.0)
        self.errors = Scan[Failures](3.0)
        self.retrying = Scan[Failures](3.0)
        """With those that failed before and may succeed yet."""
        self.queue_pace = Scan[tuple[Timings, Rates]](10.0)
        self.type_pace = Scan[tuple[Timings, Rates]](10.0)
        self.pauses = Scan[Sequence[Pause]](2.0)
        self.verdict = Scan[Verdict](3.0)
        self.consumers = Scan[Sequence[ConsumerReport]](2.0)
        self.schedules = Scan[Sequence[Schedule]](2.0)
        self.ended = Scan[Sequence[tuple[datetime, TaskStatus, int]]](30.0)

    def paused(self, kind: str) -> frozenset[str]:
        """The names of the queues, or of the types, that are paused."""
        return frozenset(pause.name for pause in self.pauses.value or () if pause.kind == kind)

    def expire(self) -> None:
        """The table was changed from here: nothing holds any more."""
        for scan in (
            self.finished, self.queues, self.types, self.errors, self.retrying,
            self.schedules, self.ended, self.pauses, self.consumers, self.verdict,
        ):  # fmt: skip
            scan.expire()


async def read_breakdown(session: "Session") -> Failure | None:
    """Count by queue and by type, where that is due."""
    figures, scan = session.figures, session.scan
    now = session.now()
    failure = await figures.queues.read(scan, now, scan.repository.breakdown, "queue")
    return failure or await figures.types.read(scan, now, scan.repository.breakdown, "type")


async def read_paces(session: "Session") -> Failure | None:
    """Read pauses, consumers, and the rates and times by queue and by type, where that is due."""
    figures, scan = session.figures, session.scan
    now, inspector = session.now(), scan.inspector
    failure = await figures.pauses.read(scan, now, inspector.pauses)
    if failure is None:
        failure = await figures.consumers.read(scan, now, inspector.consumers)
    if failure is None:
        failure = await figures.queue_pace.read(scan, now, read_pace, inspector, "queue")
    return failure or await figures.type_pace.read(scan, now, read_pace, inspector, "type")


async def read_errors(session: "Session", *, retrying: bool = False) -> Failure | None:
    """Group the newest failures, where that is due; with those that may succeed yet, if wanted."""
    scan, now, figures = session.scan, session.now(), session.figures
    errors = figures.retrying if retrying else figures.errors
    call = partial(read_failures, retrying=retrying)
    return await errors.read(scan, now, call, scan.repository, NEWEST_FAILURES, now)


async def read_health(session: "Session") -> None:
    """Examine the health of the table, where that is due; no verdict where it can't be."""
    scan, verdict = session.scan, session.figures.verdict
    failure = await verdict.read(scan, session.now(), scan.client.health)
    if failure is not None:
        verdict.drop(failure.seconds)


async def read_names(session: "Session") -> None:
    """Have the names of queues and types, for completion."""
    if session.figures.queues.value is None or session.figures.types.value is None:
        await read_breakdown(session)
