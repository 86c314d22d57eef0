"""A task's earlier attempts and its holder, as lines. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from textual.content import Content

from tasq_core.fleet.reports import Attempt, Holder
from tasq_tui.ui.text.formats import age, duration, moment
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.text.tracebacks import ErrorLine, Look

_LONGEST_NAME: Final = 200
_LONGEST_ERROR: Final = 500
_GOOD_REASONS: Final = {"snoozed": "◇", "cancelled": "\u2013"}
"""Glyphs of the outcomes that are not failures."""


@dataclass(frozen=True, slots=True)
class FleetFacts:
    """What the side tables tell of a task."""

    holder: Holder | None = None
    attempts: Sequence[Attempt] = ()
    problem: str = ""
    """Why they could not be read."""


def attempt_lines(attempts: Sequence[Attempt]) -> list[ErrorLine]:
    """Two lines an attempt: number, begin, outcome, how long, by whom and where; its error."""
    return [line for attempt in attempts for line in _attempt(attempt)]


def _attempt(attempt: Attempt) -> Iterator[ErrorLine]:
    outcome = safe(attempt.outcome, _LONGEST_NAME)
    glyph = _GOOD_REASONS.get(attempt.outcome, "\u00d7")
    if attempt.started_at is None:
        when, lasted = moment(attempt.ended_at), "without a recorded start"
    else:
        when = moment(attempt.started_at)
        lasted = f"after {duration((attempt.ended_at - attempt.started_at).total_seconds())}"
    line = f"{glyph} {attempt.receive_count}  {when}  {outcome} {lasted}"
    yield ErrorLine(f"{line}  {_whereabouts(attempt)}")
    if attempt.error:
        message = safe(attempt.error.partition("\n")[0], _LONGEST_ERROR)
        yield ErrorLine(f"    {message}", Look.MUTED)


def _whereabouts(attempt: Attempt) -> str:
    if not attempt.consumer:
        return "by nobody known"
    name = safe(attempt.consumer, _LONGEST_NAME)
    return f"{name} on {safe(attempt.host, _LONGEST_NAME)}"


def holder_line(holder: Holder, now: datetime) -> Content:
    """Who holds the task, where, and since when."""
    since = ""
    if holder.since is not None:
        since = f"  since {moment(holder.since)}, {age(holder.since, now)}"
    gone = holder.consumer is not None and holder.consumer.vanished
    return Content.assemble(
        ("\u00d7", "$text-error") if gone else ("◆", "$text-muted"),
        f" {safe(str(holder), _LONGEST_ERROR)}",
        (since, "$text-muted"),
    )
