"""The reading half of the flow: everything that changes nothing, written once."""

import itertools
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any, Final, Literal, NoReturn, Self, TypeVar
from uuid import UUID

from tasq_core.durations import Duration, seconds
from tasq_core.errors import ClientClosedError, InvalidInputError, ReadOnlyError, RepositoryError
from tasq_core.filters import Filter
from tasq_core.filters.arguments import argument_terms
from tasq_core.filters.where import build
from tasq_core.reports import BreakdownRow, Health
from tasq_core.repository.arguments import ArgumentWalk
from tasq_core.repository.checks import matching
from tasq_core.repository.driver import Driver, RowFormat, Session, within
from tasq_core.repository.odd_rows import MISREAD, TaskReader
from tasq_core.repository.protocol import Names, PageOrder, Statuses, as_page_order
from tasq_core.repository.rows import table_names, text_of
from tasq_core.repository.shared import Shared
from tasq_core.sql import Statements, bound, fill, load
from tasq_core.task import (
    END_OF_TIME,
    FINISHED_STATUSES,
    IMMEDIATELY,
    OPEN_STATUSES,
    Ordering,
    Task,
    TaskStatus,
    as_ordering,
)

R = TypeVar("R")

Mode = Literal["read", "write", "transaction", "claim"]
"""Which of the driver's connections a piece of work runs on."""

ATTEMPTS: Final = 8
TRYING_SECONDS: Final = 10.0
"""How often at least, and how long, a transaction is tried that others' are in the way of.

Quick losers try for long: where nodes of a cluster write the same rows, most commits collide.
"""

LAST_ID: Final = UUID(int=2**128 - 1)
FIRST_ID: Final = UUID(int=0)
_NEWEST: Final = (END_OF_TIME, LAST_ID)
_OLDEST: Final = (IMMEDIATELY, FIRST_ID)
"""Where a walk in either direction begins."""
WHOLE: Final = 2**31 - 1
"""A `preview` that cuts nothing."""

_ORDERS: Final = {
    Ordering.CREATED_AT_FIRST: "created_at, priority DESC, id",
    Ordering.PRIORITY_FIRST: "priority DESC, created_at, id",
}


