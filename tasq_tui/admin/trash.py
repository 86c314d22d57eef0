"""The trash: what a deletion removed, in files that `tasq import` reads back.

A deletion writes one file `WHEN-NAME.ndjson`, a line a task, each batch on the disk before
its rows are deleted; `WHEN-NAME.json` beside it says from which database they came.
"""

import json
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from tasq_core.errors import InvalidInputError, TasqError
from tasq_core.task import Task
from tasq_core.transfer import to_line
from tasq_tui.admin.settings import Settings, state_dir
from tasq_tui.admin.state import make_private_folder

CAPACITY: Final = 1024**3
"""Bytes kept in all; the oldest files make room."""

_ROWS: Final = ".ndjson"
_FACTS: Final = ".json"


class TrashFullError(TasqError):
    """One deletion alone doesn't fit; what was deleted so far is in the trash."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """One deletion in the trash."""

    path: Path
    """The file of rows."""
    at: datetime
    target: str
    """The database's URL without its password."""
    table: str
    command: str
    """The command line that deleted them."""
    rows: int
    size: int
    """Of the file, in bytes."""


class Trash:
    """The folder where deleted rows are kept for a while."""

    def __init__(self, folder: Path | None = None, capacity: int = CAPACITY) -> None:
        self.folder = folder or state_dir() / "trash"
        self._capacity = capacity

    def open(self, settings: Settings, table: str, command: str) -> "TrashFile":
        """A file for one deletion; nothing is created before its first row."""
        return TrashFile(self, settings.redacted_url, table, command, self._capacity)

    def entries(self) -> list[Discarded]:
        """What is there, the newest first."""
        if not self.folder.is_dir():
            return []
        found = (_read(path) for path in self.folder.glob(f"*{_ROWS}"))
        return sorted(
            (entry for entry in found if entry), key=lambda entry: entry.path.name, reverse=True
        )

    def lines(self, path: Path) -> Iterator[str]:
        """The rows of one deletion, as `restore` takes them.

        Raises:
            InvalidInputError: the file is gone.
        """
        try:
            with path.open(encoding="utf-8") as file:
                yield from file
        except FileNotFoundError:
            raise InvalidInputError(
                f"{path} is no longer in the trash; `ls {self.folder}` shows what is"
            ) from None

    def make_room(self, keep: Path, size: int) -> None:
        """Remove the oldest deletions until `size` more bytes beside `keep` fit."""
        used = size
        for path in sorted(self.folder.glob(f"*{_ROWS}"), reverse=True):
            if path == keep:
                continue
            used += path.stat().st_size
            if used > self._capacity:
                path.with_suffix(_FACTS).unlink(missing_ok=True)
                path.unlink(missing_ok=True)


class TrashFile:
    """Takes the rows of one deletion. A context manager; close it in any case."""

    def __init__(self, trash: Trash, target: str, table: str, command: str, capacity: int) -> None:
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z-{table[:40]}-{uuid.uuid4().hex[:6]}"
        self.path = trash.folder / f"{stamp}{_ROWS}"
        self.rows = 0
        self._trash = trash
        self._facts: dict[str, Any] = {"target": target, "table": table, "command": command}
        self._capacity = capacity
        self._size = 0
        self._file: BinaryIO | None = None

    def keep(self, tasks: Sequence[Task]) -> None:
        """Have these on the disk when this returns.

        Raises:
            TrashFullError: more than the trash may hold.
            TasqError: the disk refuses.
        """
        if not tasks:
            return
        data = "".join(f"{to_line(task)}\n" for task in tasks).encode()
        if self._size + len(data) > self._capacity:
            raise TrashFullError(
                f"the trash holds {self._capacity:,} bytes and these rows need more;"
                " delete fewer at a time, or use --no-trash if you never want them back"
            )
        try:
            self._write(data)
        except OSError as error:
            raise TasqError(
                f"can't write to the trash {self.path}: {error.strerror}; nothing more was"
                " deleted. Free some space, or use --no-trash"
            ) from error
        self.rows += len(tasks)

    def close(self) -> None:
        """Note what the file holds, and drop an empty one."""
        if self._file is None:
            return
        self._file.close()
        self._file = None
        if not self.rows:
            self.path.unlink(missing_ok=True)
            return
        facts = self.path.with_suffix(_FACTS)
        with os.fdopen(_private(facts), "w", encoding="utf-8") as file:
            json.dump({**self._facts, "rows": self.rows}, file)

    def _write(self, data: bytes) -> None:
        if self._file is None:
            make_private_folder(self._trash.folder)
            self._file = os.fdopen(_private(self.path), "wb", buffering=0)
            _sync_folder(self._trash.folder)
        self._trash.make_room(self.path, self._size + len(data))
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        os.fsync(self._file.fileno())
        self._size += len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _sync_folder(folder: Path) -> None:
    """Let the new file's name survive a crash too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> Discarded | None:
    """The entry of a file of rows; facts that are missing (a crash) are left empty."""
    try:
        size = path.stat().st_size
        facts = json.loads(path.with_suffix(_FACTS).read_text("utf-8"))
    except FileNotFoundError:
        if not path.exists():
            return None
        size, facts = path.stat().st_size, {}
    except (OSError, ValueError):
        return None
    return Discarded(
        path=path,
        at=_stamp(path),
        target=str(facts.get("target", "")),
        table=str(facts.get("table", "")),
        command=str(facts.get("command", "")),
        rows=int(facts.get("rows", 0)),
        size=size,
    )


def _stamp(path: Path) -> datetime:
    try:
        return datetime.strptime(path.name.partition("Z-")[0], "%Y%m%dT%H%M%S.%f").replace(
            tzinfo=UTC
        )
    except ValueError:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
