"""Pauses as text, and a line of text as a pause. Pure."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from tasq_core.durations import parse_duration
from tasq_core.errors import InvalidInputError
from tasq_core.fleet.reports import Pause
from tasq_core.reports import BreakdownRow
from tasq_tui.admin.fleet import GO_UNAWARE
from tasq_tui.ui.text.formats import age
from tasq_tui.ui.text.sanitize import safe

_LONGEST: Final = 60
ABOUT: Final = (
    f"Python consumers claim none of it; {GO_UNAWARE}. What runs goes on.\n"
    "For how long, and why? Both may be left out:  2h the relay is down"
)


class Wanted(NamedTuple):
    """A pause as it was asked for."""

    lasting: str
    """As it was written; "" is until it is resumed."""
    until: timedelta | None
    reason: str


def read_pause(text: str) -> Wanted:
    """A length of time and a reason, either of which may be missing.

    Raises:
        InvalidInputError: it begins with a digit and isn't a length of time.
    """
    first, _, rest = text.strip().partition(" ")
    if not first[:1].isdecimal():
        return Wanted("", None, text.strip())
    return Wanted(first, parse_duration("how long", first, positive=True), rest.strip())


def problem(text: str) -> str:
    """What is wrong with a line that `read_pause` reads; "" if nothing."""
    try:
        read_pause(text)
    except InvalidInputError as error:
        return safe(error, 200)
    return ""


def described(pause: Pause) -> str:
    """What, by whom, how long yet and why: "queue mail by ops, ends in 2h (the relay is down)"."""
    text = f"{pause.kind} {safe(pause.name, _LONGEST) or chr(34) * 2}"
    if pause.paused_by:
        text += f" by {safe(pause.paused_by, _LONGEST)}"
    if pause.until is not None:
        text += f", ends {age(pause.until, pause.taken_at)}"
    return text + (f" ({safe(pause.reason, _LONGEST)})" if pause.reason else "")


def with_paused(rows: Sequence[BreakdownRow], paused: Iterable[str]) -> list[BreakdownRow]:
    """`rows`, and one without tasks for each name that is paused and has none."""
    names = {row.name for row in rows}
    return [*rows, *(BreakdownRow(name, {}) for name in sorted(set(paused) - names))]
