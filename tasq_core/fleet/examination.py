"""Reads the figures that health is judged by."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from tasq_core.errors import InvalidInputError, RepositoryError
from tasq_core.filters import Filter
from tasq_core.fleet.findings import Figures, Limits, Verdict
from tasq_core.fleet.health import judge
from tasq_core.fleet.reports import ConsumerReport
from tasq_core.inspector import Inspector
from tasq_core.reports import ErrorGroup
from tasq_core.repository.figures_sql import Blocker, FigureReader
from tasq_core.repository.protocol import Repository
from tasq_core.task import TaskStatus
from tasq_core.timings import read_rates, read_timings

WINDOW: Final = timedelta(minutes=10)
BEFORE: Final = timedelta(days=1)
LOCK_SECONDS: Final = 5.0
LONG_SECONDS: Final = 300.0
_MOST_ERRORS: Final = 1000


def examine(
    repository: Repository, limits: Limits, queue: str | None = None, window: timedelta = WINDOW
) -> Verdict:
    """Read the figures of now and judge them; of one queue where it is named.

    Then all rules judge what is of this queue: its tasks, the consumers that take it, the errors
    of its tasks. What holds the database up concerns every queue, and is told of each.

    Raises:
        InvalidInputError: limits that no table can keep.
    """
    if not 0 <= limits.max_failing <= 1:
        raise InvalidInputError(f"max_failing {limits.max_failing} is not between 0 and 1")
    figures, unknown = _figures(repository, queue, window, limits)
    verdict = judge(figures, limits)
    return replace(verdict, unknown=(*verdict.unknown, *unknown))


def _figures(
    repository: Repository, queue: str | None, window: timedelta, limits: Limits
) -> tuple[Figures, list[str]]:
    inspector, reader, unknown = Inspector(repository), FigureReader(repository), list[str]()
    now = repository.now()
    begin = now - window
    lately = read_timings(reader, "type", begin, now, queue=queue)
    before = read_timings(reader, "type", begin - BEFORE, begin, queue=queue)
    queues = read_timings(reader, "queue", begin, now)
    rates = read_rates(reader, "queue", begin, now)
    pairs = [pair for pair in reader.open_pairs() if queue in {None, pair.queue}]
    timed = {row.name: row for row in lately.rows}
    failures = {
        name: _groups(inspector, name, queue, window)
        for name, row in timed.items()
        if row.failed_share > limits.max_failing and row.done + row.failed >= limits.fewest
    }
    figures = Figures(
        now, window, tuple(pairs), inspector.has_registry(), _consumers(inspector, queue),
        tuple(inspector.pauses()), timed, {row.name: row for row in before.rows},
        frozenset(row.name for row in queues.rows),
        {rate.name: rate for rate in rates.rows if queue in {None, rate.name}},
        failures, _blockers(reader, unknown),
    )  # fmt: skip
    return figures, unknown


def _consumers(inspector: Inspector, queue: str | None) -> tuple[ConsumerReport, ...]:
    """All of them, or those that take this queue."""
    found = inspector.consumers()
    return tuple(c for c in found if queue is None or c.queues is None or queue in c.queues)


def _groups(
    inspector: Inspector, kind: str, queue: str | None, window: timedelta
) -> tuple[ErrorGroup, ...]:
    seconds = int(window.total_seconds())
    queues = None if queue is None else (queue,)
    failed = Filter.of((TaskStatus.FAILED,), (kind,), queues) & Filter.parse(
        f"finished:<{seconds}s"
    )
    return tuple(inspector.errors(failed, _MOST_ERRORS))


def _blockers(reader: FigureReader, unknown: list[str]) -> tuple[Blocker, ...]:
    standing = tuple(reader.standing())
    try:
        return standing + tuple(reader.blockers(LOCK_SECONDS, LONG_SECONDS))
    except RepositoryError as error:
        unknown.append(f"who holds locks can't be known: {error}")
        return standing
