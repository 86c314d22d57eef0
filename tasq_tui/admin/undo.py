"""Undo: puts rows back as they were before a change, where they still are as it left them."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

from tasq_core.errors import InvalidInputError, TasqError
from tasq_core.reports import MutationResult, Swap
from tasq_core.repository.batches import READ_BYTES, by_size
from tasq_core.repository.protocol import Repository
from tasq_core.steering import put_back
from tasq_core.task import Task
from tasq_core.transfer import from_line
from tasq_tui.admin.errors import ChangeNotFoundError
from tasq_tui.admin.images import digest, digested, swapped
from tasq_tui.admin.mutations import BATCH, Mutation, Progress, insert
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.state import database_folder
from tasq_tui.admin.trash import FORMAT, Discarded, Kind, Trash, TrashFile

T = TypeVar("T")

VERB: Final = "undo"


def find_change(trash: Trash, settings: Settings, table: str, id: str | None) -> Discarded:
    """The change called `id`, or the last one of this table that isn't undone.

    Args:
        trash: where changes are kept.
        settings: of this database.
        table: the task table's name.
        id: the change's id, or its beginning; None for the last one, undos left out.

    Raises:
        ChangeNotFoundError: there is none, or its rows aren't kept any more.
        InvalidInputError: it was made on another database or table, or several begin so.
        TasqError: it is undone already, or was written by a newer tasq.
    """
    if id is None:
        entry = last_change(trash, settings, table)
        if entry is None:
            raise ChangeNotFoundError("nothing to undo: no change of this table keeps rows")
        return entry
    wanted = id.strip().lower()
    found = [entry for entry in trash.entries() if wanted and entry.id.startswith(wanted)]
    if not found:
        raise ChangeNotFoundError(
            f"no change {id!r} keeps rows: `tasq history` lists them; the oldest make room for"
            " newer ones, and a change that did nothing keeps none"
        )
    if len(found) > 1:
        raise InvalidInputError(f"{id!r} is the beginning of several changes; give more digits")
    entry = found[0]
    if not is_of(entry, settings, table):
        raise InvalidInputError(
            f"change {entry.id} was made on {entry.target}, table {entry.table!r}, and this is"
            f" {settings.redacted_url}, table {table!r}; nothing was changed"
        )
    _check(entry)
    return entry


def last_change(trash: Trash, settings: Settings, table: str) -> Discarded | None:
    """The last change of this table that can be undone; undos are left out."""
    for entry in trash.entries():
        if is_of(entry, settings, table) and not entry.undone_by and entry.verb != VERB:
            _check(entry)
            return entry
    return None


def is_of(entry: Discarded, settings: Settings, table: str) -> bool:
    """Whether a change was made on this table of this database."""
    if entry.database:
        return (entry.database, entry.table) == (database_folder(settings).name, table)
    return (entry.target, entry.table) == (settings.redacted_url, table)


def put_rows_back(
    repository: Repository, trash: Trash, entry: Discarded, own: TrashFile | None
) -> Mutation:
    """Undo a change, batch by batch; what it meets on the way is kept in `own` first.

    A row that went on since, or that a consumer holds, is skipped. One that a consumer held
    before the change comes back as ready to run.

    Raises:
        InvalidInputError: a file that is gone or can't be read.
        TasqError: the change is of a kind that only a newer tasq knows.
    """
    result = MutationResult(0, 0)
    if entry.kind is None:
        raise TasqError(_newer(entry))
    for done in _WAYS[entry.kind](repository, trash, entry, own):
        result += done
        # A row that stands there twice may be met twice, and is one task.
        skipped = min(result.skipped, max(entry.rows - result.done, 0))
        result = MutationResult(result.done, skipped)
        yield Progress(result.done, result.skipped, entry.rows)
    return result


def _restored(
    repository: Repository, trash: Trash, entry: Discarded, own: TrashFile | None
) -> Iterator[MutationResult]:
    rows = (put_back(from_line(line, n)) for n, line in _numbered(trash, entry.path))
    for tasks in _in_batches(rows, _size_of):
        yield insert(repository, tasks, own)


def _swapped_back(
    repository: Repository, trash: Trash, entry: Discarded, own: TrashFile | None
) -> Iterator[MutationResult]:
    pairs = zip(
        _numbered(trash, entry.path), trash.lines(entry.changes_path), strict=False
    )  # a crash may have cut the second file short
    images = (swapped(row, change, n) for (n, row), change in pairs)
    for some in _in_batches(images, lambda image: _size_of(image[0]) + _size_of(image[1])):
        # A row that changed while it was changed stands there twice: its last image counts.
        swaps = {before.id: Swap(after, put_back(before)) for before, after in some}
        yield _swap(repository, list(swaps.values()), own)


def _deleted(
    repository: Repository, trash: Trash, entry: Discarded, own: TrashFile | None
) -> Iterator[MutationResult]:
    digests = (digested(line, n) for n, line in _numbered(trash, entry.changes_path))
    for some in _in_batches(digests, lambda _: 0):
        wanted = dict(some)
        tasks = repository.get_tasks(list(wanted))
        same = [Swap(task, None) for task in tasks if _is(task, wanted)]
        yield _swap(repository, same, own) + MutationResult(0, len(wanted) - len(same))


def _is(task: Task, wanted: dict[UUID, str]) -> bool:
    return not task.unreadable and digest(task) == wanted[task.id]


def _swap(repository: Repository, swaps: list[Swap], own: TrashFile | None) -> MutationResult:
    if own is not None:
        own.keep_swaps(swaps)
    done = len(repository.swap_tasks(swaps))
    return MutationResult(done, len(swaps) - done)


_WAYS: Final[
    dict[
        Kind,
        Callable[[Repository, Trash, Discarded, TrashFile | None], Iterator[MutationResult]],
    ]
] = {
    Kind.DELETED: _restored,
    Kind.CHANGED: _swapped_back,
    Kind.INSERTED: _deleted,
}


def _check(entry: Discarded) -> None:
    if entry.undone_by:
        raise TasqError(
            f"change {entry.id} is undone already, by change {entry.undone_by};"
            f" `tasq undo {entry.undone_by}` takes that back"
        )
    if entry.format > FORMAT or entry.kind is None:
        raise TasqError(_newer(entry))


def _newer(entry: Discarded) -> str:
    what = "of a kind that this one doesn't know"
    if entry.format > FORMAT:
        what = f"format {entry.format}, this one reads {FORMAT}"
    return (
        f"change {entry.id} was written by a newer tasq ({what}); use that one, or"
        " `tasq import` for deleted rows"
    )


def _numbered(trash: Trash, path: Path) -> Iterator[tuple[int, str]]:
    return ((n, line) for n, line in enumerate(trash.lines(path), 1) if line.strip())


def _in_batches(items: Iterator[T], size_of: Callable[[T], int]) -> Iterator[list[T]]:
    """At most so many at a time as one transaction may write."""
    while some := list(islice(items, BATCH)):
        yield from by_size(some, size_of, READ_BYTES)


def _size_of(task: Task) -> int:
    return len(task.args) + len(task.last_error or "")
