"""How tasks are claimed on MySQL and MariaDB: choose among pairs, lock, then write by id.

Nothing here waits for a lock: rows are found unlocked or with SKIP LOCKED, and written by
their ids once they are locked. Go's consumer dies where it loses a deadlock to us.
"""

import json
import random
from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from typing import Any, Final, NamedTuple

from tasq_core.repository.claiming import CLAIM_ORDERS, EXHAUSTED, Pair, due_rows
from tasq_core.repository.driver import Row, RowFormat, Session
from tasq_core.repository.mysql_table import TableFacts
from tasq_core.repository.side_sql import CRASHED
from tasq_core.sql import Statements, fill
from tasq_core.task import Ordering, Task, TaskStatus

_MOST_DUE_PAIRS: Final = 100
"""Pairs with due tasks that one claim walks; with more of them, any hundred."""

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

    def prepare(
        self,
        pairs: Sequence[Pair],
        timeout: float,
        ordering: Ordering,
        limit: int,
        note_crashes: str = "",
    ) -> Callable[[Session], Claimed]:
        """A claim of up to `limit` tasks, as the work of one transaction.

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
        by_priority = ordering is Ordering.PRIORITY_FIRST
        slots["hint"] = slots["due_hint" if by_priority else "ready_hint"]
        bounds = {**self._rows.clock(), "limit": limit, "due": due_rows(pairs, limit)}

        def key(row: Row) -> tuple[Any, ...]:
            id, priority, created = row[0], row[2], self._rows.read_time(row[1])
            return (-priority, created, id) if by_priority else (created, -priority, id)

        def work(session: Session) -> Claimed:
            whole: list[Row] = []
            due = False
            if slots["ready_hint"] and slots["due_hint"]:
                walks = self._choose(session, pairs, slots, bounds)
                if len(walks.ready) == 1:
                    whole = self._one(session, walks.ready[0], slots, bounds)
                    walks = _Walks([], walks.due)
                due = bool(walks.due)
                sql, params = self._branches(walks, slots)
            else:
                sql, params = self._unindexed(pairs, slots)
            rows = session.rows(sql, {**bounds, **params}) if sql else []
            if rows and due:
                ids = tuple(sorted(row[0] for row in rows))
                rows = session.rows(self._sql.lock_due, {**bounds, "ids": ids})
            rows += [(row[0], row[9], row[4], 0, row[13], row[5]) for row in whole]
            spent = [row[0] for row in rows if row[3]]
            best = sorted((row for row in rows if not row[3]), key=key)[:limit]
            if note_crashes and any(row[5] != "NEW" for row in rows):
                ids = tuple(sorted([*spent, *(row[0] for row in best)]))
                params = {**self._rows.clock(), "ids": ids, "crash": CRASHED}
                session.change(note_crashes, params)
            ended = self._end(session, spent)
            return Claimed(self._lease(session, best, timeout, whole), ended)

        return work

    def _choose(
        self, session: Session, pairs: Sequence[Pair], slots: dict[str, str],
        bounds: dict[str, object],
    ) -> _Walks:  # fmt: skip
        """The pairs that have something; of those with ready tasks, the best by their first."""
        if len(pairs) == 1:
            return _Walks(list(pairs), [(status, pairs[0]) for status in _DUE])
        sql = fill(self._sql.claim_heads, slots)
        heads = session.rows(sql, {**bounds, "pairs": json.dumps(pairs)})
        firsts = sorted((head[1], head[0]) for head in heads if head[1] is not None)
        limit = bounds["limit"]
        assert isinstance(limit, int)  # noqa: S101 - set above
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
                {"where": f"{_DUE[status]} AND {condition(pair)}", "hint": slots["due_hint"]},
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

    def _lease(
        self, session: Session, best: Sequence[Row], timeout: float, whole: Sequence[Row]
    ) -> list[Task]:
        """Lease the tasks of `best`; `whole` are rows that need not be read again."""
        if not best:
            return []
        moment = best[0][4].replace(tzinfo=UTC) + timedelta(seconds=timeout)
        until = self._rows.time(moment)
        ids = sorted(row[0] for row in best)
        session.change(self._sql.lease, {"until": until, "ids": tuple(ids)})
        wanted = set(ids)
        rows = [
            (*row[:5], TaskStatus.ENQUEUED.value, row[6] + 1, *row[7:12], until)
            for row in whole
            if row[0] in wanted
        ]
        if len(rows) < len(ids):
            known = {row[0] for row in rows}
            others = tuple(id for id in ids if id not in known)
            rows += session.rows(self._sql.get, {"ids": others})
        return list(map(self._task, rows))

    def _one(
        self, session: Session, pair: Pair, slots: dict[str, str], bounds: dict[str, object]
    ) -> list[Row]:
        params: dict[str, object] = {}
        where = _any_pair(self._rows, [pair], params)
        sql = fill(self._sql.claim_one, {**slots, "where": where})
        return session.rows(sql, {**bounds, **params})

    def _end(self, session: Session, ids: Sequence[bytes]) -> int:
        """Make these FAILED, which this transaction has locked."""
        if not ids:
            return 0
        params = {**self._rows.clock(), "ids": tuple(sorted(ids)), "reason": EXHAUSTED}
        return session.change(self._sql.fail_exhausted, params)

    def exhausted_by_hand(self, session: Session, pairs: Sequence[Pair]) -> list[bytes]:
        """Ids of exhausted tasks that no claim meets; read without a lock."""
        params: dict[str, object] = {}
        where = _any_pair(self._rows, pairs, params)
        slots = {"where": where, "hint": self._facts.hint("ready_created")}
        return [id for (id,) in session.rows(fill(self._sql.exhausted, slots), params)]

    def end_exhausted(self, session: Session, ids: Sequence[bytes]) -> int:
        """Make those of `ids` FAILED that are still exhausted and that nobody has locked."""
        params = {**self._rows.clock(), "ids": tuple(sorted(ids))}
        return self._end(session, [id for (id,) in session.rows(self._sql.lock_exhausted, params)])


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
