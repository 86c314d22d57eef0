"""How many tasks match the list's filter, as of when, and how that is said."""

import time
from datetime import datetime
from typing import Final

from tasq_core.filters import Filter
from tasq_core.wording import plural
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.db.stats import dated, is_fresh
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.formats import count

COUNTED: Final = 10_000
"""Matches of a filter are counted up to here."""
_EVERY_SECONDS: Final = 4.0
_COST_RATIO: Final = 20.0


class MatchCount:
    """Counts the matches of one filter at a time, rarely enough for what that costs.

    Attributes:
        value: how many match; None until counted. Beyond COUNTED where there are more.
        at: when that was asked for, by the database's clock; None once a change made it old.
    """

    def __init__(self, session: Session) -> None:
        self.value: int | None = None
        self.at: datetime | None = None
        self._session = session
        self._where = Filter()
        self._due = 0.0

    def begin(self, where: Filter) -> None:
        """Count the matches of `where` from now on."""
        self._where = where
        self.value = self.at = None
        self._due = 0.0

    def expire(self) -> None:
        """The table was changed from here: count again at once."""
        self.at = None
        self._due = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it may be counted again."""
        return time.monotonic() >= self._due

    async def read(self) -> None:
        """Count; where that fails, the last count stays and gets older."""
        where, now = self._where, self._session.now()
        self._due = time.monotonic() + _EVERY_SECONDS
        found = await (self._matches(where, now) if where else self._all())
        if found is None or where is not self._where:
            return
        self.value, self.at, seconds = found
        self._due = time.monotonic() + max(_EVERY_SECONDS, _COST_RATIO * seconds)

    def text(self, now: datetime) -> str:
        """As in "1,204 match"; an old count is marked, and its age told."""
        if self.value is None:
            return "counting…"
        capped = bool(self._where) and self.value > COUNTED
        number = count(
            min(self.value, COUNTED) if capped else self.value,
            approximate=not is_fresh(self.at, now),
            at_least=capped,
        )
        return dated(
            f"{number} {'match' if self._where else plural(self.value, 'task')}", self.at, now
        )

    async def _matches(self, where: Filter, now: datetime) -> tuple[int, datetime, float] | None:
        stats = self._session.stats
        found = await stats.attempt(stats.repository.count, where, COUNTED + 1)
        return None if isinstance(found, Failure) else (found.value, now, found.seconds)

    async def _all(self) -> tuple[int, datetime | None, float] | None:
        """Open tasks are counted; of the finished ones, the count that the screens share."""
        session, finished = self._session, self._session.figures.finished
        found = await session.stats.attempt(session.stats.repository.open_counts)
        if isinstance(found, Failure):
            return None
        await finished.read(session.scan, session.now(), session.scan.repository.finished_counts)
        if finished.value is None:
            return None
        counts, _ = found.value
        total = sum(counts.values()) + sum(finished.value.values())
        return total, finished.at, found.seconds
