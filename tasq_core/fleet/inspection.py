"""What an inspector tells of the fleet: consumers, pauses, attempts, and who holds a task."""

from collections.abc import Sequence
from uuid import UUID

from tasq_core.fleet.attempts import Attempts, named
from tasq_core.fleet.pauses import Pauses
from tasq_core.fleet.registry import Registry
from tasq_core.fleet.reports import Attempt, ConsumerReport, Holder, Pause
from tasq_core.producer import as_task_id
from tasq_core.repository.claims_sql import SqlClaims
from tasq_core.repository.protocol import Repository
from tasq_core.repository.side_tables import SideTables
from tasq_core.task import Task, TaskStatus

_HELD = (TaskStatus.ENQUEUED, TaskStatus.IN_PROGRESS)


class FleetInspection:
    """Reads the side tables, where there are any."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._tables: SideTables | None = None

    def consumers(self) -> list[ConsumerReport]:
        """The Python consumers that sent a heartbeat within a day, by name.

        One that held nothing is forgotten after ten minutes if a later one has its name and host.
        Go's aren't among them. A database without side tables has none.
        """
        side = self._side()
        return [] if side is None else Registry(side).all()

    def pauses(self) -> list[Pause]:
        """What is paused now, by kind and name."""
        side = self._side()
        return [] if side is None else Pauses(side).all()

    def attempts(self, id: UUID | str) -> list[Attempt]:
        """The attempts of a task that didn't succeed, in order; the first thousand.

        Kept for 30 days unless consumers say otherwise. Go's consumers note none. A crash is
        noted by the consumer that finds the lapsed lease; who had crashed is known for a day.
        """
        side = self._side()
        if side is None:
            return []
        found = Attempts(side).of(as_task_id(id))
        if any(not attempt.consumer for attempt in found):
            consumers = Registry(side).all()
            return [named(attempt, consumers) for attempt in found]
        return found

    def holder(
        self, task: Task, consumers: Sequence[ConsumerReport] | None = None
    ) -> Holder | None:
        """Who holds a leased task; None where nobody does, or there is no registry.

        Args:
            task: as read.
            consumers: an earlier answer of `consumers()`, to spare the query.
        """
        if task.status not in _HELD or self._side() is None:
            return None
        known = self.consumers() if consumers is None else consumers
        since = task.started_at if task.status is TaskStatus.IN_PROGRESS else None
        for consumer in known:
            if consumer.holds(task.id, task.receive_count):
                return Holder(consumer, since=since)
        if task.visible_at <= self._repository.now():
            return None
        could = any(
            not consumer.vanished and consumer.takes(task.type, task.queue)
            and (task.started_at is None or task.started_at > consumer.heartbeat_at)
            for consumer in known
        )  # fmt: skip
        return Holder(None, may_be_new=could, since=since)

    def _side(self) -> SideTables | None:
        """The side tables, where there are any."""
        if self._tables is None and isinstance(self._repository, SqlClaims):
            self._tables = SideTables(self._repository)
        side = self._tables
        return side if side is not None and side.exist(look_again=not side.known) else None
