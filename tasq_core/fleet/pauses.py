"""Pauses: queues and types of which Python consumers claim nothing for a while."""

import getpass
import os
import socket
from datetime import datetime, timedelta
from typing import Any, Final

from tasq_core.errors import InvalidInputError, InvalidTypeError
from tasq_core.fleet.reports import Pause
from tasq_core.repository.side_rows import Columns
from tasq_core.repository.side_tables import SideTables
from tasq_core.task import IMMEDIATELY, check_aware, check_text

LONGEST_NAME: Final = 512
"""Characters of a name that can be paused, as MySQL's key holds them."""
_COLUMNS: Final = ("kind", "name", "paused_by", "reason", "paused_at", "until_at", "now")


class Pauses:
    """Reads and writes the table of pauses."""

    def __init__(self, side: SideTables) -> None:
        self._side = side

    def add(
        self, kind: str, name: str, until: datetime | timedelta | None, reason: str, by: str
    ) -> None:
        """Pause, or change the pause there is.

        Raises:
            InvalidInputError: an end that lies in the past, or a name that is too long.
        """
        now = self._now()
        if isinstance(until, timedelta):
            until = now + until
        if until is not None and check_aware("until", until) <= now:
            raise InvalidInputError(f"until {until} has passed: the database's clock says {now}")
        params = {
            "kind": kind, "name": name, "paused_by": by, "reason": reason,
            "until": None if until is None else self._side.moment(until),
        }  # fmt: skip
        self._side.change("prune_pauses", {})
        self._side.change_and_notify("pause", params)

    def remove(self, kind: str, name: str) -> bool:
        """End a pause; whether there was one."""
        return bool(self._side.change_and_notify("resume", {"kind": kind, "name": name}))

    def all(self) -> list[Pause]:
        """Those that hold now, by kind and name."""
        return [self._pause(row) for row in self._side.rows("pauses", {})]

    def _now(self) -> datetime:
        return self._side.now()

    def _pause(self, row: Any) -> Pause:
        columns, moment = Columns(_COLUMNS, row), self._side.read_moment
        return Pause(
            columns.text("kind"), columns.text("name"), columns.text("paused_by"),
            columns.text("reason"), columns.read("paused_at", moment, IMMEDIATELY),
            columns.read_or_none("until_at", moment), moment(row[-1]),
        )  # fmt: skip


def chosen(queue: str | None, type: str | None) -> tuple[str, str]:
    """(kind, name) of what is to be paused or resumed.

    Raises:
        InvalidInputError: not exactly one of the two, or a name that is too long.
        InvalidTypeError: no text.
    """
    given = [(kind, name) for kind, name in (("queue", queue), ("type", type)) if name is not None]
    if len(given) != 1:
        raise InvalidInputError("name one queue or one type: queue= or type=")
    kind, name = given[0]
    check_text(kind, name)
    if len(name) > LONGEST_NAME:
        raise InvalidInputError(
            f"{kind} is {len(name)} characters long; {LONGEST_NAME} at most can be paused"
        )
    return kind, name


def checked_reason(reason: object) -> str:
    """`reason`, if it is text.

    Raises:
        InvalidTypeError: it isn't.
    """
    if not isinstance(reason, str):
        raise InvalidTypeError(f"reason must be text, not {reason!r}")
    return check_text("reason", reason)


def whoami() -> str:
    """Who pauses: user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no name for this number, as in many containers
        user = str(os.getuid()) if hasattr(os, "getuid") else "?"
    return f"{user}@{socket.gethostname()}"
