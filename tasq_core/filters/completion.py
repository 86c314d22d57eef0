"""What could be typed next in a filter: keys, then the values of the key under the cursor."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tasq_core.filters.keys import ALIASES, KEYS
from tasq_core.filters.scanner import RawTerm, scan
from tasq_core.filters.values import State, quoted
from tasq_core.task import TaskStatus, TaskStatusGroup

_TIMES: Final = {
    "today": "since midnight",
    "yesterday": "all of that day",
    "<10m": "in the last ten minutes",
    "<1h": "in the last hour",
    "<1d": "in the last day",
    ">1h": "more than an hour ago",
    ">1d": "more than a day ago",
    ">1w": "more than a week ago",
}
_LENGTHS: Final = {
    ">1s": "longer than a second",
    ">1m": "longer than a minute",
    ">1h": "longer than an hour",
    "<1s": "under a second",
}
VALUES: Final[dict[str, dict[str, str]]] = {
    "status": {
        **{status.value.lower(): "" for status in TaskStatus},
        TaskStatusGroup.OPEN.lower(): "new, enqueued or in progress",
        TaskStatusGroup.FINISHED.lower(): "successful or failed",
    },
    "is": {
        State.READY: "would be claimed now",
        State.DELAYED: "waits for its time",
        State.LEASED: "held by a consumer",
        State.STALE: "its consumer let the lease lapse",
        State.EXHAUSTED: "its attempts are used up",
        State.RETRYING: "failed before, to run again",
        State.OPEN: "new, enqueued or in progress",
        State.FINISHED: "successful or failed",
    },
    "prio": {">0": "above the default", "<0": "below the default", "0": "the default"},
    "receives": {"0": "never claimed", ">=1": "claimed before", ">=2": "claimed more than once"},
    "max": {"0": "without limit", ">=1": "limited"},
    "error": {"*": "any error"},
    "took": _LENGTHS,
    "waited": _LENGTHS,
    "created": _TIMES,
    "started": _TIMES,
    "finished": _TIMES,
    "visible": _TIMES,
}
"""What is offered after a key, and what it means."""


@dataclass(frozen=True, slots=True)
class Completion:
    """Put `text` in place of the characters from `start` to `end`."""

    start: int
    end: int
    text: str
    about: str = ""

    def apply(self, filter_text: str) -> tuple[str, int]:
        """The filter with the completion in it, and where the cursor then stands."""
        changed = filter_text[: self.start] + self.text + filter_text[self.end :]
        return changed, self.start + len(self.text)


def complete(
    text: str, cursor: int, *, queues: Sequence[str] = (), types: Sequence[str] = ()
) -> list[Completion]:
    """What fits at `cursor`, best first; empty where nothing is known.

    Args:
        text: the filter as typed so far, which needn't be valid.
        cursor: in characters from 0.
        queues: names to offer for `queue:`.
        types: names to offer for `type:`.
    """
    cursor = max(0, min(cursor, len(text)))
    term = next((term for term in scan(text) if term.start <= cursor <= term.end), None)
    if term is None:
        return _keys("", cursor, cursor)
    if term.key is None:
        word = term.values[0]
        if cursor > word.end or word.is_quoted or word.stars or cursor < term.key_start:
            return []
        return _keys(text[term.key_start : cursor], term.key_start, word.end)
    colon = term.key_start + len(term.key)
    if cursor <= colon:
        return _keys(text[term.key_start : cursor], term.key_start, colon + 1)
    return _values(text, cursor, term, queues, types)


def _keys(typed: str, start: int, end: int) -> list[Completion]:
    return [
        Completion(start, end, f"{key.name}:", key.about)
        for key in KEYS.values()
        if key.name.startswith(typed.lower())
    ]


def _values(
    text: str, cursor: int, term: RawTerm, queues: Sequence[str], types: Sequence[str]
) -> list[Completion]:
    value = next(value for value in term.values if value.start <= cursor <= value.end)
    name = (term.key or "").lower()
    key = ALIASES.get(name, name)
    named = {"queue": queues, "type": types}.get(key)
    offered = VALUES.get(key, {}) if named is None else {quoted(name): "" for name in named}
    typed = text[value.start : cursor].lstrip('"').lower()
    fitting = _beginning(typed, offered)
    if named is not None:
        fitting += _holding(typed, offered)
    taken = {text[other.start : other.end] for other in term.values if other is not value}
    return [
        Completion(value.start, value.end, offer, offered[offer])
        for offer in fitting
        if offer not in taken
    ]


def _beginning(typed: str, offered: Iterable[str]) -> list[str]:
    return [offer for offer in offered if _plain(offer).startswith(typed)]


def _holding(typed: str, offered: Iterable[str]) -> list[str]:
    return [offer for offer in offered if _plain(offer).find(typed) > 0]


def _plain(offer: str) -> str:
    return offer.lstrip('"').lower()
