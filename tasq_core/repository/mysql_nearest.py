"""A look at the nearest tasks on MySQL and MariaDB, which spares most claims a probe per pair."""

from collections.abc import Container, Iterable, Sequence
from time import monotonic
from typing import Any, Final, NamedTuple

from tasq_core.repository.claiming import CLAIM_ORDERS, Pair
from tasq_core.repository.driver import RowFormat, Session
from tasq_core.repository.rows import text_of
from tasq_core.sql import Statements, fill
from tasq_core.task import Ordering

_NEAR: Final = 200
"""Of how many tasks, at least, all or the oldest are looked through."""
_SPARE: Final = 10
"""How many more of the oldest are looked at first than are needed: equal times have no order."""
_ELSEWHERE_SECONDS: Final = 1.0
"""How long the oldest tasks are left alone once too few of them were wanted."""
_SLOW: Final = 0.02
"""Seconds of a look at them that has passed much which isn't purged yet."""
_SHARE: Final = 0.01
"""Of the time, for looks as slow as that."""

_ID: Final = 16
_CREATED: Final = slice(_ID, _ID + 26)
"""Bytes, of an id and its rank: where that begins with the time of creation."""

DUE: Final = {
    # Not >: a zero date, which MySQL puts before year 1, is due too.
    "NEW": "status = 'NEW' AND visible_at <> '0001-01-01 00:00:00.000000'",
    "ENQUEUED": "status = 'ENQUEUED'",
    "IN_PROGRESS": "status = 'IN_PROGRESS'",
}
"""The classes of tasks that were delayed or leased, by status."""


class Seen(NamedTuple):
    """What a look saw, and what it left out."""

    found: set[bytes]
    """The wanted tasks: an id and its rank each."""
    first: list[bytes]
    """Those of them that come before all that was left out, in order."""
    is_ready_left: bool
    due_left: dict[str, bool]
    """By status."""

    @property
    def is_all(self) -> bool:
        """Whether nothing was left out."""
        return not self.is_ready_left and not any(self.due_left.values())


class _Asked(NamedTuple):
    session: Session
    wanted: Container[Pair]
    slots: dict[str, str]
    bounds: dict[str, Any]
    most: int


class Nearest:
    """Looks at the nearest tasks of one table."""

    def __init__(self, statements: Statements, rows: RowFormat) -> None:
        self._sql = statements
        self._rows = rows
        self._elsewhere: tuple[Container[Pair] | None, float] = None, 0.0
        self._slow_until = 0.0

    def see(
        self,
        session: Session,
        wanted: Container[Pair],
        slots: dict[str, str],
        most: int,
    ) -> Seen:
        """Look at all tasks of a class that has few, and at the oldest of many ready ones.

        It goes on until `most` are sure to be the first in order, or there are enough others.
        """
        few, near = most + _SPARE, max(_NEAR, 4 * most)
        bounds = {**self._rows.clock(), "few": few, "near": near}
        ((ready, *due),) = session.rows(fill(self._sql.claim_extent, slots), bounds)
        counts = dict(zip(DUE, due, strict=True))
        if is_foreign(session):  # it may read what was there when the caller's transaction began
            return Seen(set(), [], bool(ready), {key: count > 0 for key, count in counts.items()})
        asked = _Asked(session, wanted, slots, bounds, most)
        branches = [
            fill(self._sql.near_due, {**slots, "where": DUE[status]})
            for status, count in counts.items()
            if 0 < count < near
        ]
        if 0 < ready < few:
            branches.append(fill(self._sql.near_ready, slots))
        found = set(self._read(asked, branches)[0]) if branches else set()
        is_ready_left, first = ready >= few, in_order(found)
        if is_ready_left:
            is_ready_left, first = self._see_oldest(asked, found)
        due_left = {status: count >= near for status, count in counts.items()}
        return Seen(found, [] if any(due_left.values()) else first, is_ready_left, due_left)

    def _see_oldest(self, asked: _Asked, found: set[bytes]) -> tuple[bool, list[bytes]]:
        """Add the oldest ones to `found`; whether others are left, and which come before them."""
        by_age = asked.slots["order"] == CLAIM_ORDERS[Ordering.CREATED_AT_FIRST]
        begun, (unmet, until) = monotonic(), self._elsewhere
        is_elsewhere = begun < self._slow_until or (begun < until and unmet == asked.wanted)
        if not by_age or not asked.slots["age_hint"] or is_elsewhere:
            return True, []
        is_left, first = self._read_oldest(asked, found)
        ended = monotonic()
        if is_left and len(first) < asked.most:
            self._elsewhere = asked.wanted, ended + _ELSEWHERE_SECONDS
        if ended - begun > _SLOW:
            self._slow_until = ended + (ended - begun) / _SHARE
        return is_left, first

    def _read_oldest(self, asked: _Asked, found: set[bytes]) -> tuple[bool, list[bytes]]:
        branch = fill(self._sql.near_oldest, asked.slots)
        first: list[bytes] = []
        for reach in ("few", "near"):
            asked.bounds["reach"] = asked.bounds[reach]
            wanted, created = self._read(asked, [branch])
            found.update(wanted)
            if len(created) < asked.bounds[reach]:
                return False, in_order(found)
            end = max(created)
            first = in_order(row for row in found if row[_CREATED] < end)
            if len(first) >= asked.most:
                break
        return True, first

    def _read(self, asked: _Asked, branches: Sequence[str]) -> tuple[list[bytes], list[bytes]]:
        """The wanted tasks of `branches`, and when all were created; one deleted since counts."""
        # Older MySQL takes no parentheses around a single one.
        union = branches[0] if len(branches) == 1 else "(" + "\nUNION ALL\n".join(branches) + ")"
        slots = {**asked.slots, "branches": union}
        rows = asked.session.rows(fill(self._sql.claim_near, slots), asked.bounds)
        wanted = [
            row
            for row, queue, type in rows
            if row is not None
            and queue is not None
            and (text_of(queue), text_of(type)) in asked.wanted
        ]
        return wanted, [b"" if row is None else row[_CREATED] for row, _, _ in rows]


def in_order(rows: Iterable[bytes]) -> list[bytes]:
    """Ids and their ranks, sorted by these."""
    return sorted(rows, key=lambda row: (row[_ID:], row))


def ids_of(rows: Iterable[bytes]) -> list[bytes]:
    """The ids of such rows, each once."""
    return list(dict.fromkeys(row[:_ID] for row in rows))


def is_foreign(session: Session) -> bool:
    """Whether the caller made the connection."""
    return bool(getattr(session, "foreign", False))
