"""The claim: tasks leased to the caller, all of them or none. Written once."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Final

from tasq_core.durations import Duration, seconds
from tasq_core.errors import ClaimUnansweredError, RepositoryError, RepositoryUnavailableError
from tasq_core.reports import Lease
from tasq_core.repository.claiming import (
    HORIZON,
    NEWEST,
    Listed,
    Lister,
    Pair,
    Pairs,
    Wanted,
    are_many,
    by_order,
)
from tasq_core.repository.driver import Driver, RowFormat, Session
from tasq_core.repository.inspection_sql import Mode, SqlInspection
from tasq_core.repository.protocol import Names
from tasq_core.repository.rows import in_order, text_of
from tasq_core.repository.side_sql import side_statements
from tasq_core.task import Ordering, Task, as_ordering, check_names, row_id_of
from tasq_core.wording import counted

_HIDDEN_SECONDS: Final = 3600.0
"""How long a row that can't be read is kept from being claimed again."""


class SqlClaims(SqlInspection):
    """Claims tasks of a table."""

    def __init__(
        self,
        driver: Driver,
        rows: RowFormat,
        prefix: str,
        statements: str,
        quote: str,
        **slots: str,
    ) -> None:
        super().__init__(driver, rows, prefix, statements, quote, **slots)
        self._claims = by_order(self._sql.claim)
        self._pairs = Pairs(lists_quickly=self._lists_quickly)
        self._side = side_statements(statements, self._slots)

    _lists_quickly = True
    """Whether the pairs that have tasks are found without reading all open tasks."""

    def _claim(
        self,
        pairs: Sequence[Pair],
        timeout: float,
        ordering: Ordering,
        limit: int,
        *,
        note_crashes: bool = False,
    ) -> list[Task]:
        """Claim, in any order; end exhausted tasks where fewer than `limit` were found."""
        raise NotImplementedError

    def _claim_nearest(
        self,
        wanted: Wanted,
        timeout: float,
        ordering: Ordering,
        limit: int,
        *,
        note_crashes: bool = False,
    ) -> tuple[list[Task], bool]:
        """Claim what is found without a list of pairs; and whether that is all there is."""
        del wanted, timeout, ordering, limit, note_crashes
        return [], False

    def poll_tasks(
        self,
        types: Names,
        queues: Names,
        visibility_timeout: Duration,
        ordering: Ordering | str = Ordering.CREATED_AT_FIRST,
        limit: int = 10,
        *,
        skip_queues: Collection[str] = (),
        note_crashes: bool = False,
    ) -> list[Task]:
        """Claim up to `limit` visible open tasks, in the order asked for."""
        timeout = seconds("visibility_timeout", visibility_timeout, positive=True)
        order = as_ordering(ordering)
        wanted_types, wanted_queues = _claimable("types", types), _claimable("queues", queues)
        if limit <= 0 or wanted_types == () or wanted_queues == ():
            return []
        skip, is_all = frozenset(skip_queues), False
        many = are_many(wanted_queues, wanted_types)
        found: list[Task] = []
        try:
            if many:
                found, is_all = self._claim_nearest(
                    Wanted.of(wanted_queues, wanted_types, skip),
                    timeout, order, limit, note_crashes=note_crashes,
                )  # fmt: skip
            if not is_all:
                lister = Lister(self._list_pairs, self._newest_pairs)
                groups = self._pairs.groups(wanted_queues, wanted_types, lister, skip)
                while len(found) < limit and (pairs := next(groups, None)):
                    left = limit - len(found)
                    found += self._claim(pairs, timeout, order, left, note_crashes=note_crashes)
                if many:
                    self._pairs.gave((task.queue, task.type) for task in found)
        except ClaimUnansweredError as error:
            raise besides(error, found) from error.__cause__
        except RepositoryError:
            if not found:  # what was claimed must reach its consumer
                raise
        if any(task.unreadable for task in found):
            with suppress(RepositoryError):  # what was claimed must reach its consumer
                self._set_aside([task for task in found if task.unreadable])
            found = [task for task in found if not task.unreadable]
        return in_order(found, order)

    def _set_aside(self, tasks: Sequence[Task]) -> None:
        """Give back claimed rows that can't be read; hidden, or they would be claimed at once."""
        for task in tasks:
            params = {
                **self._rows.clock(), "id": row_id_of(task), "timeout": _HIDDEN_SECONDS,
            }  # fmt: skip

            def work(session: Session, params: dict[str, object] = params) -> int:
                return session.change(self._sql.set_aside, params)

            self._run(work, "write")

    def _claiming(self, work: Callable[[Session, list[Task]], None], mode: Mode) -> list[Task]:
        """Run a claim that puts its tasks into the list it is given, before it commits.

        So nothing is claimed where it is interrupted, and what a commit without an answer may
        have claimed is known.

        Raises:
            ClaimUnansweredError: the connection was lost once the tasks were known.
        """
        claimed: list[Task] = []

        def attempt(session: Session) -> None:
            claimed.clear()  # the attempt before was rolled back
            work(session, claimed)

        try:
            self._run(attempt, mode, lambda: not claimed)
        except RepositoryUnavailableError as error:
            if not claimed:
                raise
            raise ClaimUnansweredError(
                f"a claim of {counted(len(claimed), 'task')} got no answer to its commit: {error}",
                list(map(Lease.of, claimed)),
            ) from error.__cause__
        return claimed

    def _list_pairs(self, types: Collection[str] | None) -> list[Listed]:
        if types is None or not self._sql.claimable_pairs_of:
            return self._listed(self._sql.claimable_pairs, {})
        return self._listed(self._sql.claimable_pairs_of, {"types": list(types)})

    def _newest_pairs(self) -> list[Listed]:
        return self._listed(self._sql.newest_pairs, {"newest": NEWEST})

    def _listed(self, sql: str, params: dict[str, object]) -> list[Listed]:
        rows = self._rows_of(sql, {**params, "horizon": HORIZON})
        return [Listed(text_of(queue), text_of(type), wait) for queue, type, wait in rows]


def besides(error: ClaimUnansweredError, found: Sequence[Task]) -> ClaimUnansweredError:
    """`error` with the leases of what the same poll had claimed before: all is released."""
    return ClaimUnansweredError(str(error), [*map(Lease.of, found), *error.leases])


def _claimable(name: str, values: Names) -> tuple[str, ...] | None:
    """Names for a poll: there an empty sequence claims nothing instead of being an error."""
    if values is not None and not isinstance(values, str) and not values:
        return ()
    return check_names(name, values)
