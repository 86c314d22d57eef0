"""Attempts that didn't succeed, as consumers have noted them."""

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from tasq_core.fleet.reports import Attempt, ConsumerReport
from tasq_core.repository.side_rows import Columns, exact_text
from tasq_core.repository.side_tables import SideTables
from tasq_core.task import END_OF_TIME

MOST: Final = 1000
"""Attempts read of one task."""
_COLUMNS: Final = (
    "task_id", "receive_count", "consumer", "host", "started_at", "ended_at", "outcome", "error",
)  # fmt: skip
_PRUNED_AT_ONCE: Final = 1000
_MOST_PRUNED: Final = 100_000
"""Attempts that one round of pruning deletes."""


class Attempts:
    """Reads and prunes the table of attempts."""

    def __init__(self, side: SideTables) -> None:
        self._side = side

    def of(self, task_id: UUID) -> list[Attempt]:
        """Those of one task, in order."""
        params = {"id": self._side.id(task_id), "limit": MOST}
        return [self._attempt(row) for row in self._side.rows("attempts_of", params)]

    def prune(self, age: float) -> None:
        """Delete those that ended more than `age` seconds ago, batch by batch along an index."""
        for _ in range(_MOST_PRUNED // _PRUNED_AT_ONCE):
            if self._side.change("prune_attempts", {"age": age}) < _PRUNED_AT_ONCE:
                return

    def _attempt(self, row: Any) -> Attempt:
        columns, moment = Columns(_COLUMNS, row), self._side.read_moment
        return Attempt(
            self._side.read_id(row[0]), columns.number("receive_count"), columns.text("consumer"),
            columns.text("host"), columns.read_or_none("started_at", moment),
            columns.read("ended_at", moment, END_OF_TIME), columns.text("outcome"),
            columns.read_or_none("error", exact_text) or columns.problem,
        )  # fmt: skip


def named(attempt: Attempt, consumers: list[ConsumerReport]) -> Attempt:
    """`attempt`, of a crash with the consumer whose last heartbeat names it."""
    if attempt.consumer or attempt.outcome != "crashed":
        return attempt
    for consumer in consumers:
        if consumer.holds(attempt.task_id, attempt.receive_count):
            return replace(attempt, consumer=consumer.name, host=consumer.host)
    return attempt
