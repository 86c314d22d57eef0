"""The registry of running consumers: heartbeats, commands and their answers."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from tasq_core.fleet.reports import ConsumerReport, InFlight
from tasq_core.repository.odd_rows import MISREAD
from tasq_core.repository.rows import text_of
from tasq_core.repository.side_rows import Columns, exact_text, loaded, whole
from tasq_core.repository.side_tables import SideTables
from tasq_core.task import IMMEDIATELY

FORMAT: Final = 1
"""The version of a row's JSON."""
FORGOTTEN_AFTER: Final = 86_400.0
"""Seconds without a heartbeat after which a consumer's row goes."""
REPLACED_AFTER: Final = 600.0
"""The same of one that held nothing, and whose name and host a later one has."""
COMMANDS: Final = ("quiet", "resume", "stop", "stacks")

_COLUMNS: Final = (
    "id", "format", "name", "host", "pid", "version", "release_name", "queues", "types",
    "workers", "state", "counts", "in_flight", "last_error", "started_at", "heartbeat_at",
    "heartbeat_seconds", "now",
)  # fmt: skip
_LONGEST_INTERVAL: Final = 86_400.0
"""Seconds between heartbeats that are believed."""
_UNREADABLE: Final[dict[str, Any]] = {"text": "its answer can't be read"}


def in_flight_text(running: list[Any], waiting: list[Any]) -> str:
    """What a row says of the tasks that its consumer runs, and of those it has claimed only."""
    return json.dumps({"running": running, "waiting": waiting})


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
        """Forget consumers that have been silent for a day, or were replaced and held nothing."""
        params = {
            "age": FORGOTTEN_AFTER, "replaced_age": REPLACED_AFTER,
            "nothing": in_flight_text([], []),
        }  # fmt: skip
        self._side.change("prune_consumers", params)

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
        if self._is(answered, command_id):
            try:
                found = loaded(answer)
            except MISREAD:
                return _UNREADABLE
            return found if isinstance(found, dict) else _UNREADABLE
        if not self._is(asked, command_id):
            raise LookupError("another command took its place")
        return None

    def _is(self, stored: Any, id: UUID) -> bool:
        """Whether a column holds this id."""
        try:
            return stored is not None and self._side.read_id(stored) == id
        except MISREAD:
            return False

    def _report(self, row: Any) -> ConsumerReport:
        """A row, whoever wrote it: what can't be read is left empty, and named as its problem."""
        columns, moment = Columns(_COLUMNS, row), self._side.read_moment
        version = columns.text("version")
        at = columns.read("heartbeat_at", moment, IMMEDIATELY)
        details, newer = _Details(None, (), {}, (), ()), None
        if columns.number("format") > FORMAT:
            newer = f"written by a newer tasq ({version}): update this one"
        else:
            details = _details(columns, at)
        report = ConsumerReport(
            columns.read("id", self._side.read_id, uuid5(NAMESPACE_OID, repr(row[0]))),
            columns.text("name"), columns.text("host"), columns.number("pid"), version,
            columns.text("release_name"), details.queues, details.types,
            columns.number("workers"), columns.text("state"), details.counts, details.in_flight,
            details.waiting, columns.read_or_none("last_error", exact_text),
            columns.read("started_at", moment, IMMEDIATELY), at,
            columns.read("heartbeat_seconds", _interval, _LONGEST_INTERVAL), moment(row[-1]),
        )  # fmt: skip
        return replace(report, problem=newer or columns.problem)


class _Details(NamedTuple):
    queues: tuple[str, ...] | None
    types: tuple[str, ...]
    counts: Mapping[str, int]
    in_flight: tuple[InFlight, ...]
    waiting: tuple[tuple[UUID, int], ...]


def _details(columns: Columns, heartbeat: datetime) -> _Details:
    """What a row holds as JSON."""

    def running(text: Any) -> tuple[InFlight, ...]:
        return tuple(
            InFlight(UUID(id), whole(received), str(type), str(queue),
                     heartbeat - timedelta(seconds=float(seconds)))
            for id, received, type, queue, seconds in loaded(text)["running"]
        )  # fmt: skip

    nothing: tuple[str, ...] | None = ()  # None would be every queue
    return _Details(
        columns.read("queues", _names_or_all, nothing),
        columns.read("types", _names, ()),
        columns.read("counts", _counts, {}),
        columns.read("in_flight", running, ()),
        columns.read("in_flight", _waiting, ()),
    )


def _names(text: Any) -> tuple[str, ...]:
    listed = loaded(text)
    if not isinstance(listed, list):
        raise TypeError
    return tuple(map(str, listed))


def _names_or_all(text: Any) -> tuple[str, ...] | None:
    return None if loaded(text) is None else _names(text)


def _counts(text: Any) -> dict[str, int]:
    return {str(name): whole(count) for name, count in loaded(text).items()}


def _waiting(text: Any) -> tuple[tuple[UUID, int], ...]:
    return tuple((UUID(id), whole(received)) for id, received in loaded(text)["waiting"])


def _interval(value: Any) -> float:
    if not 0 < float(value) <= _LONGEST_INTERVAL:
        raise ValueError
    return float(value)
