"""Keys, ranks and requests: the vocabulary between the window and who reads for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Final, Protocol
from uuid import UUID

from tasq_core.repository.protocol import PageOrder
from tasq_core.task import EPOCH, MICROSECOND, Task

Key = tuple[datetime, UUID]
"""What a list is ordered by: creation or end, then id."""
Rank = tuple[int, int]
"""A key as numbers that rise along the list, whatever its order."""

_LAST_ID: Final = 2**128 - 1


class Purpose(Enum):
    """What a request is for."""

    TOP = "top"
    BOTTOM = "bottom"
    SEEK = "seek"
    EXTEND_UP = "extend up"
    EXTEND_DOWN = "extend down"
    REFRESH = "refresh"
    PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Need:
    """A request for up to `limit` rows beyond `after`, walking in `order`."""

    serial: int
    purpose: Purpose
    order: PageOrder
    after: Key | None
    limit: int


@dataclass(frozen=True, slots=True)
class Request:
    """What a window waits for: where it is to go, what is being read, what comes after that.

    A jump supersedes all of it and is over when it has landed: a new request each time.
    """

    jump: Purpose | None = None
    """TOP, BOTTOM or SEEK; None where the rows only grow or change."""
    after: Key | None = None
    """What a SEEK goes beyond."""
    pending: Need | None = None
    """What is being read."""
    owed: int = 0
    """Rows that the cursor still has to move once they are here, up where negative."""

    def reading(self, need: Need | None) -> "Request":
        """The same with `need` being read; None: it was answered, or failed."""
        return replace(self, pending=need)

    def going(self, jump: Purpose) -> "Request":
        """The same on its way to one end of the list."""
        return replace(self, jump=jump, after=None)

    def owing(self, rows: int) -> "Request":
        """The same with the cursor so many rows from where it was moved to."""
        return replace(self, owed=rows)


class PageSource(Protocol):
    """Where rows come from: a repository with its filter applied, say."""

    def page(self, order: PageOrder, after: Key | None, limit: int) -> Sequence[Task]:
        """Up to `limit` rows beyond `after` in `order`."""


def answer(need: Need, source: PageSource) -> Sequence[Task]:
    """What `source` has for `need`."""
    return source.page(need.order, need.after, need.limit)


def just_before(key: Key, order: PageOrder) -> Key | None:
    """The last key before `key` in `order`, so that reading beyond it includes `key`.

    None at the very first key there can be: read from the start.
    """
    at, uuid = key
    step = 1 if order.descends else -1
    number = uuid.int + step
    if 0 <= number <= _LAST_ID:
        return at, UUID(int=number)
    try:
        return at + step * MICROSECOND, UUID(int=0 if step > 0 else _LAST_ID)
    except OverflowError:
        return None


def rank_of(key: Key, order: PageOrder) -> Rank:
    """`key` as a rank in `order`."""
    sign = -1 if order.descends else 1
    return sign * ((key[0] - EPOCH) // MICROSECOND), sign * key[1].int


@dataclass(frozen=True, slots=True)
class Reread:
    """Rows read again, and the range of the list they stand for: beyond `start` to `end`.

    None for `start` or `end` is that end of the list.
    """

    order: PageOrder
    rows: list[Task]
    start: Rank | None
    end: Rank | None

    @classmethod
    def of(cls, need: Need, rows: list[Task]) -> "Reread":
        """The answer to `need`; one shorter than its limit reaches the end of the list."""
        start = None if need.after is None else rank_of(need.after, need.order)
        full = len(rows) == need.limit
        return cls(
            need.order,
            rows,
            start,
            rank_of(need.order.place(rows[-1]), need.order) if full else None,
        )

    def is_after(self, rank: Rank) -> bool:
        """Whether the range begins after `rank`."""
        return self.start is not None and rank <= self.start

    def is_before(self, rank: Rank) -> bool:
        """Whether the range ends before `rank`."""
        return self.end is not None and rank > self.end

    def spliced_into(self, run: list[Task], ranks: list[Rank]) -> list[Task]:
        """`run` with what it held of the range replaced; overlapping, so that it stays one run.

        `ranks` are the ranks of `run`.
        """
        fresh = {row.id for row in self.rows}
        old = [(r, row) for r, row in zip(ranks, run, strict=True) if row.id not in fresh]
        read = self.rows
        if ranks and self.start is not None and self.start < ranks[0]:
            # The run may have been trimmed since; what lies above it isn't known to adjoin.
            read = [row for row in read if rank_of(self.order.place(row), self.order) >= ranks[0]]
        head = [row for rank, row in old if self.is_after(rank)]
        return head + read + [row for rank, row in old if self.is_before(rank)]

    def change_in_place(self, run: list[Task], ranks: list[Rank]) -> set[UUID]:
        """Replace the rows of `run` that were read again; the ids of those that are gone."""
        fresh = {row.id: row for row in self.rows}
        gone = set[UUID]()
        for index, rank in enumerate(ranks):
            if not (self.is_after(rank) or self.is_before(rank)):
                row = run[index]
                run[index] = fresh.get(row.id, row)
                if row.id not in fresh:
                    gone.add(row.id)
        return gone


def shifted(known: int | None, by: int) -> int | None:
    """`known` moved `by` rows, not below 0; None stays unknown."""
    return None if known is None else max(known + by, 0)


def without(old: list[Task], fresh: list[Task]) -> list[Task]:
    """`old` but for the tasks that are in `fresh`: one that ended again stands elsewhere now."""
    ids = {row.id for row in fresh}
    return [row for row in old if row.id not in ids]


def rows_before(held: int, before: int | None, after: int | None, total: int | None) -> int:
    """How many rows of `total` stand before those held, as well as can be told."""
    if before is not None:
        return before
    if total is not None and after is not None:
        return max(total - after - held, 0)
    return max((total or 0) - held, 0) // 2
