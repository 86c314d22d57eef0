"""The audit log: every change made by hand, a line of JSON each, in a file per database."""

import json
import os
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tasq_core.reports import MutationResult
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.state import database_folder, make_private_folder

_LARGEST: Final = 10_000_000
"""Bytes before a file is put aside; one older one is kept."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change."""

    at: datetime
    profile: str
    target: str
    """The database's URL without its password."""
    command: str
    """The equivalent command line."""
    done: int
    skipped: int
    outcome: str
    """"done", "interrupted", or the error's text."""
    trash: str = ""
    """The file that holds the rows as they were."""
    verb: str = ""
    id: str = ""
    """What `tasq undo` takes; empty where no rows were kept."""


class AuditLog:
    """Appends entries, and reads the last ones."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, settings: Settings) -> "AuditLog":
        """That of a database and prefix."""
        return cls(database_folder(settings) / "history.jsonl")

    def note(
        self,
        settings: Settings,
        command: str,
        result: MutationResult,
        outcome: str = "done",
        trash: str = "",
        *,
        verb: str = "",
        id: str = "",
    ) -> Entry:
        """Append what was done.

        Raises:
            OSError: the disk refuses; the change itself stands.
        """
        entry = Entry(
            at=datetime.now(UTC),
            profile=settings.profile,
            target=settings.redacted_url,
            command=command,
            done=result.done,
            skipped=result.skipped,
            outcome=outcome,
            trash=trash,
            verb=verb,
            id=id,
        )
        line = json.dumps({name: _plain(getattr(entry, name)) for name in _NAMES}) + "\n"
        make_private_folder(self.path.parent)
        self._put_aside()
        # One write to a file opened for appending: lines of several processes don't mix.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
        return entry

    def last(self, count: int) -> list[Entry]:
        """The last `count` entries, the newest first; lines that can't be read are left out."""
        try:
            with self.path.open(encoding="utf-8") as file:
                lines = deque(file, maxlen=count)
        except FileNotFoundError:
            return []
        entries = (_entry(line) for line in reversed(lines))
        return [entry for entry in entries if entry is not None]

    def _put_aside(self) -> None:
        if self.path.exists() and self.path.stat().st_size > _LARGEST:
            self.path.replace(self.path.with_suffix(".1.jsonl"))


_NAMES: Final = Entry.__slots__


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _entry(line: str) -> Entry | None:
    try:
        fields = json.loads(line)
        return Entry(**{**fields, "at": datetime.fromisoformat(fields["at"])})
    except (ValueError, TypeError, KeyError):
        return None
