"""What health rules read and say: figures, limits, findings, the verdict. Frozen and plain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from tasq_core.durations import UNIT_SECONDS
from tasq_core.fleet.reports import ConsumerReport, Pause
from tasq_core.reports import ErrorGroup
from tasq_core.repository.figures_sql import Blocker, OpenPair
from tasq_core.timings import Rate, Timing

Pair = tuple[str, str]
"""A queue and a type."""


class Severity(StrEnum):
    """How bad a finding is."""

    WARNING = "warning"
    """It gets worse, or tasks fail."""
    PROBLEM = "problem"
    """Tasks don't run."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something counts as unhealthy."""

    max_wait: timedelta = timedelta(minutes=5)
    """How long a task may be ready before it is claimed."""
    max_failing: float = 0.05
    """Which part of the tasks that end may fail."""
    slower: float = 2.0
    """By how much handlers may slow down."""
    fewest: int = 10
    """Ended tasks that a rate is judged by at least."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the rules judge by, as of one moment of the database's clock."""

    now: datetime
    window: timedelta
    """How far back "lately" reaches; what it is compared with is the 24 hours before that."""
    pairs: tuple[OpenPair, ...] = ()
    registry: bool = True
    """Whether there are side tables; without them consumers and pauses aren't known."""
    consumers: tuple[ConsumerReport, ...] = ()
    pauses: tuple[Pause, ...] = ()
    lately: Mapping[str, Timing] = field(default_factory=dict)
    """By type, of what ended in the window."""
    before: Mapping[str, Timing] = field(default_factory=dict)
    queues_lately: frozenset[str] = frozenset()
    """The queues whose tasks ended in the window."""
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """By queue, of the window."""
    failures: Mapping[str, tuple[ErrorGroup, ...]] = field(default_factory=dict)
    """By type, the groups of what failed in the window, the largest first."""
    blockers: tuple[Blocker, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, its figures, why, and what to do next."""

    rule: str
    severity: Severity
    subject: str
    """What it is about, such as "queue mail, type email"."""
    text: str
    """What is seen, with its figures."""
    cause: str
    command: str
    """What to run next."""
    covers: frozenset[Pair] = field(default_factory=frozenset, repr=False)
    """The queues and types whose waiting it explains."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether all is well, and what isn't."""

    findings: tuple[Finding, ...]
    taken_at: datetime
    unknown: tuple[str, ...]
    """What can't be known here, and why."""

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


class Words(NamedTuple):
    """Text and cause of a finding."""

    text: str
    cause: str


_UNITS: Final = tuple((name, UNIT_SECONDS[name[0]]) for name in ("d", "h", "min"))


def lasting(span: timedelta | float) -> str:
    """A length of time for a sentence: "0.8 s", "12 s", "5 min", "2.5 h", "3 d"."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    for unit, size in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"  # noqa: PLR2004


def share(part: float) -> str:
    """A part of a whole, in percent."""
    return f"{part * 100:.1f}".removesuffix(".0") + "%"
