"""How tasks are claimed on MySQL and MariaDB: choose among pairs, lock, then write by id.

Nothing here waits for a lock: rows are found unlocked or with SKIP LOCKED, and written by
their ids once they are locked. Go's consumer dies where it loses a deadlock to us.
"""

import json
import random
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, timedelta
from time import monotonic
from typing import Any, Final, NamedTuple

import pymysql

from tasq_core.repository.claiming import CLAIM_ORDERS, EXHAUSTED, Pair, due_rows
from tasq_core.repository.driver import Row, RowFormat, Session
from tasq_core.repository.mysql_errors import was_answered
from tasq_core.repository.mysql_table import TableFacts
from tasq_core.repository.rows import text_of
from tasq_core.repository.side_sql import CRASHED
from tasq_core.sql import Statements, fill
from tasq_core.task import Ordering, Task, TaskStatus

_MOST_DUE_PAIRS: Final = 100
"""Pairs with due tasks that one claim walks; with more of them, any hundred."""

_ID: Final = 16
"""Bytes."""
_MOST_DOUBLINGS: Final = 4
"""How often a claim that meets locked tasks tries twice as many of them."""
_CROWDED_SECONDS: Final = 5.0
"""How long claims take turns after one met tasks that others held; or don't after one waited."""
_MOST_ENDED: Final = 1000
"""With so many exhausted tasks a claim ends what it has; the next goes on."""

_DUE: Final = {
    # Not >: a zero date, which MySQL puts before year 1, is due too.
    "NEW": "status = 'NEW' AND visible_at <> '0001-01-01 00:00:00.000000'",
    "ENQUEUED": "status = 'ENQUEUED'",
    "IN_PROGRESS": "status = 'IN_PROGRESS'",
}
_RANKS: Final = {
    Ordering.CREATED_AT_FIRST: "CONCAT(created_at, LPAD(32768 - priority, 5, '0'))",
    Ordering.PRIORITY_FIRST: "CONCAT(LPAD(32768 - priority, 5, '0'), created_at)",
}
"""A text that sorts like the order."""


_LOCKING: Final = "FOR UPDATE SKIP LOCKED"


class Claimed(NamedTuple):
    """What one transaction did."""

    tasks: list[Task]
    ended: int
    """Exhausted tasks that became FAILED."""


class _Walks(NamedTuple):
    ready: list[Pair]
    due: list[tuple[str, Pair]]
    """(status, pair)"""