class SqlInspection:
    """Reads a task table through a driver."""

    def __init__(
        self,
        driver: Driver,
        rows: RowFormat,
        prefix: str,
        statements: str,
        quote: str,
        **slots: str,
    ) -> None:
        name = table_names(prefix)
        self._table = name.shown
        self._family = statements
        here = "database()" if statements == "mysql" else "current_schema()"
        self._slots = name.slots(quote, here) | slots
        self._driver = driver
        self._rows = rows
        self._sql: Statements = bound(load(statements), **self._slots)
        self._shared = Shared()
        self._response_timeout: float | None = None
        self._pause = threading.Event()
        self._task = TaskReader(rows, self._table)

    @property
    def table(self) -> str:
        """The table's name, schema and prefix included, unquoted."""
        return self._table

    @property
    def dialect(self) -> str:
        """The kind of server: "postgresql", "mysql", "mariadb" or "sqlite"."""
        return self._driver.dialect(lambda sql: self._rows_of(sql, {}))

    # -- running statements ----------------------------------------------------------------

    def _run(
        self,
        work: Callable[[Session], R],
        mode: Mode,
        repeatable: Callable[[], bool] = lambda: True,
    ) -> R:
        """Do `work` on a connection, again where it lost a deadlock or the connection broke.

        Trying again after a broken connection is safe: each statement either only reads, is
        fenced, or names its rows by id. A claim isn't once its rows are known: `repeatable`.
        """
        self._check_open()
        opened = getattr(self._driver, mode)
        reconnected = False
        begin = monotonic()
        for attempt in itertools.count():
            try:
                return within(opened(self._response_timeout), work)
            except self._driver.errors as error:
                self._check_open()
                again = attempt + 1 < ATTEMPTS or monotonic() - begin < TRYING_SECONDS
                if self._driver.is_transient(error) and again:
                    self._pause.wait(random.uniform(0, 0.01 * 2 ** min(attempt, 5)))  # noqa: S311 - jitter
                    continue
                if self._driver.lost_connection(error) and not reconnected:
                    reconnected = True
                    self._driver.recover()
                    if repeatable():
                        continue
                raise self._driver.translate(error, self._table) from error
        raise AssertionError("unreachable: an attempt returns or raises")

    def _check_open(self) -> None:
        """Refuse what comes after `close`, which would open connections that nobody closes."""
        if self._shared.closed:
            raise ClientClosedError(
                f"the client of table {self._table!r} is closed; make a new one with"
                " tasq_core.connect, or close it later"
            )

    def with_response_timeout(self, timeout: Duration) -> Self:
        """A view over the same connections that gives up one silent for longer than `timeout`."""
        view = copy(self)
        view._response_timeout = seconds("timeout", timeout, positive=True)  # noqa: SLF001 - ours
        return view

    def answers_within(self, timeout: Duration) -> NoReturn:
        """Was replaced by `with_response_timeout`.

        Raises:
            RepositoryError: always.
        """
        raise RepositoryError(
            f"answers_within({timeout!r}) was replaced: call the methods of"
            f" repository.with_response_timeout({timeout!r})"
        )

    def _rows_of(self, sql: str, params: Mapping[str, object]) -> list[tuple[Any, ...]]:
        everything = {**self._rows.clock(), **params}
        return self._run(lambda session: session.rows(sql, everything), "read")

    def _would_do(self, sql: str) -> bool:
        """Whether this user may run this, which changes nothing."""
        try:
            self._rows_of(sql, {})
        except ReadOnlyError:  # of the server or the session, not of the user
            return True
        except RepositoryError:
            return False
        return True

    def _where(self, sql: str, where: Filter, **slots: str) -> tuple[str, dict[str, object]]:
        """`sql` with its condition and other slots filled, and the condition's parameters."""
        condition = build(where, self._rows.where)
        text = fill(fill(sql, {"where": condition.sql, **slots}), self._slots)
        return text, {**self._rows.clock(), **condition.params}

    # -- Go's names ------------------------------------------------------------------------

    def scan_tasks(
        self,
        statuses: Statuses,
        types: Names,
        queues: Names,
        ordering: Ordering | str = Ordering.CREATED_AT_FIRST,
        limit: int = 10,
    ) -> list[Task]:
        """Up to `limit` matching tasks in order, without claiming them."""
        where = matching(statuses, types, queues)
        order = _ORDERS[as_ordering(ordering)]
        if limit <= 0:
            return []
        sql, params = self._where(self._sql.scan, where, order=order)
        return [self._task(row) for row in self._rows_of(sql, {**params, "limit": limit})]

    def count_tasks(self, statuses: Statuses, types: Names, queues: Names) -> int:
        """How many match, exactly."""
        return self.count(matching(statuses, types, queues))

    def now(self) -> datetime:
        """The database's clock, aware UTC."""
        return self._rows.read_time(self._rows_of(self._sql.now, {})[0][0])

    def get_tasks(self, ids: Sequence[UUID]) -> list[Task]:
        """Those that exist, in the order of `ids`."""
        if not ids:
            return []
        found = {
            task.id: task
            for task in map(self._task, self._rows_of(self._sql.get, {"ids": self._rows.ids(ids)}))
        }
        return [found[id] for id in dict.fromkeys(ids) if id in found]

    def sizes(self, ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """About how many bytes the arguments and the error of each take, of those that exist."""
        if not ids:
            return {}
        rows = self._rows_of(self._sql.sizes, {"ids": self._rows.ids(ids)})
        return {self._rows.read_id(id): int(size) for id, size in rows}

    def page(
        self,
        where: Filter,
        order: PageOrder | str = PageOrder.NEWEST,
        after: tuple[datetime, UUID] | None = None,
        limit: int = 100,
        preview: int | None = None,
    ) -> list[Task]:
        """Up to `limit` tasks that match, beyond the place (time, id) in that order.

        `preview`: cut args and last_error to that many bytes and characters.
        """
        order = as_page_order(order)
        if argument_terms(where):
            return self._argument_walk(where, order).page(after, limit, preview)
        return self._sql_page(where, order, after, limit, preview)

    def _argument_walk(self, where: Filter, order: PageOrder) -> ArgumentWalk:
        return ArgumentWalk(where, order, partial(self._sql_page, where, order), self.get_tasks)

    def _sql_page(
        self,
        where: Filter,
        order: PageOrder,
        after: tuple[datetime, UUID] | None,
        limit: int,
        preview: int | None = None,
    ) -> list[Task]:
        """What SQL can tell of `where`."""
        if after is None:
            after = _NEWEST if order.descends else _OLDEST
        sql = getattr(self._sql, f"page_{order.name.lower()}")
        extra = {"preview": preview or WHOLE}
        rows = self._walk(sql, where, after, limit, extra, by_end=order.by_end)
        tasks = [self._task(row) for row in rows]
        if after in (_NEWEST, _OLDEST) or after[0] not in (END_OF_TIME, IMMEDIATELY):
            return tasks
        # Times beyond the calendar all read as its end: none of these rows comes twice.
        at = [order.place(task) for task in tasks]
        return [
            task
            for task, place in zip(tasks, at, strict=True)
            if (place < after if order.descends else place > after) or place[0] not in after
        ]

    def ids(
        self,
        where: Filter,
        created_until: datetime | None = None,
        after: tuple[datetime, UUID] | None = None,
        limit: int = 1000,
    ) -> list[tuple[datetime, UUID]]:
        """(created_at, id) of those that match, oldest first, none created later."""
        if argument_terms(where):
            walk = self._argument_walk(where, PageOrder.OLDEST)
            return walk.ids(created_until or END_OF_TIME, after, limit)
        until = {"until": self._rows.bound(created_until or END_OF_TIME)}
        after = after or _OLDEST
        rows = self._walk(self._sql.ids, where, after, limit, until)
        found: list[tuple[datetime, UUID]] = []
        for at, id in rows:
            with suppress(*MISREAD):  # no condition names a row that can't be read
                found.append((self._rows.read_time(at), self._rows.read_id(id)))
        return found if after == _OLDEST else [place for place in found if place > after]

    def _walk(
        self,
        sql: str,
        where: Filter,
        after: tuple[datetime, UUID],
        limit: int,
        extra: Mapping[str, object],
        *,
        by_end: bool = False,
    ) -> list[tuple[Any, ...]]:
        statuses = where.statuses()
        if limit <= 0 or statuses == ():
            return []
        hint = self._walk_hint(where, by_end=by_end)
        if by_end:  # `statuses` says it all; a condition on them makes SQLite walk their index
            where = Filter(tuple(term for term in where.terms if not term.is_about_status_only))
        text, params = self._where(sql, where, hint=hint)
        params |= {
            **extra,
            "statuses": self._rows.names(statuses or tuple(TaskStatus)),
            "after_time": self._rows.bound(after[0])
            if after == _NEWEST
            else self._rows.time(after[0]),
            "after_id": self._rows.id(after[1]),
            "limit": limit,
        }
        return self._rows_of(text, params)

    def _walk_hint(self, where: Filter, *, by_end: bool) -> str:
        """What a walk in order tells the optimizer; MySQL alone needs it."""
        del where, by_end
        return ""

    def _figure_slots(self, by: str | None) -> dict[str, str]:
        """What figures by this name tell the optimizer; MySQL alone needs it."""
        del by
        return {}

    def count(self, where: Filter, limit: int | None = None) -> int:
        """How many match; counting stops at `limit`."""
        if argument_terms(where):
            return self._argument_walk(where, PageOrder.OLDEST).count(limit)
        template = self._sql.count if limit is None else self._sql.count_up_to
        sql, params = self._where(template, where)
        if limit is not None:
            params["limit"] = limit
        return int(self._rows_of(sql, params)[0][0])

    def open_counts(self) -> tuple[Mapping[TaskStatus, int], Health]:
        """Exact counts of the open statuses, and what holds them."""
        counts = dict.fromkeys(OPEN_STATUSES, 0)
        health = Health()
        for status, count, *parts, first in self._rows_of(self._sql.open_counts, {}):
            counts[TaskStatus(self._rows.status_of(status))] = int(count)
            ready, delayed, leased, stale, exhausted = (int(part or 0) for part in parts)
            health = replace(
                health,
                ready=health.ready + ready,
                delayed=health.delayed + delayed,
                leased=health.leased + leased,
                stale=health.stale + stale,
                exhausted=health.exhausted + exhausted,
            )
            if first is not None:
                with suppress(*MISREAD):
                    at = self._rows.read_time(first)
                    health = replace(health, oldest_ready=min(health.oldest_ready or at, at))
        return counts, health

    def finished_counts(self) -> Mapping[TaskStatus, int]:
        """Exact counts of the finished statuses; costs a scan of an index."""
        counts = dict.fromkeys(FINISHED_STATUSES, 0)
        for status, count in self._rows_of(self._sql.finished_counts, {}):
            counts[TaskStatus(self._rows.status_of(status))] = int(count)
        return counts

    def breakdown(self, by: str) -> list[BreakdownRow]:
        """Counts per queue or type and status, by name."""
        statements = {"queue": self._sql.breakdown_queue, "type": self._sql.breakdown_type}
        if by not in statements:
            raise InvalidInputError(f"can't break down by {by!r}: use 'queue' or 'type'")
        found: dict[str, dict[TaskStatus, int]] = {}
        for name, status, count in self._rows_of(statements[by], {}):
            with suppress(*MISREAD):  # MySQL without strict mode stores '' for an unknown status
                label = TaskStatus(self._rows.status_of(status))
                found.setdefault(text_of(name), {})[label] = int(count)
        return [BreakdownRow(name, counts) for name, counts in sorted(found.items())]

    def activity(self, since: datetime) -> list[tuple[datetime, TaskStatus, int]]:
        """(minute, SUCCESSFUL or FAILED, finished in it) since then, oldest first."""
        rows = self._rows_of(self._sql.activity, {"since": self._rows.time(since)})
        found: list[tuple[datetime, TaskStatus, int]] = []
        for minute, status, count in rows:
            with suppress(*MISREAD):
                label = TaskStatus(self._rows.status_of(status))
                found.append((self._rows.read_time(minute), label, int(count)))
        return found

    def interrupt(self) -> None:
        """Cancel the statements now running through this repository, from any thread."""
        self._driver.interrupt()

    def close(self) -> None:
        """Close what this repository opened; a borrowed connection or pool stays open.

        Every later call raises RepositoryError.
        """
        self._shared.closed = True
        self._driver.close()
