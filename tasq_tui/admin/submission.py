"""Tasks to submit, read from lines of JSON: only `type` is required."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from tasq_core.args import JSON, Codec
from tasq_core.durations import parse_duration, seconds
from tasq_core.errors import ArgsDecodeError, InvalidInputError, TasqError
from tasq_core.task import Task

_KEYS: Final = (
    "type", "args", "queue", "priority", "max_receives", "delay", "visible_at", "id",
)  # fmt: skip


def tasks_of(
    lines: Iterable[str],
    codec: Codec,
    now: datetime,
    defaults: dict[str, Any],
    delay: float | None = None,
) -> Iterator[Task]:
    """The tasks of the lines; empty lines are skipped.

    Args:
        lines: an object each: `type`, and any of args, queue, priority, max_receives, delay
            (seconds, or as "30s"), visible_at (ISO 8601 with a zone), id.
        codec: encodes the arguments.
        now: the database's clock, which delays count from.
        defaults: what a line that leaves a key out has.
        delay: seconds, where a line says neither delay nor visible_at.

    Raises:
        InvalidInputError: a line that is not such an object; says which, and why.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = _object(line)
                known = {} if "visible_at" in row else {"delay": delay}
                yield _task({**defaults, **known, **row}, codec, now)
            except TasqError as error:
                raise InvalidInputError(f"line {number} can't be submitted: {error}") from error


def _object(line: str) -> dict[str, Any]:
    try:
        row = JSON.decode(line.encode())
    except (ArgsDecodeError, UnicodeEncodeError) as error:
        raise InvalidInputError(f"it isn't JSON: {error.__cause__ or error}") from error
    if not isinstance(row, dict):
        raise InvalidInputError('it isn\'t a JSON object, as {"type": "email"}')
    if unknown := sorted(row.keys() - set(_KEYS)):
        raise InvalidInputError(f"unknown {', '.join(unknown)}; known are {', '.join(_KEYS)}")
    if not isinstance(row.get("type"), str):
        raise InvalidInputError("its type is missing, or no text")
    return row


def _task(row: dict[str, Any], codec: Codec, now: datetime) -> Task:
    task = Task.new(
        row["type"], row.get("args"), row.get("queue", ""), row.get("priority", 0),
        row.get("max_receives", 0), codec=codec,
    )  # fmt: skip
    if "id" in row:
        task.id = _id(row["id"])
    if row.get("delay") is not None:
        if row.get("visible_at") is not None:
            raise InvalidInputError("it has a delay and visible_at; give one of them")
        task.set_visibility(now + _delay(row["delay"]))
    elif row.get("visible_at") is not None:
        task.set_visibility(_moment(row["visible_at"]))
    return task


def _id(given: object) -> UUID:
    try:
        return UUID(str(given))
    except ValueError:
        raise InvalidInputError(f"its id {given!r} is not a UUID") from None


def _delay(given: Any) -> timedelta:
    if isinstance(given, str):
        return parse_duration("delay", given)
    return timedelta(seconds=seconds("delay", given))


def _moment(given: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(given))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInputError(
            f"its visible_at {given!r} isn't a time with a zone, as 2026-03-01T14:05:00Z"
        )
    return at
