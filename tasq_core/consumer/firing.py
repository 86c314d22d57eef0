"""Fires periodic tasks: the part that every consumer has in it."""

from datetime import datetime
from typing import Final

from tasq_core.consumer.options import Logger
from tasq_core.errors import InvalidInputError
from tasq_core.fleet.schedules import Schedules
from tasq_core.repository.protocol import Repository

_LONGEST_WAIT: Final = 5.0
"""Seconds until the next look at the latest: there may be a new schedule."""
_WITHOUT_TABLE: Final = 60.0
"""Seconds until the next look for side tables that weren't there."""
_SHORTEST_WAIT: Final = 0.005


class Firing:
    """Submits the tasks of ticks that are due, by the database's clock."""

    def __init__(self, repository: Repository, logger: Logger) -> None:
        """Over `repository`.

        Raises:
            InvalidInputError: a repository of another kind than this library's.
        """
        self._schedules = Schedules(repository)
        self._logger = logger
        self._there = False
        self._failing: dict[str, datetime] = {}
        """The ticks of schedules that can't be fired here, by name."""
        self._said: set[tuple[str, str]] = set()

    def __call__(self) -> float:
        """Fire what is due; the seconds until the next tick."""
        if not self._there:
            self._there = self._schedules.ready(look_again=True)
            if not self._there:
                return _WITHOUT_TABLE
        waits = [self._fired(*one) for one in self._schedules.due()]
        return min(_LONGEST_WAIT, *waits) if waits else _LONGEST_WAIT

    def _fired(self, name: str, tick: datetime, now: datetime) -> float:
        """The seconds until it is worth to look at this schedule again."""
        if tick > now:
            return max(_SHORTEST_WAIT, (tick - now).total_seconds())
        if self._failing.get(name) == tick:
            return _LONGEST_WAIT
        try:
            tasks = self._schedules.fire(name, tick, now)
        except InvalidInputError as error:
            self._failing[name] = tick
            if (said := (name, str(error))) in self._said:
                return _LONGEST_WAIT
            self._said.add(said)
            self._logger.error("schedule %r can't be fired by this consumer: %s", name, error)  # noqa: TRY400 - a trace tells nothing
            return _LONGEST_WAIT
        self._failing.pop(name, None)
        for task in tasks:
            self._logger.debug("schedule %r fired its tick of %s", name, task.created_at)
        return 0.0