class MySQLClaims:
    """Claims of one table, within transactions that the caller opens and ends."""

    def __init__(
        self,
        statements: Statements,
        rows: RowFormat,
        facts: TableFacts,
        task: Callable[[Row], Task],
    ) -> None:
        self._sql = statements
        self._rows = rows
        self._facts = facts
        self._task = task
        self._crowded_until = 0.0
        self._turnless_until = 0.0

    def prepare(
        self,
        pairs: Sequence[Pair],
        timeout: float,
        ordering: Ordering,
        limit: int,
        *,
        note_crashes: str = "",
        turn_timeout: float = 0.0,
    ) -> Callable[[Session], Claimed]:
        """A claim of up to `limit` tasks, as the work of one transaction.

        `turn_timeout`: seconds to wait for one's turn beside other claims of ours.
        `note_crashes`: the statement that notes lapsed leases; without it they aren't.
        """
        slots = {
            "order": CLAIM_ORDERS[ordering],
            "rank": _RANKS[ordering],
            "ready_hint": self._facts.hint("ready_created"),
            "due_hint": self._facts.hint("ready_priority"),
            "queue_text": self._facts.text_of("queue"),
            "type_text": self._facts.text_of("type"),
        }
        slots["hint"] = slots["due_hint" if ordering is Ordering.PRIORITY_FIRST else "ready_hint"]
        indexed = bool(slots["ready_hint"] and slots["due_hint"])
        bounds = {**self._rows.clock(), "due": due_rows(pairs, limit)}
        wanted = frozenset(pairs)

        def look(session: Session, most: int) -> list[bytes]:
            """Candidates' ids in order; `most` of each pair's ready ones."""
            within = {**bounds, "limit": most}
            # A caller's transaction may read what was there when it began.
            walk = {**slots, "locking": _LOCKING if is_foreign(session) else ""}
            if indexed:
                sql, params = self._branches(self._choose(session, pairs, slots, within), walk)
            else:
                sql, params = self._unindexed(pairs, walk)
            if not sql:
                return []
            # Each is an id and its rank, since one column is read in half the time of two.
            # A walk may meet a row twice that another transaction moves along the index.
            found = {row for (row,) in session.rows(sql, {**within, **params})}
            ordered = sorted(found, key=lambda row: (row[_ID:], row))
            return list(dict.fromkeys(row[:_ID] for row in ordered))

        def claim(session: Session) -> Claimed:
            taken, spent = self._take(session, limit, look, wanted)
            moved = [row[0] for row in (*taken, *spent) if row[5] != "NEW"]
            if note_crashes and moved:
                params = {**self._rows.clock(), "ids": tuple(sorted(moved)), "crash": CRASHED}
                session.change(note_crashes, params)
            ended = self._end(session, [row[0] for row in spent])
            return Claimed(self._lease(session, taken, timeout), ended)

        def work(session: Session) -> Claimed:
            now = monotonic()
            if is_foreign(session) or not self._turnless_until <= now < self._crowded_until:
                return claim(session)
            whose = [self._facts.table, *(pairs[0] if len(pairs) == 1 else ())]
            turn = {"turn": json.dumps(whose), "turn_timeout": turn_timeout}
            try:
                self._wait_for_turn(session, turn)
                return claim(session)
            finally:
                with suppress(pymysql.Error, OSError):  # it goes with the connection
                    session.rows(self._sql.end_turn, turn)

        return work

    def _wait_for_turn(self, session: Session, turn: dict[str, object]) -> None:
        """Let claims that would meet the same tasks go first, as long as they come along."""
        try:
            ((got,),) = session.rows(self._sql.turn, turn)
        except pymysql.Error as error:
            if not was_answered(error):
                raise
            got = None  # such locks can't be had here, say in a Galera cluster
        if not got:
            self._turnless_until = monotonic() + _CROWDED_SECONDS

    def _take(
        self,
        session: Session,
        limit: int,
        look: Callable[[Session, int], list[bytes]],
        wanted: Collection[Pair],
    ) -> tuple[list[Row], list[Row]]:
        """Lock up to `limit` tasks, the first in order that nobody holds; and exhausted ones.

        Candidates are read without a lock, so others may have claimed them meanwhile, or be
        about to: then those behind them are tried.
        """
        taken: list[Row] = []
        spent: list[Row] = []
        tried: set[bytes] = set()
        fresh: list[bytes] = []
        most = conflicts = 0
        # Beside others half of it is enough, rather than passing what they hold bit by bit.
        while len(taken) < ((limit + 1) // 2 if conflicts else limit) and len(spent) < _MOST_ENDED:
            if not fresh:
                if len(tried) < most:
                    break  # there were no more than those
                most = limit + 2 * len(tried)
                fresh = [id for id in look(session, most) if id not in tried]
                if not fresh:
                    break
            step = (limit - len(taken)) << min(conflicts, _MOST_DOUBLINGS)
            some, fresh = fresh[:step], fresh[step:]
            tried.update(some)
            params = {**self._rows.clock(), "ids": tuple(sorted(some))}
            found = {row[0]: row for row in session.rows(self._sql.lock, params)}
            for row in (found[id] for id in some if id in found):
                if (text_of(row[3]), text_of(row[1])) in wanted:
                    (spent if 0 < row[7] <= row[6] else taken).append(row)
            if len(found) < len(some):
                conflicts += 1
                self._crowded_until = monotonic() + _CROWDED_SECONDS
        return taken[:limit], spent

    def _choose(
        self, session: Session, pairs: Sequence[Pair], slots: dict[str, str],
        bounds: dict[str, Any],
    ) -> _Walks:  # fmt: skip
        """The pairs that have something; of those with ready tasks, the best by their first."""
        if len(pairs) == 1:
            return _Walks(list(pairs), [(status, pairs[0]) for status in _DUE])
        sql = fill(self._sql.claim_heads, slots)
        heads = session.rows(sql, {**bounds, "pairs": json.dumps(pairs)})
        firsts = sorted((head[1], head[0]) for head in heads if head[1] is not None)
        limit = bounds["limit"]
        due = [head for head in heads if any(head[2:])]
        if len(due) > _MOST_DUE_PAIRS:
            due = random.sample(due, _MOST_DUE_PAIRS)
        return _Walks(
            [pairs[place - 1] for _, place in firsts[:limit]],
            [
                (status, pairs[head[0] - 1])
                for head in due
                for status, found in zip(_DUE, head[2:], strict=True)
                if found
            ],
        )

    def _branches(self, walks: _Walks, slots: dict[str, str]) -> tuple[str, dict[str, object]]:
        """One walk per pair and class; an empty statement where there is none."""
        params: dict[str, object] = {}
        named: dict[Pair, str] = {}

        def condition(pair: Pair) -> str:
            if pair not in named:
                named[pair] = _one_pair(self._rows, pair, params)
            return named[pair]

        branches = [
            fill(self._sql.claim_ready, {**slots, "where": condition(pair)}) for pair in walks.ready
        ]
        branches += [
            fill(
                self._sql.claim_due,
                {
                    **slots,
                    "where": f"{_DUE[status]} AND {condition(pair)}",
                    "hint": slots["due_hint"],
                },
            )
            for status, pair in walks.due
        ]
        return fill(self._sql.claim, {"branches": "\nUNION ALL\n".join(branches)}), params

    def _unindexed(
        self, pairs: Sequence[Pair], slots: dict[str, str]
    ) -> tuple[str, dict[str, object]]:
        params: dict[str, object] = {}
        where = _any_pair(self._rows, pairs, params)
        return fill(self._sql.claim_unindexed, {**slots, "where": where}), params

    def _lease(self, session: Session, taken: Sequence[Row], timeout: float) -> list[Task]:
        """Lease these locked rows."""
        if not taken:
            return []
        moment = taken[0][13].replace(tzinfo=UTC) + timedelta(seconds=timeout)
        until = self._rows.time(moment)
        ids = tuple(sorted(row[0] for row in taken))
        session.change(self._sql.lease, {"until": until, "ids": ids})
        leased = TaskStatus.ENQUEUED.value
        return [self._task((*row[:5], leased, row[6] + 1, *row[7:12], until)) for row in taken]

    def _end(self, session: Session, ids: Sequence[bytes]) -> int:
        """Make these FAILED, which this transaction has locked."""
        if not ids:
            return 0
        params = {**self._rows.clock(), "ids": tuple(sorted(ids)), "reason": EXHAUSTED}
        return session.change(self._sql.fail_exhausted, params)


def _one_pair(rows: RowFormat, pair: Pair, params: dict[str, object]) -> str:
    return _any_pair(rows, [pair], params)


def _any_pair(rows: RowFormat, pairs: Sequence[Pair], params: dict[str, object]) -> str:
    """A condition on queue and type, its values bound into `params`."""

    def bind(value: object) -> str:
        name = f"b{len(params)}"
        params[name] = value
        return f"%({name})s"

    queues = list(dict.fromkeys(queue for queue, _ in pairs))
    types = list(dict.fromkeys(type for _, type in pairs))
    in_queues = rows.where.any_of("queue", queues, bind)
    return f"{in_queues} AND {rows.where.any_of('type', types, bind)}"


def is_foreign(session: Session) -> bool:
    """Whether the caller made the connection."""
    return bool(getattr(session, "foreign", False))
