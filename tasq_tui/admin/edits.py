"""An edit as it is asked for: what it changes, by which clock, and the options that say so."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tasq_core.durations import duration_text
from tasq_core.errors import InvalidInputError
from tasq_core.repository.protocol import Repository
from tasq_core.steering import Edit
from tasq_core.task import IMMEDIATELY
from tasq_core.transfer import iso


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """New values; what is None, or `...` of the arguments, stays.

    Raises:
        InvalidInputError: a value the table can't hold, none at all, or two times.
    """

    type: str | None = None
    queue: str | None = None
    priority: int | None = None
    max_receives: int | None = None
    delay: timedelta | None = None
    at: datetime | None = None
    now: bool = False
    args: Any = ...

    def __post_init__(self) -> None:
        if (self.delay is not None) + (self.at is not None) + self.now > 1:
            raise InvalidInputError("--delay, --at and --now exclude each other")
        self._edit(IMMEDIATELY)

    def values(self, repository: Repository) -> Edit:
        """The edit, a delay counted from the database's clock."""
        return self._edit(repository.now() if self.delay else IMMEDIATELY)

    @property
    def flags(self) -> tuple[str, ...]:
        """The options of `tasq edit` that say the same."""
        given = {
            "--type": self.type,
            "--queue": self.queue,
            "--priority": self.priority,
            "--max-receives": self.max_receives,
            "--delay": None if self.delay is None else duration_text(self.delay.total_seconds()),
            "--at": iso(self.at),
            "--args": None if self.args is ... else json.dumps(self.args, ensure_ascii=False),
        }
        words = [f"{option}={value}" for option, value in given.items() if value is not None]
        return (*words, *(("--now",) if self.now else ()))

    def _edit(self, now: datetime) -> Edit:
        visible = IMMEDIATELY if self.now or self.delay == timedelta() else self.at
        if self.delay:
            visible = now + self.delay
        return Edit(
            type=self.type, queue=self.queue, priority=self.priority,
            max_receives=self.max_receives, visible_at=visible, args=self.args,
        )  # fmt: skip
