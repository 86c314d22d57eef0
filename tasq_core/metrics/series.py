"""Counts by queue and type, of a bounded number of names."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final

from tasq_core.metrics.catalogue import SECONDS
from tasq_core.metrics.exposition import OTHER, label

MOST_PAIRS: Final = 100
"""Queue and type together; tasks of further ones are counted as those of the queue "other"."""
MOST_TYPES: Final = 100
"""Types that have a count of their own in the queue "other"."""


class Histogram:
    """Counts of values by bucket, and their sum."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count `value`."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    @property
    def value(self) -> tuple[float, ...]:
        """The sum, then the counts by bucket."""
        return (self._sum, *self._counts)


class PairSeries:
    """What is counted of one queue and type."""

    __slots__ = ("claimed", "labels", "outcomes", "run", "wait")

    def __init__(self, queue: str, type: str) -> None:
        self.labels = (queue, type)
        self.claimed = 0
        # From zero on: of a counter that appears with 1 a rate shows nothing.
        self.outcomes = dict.fromkeys(("succeeded", "failed", "retried"), 0)
        self.wait = Histogram(SECONDS)
        self.run = Histogram(SECONDS)


class Pairs:
    """The series by queue and type: the first so many pairs have one, the others share.

    Names are any text that a producer writes, and every series costs the scraper memory for
    weeks: their number may not depend on the data.
    """

    def __init__(self) -> None:
        self._by_name: dict[tuple[str, str], PairSeries] = {}
        self._by_type: dict[str, PairSeries] = {}
        self._rest: PairSeries | None = None

    def __iter__(self) -> Iterator[PairSeries]:
        """All there are."""
        yield from list(self._by_name.values())
        yield from list(self._by_type.values())
        if self._rest is not None:
            yield self._rest

    def of(self, queue: str, type: str) -> PairSeries:
        """The series that a task of this queue and type is counted in."""
        queue, type = label(queue), label(type)
        found = self._by_name.get((queue, type))
        if found is not None:
            return found
        if len(self._by_name) < MOST_PAIRS:
            return self._by_name.setdefault((queue, type), PairSeries(queue, type))
        found = self._by_type.get(type)
        if found is not None:
            return found
        if len(self._by_type) < MOST_TYPES:
            return self._by_type.setdefault(type, PairSeries(OTHER, type))
        if self._rest is None:
            self._rest = PairSeries(OTHER, OTHER)
        return self._rest


def folded(names: Iterable[tuple[str, int]], most: int) -> dict[str, str]:
    """By name, the one it is shown as: the `most` largest as themselves, the rest as "other"."""
    ranked = sorted(names, key=lambda item: (-item[1], item[0]))
    return {name: name if rank < most else OTHER for rank, (name, _) in enumerate(ranked)}
