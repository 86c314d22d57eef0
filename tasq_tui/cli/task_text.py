"""One task in full, as lines for a person."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from tasq_core.errors import ArgsDecodeError
from tasq_core.fleet.reports import Attempt, Holder
from tasq_core.task import IMMEDIATELY, Task
from tasq_core.wording import counted
from tasq_tui.admin.records import args_record
from tasq_tui.admin.wording import ago, span
from tasq_tui.cli import sanitize

_LONGEST_ARGS: Final = 20_000
"""Characters of arguments that are shown; --json shows them all."""


def task_text(
    task: Task,
    now: datetime,
    why: str,
    holder: Holder | None = None,
    attempts: Sequence[Attempt] = (),
) -> Iterator[str]:
    """The task's lines, all inert."""
    yield f"task {task.id}"
    limit = f" of {task.max_receives}" if task.max_receives else ", no limit"
    facts = {
        "type": task.type,
        "queue": task.queue or '""',
        "status": task.status.value,
        "why": why,
        **({} if holder is None else {"holder": _holder(holder, now)}),
        "priority": str(task.priority),
        "receives": f"{task.receive_count}{limit}",
        "created": _time(task.created_at, now),
        "started": _time(task.started_at, now),
        "finished": _time(task.finished_at, now),
        "visible": "at once" if task.visible_at == IMMEDIATELY else _time(task.visible_at, now),
    }
    for name, value in facts.items():
        yield f"  {name:<9} {sanitize.line(value)}"
    encoding, lines = _args(task.args)
    yield f"  args      {encoding}, {counted(len(task.args), 'byte')}"
    yield from (f"    {line}" for line in lines)
    if task.last_error is not None:
        yield "  error"
        yield from (f"    {line}" for line in sanitize.lines(task.last_error))
    if attempts:
        yield "  attempts that didn't succeed"
    for attempt in attempts:
        yield from _attempt(attempt, now)


def _holder(holder: Holder, now: datetime) -> str:
    return f"{holder}, since {_time(holder.since, now)}" if holder.since else str(holder)


def _attempt(attempt: Attempt, now: datetime) -> Iterator[str]:
    """One attempt: when, how it ended and where, and the first line of its error."""
    lasted = "no start recorded"
    if attempt.started_at is not None:
        lasted = f"after {span(attempt.ended_at - attempt.started_at)}"
    where = f", {attempt.consumer} on {attempt.host}" if attempt.consumer else ""
    yield sanitize.line(
        f"    {attempt.receive_count}  {_time(attempt.ended_at, now)}  {attempt.outcome},"
        f" {lasted}{where}"
    )
    if attempt.error:
        yield f"       {sanitize.line(attempt.error.partition(chr(10))[0])}"


def _time(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "-"
    return f"{at:%Y-%m-%d %H:%M:%S.%f}Z ({ago(at, now)})"


def _args(data: bytes) -> tuple[str, list[str]]:
    record = args_record(data)
    encoding = str(record["encoding"])
    shown = _gob_tree(data) if encoding == "gob" else None
    if shown is None:
        shown = _readable(record["value"], encoding)
    if len(shown) > _LONGEST_ARGS:
        shown = f"{shown[:_LONGEST_ARGS]}\n… {len(shown):,} characters in all; --json shows them"
    return encoding, sanitize.lines(shown)


def _readable(value: Any, encoding: str) -> str:
    if encoding == "json":
        return json.dumps(value, ensure_ascii=False, indent=2)
    return str(value)


def _gob_tree(data: bytes) -> str | None:
    from tasq_core.args import gob

    try:
        return gob.describe(data)
    except ArgsDecodeError:
        return None
