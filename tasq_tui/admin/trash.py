"""The undo log: rows as they were before a change, in files that `tasq import` reads back.

A change writes one file `WHEN-TABLE-ID.ndjson`, a line a task as it was, each batch on the disk
before its rows are changed. `….changes` beside it says, line by line, what became of them, and
`….json` what was done to which database; `format` is the version of all three.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self
from uuid import uuid4

from tasq_core.errors import InvalidInputError, TasqError
from tasq_core.reports import Swap
from tasq_core.task import Task
from tasq_core.transfer import to_line
from tasq_core.wording import counted
from tasq_tui.admin.images import digest_line, swap_line
from tasq_tui.admin.settings import Settings, state_dir
from tasq_tui.admin.state import database_folder, make_private_folder, write_private

CAPACITY: Final = 1024**3
"""Bytes kept in all; the oldest files make room."""

FORMAT: Final = 1

_ROWS: Final = ".ndjson"
_CHANGES: Final = ".changes"
_FACTS: Final = ".json"


class TrashFullError(TasqError):
    """One change alone doesn't fit; the rows it changed so far are kept."""


class Kind(StrEnum):
    """What a change did to its rows."""

    DELETED = "deleted"
    CHANGED = "changed"
    INSERTED = "inserted"


@dataclass(frozen=True, slots=True)
class Discarded:
    """One change in the undo log."""

    path: Path
    """The file of rows."""
    at: datetime
    target: str
    """The database's URL without its password."""
    table: str
    command: str
    """The command line that changed them."""
    rows: int
    """How many it kept."""
    size: int
    """Of the file of rows, in bytes."""
    id: str = ""
    verb: str = ""
    database: str = ""
    """Tells databases apart, whatever their URLs look like; empty in files of older versions."""
    kind: Kind | None = Kind.DELETED
    """None where a newer version wrote what this one doesn't know."""
    undone_by: str = ""
    """The change that put the rows back."""
    format: int = FORMAT

    @property
    def changes_path(self) -> Path:
        """The file of what became of the rows."""
        return self.path.with_suffix(_CHANGES)


