"""Tasks as plain records: what the command line prints and the app copies."""

import base64
from collections.abc import Callable
from typing import Any, Final

from tasq_core.args import GOB, JSON
from tasq_core.errors import ArgsDecodeError
from tasq_core.task import IMMEDIATELY, Task
from tasq_core.transfer import iso

TASK_FIELDS: Final = (
    "id", "type", "queue", "priority", "status", "receive_count", "max_receives",
    "created_at", "started_at", "finished_at", "visible_at", "last_error", "args",
)  # fmt: skip


def task_record(task: Task) -> dict[str, Any]:
    """A task as JSON has it; `args` decoded, times ISO 8601 in UTC, null for "at once".

    Where the decoded arguments don't give back the stored bytes (gob, spaces in JSON), the
    record has these in `args_base64`, too.
    """
    args = args_record(task.args)
    record = {
        "id": str(task.id),
        "type": task.type,
        "queue": task.queue,
        "priority": task.priority,
        "status": task.status.value,
        "receive_count": task.receive_count,
        "max_receives": task.max_receives,
        "created_at": iso(task.created_at),
        "started_at": iso(task.started_at),
        "finished_at": iso(task.finished_at),
        "visible_at": None if task.visible_at == IMMEDIATELY else iso(task.visible_at),
        "last_error": task.last_error,
        "args": args,
    }
    if not _gives_back(args, task.args):
        record["args_base64"] = base64.b64encode(task.args).decode()
    return record


def _gives_back(record: dict[str, Any], data: bytes) -> bool:
    if record["encoding"] == "json":
        return bool(JSON.encode(record["value"]) == data)
    return bool(record["encoding"] != "gob")


def args_record(data: bytes) -> dict[str, Any]:
    """Encoded arguments as `{"encoding": "json|gob|text|base64", "value": …}`."""
    for encoding, decode in _READERS:
        try:
            return {"encoding": encoding, "value": decode(data)}
        except (ArgsDecodeError, UnicodeDecodeError):
            continue
    return {"encoding": "base64", "value": base64.b64encode(data).decode()}


def _gob(data: bytes) -> Any:
    value = GOB.decode(data)
    from tasq_core.args.gob import to_json  # noqa: PLC0415 - decode has loaded it

    return to_json(value)


def _text(data: bytes) -> str:
    text = data.decode()
    if "\0" in text:
        raise ArgsDecodeError("binary")
    return text


_READERS: Final[tuple[tuple[str, Callable[[bytes], Any]], ...]] = (
    ("json", JSON.decode),
    ("gob", _gob),
    ("text", _text),
)
