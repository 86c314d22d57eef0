"""Which tasks a claim on MySQL and MariaDB tries, looked for without a lock."""

import json
import random
from collections.abc import Container, Sequence
from typing import Any, Final, NamedTuple, Protocol

from tasq_core.repository.claiming import CLAIM_ORDERS, Pair, due_rows
from tasq_core.repository.driver import RowFormat, Session
from tasq_core.repository.mysql_nearest import DUE, Nearest, Seen, ids_of, in_order, is_foreign
from tasq_core.repository.mysql_table import TableFacts
from tasq_core.sql import Statements, fill
from tasq_core.task import Ordering

_MOST_DUE_PAIRS: Final = 100
"""Pairs with due tasks that one claim walks; with more of them, any hundred."""

_RANKS: Final = {
    Ordering.CREATED_AT_FIRST: "CONCAT(created_at, LPAD(32768 - priority, 5, '0'))",
    Ordering.PRIORITY_FIRST: "CONCAT(LPAD(32768 - priority, 5, '0'), created_at)",
}
"""A text that sorts like the order."""
_NO_RANK: Final = "none"
"""Of a pair without ready tasks: last in every collation, as punctuation is not."""
_LOCKING: Final = "FOR UPDATE SKIP LOCKED"


class Search(Protocol):
    """Looks for the candidates of one claim."""

    @property
    def wanted(self) -> Container[Pair]:
        """The pairs whose tasks the claim takes."""

    def look(self, session: Session, most: int) -> list[bytes]:
        """Their ids in order; `most` of them, if there are as many."""

    @property
    def has_more(self) -> bool:
        """Whether another look, for more, may find some that the last one didn't."""

    @property
    def turn(self) -> tuple[str, ...]:
        """What claims that meet on the same tasks take turns by, beside the table."""


class _Walks(NamedTuple):
    ready: list[Pair]
    due: list[tuple[str, Pair]]
    """(status, pair)"""


class Candidates:
    """Searches in one table. Of what they find, others may have claimed some meanwhile."""

    def __init__(self, statements: Statements, rows: RowFormat, facts: TableFacts) -> None:
        self.sql = statements
        self.rows = rows
        self._facts = facts
        self._grouped: tuple[Sequence[Pair], list[list[Pair]], str] = (), [], "[]"
        self.nearest = Nearest(statements, rows)

    def among(self, pairs: Sequence[Pair], ordering: Ordering, limit: int) -> Search:
        """A search for tasks of these pairs; a claim looks at so many due ones as `limit` needs."""
        return _Among(self, pairs, ordering, limit)

    def any_of(self, wanted: Container[Pair], ordering: Ordering) -> "SearchOfAny":
        """A search among the nearest tasks; it finds fewer than there are, but the first ones."""
        return SearchOfAny(self, wanted, ordering)

    def slots(self, ordering: Ordering) -> dict[str, str]:
        """What statements of this order are filled with."""
        slots = {
            "order": CLAIM_ORDERS[ordering],
            "head_order": self._facts.head_order(CLAIM_ORDERS[ordering]),
            "rank": _RANKS[ordering],
            "ready_hint": self._facts.hint("ready_created"),
            "due_hint": self._facts.hint("ready_priority"),
            "age_hint": self._facts.hint("status"),
            "queue_text": self._facts.text_of("queue"),
            "type_text": self._facts.text_of("type"),
        }
        slots["hint"] = slots["due_hint" if ordering is Ordering.PRIORITY_FIRST else "ready_hint"]
        return slots

    def grouped(self, pairs: Sequence[Pair]) -> tuple[list[list[Pair]], str]:
        """`pairs` by queue, also as JSON: a consumer asks for the same ones again and again."""
        known, groups, text = self._grouped
        if known is not pairs:
            by_queue: dict[str, list[Pair]] = {}
            for pair in pairs:
                by_queue.setdefault(pair[0], []).append(pair)
            groups = list(by_queue.values())
            text = json.dumps([(some[0][0], [type for _, type in some]) for some in groups])
            self._grouped = pairs, groups, text
        return groups, text


class SearchOfAny:
    """The nearest tasks, whatever their pairs.

    `is_all`: whether the last look saw all there is.
    """

    def __init__(self, candidates: Candidates, wanted: Container[Pair], ordering: Ordering) -> None:
        self._nearest = candidates.nearest
        self._slots = candidates.slots(ordering)
        self.wanted = wanted
        self.turn: tuple[str, ...] = ()
        self.is_all = False
        self.has_more = True

    def look(self, session: Session, most: int) -> list[bytes]:
        """As a `Search`."""
        seen = self._nearest.see(session, self.wanted, self._slots, most)
        self.is_all = seen.is_all
        self.has_more = not seen.is_all and len(seen.first) >= most
        return ids_of(seen.first)


