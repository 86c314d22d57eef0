"""A task as TOML for an editor, and what of it was changed there."""

import json
import tomllib
from datetime import datetime
from typing import Any, Final

from tasq_core.args import JSON
from tasq_core.errors import ArgsDecodeError, InvalidInputError
from tasq_core.moments import parse_moment
from tasq_core.task import IMMEDIATELY, Task
from tasq_core.transfer import iso
from tasq_tui.admin.edits import Wanted
from tasq_tui.admin.records import args_record

_AT_ONCE: Final = "at once"
_KEYS: Final = ("type", "queue", "priority", "max_receives", "visible_at", "args")
_NO_MODELINE: Final = "#\n" * 6
"""Editors take orders from the first and last lines of a file, and a task holds anyone's text."""


def to_toml(task: Task) -> str:
    """The task's fields that can be edited."""
    args = _args_text(task)
    lines = [
        f"# Task {task.id}, {task.status.value}. Save and leave: what you changed is applied.",
        '# visible_at: "at once", a time as 2026-11-26T09:00Z, or "in 2h".',
        "# args: JSON; they are stored in the encoding they have now.",
        _NO_MODELINE,
        f"type = {_quoted(task.type)}",
        f"queue = {_quoted(task.queue)}",
        f"priority = {task.priority}",
        f"max_receives = {task.max_receives}",
        f"visible_at = {_quoted(_visible(task))}",
        "# args: neither JSON nor gob, left as they are"
        if args is None
        else f"args = {_block(args)}",
        "",
        _NO_MODELINE,
    ]
    return "\n".join(lines)


def from_toml(text: str, task: Task, now: datetime) -> Wanted | None:
    """What was changed; None where nothing was.

    Args:
        text: what came from the editor.
        task: as it was given to the editor.
        now: what "in 2h" counts from.

    Raises:
        InvalidInputError: no TOML, an unknown or missing key, or a value that can't be used.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(f"that is not TOML: {error}") from None
    before = tomllib.loads(to_toml(task))
    if found.keys() != before.keys():
        odd = ", ".join(sorted(found.keys() ^ before.keys()))
        raise InvalidInputError(f"unknown or missing: {odd}; keep {', '.join(before)}")
    changed: dict[str, Any] = {
        key: found[key] for key in _KEYS if found.get(key) != before.get(key)
    }
    if not changed:
        return None
    visible = changed.pop("visible_at", None)
    if visible == _AT_ONCE:
        changed["now"] = True
    elif visible is not None:
        changed["at"] = _moment(visible, now)
    if "args" in changed:
        changed["args"] = _value(changed["args"])
    return Wanted(**changed)


def _moment(visible: object, now: datetime) -> datetime:
    if isinstance(visible, datetime):
        return visible if visible.tzinfo else visible.astimezone()
    return parse_moment("visible_at", str(visible), now)


def _value(text: object) -> Any:
    try:
        return JSON.decode(str(text).encode())
    except ArgsDecodeError as error:
        raise InvalidInputError(f"args aren't JSON: {error.__cause__ or error}") from None


def _visible(task: Task) -> str:
    return _AT_ONCE if task.visible_at == IMMEDIATELY else iso(task.visible_at) or _AT_ONCE


def _args_text(task: Task) -> str | None:
    record = args_record(task.args)
    if record["encoding"] not in ("json", "gob"):
        return None
    return json.dumps(record["value"], indent=2, ensure_ascii=False)


def _quoted(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f")


def _block(text: str) -> str:
    """Several lines as they are, or quoted where TOML could not tell where they end."""
    if "'''" in text or not text.replace("\n", "").isprintable():
        return _quoted(text)
    return f"'''\n{text}\n'''"