class Trash:
    """The folder where rows are kept for a while as they were."""

    def __init__(self, folder: Path | None = None, capacity: int = CAPACITY) -> None:
        self.folder = folder or state_dir() / "trash"
        self._capacity = capacity

    def open(
        self, settings: Settings, table: str, command: str, *, id: str = "", verb: str = ""
    ) -> "TrashFile":
        """A file for one change; nothing is created before its first row."""
        facts = {
            "format": FORMAT, "id": id or new_id(), "verb": verb, "target": settings.redacted_url,
            "table": table, "database": database_folder(settings).name, "command": command,
        }  # fmt: skip
        return TrashFile(self, facts, self._capacity)

    def is_writable(self) -> bool:
        """Whether a file could be kept there: a container's home may not exist."""
        try:
            make_private_folder(self.folder)
        except OSError:
            return False
        return os.access(self.folder, os.W_OK)

    def entries(self) -> list[Discarded]:
        """What is there, the newest first."""
        if not self.folder.is_dir():
            return []
        found = (_read(path) for path in self.folder.glob(f"*{_ROWS}"))
        return sorted(
            (entry for entry in found if entry), key=lambda entry: entry.path.name, reverse=True
        )

    def lines(self, path: Path) -> Iterator[str]:
        """The lines of one of a change's files.

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

    def mark_undone(self, entry: Discarded, by: str) -> None:
        """Note that the change called `by` put the rows of `entry` back.

        Raises:
            TasqError: the disk refuses.
        """
        path = entry.path.with_suffix(_FACTS)
        try:
            facts = json.loads(path.read_text("utf-8"))
            write_private(path, json.dumps({**facts, "undone_by": by}))
        except (OSError, ValueError) as error:
            raise TasqError(f"can't note in {path} that this was undone: {error}") from error

    def make_room(self, keep: Path, size: int) -> None:
        """Remove the oldest changes until `size` more bytes beside `keep` fit."""
        used = size
        for path in sorted(self.folder.glob(f"*{_ROWS}"), reverse=True):
            if path == keep:
                continue
            changes = path.with_suffix(_CHANGES)
            used += path.stat().st_size + (changes.stat().st_size if changes.exists() else 0)
            if used > self._capacity:
                path.with_suffix(_FACTS).unlink(missing_ok=True)
                changes.unlink(missing_ok=True)
                path.unlink(missing_ok=True)


class TrashFile:
    """Takes the rows of one change. A context manager; close it in any case."""

    def __init__(self, trash: Trash, facts: dict[str, Any], capacity: int) -> None:
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z-{facts['table'][:40]}-{facts['id']}"
        self.path = trash.folder / f"{stamp}{_ROWS}"
        self.rows = 0
        """How many tasks it keeps."""
        self._trash = trash
        self._facts = facts
        self._capacity = capacity
        self._size = 0
        self._file: BinaryIO | None = None
        self._changes: BinaryIO | None = None

    def keep(self, tasks: Sequence[Task]) -> None:
        """Have these, which are to be deleted, on the disk when this returns.

        Raises:
            TrashFullError: more than the trash may hold.
            TasqError: the disk refuses.
        """
        self._keep(Kind.DELETED, [to_line(task) for task in tasks], [])

    def keep_swaps(self, swaps: Sequence[Swap], *, repeated: int = 0) -> None:
        """The same for rows that are to be changed; with `after` None, deleted.

        `repeated` of them are kept already, as they were a moment ago, and count once.

        Raises:
            TrashFullError: more than the trash may hold.
            TasqError: the disk refuses.
        """
        changes = [swap_line(swap.before, swap.after) for swap in swaps if swap.after]
        kind = Kind.CHANGED if changes else Kind.DELETED
        self._keep(kind, [to_line(swap.before) for swap in swaps], changes)
        self.rows -= repeated

    def keep_new(self, tasks: Sequence[Task]) -> None:
        """The same for rows that are to be inserted, of which a digest is enough.

        Raises:
            TrashFullError: more than the trash may hold.
            TasqError: the disk refuses.
        """
        self._keep(Kind.INSERTED, [], [digest_line(task) for task in tasks])

    def close(self) -> None:
        """Note what the files hold."""
        if self._file is None:
            return
        for file in (self._file, self._changes):
            if file is not None:
                file.close()
        self._file = self._changes = None
        self._write_facts()

    def _keep(self, kind: Kind, rows: Sequence[str], changes: Sequence[str]) -> None:
        if not rows and not changes:
            return
        data, beside = (
            "".join(f"{line}\n" for line in lines).encode() for lines in (rows, changes)
        )
        size = len(data) + len(beside)
        if self._size + size > self._capacity:
            raise TrashFullError(
                f"the trash holds {counted(self._capacity, 'byte')} and these rows need more;"
                " change fewer at a time, or use --no-trash if you never want them back"
            )
        try:
            self._open(kind, with_changes=bool(changes))
            self._trash.make_room(self.path, self._size + size)
            _write(self._file, data)
            _write(self._changes, beside)
        except OSError as error:
            raise TasqError(
                f"can't write to the trash {self.path}: {error.strerror}; nothing more was"
                " changed. Free some space, or use --no-trash"
            ) from error
        self._size += size
        self.rows += len(rows) or len(changes)

    def _open(self, kind: Kind, *, with_changes: bool) -> None:
        if self._file is None:
            make_private_folder(self._trash.folder)
            self._file = os.fdopen(_private(self.path), "wb", buffering=0)
            if with_changes:
                changes = _private(self.path.with_suffix(_CHANGES))
                self._changes = os.fdopen(changes, "wb", buffering=0)
            self._facts["kind"] = kind.value
            self._write_facts()
            _sync_folder(self._trash.folder)

    def _write_facts(self) -> None:
        facts = {**self._facts, "rows": self.rows}
        write_private(self.path.with_suffix(_FACTS), json.dumps(facts))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def new_id() -> str:
    """What a change is called: eight hexadecimal digits."""
    return uuid4().hex[:8]


def _write(file: BinaryIO | None, data: bytes) -> None:
    """Have all of `data` on the disk."""
    if file is not None and data:
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        os.fsync(file.fileno())


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
    if not isinstance(facts, dict):
        return None
    return Discarded(
        path=path,
        at=_stamp(path),
        target=str(facts.get("target", "")),
        table=str(facts.get("table", "")),
        command=str(facts.get("command", "")),
        rows=_number(facts.get("rows")) or _counted(path),
        size=size,
        id=str(facts.get("id", path.stem.rpartition("-")[2])),
        verb=str(facts.get("verb", "")),
        database=str(facts.get("database", "")),
        kind=_kind(facts.get("kind", Kind.DELETED)),
        undone_by=str(facts.get("undone_by", "")),
        format=_number(facts.get("format")),
    )


def _kind(found: object) -> Kind | None:
    return next((kind for kind in Kind if kind == found), None)


def _number(found: object) -> int:
    """A number as it is; 0 for anything else."""
    return found if isinstance(found, int) else 0


def _counted(path: Path) -> int:
    """The rows of a change that was cut off before it noted how many they are."""
    changes = path.with_suffix(_CHANGES)
    with (path if path.stat().st_size or not changes.exists() else changes).open("rb") as file:
        return sum(1 for _ in file)


def _stamp(path: Path) -> datetime:
    try:
        return datetime.strptime(path.name.partition("Z-")[0], "%Y%m%dT%H%M%S.%f").replace(
            tzinfo=UTC
        )
    except ValueError:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