class _Among:
    """Tasks of some pairs: those that have any are found first, then walked one by one."""

    def __init__(
        self, candidates: Candidates, pairs: Sequence[Pair], ordering: Ordering, limit: int
    ) -> None:
        self._all = candidates
        self._sql, self._rows = candidates.sql, candidates.rows
        self._pairs = pairs
        self.wanted: Container[Pair] = frozenset(pairs)
        self.turn: tuple[str, ...] = pairs[0] if len(pairs) == 1 else ()
        self.has_more = True
        self._slots = candidates.slots(ordering)
        self._bounds = {**self._rows.clock(), "due": due_rows(pairs, limit)}

    def look(self, session: Session, most: int) -> list[bytes]:
        bounds = {**self._bounds, "limit": most}
        # A caller's transaction may read what was there when it began.
        walk = {**self._slots, "locking": _LOCKING if is_foreign(session) else ""}
        if not (self._slots["ready_hint"] and self._slots["due_hint"]):
            sql, params = self._unindexed(walk)
            found = self._walk(session, sql, {**bounds, **params})
            self.has_more = len(found) >= most
        elif len(self._pairs) == 1:
            (pair,) = self._pairs
            walks = _Walks([pair], [(status, pair) for status in DUE])
            found = self._walk(session, *self._branches(walks, walk, bounds))
            self.has_more = len(found) >= most
        else:
            seen = self._all.nearest.see(session, self.wanted, self._slots, most)
            self.has_more = not seen.is_all
            if seen.is_all or len(seen.first) >= most:
                return ids_of(seen.first)
            walks = self._choose(session, bounds, seen)
            found = seen.found | self._walk(session, *self._branches(walks, walk, bounds))
        return ids_of(in_order(found))

    @staticmethod
    def _walk(session: Session, sql: str, params: dict[str, Any]) -> set[bytes]:
        # A walk may meet a row twice that another transaction moves along the index.
        return {row for (row,) in session.rows(sql, params)} if sql else set()

    def _choose(self, session: Session, bounds: dict[str, Any], seen: Seen) -> _Walks:
        """The pairs that have some of what is left; of ready ones, the best by their first."""
        groups, text = self._all.grouped(self._pairs)
        asked = {**bounds, **seen.due_left, "pairs": text}
        walks = _Walks([], [])
        if seen.is_ready_left:
            heads = session.rows(fill(self._sql.claim_heads, self._slots), asked)
            walks.ready.extend(
                groups[first - 1][second - 1] for first, second, best in heads if best != _NO_RANK
            )
        if any(seen.due_left.values()):
            heads = session.rows(fill(self._sql.claim_due_heads, self._slots), asked)
            if len(heads) > _MOST_DUE_PAIRS:
                heads = random.sample(heads, _MOST_DUE_PAIRS)
            walks.due.extend(
                (status, groups[first - 1][second - 1])
                for first, second, *found in heads
                for status, one in zip(DUE, found, strict=True)
                if one
            )
        return walks

    def _branches(
        self, walks: _Walks, slots: dict[str, str], bounds: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """One walk per pair and class; an empty statement where there is none."""
        params = dict(bounds)
        named: dict[Pair, str] = {}

        def condition(pair: Pair) -> str:
            if pair not in named:
                named[pair] = any_pair(self._rows, [pair], params)
            return named[pair]

        branches = []
        for number, pair in enumerate(walks.ready):
            # Before any task of this pair come the first ones of those before it.
            params[f"limit{number}"] = bounds["limit"] - number
            ready = {**slots, "where": condition(pair), "limit": f"%(limit{number})s"}
            branches.append(fill(self._sql.claim_ready, ready))
        branches += [
            fill(
                self._sql.claim_due,
                {
                    **slots,
                    "where": f"{DUE[status]} AND {condition(pair)}",
                    "hint": slots["due_hint"],
                },
            )
            for status, pair in walks.due
        ]
        return fill(self._sql.claim, {"branches": "\nUNION ALL\n".join(branches)}), params

    def _unindexed(self, slots: dict[str, str]) -> tuple[str, dict[str, object]]:
        params: dict[str, object] = {}
        where = any_pair(self._rows, self._pairs, params)
        return fill(self._sql.claim_unindexed, {**slots, "where": where}), params


def any_pair(rows: RowFormat, pairs: Sequence[Pair], params: dict[str, object]) -> str:
    """A condition on queue and type, its values bound into `params`."""

    def bind(value: object) -> str:
        name = f"b{len(params)}"
        params[name] = value
        return f"%({name})s"

    queues = list(dict.fromkeys(queue for queue, _ in pairs))
    types = list(dict.fromkeys(type for _, type in pairs))
    in_queues = rows.where.any_of("queue", queues, bind)
    return f"{in_queues} AND {rows.where.any_of('type', types, bind)}"
