"""The statements on the side tables of one task table, and the notes that writes leave there."""

import json
from collections.abc import Sequence
from time import monotonic
from typing import Final

from tasq_core.reports import AttemptNote, Outcome
from tasq_core.repository.driver import RowFormat, Session
from tasq_core.sql import fill, load_side

SIDE_TABLES: Final = ("consumers", "pauses", "attempts", "schedules")

CRASHED: Final = "the lease lapsed: the consumer that held it died, hung or lost the database"
"""The error of an attempt that ended without a word."""


def side_lead(table: str) -> str:
    """What the names of the side tables begin with: "tasq" or "<prefix>_tasq"."""
    return f"{table.removesuffix('tasks')}tasq"


def side_names(slots: dict[str, str]) -> dict[str, str]:
    """The quoted names of the side tables by kind, beside the table that `slots` name."""
    tasks = slots["tasks"]
    quote = tasks[-1]
    place = tasks[: -len(slots["name"]) - 2]
    lead = side_lead(slots["name"])
    return {kind: f"{place}{quote}{lead}_{kind}{quote}" for kind in SIDE_TABLES}


def side_statements(folder: str, slots: dict[str, str]) -> dict[str, str]:
    """The statements of `sql/<folder>/side.sql` by name, on the tables that `slots` name."""
    everything = slots | side_names(slots) | {"lead": side_lead(slots["name"])}
    return {name: fill(text, everything) for name, text in load_side(folder).items()}


def note_attempts(
    session: Session, sql: str, rows: RowFormat, outcomes: Sequence[Outcome], *, singly: bool
) -> None:
    """Insert the attempts that `outcomes` note, whose leases held, in the session's transaction.

    Args:
        session: of the transaction that wrote the outcomes.
        sql: the statement `note_attempts`.
        rows: how values cross.
        outcomes: those with an attempt to note.
        singly: one statement an attempt instead of one for all.
    """
    now = monotonic()
    for consumer, host in {(note.consumer, note.host) for _, note in _noted(outcomes)}:
        listed = [
            {
                "task_id": rows.id(outcome.lease.task_id) if singly else outcome.lease.task_id.hex,
                "receive_count": outcome.lease.receive_count,
                "started_ago": None if outcome.started is None else now - outcome.started,
                "ended_ago": now - note.ended,
                "outcome": note.outcome,
                "error": note.error,
            }
            for outcome, note in _noted(outcomes)
            if (note.consumer, note.host) == (consumer, host)
        ]
        shared = {**rows.clock(), "consumer": consumer, "host": host}
        if singly:
            for attempt in listed:
                session.change(sql, shared | attempt)
        else:
            session.change(sql, shared | {"attempts": json.dumps(listed, ensure_ascii=False)})


def _noted(outcomes: Sequence[Outcome]) -> list[tuple[Outcome, AttemptNote]]:
    return [(outcome, outcome.attempt) for outcome in outcomes if outcome.attempt is not None]
