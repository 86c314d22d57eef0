"""How tasks are claimed on MySQL and MariaDB: choose among pairs, lock, then write by id.

Nothing here waits for a lock: rows are found unlocked or with SKIP LOCKED, and written by
their ids once they are locked. Go's consumer dies where it loses a deadlock to us.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, timedelta
from time import monotonic
from typing import Final, NamedTuple

import pymysql

from tasq_core.repository.claiming import EXHAUSTED
from tasq_core.repository.driver import Row, RowFormat, Session
from tasq_core.repository.mysql_candidates import Candidates, Search
from tasq_core.repository.mysql_errors import is_transient, was_answered
from tasq_core.repository.mysql_nearest import is_foreign
from tasq_core.repository.mysql_table import TableFacts
from tasq_core.repository.rows import text_of
from tasq_core.repository.side_sql import CRASHED
from tasq_core.sql import Statements
from tasq_core.task import Task, TaskStatus

_MOST_DOUBLINGS: Final = 4
"""How often a claim that meets locked tasks tries twice as many of them."""
_CROWDED_SECONDS: Final = 5.0
"""How long claims take turns after one met tasks that others held; or don't after one waited."""
_MOST_ENDED: Final = 1000
"""With so many exhausted tasks a claim ends what it has; the next goes on."""


class Claimed(NamedTuple):
    """What one transaction did."""

    tasks: list[Task]
    ended: int
    """Exhausted tasks that became FAILED."""


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
        self.candidates = Candidates(statements, rows, facts)
        self._crowded_until = 0.0
        self._turnless_until = 0.0

    def prepare(
        self,
        search: Search,
        timeout: float,
        limit: int,
        *,
        note_crashes: str = "",
        turn_timeout: float = 0.0,
    ) -> Callable[[Session], Claimed]:
        """A claim of up to `limit` tasks, as the work of one transaction.

        `turn_timeout`: seconds to wait for one's turn beside other claims of ours.
        `note_crashes`: the statement that notes lapsed leases; without it they aren't.
        """

        def claim(session: Session) -> Claimed:
            taken, spent = self._take(session, limit, search)
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
            whose = self._facts.table, *search.turn
            turn = {"turn": json.dumps(whose), "turn_timeout": turn_timeout}
            try:
                is_ours = self._wait_for_turn(session, turn)
                claimed = claim(session)
            except BaseException:
                with suppress(pymysql.Error, OSError):  # it goes with the connection
                    session.rows(self._sql.end_turn, turn)
                raise
            # What fails here may have ended the transaction: a Galera node tells the next
            # statement that another node's commit undid what came before it.
            if is_ours:
                session.rows(self._sql.end_turn, turn)
            return claimed

        return work

    def _wait_for_turn(self, session: Session, turn: dict[str, object]) -> bool:
        """Let claims that would meet the same tasks go first; whether it is our turn now."""
        try:
            ((got,),) = session.rows(self._sql.turn, turn)
        except pymysql.Error as error:
            self._turnless_until = monotonic() + _CROWDED_SECONDS
            if not was_answered(error) or is_transient(error):
                raise
            return False  # such locks can't be had here
        if not got:
            self._turnless_until = monotonic() + _CROWDED_SECONDS
        return bool(got)

    def _take(
        self,
        session: Session,
        limit: int,
        search: Search,
    ) -> tuple[list[Row], list[Row]]:
        """Lock up to `limit` tasks, the first in order that nobody holds; and exhausted ones.

        Candidates are read without a lock, so others may have claimed them meanwhile, or be
        about to: then those behind them are tried.
        """
        taken: list[Row] = []
        spent: list[Row] = []
        tried: set[bytes] = set()
        fresh: list[bytes] = []
        conflicts = 0
        # Beside others half of it is enough, rather than passing what they hold bit by bit.
        while len(taken) < ((limit + 1) // 2 if conflicts else limit) and len(spent) < _MOST_ENDED:
            if not fresh:
                if not search.has_more:
                    break
                found_ids = search.look(session, limit + 2 * len(tried))
                fresh = [id for id in found_ids if id not in tried]
                if not fresh:
                    break
            step = (limit - len(taken)) << min(conflicts, _MOST_DOUBLINGS)
            some, fresh = fresh[:step], fresh[step:]
            tried.update(some)
            params = {**self._rows.clock(), "ids": tuple(sorted(some))}
            found = {row[0]: row for row in session.rows(self._sql.lock, params)}
            for row in (found[id] for id in some if id in found):
                if (text_of(row[3]), text_of(row[1])) in search.wanted:
                    (spent if 0 < row[7] <= row[6] else taken).append(row)
            if len(found) < len(some):
                conflicts += 1
                self._crowded_until = monotonic() + _CROWDED_SECONDS
        return taken[:limit], spent

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
