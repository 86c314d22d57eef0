"""What claims share on all databases: orders, bounds, and which queues and types they probe."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from tasq_core.sql import fill
from tasq_core.task import Ordering

Pair = tuple[str, str]
"""(queue, type)"""
Claimable = Callable[[Collection[str] | None], list[Pair]]
"""Lists the pairs that have visible tasks: of these types at least, or of any."""

PROBED_AT_ONCE: Final = 500
"""Pairs that one statement probes: within them, claims come in strict order."""
_FEW_TYPES: Final = 50
"""Of no more types than these the pairs are listed apart from others': of twice as many that
takes as long as a list of all."""
_LISTED_ANEW: Final = 100
"""A list of so few pairs is made anew for each claim, if that is quick: one with few visible
tasks may pass many that aren't."""
_QUICK: Final = 0.05
"""Seconds for that."""
_SHARE: Final = 0.0075
"""Of the time, for listing many pairs."""
_OLDEST: Final = 90.0
"""Seconds after which a list is made anew however long that takes."""

_DUE: Final = 1000
"""Due tasks that one claim looks at, shared by the pairs, at least its limit for each."""

CLAIM_ORDERS: Final = {
    Ordering.CREATED_AT_FIRST: "created_at, priority DESC",
    Ordering.PRIORITY_FIRST: "priority DESC, created_at",
}
"""The order of a claim index; ties are broken by id afterwards."""

EXHAUSTED: Final = "attempts used up: every consumer that claimed it died or lost its lease"
"""The last_error of a task that used up its attempts without an outcome."""


class Pairs:
    """The pairs that claims probe: those named, or those that the table has tasks of.

    Of more than `PROBED_AT_ONCE` pairs each claim begins with the next group. The list of a
    table's pairs is kept where it is long or slow to make: so long that making it takes less than
    a hundredth of the time, 90 seconds at most.
    """

    def __init__(self, *, lists_quickly: bool) -> None:
        self._lists_quickly = lists_quickly
        self._listed: list[Pair] = []
        self._listed_types: frozenset[str] | None = frozenset()
        self._until = 0.0
        self._took = self._usual = 0.0
        self._chosen: tuple[object, list[Pair]] | None = None
        self._turn = 0

    def groups(
        self,
        queues: tuple[str, ...] | None,
        types: tuple[str, ...] | None,
        claimable: Claimable,
        skip_queues: frozenset[str] = frozenset(),
    ) -> Iterator[list[Pair]]:
        """Groups of pairs to probe one after the other, until a claim has enough.

        `claimable` lists the pairs that the table has visible tasks of, for these types at least;
        those of `skip_queues` are left out.
        """
        pairs = self._pairs(queues, types, claimable)
        if skip_queues:
            pairs = [pair for pair in pairs if pair[0] not in skip_queues]
        if len(pairs) <= PROBED_AT_ONCE:
            if pairs:
                yield pairs
                self._empty(pairs)
            return
        starts = range(0, len(pairs), PROBED_AT_ONCE)
        for _ in starts:
            start = starts[self._turn % len(starts)]
            self._turn += 1
            group = pairs[start : start + PROBED_AT_ONCE]
            yield group
            self._empty(group)  # only reached where the claim wants more than they had

    def _pairs(
        self,
        queues: tuple[str, ...] | None,
        types: tuple[str, ...] | None,
        claimable: Claimable,
    ) -> list[Pair]:
        key = queues, types
        if queues is not None and types is not None:
            named = len(queues) * len(types)
            if named <= PROBED_AT_ONCE or not self._lists_quickly:
                if self._chosen is None or self._chosen[0] != key:
                    product = [(queue, type) for queue in queues for type in types]
                    self._chosen = key, list(dict.fromkeys(product))
                return self._chosen[1]
        made_anew = len(self._listed) <= _LISTED_ANEW and self._usual <= _QUICK
        if made_anew or monotonic() >= self._until or not self._covers(types):
            self._list(claimable, types)
        if self._chosen is None or self._chosen[0] != key:
            wanted = Wanted.of(queues, types)
            self._chosen = key, [pair for pair in self._listed if pair in wanted]
        return self._chosen[1]

    def _covers(self, types: tuple[str, ...] | None) -> bool:
        """Whether the list is one of these types, among others."""
        if self._listed_types is None:
            return True
        return types is not None and self._listed_types.issuperset(types)

    def _list(self, claimable: Claimable, types: tuple[str, ...] | None) -> None:
        listed_types = self._listed_types
        if not self._covers(types):  # consumers of other types share the list
            listed_types = None if types is None else frozenset(types).union(listed_types or ())
            if listed_types is not None and len(listed_types) > _FEW_TYPES:
                listed_types = None
        begun = monotonic()
        self._listed = claimable(listed_types)
        self._listed_types = listed_types
        ended = monotonic()
        before, self._took = self._took, ended - begun
        self._usual = min(before, self._took)  # a machine that was busy once says nothing
        self._until = ended + min(_OLDEST, self._usual / _SHARE)
        self._chosen = None

    def _empty(self, group: Sequence[Pair]) -> None:
        """Forget the pairs of `group`, if they were listed: until the next list they have none."""
        if self._listed:
            gone = set(group)
            self._listed = [pair for pair in self._listed if pair not in gone]
            self._chosen = None
            if len(self._listed) <= _LISTED_ANEW:
                self._usual = 0.0  # what took long to list may be gone


def are_many(queues: tuple[str, ...] | None, types: tuple[str, ...] | None) -> bool:
    """Whether these are more pairs than one statement probes, or as many as the table has."""
    return queues is None or types is None or len(queues) * len(types) > PROBED_AT_ONCE


@dataclass(frozen=True, slots=True)
class Wanted:
    """The pairs of these queues and types; None is any."""

    queues: frozenset[str] | None
    types: frozenset[str] | None
    skip_queues: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        queues: tuple[str, ...] | None,
        types: tuple[str, ...] | None,
        skip_queues: frozenset[str] = frozenset(),
    ) -> "Wanted":
        """Those of a poll."""
        return cls(
            None if queues is None else frozenset(queues),
            None if types is None else frozenset(types),
            skip_queues,
        )

    def __contains__(self, pair: Any) -> bool:
        queue, type = pair
        return (
            (self.queues is None or queue in self.queues)
            and (self.types is None or type in self.types)
            and queue not in self.skip_queues
        )


def by_order(sql: str) -> Mapping[Ordering, str]:
    """The statement `sql` for each order of claims."""
    return {ordering: fill(sql, {"order": order}) for ordering, order in CLAIM_ORDERS.items()}


def due_rows(pairs: Sequence[Pair], limit: int) -> int:
    """How many due tasks of each pair a claim looks at; of more, those that waited longest."""
    return max(limit, _DUE // len(pairs))
