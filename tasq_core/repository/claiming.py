"""What claims share on all databases: orders, bounds, and which queues and types they probe."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, NamedTuple

from tasq_core.sql import fill
from tasq_core.task import Ordering

Pair = tuple[str, str]
"""(queue, type)"""

PROBED_AT_ONCE: Final = 500
"""Pairs that one statement probes: within them, claims come in strict order."""
HORIZON: Final = 300.0
"""Seconds from now: pairs whose first task falls due within them are listed too."""
NEWEST: Final = 500
"""Of how many new tasks, the newest, the pairs are looked at between two lists."""
_REMEMBERED: Final = 250
"""Pairs that last gave tasks, which are probed between two lists."""
_FEW_TYPES: Final = 50
"""Of no more types than these the pairs are listed apart from others': of twice as many that
takes as long as a list of all."""
_LISTED_ANEW: Final = 100
"""A list of so few pairs is made anew for each claim, if that is quick: one with few visible
tasks may pass many that aren't."""
_QUICK: Final = 0.05
"""Seconds for that."""
_BUSY: Final = (0.0075, 90.0)
"""Of the time, for listing many pairs; and seconds after which they are listed at the latest."""
_IDLE: Final = (0.0025, HORIZON)
"""The same while claims find less than they ask for: they look for new pairs without a list."""
_LOOKS: Final = 0.05
"""Of the time at most, for that: notices of others' tasks may come all the time."""

_DUE: Final = 1000
"""Due tasks that one claim looks at, shared by the pairs, at least its limit for each."""

CLAIM_ORDERS: Final = {
    Ordering.CREATED_AT_FIRST: "created_at, priority DESC",
    Ordering.PRIORITY_FIRST: "priority DESC, created_at",
}
"""The order of a claim index; ties are broken by id afterwards."""

EXHAUSTED: Final = "attempts used up: every consumer that claimed it died or lost its lease"
"""The last_error of a task that used up its attempts without an outcome."""


class Listed(NamedTuple):
    """A pair that has visible tasks, or will have in `wait` seconds, 300 at most."""

    queue: str
    type: str
    wait: float


class Lister(NamedTuple):
    """What finds the pairs that a table has tasks of."""

    every: Callable[[Collection[str] | None], list[Listed]]
    """All of these types at least, or of any."""
    newest: Callable[[], list[Listed]]
    """Those of the newest tasks alone."""


