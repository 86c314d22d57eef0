"""What a filter means, told in plain Python: the judge of the SQL."""

from datetime import datetime, timedelta
from typing import Any

from tasq_core.filters.model import Filter, Term
from tasq_core.filters.values import (
    Age,
    IdPrefix,
    Lengths,
    Name,
    Needle,
    Numbers,
    Piece,
    Span,
    State,
)
from tasq_core.task import FINISHED_STATUSES, OPEN_STATUSES, Task, TaskStatus

_FIELDS = {
    "type": "type", "queue": "queue", "prio": "priority", "receives": "receive_count",
    "error": "last_error", "created": "created_at", "started": "started_at",
    "finished": "finished_at", "visible": "visible_at", "max": "max_receives",
}  # fmt: skip
_CLAIMED = (TaskStatus.ENQUEUED, TaskStatus.IN_PROGRESS)


def matches(wanted: Filter, task: Task, now: datetime) -> bool:
    """Whether `task` is one of those wanted, as seen at `now`."""
    return all(_term_holds(term, task, now) for term in wanted.terms)


def _term_holds(term: Term, task: Task, now: datetime) -> bool:
    return any(_holds(term.key, value, task, now) for value in term.values) != term.negated


def _holds(key: str, value: object, task: Task, now: datetime) -> bool:
    match value:
        case TaskStatus():
            return task.status == value
        case State():
            return _is(value, task, now)
        case IdPrefix():
            return task.id.hex.startswith(value.digits)
        case Needle():
            return value.text.encode() in task.args
        case Piece() if key == "":
            return _word_found(value, task)
        case Lengths():
            first, last = {
                "took": (task.started_at, task.finished_at),
                "waited": (task.created_at, task.started_at),
            }[key]
            return first is not None and last is not None and _lasts(value, last - first)
    field = getattr(task, _FIELDS[key])
    return field is not None and _field_holds(value, field, now)


def _word_found(word: Piece, task: Task) -> bool:
    if _found(word, task.type) or (task.last_error is not None and _found(word, task.last_error)):
        return True
    letters = set(word.text.lower()) <= set("abcdef") and len(word.text) >= 4
    whole = not (word.at_start or word.at_end)
    return letters and whole and task.id.hex.startswith(word.text.lower())


def _field_holds(value: object, field: Any, now: datetime) -> bool:
    match value:
        case Name():
            return _named(value, field)
        case Piece():
            return _found(value, field)
        case Numbers(low, high):
            return (low is None or low <= field) and (high is None or field <= high)
        case Span():
            return _within(value, field, now)
    raise AssertionError(value)


def _is(state: State, task: Task, now: datetime) -> bool:
    visible = task.visible_at <= now
    used_up = 0 < task.max_receives <= task.receive_count
    is_open, claimed = task.status in OPEN_STATUSES, task.status in _CLAIMED
    return {
        State.READY: is_open and visible and not used_up,
        State.DELAYED: task.status == TaskStatus.NEW and not visible,
        State.LEASED: claimed and not visible,
        State.STALE: claimed and visible,
        State.EXHAUSTED: is_open and used_up and visible,
        State.RETRYING: task.status == TaskStatus.NEW and task.receive_count > 0,
        State.OPEN: is_open,
        State.FINISHED: task.status in FINISHED_STATUSES,
    }[state]


def _named(name: Name, text: str) -> bool:
    if name.star_before and name.star_after:
        return name.text in text
    if name.star_before:
        return text.endswith(name.text)
    return text.startswith(name.text) if name.star_after else text == name.text


def _found(piece: Piece, text: str) -> bool:
    wanted, text = _folded(piece.text), _folded(text)
    if piece.at_start:
        return text.startswith(wanted)
    return text.endswith(wanted) if piece.at_end else wanted in text


def _folded(text: str) -> str:
    return text.lower()


def _lasts(lengths: Lengths, length: timedelta) -> bool:
    low, high = (
        None if end is None else timedelta(seconds=end) for end in (lengths.low, lengths.high)
    )
    if low is not None and (length < low or (length == low and lengths.low_open)):
        return False
    return high is None or length < high or (length == high and not lengths.high_open)


def _within(span: Span, at: datetime, now: datetime) -> bool:
    low, high = (
        now - timedelta(seconds=end.seconds) if isinstance(end, Age) else end
        for end in (span.low, span.high)
    )
    if low is not None and (at < low or (at == low and span.low_open)):
        return False
    return high is None or at < high or (at == high and not span.high_open)
