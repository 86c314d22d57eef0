"""The registry of running consumers: heartbeats, commands and their answers."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from tasq_core.fleet.reports import ConsumerReport, InFlight
from tasq_core.repository.rows import text_of
from tasq_core.repository.side_tables import SideTables

FORMAT: Final = 1
"""The version of a row's JSON."""
FORGOTTEN_AFTER: Final = 86_400.0
"""Seconds without a heartbeat after which a consumer's row goes."""
COMMANDS: Final = ("quiet", "resume", "stop", "stacks")


class Command(NamedTuple):
    """What a consumer was asked to do."""

    id: UUID
    name: str


class Registry:
    """Reads and writes the table of consumers."""

    def __init__(self, side: SideTables) -> None:
        self._side = side

    # -- a consumer's own row --------------------------------------------------------------

    def write(self, id: UUID, row: Mapping[str, object]) -> None:
        """Insert or renew the row of a consumer; the database stamps it."""
        self._side.change("heartbeat", {"id": self._side.id(id), "format": FORMAT, **row})

    def forget(self, id: UUID) -> None:
        """Delete the row of a consumer that has stopped."""
        self._side.change("forget_consumer", {"id": self._side.id(id)})

    def prune(self) -> None:
        """Forget consumers that have been silent for a day."""
        self._side.change("prune_consumers", {"age": FORGOTTEN_AFTER})

    def pending(self, id: UUID) -> Command | None:
        """The command that waits for this consumer."""
        for name, command_id in self._side.rows("pending_command", {"id": self._side.id(id)}):
            return Command(self._side.read_id(command_id), text_of(name))
        return None

    def answer(self, id: UUID, command: Command, answer: Mapping[str, Any]) -> None:
        """Answer a command, unless another one has taken its place."""
        params = {
            "id": self._side.id(id), "command_id": self._side.id(command.id),
            "answer": json.dumps(answer),
        }  # fmt: skip
        self._side.change("answer_command", params)

    # -- everybody's -----------------------------------------------------------------------

    def all(self) -> list[ConsumerReport]:
        """Every consumer that sent a heartbeat within a day, by name."""
        return [self._report(row) for row in self._side.rows("consumers", {})]

    def send(self, id: UUID, command: str) -> UUID | None:
        """Ask a consumer to do something; the command's id, None where it has no row."""
        sent = uuid4()
        params = {
            "id": self._side.id(id), "command": command, "command_id": self._side.id(sent),
        }  # fmt: skip
        return sent if self._side.change_and_notify("send_command", params) else None

    def answer_to(self, id: UUID, command_id: UUID) -> dict[str, Any] | None:
        """The answer to a command; None until there is one.

        Raises:
            LookupError: the consumer has gone, or another command took this one's place.
        """
        rows = self._side.rows("command_answer", {"id": self._side.id(id)})
        if not rows:
            raise LookupError("it has stopped")
        asked, answered, answer = rows[0]
        if answered is not None and self._side.read_id(answered) == command_id:
            found = _loaded(answer)
            return found if isinstance(found, dict) else {}
        if asked is None or self._side.read_id(asked) != command_id:
            raise LookupError("another command took its place")
        return None

    def _report(self, row: Any) -> ConsumerReport:
        (id, form, name, host, pid, version, release, queues, types, workers, state, counts,
         in_flight, last_error, started, heartbeat, interval, now) = row  # fmt: skip
        at = self._side.read_moment(heartbeat)
        problem = None
        details = _Details(None, (), {}, (), ())
        if form > FORMAT:
            problem = f"written by a newer tasq ({text_of(version)}): update this one"
        else:
            try:
                details = _details(queues, types, counts, in_flight, at)
            except (ValueError, TypeError, KeyError, OverflowError):
                problem = "its row can't be read"
        return ConsumerReport(
            self._side.read_id(id), text_of(name), text_of(host), int(pid), text_of(version),
            text_of(release), details.queues, details.types, int(workers), text_of(state),
            details.counts, details.in_flight, details.waiting,
            None if last_error is None else text_of(last_error), self._side.read_moment(started),
            at, float(interval), self._side.read_moment(now), problem,
        )  # fmt: skip


class _Details(NamedTuple):
    queues: tuple[str, ...] | None
    types: tuple[str, ...]
    counts: Mapping[str, int]
    in_flight: tuple[InFlight, ...]
    waiting: tuple[tuple[UUID, int], ...]


def _details(queues: Any, types: Any, counts: Any, in_flight: Any, heartbeat: datetime) -> _Details:
    """What a row holds as JSON."""
    listed = _loaded(queues)
    held = _loaded(in_flight)
    running = tuple(
        InFlight(UUID(id), int(received), str(type), str(queue),
                 heartbeat - timedelta(seconds=float(seconds)))
        for id, received, type, queue, seconds in held["running"]
    )  # fmt: skip
    return _Details(
        None if listed is None else tuple(map(str, listed)),
        tuple(map(str, _loaded(types))),
        {str(name): int(count) for name, count in _loaded(counts).items()},
        running,
        tuple((UUID(id), int(received)) for id, received in held["waiting"]),
    )


def _loaded(text: Any) -> Any:
    return json.loads(text_of(text))
