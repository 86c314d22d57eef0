"""The keys of the filter language: one table for the parser's hints, completion and help."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Key:
    """A key, what it looks at, and terms that show how it is used."""

    name: str
    about: str
    examples: tuple[str, ...]


KEYS: Final = {
    key.name: key
    for key in (
        Key("status", "where the task stands", ("status:failed", "status:new,enqueued")),
        Key(
            "is",
            "ready, delayed, leased, stale, exhausted, retrying, open, finished",
            ("is:ready",),
        ),
        Key("queue", "the queue's name", ("queue:mail", 'queue:""', "-queue:tmp*")),
        Key("type", "the task's type", ("type:email", "type:send*")),
        Key("prio", "priority", ("prio:>=5", "prio:1..5")),
        Key("receives", "how often it was claimed", ("receives:>=3", "receives:0")),
        Key("max", "how often it may be claimed; 0 is no limit", ("max:0", "max:>=3")),
        Key("id", "an id, or its first digits", ("id:ab12",)),
        Key("error", "a piece of the last error", ('error:"connection refused"', "error:*")),
        Key("args", "a piece of the encoded arguments", ("args:customer_17",)),
        Key("created", "when it was submitted", ("created:>2h", "created:2026-01-31")),
        Key("started", "when it last started", ("started:<10m",)),
        Key("finished", "when it ended", ("finished:<1d", "finished:1d..2d")),
        Key("visible", "when it can be claimed, or its lease ends", ('visible:>"in 1h"',)),
        Key("took", "how long its last run took", ("took:>5s", "took:1s..5s")),
        Key("waited", "from its submit to its last start", ("waited:>1m",)),
    )
}

ALIASES: Final = {
    "priority": "prio",
    "attempts": "receives",
    "receive_count": "receives",
    "max_receives": "max",
    "last_error": "error",
    "created_at": "created",
    "started_at": "started",
    "finished_at": "finished",
    "visible_at": "visible",
}
"""Other names of keys: those of JSON and of the table's columns."""

ARGS_PATH: Final = "args."
"""Begins a key that looks into the arguments: `args.to:a@b.c`."""