class Pairs:
    """The pairs that claims probe: those named, or those that the table has tasks of.

    Of more than `PROBED_AT_ONCE` pairs each claim begins with the next group. The list of a
    table's pairs is kept where it is long or slow to make: so long that making it takes less than
    a hundredth of the time, 90 seconds at most, or five minutes while there is little to claim.
    Then a claim that finds too little also probes the pairs of the newest tasks, those whose
    tasks fall due, and those that last gave some.
    """

    def __init__(self, *, lists_quickly: bool) -> None:
        self._lists_quickly = lists_quickly
        self._listed: dict[Pair, None] = {}
        self._listed_types: frozenset[str] | None = frozenset()
        self._later: list[tuple[float, Pair]] = []
        self._gave: list[Pair] = []
        self._ended = self._took = self._usual = 0.0
        self._is_long = self._is_idle = False
        self._next_look = 0.0
        self._chosen: tuple[object, list[Pair]] | None = None
        self._turn = 0

    def groups(
        self,
        queues: tuple[str, ...] | None,
        types: tuple[str, ...] | None,
        lister: Lister,
        skip_queues: frozenset[str] = frozenset(),
    ) -> Iterator[list[Pair]]:
        """Groups of pairs to probe one after the other, until a claim has enough.

        Those of `skip_queues` are left out.
        """
        pairs, is_kept = self._pairs(queues, types, lister)
        if skip_queues:
            pairs = [pair for pair in pairs if pair[0] not in skip_queues]
        starts = range(0, len(pairs), PROBED_AT_ONCE)
        probed = set[Pair]()
        for _ in starts:
            start = starts[self._turn % len(starts)]
            self._turn += len(starts) > 1
            group = pairs[start : start + PROBED_AT_ONCE]
            self._is_idle = False
            yield group
            self._empty(group)  # only reached where the claim wants more than they had
            probed.update(group)
        self._is_idle = True
        if is_kept and monotonic() >= self._next_look:
            begun = monotonic()
            wanted = Wanted.of(queues, types, skip_queues)
            new = [pair for pair in self._look(lister) if pair in wanted and pair not in probed]
            if new:
                yield new[:PROBED_AT_ONCE]
            ended = monotonic()
            self._next_look = ended + (ended - begun) / _LOOKS

    def gave(self, pairs: Iterable[Pair]) -> None:
        """Note that a claim found tasks of these: their retries and others may follow."""
        if fresh := list(dict.fromkeys(pairs)):
            self._gave = list(dict.fromkeys([*fresh, *self._gave]))[:_REMEMBERED]
            self._next_look = 0.0  # it was worth it

    def _look(self, lister: Lister) -> Iterable[Pair]:
        """Pairs that may have tasks though the list has them no more, or not yet."""
        newest = lister.newest()
        self._await(newest)
        return dict.fromkeys(
            [(pair.queue, pair.type) for pair in newest if not pair.wait] + self._gave
        )

    def _await(self, found: Iterable[Listed]) -> None:
        now = monotonic()
        soon = {(queue, type): now + wait for queue, type, wait in found if wait}
        if soon:
            later = {pair: at for at, pair in self._later} | soon
            self._later = sorted((at, pair) for pair, at in later.items())

    def _pairs(
        self,
        queues: tuple[str, ...] | None,
        types: tuple[str, ...] | None,
        lister: Lister,
    ) -> tuple[list[Pair], bool]:
        """Those to probe; and whether they are of a list made earlier."""
        key = queues, types
        if queues is not None and types is not None:
            named = len(queues) * len(types)
            if named <= PROBED_AT_ONCE or not self._lists_quickly:
                if self._chosen is None or self._chosen[0] != key:
                    product = [(queue, type) for queue in queues for type in types]
                    self._chosen = key, list(dict.fromkeys(product))
                return self._chosen[1], False
        is_kept = not self._is_due() and self._covers(types)
        if not is_kept:
            self._list(lister, types)
        self._add_due()
        if self._chosen is None or self._chosen[0] != key:
            wanted = Wanted.of(queues, types)
            self._chosen = key, [pair for pair in list(self._listed) if pair in wanted]
        return self._chosen[1], is_kept

    def _add_due(self) -> None:
        now, later = monotonic(), self._later
        if later and later[0][0] <= now:
            self._listed |= {pair: None for at, pair in later if at <= now}
            self._later = [(at, pair) for at, pair in later if at > now]
            self._chosen = None

    def _is_due(self) -> bool:
        if len(self._listed) <= _LISTED_ANEW and self._usual <= _QUICK:
            return True
        share, oldest = _IDLE if self._is_idle else _BUSY
        return monotonic() >= self._ended + min(oldest, self._usual / share)

    def _covers(self, types: tuple[str, ...] | None) -> bool:
        """Whether the list is one of these types, among others."""
        if self._listed_types is None:
            return True
        return types is not None and self._listed_types.issuperset(types)

    def _list(self, lister: Lister, types: tuple[str, ...] | None) -> None:
        listed_types = self._listed_types
        if not self._covers(types):  # consumers of other types share the list
            listed_types = None if types is None else frozenset(types).union(listed_types or ())
            if listed_types is not None and len(listed_types) > _FEW_TYPES:
                listed_types = None
        begun = monotonic()
        found = lister.every(listed_types)
        self._listed_types = listed_types
        self._listed = {(queue, type): None for queue, type, wait in found if not wait}
        self._is_long = len(self._listed) > _LISTED_ANEW
        self._later = []
        self._await(found)
        self._ended = monotonic()
        before, self._took = self._took, self._ended - begun
        self._usual = min(before, self._took)  # a machine that was busy once says nothing
        self._chosen = None

    def _empty(self, group: Sequence[Pair]) -> None:
        """Forget the pairs of `group`, if they were listed: until the next list they have none."""
        if self._listed:
            for pair in group:
                self._listed.pop(pair, None)
            self._chosen = None
            if self._is_long and len(self._listed) <= _LISTED_ANEW:
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
