"""The fleet for both faces: consumers as records, commands with their answers, who holds what."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from tasq_core.errors import InvalidInputError, TaskNotFoundError, TasqError
from tasq_core.fleet.registry import Registry
from tasq_core.fleet.reports import Attempt, ConsumerReport, Holder, Pause
from tasq_core.repository.protocol import Repository
from tasq_core.repository.side_tables import SideTables
from tasq_core.task import Task
from tasq_core.transfer import iso
from tasq_core.wording import counted

GO_UNAWARE: Final = "Go's consumers don't know of pauses and go on"
NO_SIDE_TABLES: Final = "consumers can't register here: no side tables that this user may read"
"""Why a list of consumers is empty while some may run."""

CONSUMER_FIELDS: Final = (
    "id", "name", "state", "host", "pid", "version", "release", "queues", "types", "workers",
    "counts", "in_flight", "waiting", "last_error", "started_at", "heartbeat_at", "problem",
)  # fmt: skip

_LOOK_SECONDS: Final = 0.05
_FAILURES: Final = ("failed", "retried", "timed out")


class NoAnswerError(TasqError):
    """A consumer didn't answer a command in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a consumer said to a command."""

    text: str
    stacks: tuple[dict[str, Any], ...] = ()


def state_of(consumer: ConsumerReport) -> str:
    """running, quiet, stopping or vanished."""
    return "vanished" if consumer.vanished else consumer.state


def failed_attempts(consumer: ConsumerReport) -> int:
    """How many attempts of a consumer failed, those that will be tried again included."""
    return sum(consumer.counts.get(name, 0) for name in _FAILURES)


def consumer_record(consumer: ConsumerReport) -> dict[str, Any]:
    """A consumer as JSON has it."""
    return {
        "id": str(consumer.id),
        "name": consumer.name,
        "state": state_of(consumer),
        "host": consumer.host,
        "pid": consumer.pid,
        "version": consumer.version,
        "release": consumer.release,
        "queues": None if consumer.queues is None else list(consumer.queues),
        "types": list(consumer.types),
        "workers": consumer.workers,
        "counts": dict(consumer.counts),
        "in_flight": [
            {
                "task_id": str(task.task_id),
                "receive_count": task.receive_count,
                "type": task.type,
                "queue": task.queue,
                "started_at": iso(task.started_at),
            }
            for task in consumer.in_flight
        ],
        "waiting": len(consumer.waiting),
        "last_error": consumer.last_error,
        "started_at": iso(consumer.started_at),
        "heartbeat_at": iso(consumer.heartbeat_at),
        "problem": consumer.problem,
    }


def pause_record(pause: Pause) -> dict[str, Any]:
    """A pause as JSON has it."""
    return {
        "kind": pause.kind,
        "name": pause.name,
        "paused_by": pause.paused_by,
        "reason": pause.reason,
        "paused_at": iso(pause.paused_at),
        "until": iso(pause.until),
    }


def attempt_record(attempt: Attempt) -> dict[str, Any]:
    """An attempt as JSON has it."""
    return {
        "receive_count": attempt.receive_count,
        "outcome": attempt.outcome,
        "consumer": attempt.consumer,
        "host": attempt.host,
        "started_at": iso(attempt.started_at),
        "ended_at": iso(attempt.ended_at),
        "error": attempt.error,
    }


def holder_record(holder: Holder | None) -> dict[str, Any] | None:
    """Who holds a task, as JSON has it; `consumer` is null where none is registered."""
    if holder is None:
        return None
    consumer = holder.consumer
    return {
        "consumer": None if consumer is None else consumer.name,
        "id": None if consumer is None else str(consumer.id),
        "host": None if consumer is None else consumer.host,
        "vanished": None if consumer is None else consumer.vanished,
        "since": iso(holder.since),
        "text": str(holder),
    }


def can_register(repository: Repository) -> bool:
    """Whether a consumer of this table would be known, had it started."""
    return SideTables(repository).exist()


def named_consumer(consumers: Sequence[ConsumerReport], name: str) -> ConsumerReport:
    """The consumer of this name, or whose id begins so; of several the one that lives.

    Raises:
        TaskNotFoundError: there is none.
        InvalidInputError: there are several; names their ids.
    """
    found = [consumer for consumer in consumers if consumer.name == name]
    found = found or [c for c in consumers if name and str(c.id).startswith(name.lower())]
    if len(found) > 1:
        alive = [consumer for consumer in found if not consumer.vanished]
        found = alive or found
    if not found:
        known = ", ".join(list(dict.fromkeys(one.name for one in consumers))[:10]) or "none"
        raise TaskNotFoundError(f"no consumer {name!r}; registered: {known}", [name])
    if len(found) > 1:
        ids = ", ".join(f"{str(c.id)[:8]} on {c.host}, pid {c.pid}" for c in found)
        raise InvalidInputError(
            f"{counted(len(found), 'consumer')} are called {name!r}; name an id: {ids}"
        )
    return found[0]


def ask(repository: Repository, consumer: ConsumerReport, command: str, within: float) -> Answer:
    """Send a command to a consumer and wait for its answer.

    Raises:
        InvalidInputError: it has vanished, so that nobody would answer.
        NoAnswerError: no answer within so many seconds, or another command took its place.
    """
    if consumer.vanished:
        raise InvalidInputError(
            f"{consumer.name} has vanished: its last heartbeat was at {iso(consumer.heartbeat_at)}"
        )
    registry = Registry(SideTables(repository))
    sent = registry.send(consumer.id, command)
    deadline = monotonic() + within
    pause = threading.Event()
    while sent is not None:
        try:
            found = registry.answer_to(consumer.id, sent)
        except LookupError as error:
            if command == "stop" and str(error) == "it has stopped":
                return Answer("has stopped")
            raise NoAnswerError(f"{consumer.name} did not answer: {error}") from None
        if found is not None:
            return _answer(found)
        if monotonic() > deadline:
            raise NoAnswerError(
                f"no answer from {consumer.name} within {within:g} s; it will find the command"
                " with its next heartbeat, if it still runs"
            )
        pause.wait(_LOOK_SECONDS)
    raise NoAnswerError(f"{consumer.name} has stopped")


def _answer(found: dict[str, Any]) -> Answer:
    """An answer, whatever a consumer wrote."""
    stacks = found.get("stacks")
    if not isinstance(stacks, list):
        return Answer(str(found.get("text", "")))
    return Answer("", tuple(stack for stack in stacks if isinstance(stack, dict)))


def fleet_of(task: Task, inspector: Any) -> tuple[Holder | None, list[Attempt]]:
    """Who holds a task, and its attempts that didn't succeed."""
    return inspector.holder(task), inspector.attempts(task.id)
