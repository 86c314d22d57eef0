"""The changes: generators that work a batch, yield a Progress, and stop cleanly when closed.

Each yields after a batch is committed, so that whoever closes one knows from the last
Progress exactly what was done; run to its end it returns the MutationResult. A selection
is walked along an index, each row once, so that a requeue of `status:new` ends too.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from tasq_core.errors import InvalidInputError
from tasq_core.filters import Filter
from tasq_core.filters.model import Term
from tasq_core.filters.values import Age, Span
from tasq_core.reports import MutationResult, Swap
from tasq_core.repository.batches import READ_BYTES
from tasq_core.repository.protocol import Repository
from tasq_core.steering import change_tasks, is_leased
from tasq_core.task import FINISHED_STATUSES, Task, TaskStatus
from tasq_core.transfer import from_line
from tasq_tui.admin.selection import Selection
from tasq_tui.admin.trash import TrashFile

BATCH: Final = 500
"""Rows a transaction changes: a stop waits no longer than for one of these."""


class Progress(NamedTuple):
    """How far a change is."""

    done: int
    skipped: int
    total: int
    """What the preview counted; 0 where it isn't known."""
    note: str = ""
    """What it waits for, where it does."""


Mutation = Generator[Progress, None, MutationResult]


def swap(
    repository: Repository,
    selection: Selection,
    total: int,
    change: Callable[[Task], Task | None],
    *,
    trash: TrashFile | None,
    break_leases: bool = False,
) -> Mutation:
    """Make of each selected task what `change` says, kept in `trash` first; None skips it.

    Tasks that a consumer holds are skipped unless their leases are to be broken; so are those
    that ceased to match, or changed between our look and our write.
    """
    result, statuses = MutationResult(0, 0), selection.where.statuses()

    def wanted(task: Task) -> Task | None:
        return change(task) if statuses is None or task.status in statuses else None

    for ids in selection.batches(repository, BATCH):
        result += change_tasks(
            repository, ids, wanted, break_leases=break_leases,
            keep=None if trash is None else _keeping(trash),
        )  # fmt: skip
        yield Progress(result.done, result.skipped, total)
    return result


def _keeping(trash: TrashFile) -> Callable[[Sequence[Swap]], None]:
    """Keeps the rows of one batch; one that changes meanwhile is kept anew and counted once."""
    known: set[UUID] = set()

    def keep(swaps: Sequence[Swap]) -> None:
        ids = {swap.before.id for swap in swaps}
        trash.keep_swaps(swaps, repeated=len(ids & known))
        known.update(ids)

    return keep


def delete(
    repository: Repository,
    selection: Selection,
    total: int,
    *,
    trash: TrashFile | None,
    include_leased: bool = False,
) -> Mutation:
    """Delete the selected tasks, each batch kept in `trash` first; leased ones are skipped.

    Purging and cleaning are this too: what differs is the selection.
    """
    result = MutationResult(0, 0)
    batches = selection.batches if trash is None else selection.sized_batches
    for ids in batches(repository, BATCH):
        doomed = ids
        if trash is not None:
            doomed = _put_in(trash, repository, selection, ids, include_leased=include_leased)
        result += repository.delete_tasks(doomed, safe_delete=not include_leased)
        result += MutationResult(0, len(ids) - len(doomed))
        yield Progress(result.done, result.skipped, total)
    return result


def restore(
    repository: Repository, lines: Iterable[str], total: int = 0, trash: TrashFile | None = None
) -> Mutation:
    """Insert exported or discarded tasks as they were; ids that exist are skipped.

    Raises:
        InvalidInputError: a line that is not an exported task; the batches before it stand.
    """
    result, batch, size = MutationResult(0, 0), list[Task](), 0
    for number, line in enumerate(lines, 1):
        if line.strip():
            batch.append(from_line(line, number))
            size += len(line)
        if len(batch) >= BATCH or size >= READ_BYTES:
            result += insert(repository, batch, trash)
            batch, size = [], 0
            yield Progress(result.done, result.skipped, total)
    if batch:
        result += insert(repository, batch, trash)
        yield Progress(result.done, result.skipped, total)
    return result


def insert(
    repository: Repository, tasks: Sequence[Task], trash: TrashFile | None
) -> MutationResult:
    """Insert rows, noted in `trash` first; ids that exist are skipped."""
    if trash is not None:
        there = repository.statuses([task.id for task in tasks])
        trash.keep_new([task for task in tasks if task.id not in there])
    return repository.restore_tasks(tasks)


def finished_before(
    age: timedelta,
    statuses: tuple[TaskStatus, ...] = FINISHED_STATUSES,
    *,
    from_creation: bool = False,
) -> Filter:
    """What `clean` deletes: tasks that finished, or were created, at least `age` ago.

    Raises:
        InvalidInputError: a status that isn't a finished one.
    """
    for status in statuses:
        if status not in FINISHED_STATUSES:
            raise InvalidInputError(
                f"clean deletes finished tasks only, and {status} isn't one; use tasq delete"
            )
    old = Term(
        "created" if from_creation else "finished", (Span(high=Age(round(age.total_seconds()))),)
    )
    return Filter.of(statuses) & Filter((old,))


def _put_in(
    trash: TrashFile,
    repository: Repository,
    selection: Selection,
    ids: list[UUID],
    *,
    include_leased: bool,
) -> list[UUID]:
    """Keep what is about to be deleted; which ids that is.

    A row that was claimed, or ceased to match, since its id was read is left alone.
    """
    now = repository.now()
    statuses = selection.where.statuses()
    tasks = [
        task
        for task in repository.get_tasks(ids)
        if (include_leased or not is_leased(task, now))
        and (statuses is None or task.status in statuses)
    ]
    trash.keep(tasks)
    return [task.id for task in tasks]
