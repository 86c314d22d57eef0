"""The changes there are: what each is called, how risky it is, and what it does."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import repeat
from typing import Final

from tasq_core.durations import duration_text
from tasq_core.filters import Filter
from tasq_core.reports import MutationResult
from tasq_core.repository.protocol import Repository
from tasq_core.steering import Edit, cancelled, requeued, spread_over
from tasq_core.task import IMMEDIATELY
from tasq_tui.admin import canary, mutations
from tasq_tui.admin.canary import Canary
from tasq_tui.admin.command_line import brief
from tasq_tui.admin.mutations import Mutation
from tasq_tui.admin.operation import Change
from tasq_tui.admin.preview import Preview, Verb, confirmation_for, preview
from tasq_tui.admin.selection import Selection, select_where
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.trash import Discarded, Kind, Trash, TrashFile
from tasq_tui.admin.undo import VERB, put_rows_back

Select = Callable[[Repository], Selection]
"""Says which tasks, as of when it is called."""

REQUEUE: Final = Verb("requeue", "requeued", is_harmless=True)
FROM_ZERO: Final = Verb("requeue", "requeued", is_harmless=True, effect=" from zero")
EDIT: Final = Verb(
    "edit", "edited", skips="held by a consumer, finished or so already", open_only=True
)
CANCEL: Final = Verb("cancel", "cancelled", skips="finished", open_only=True, takes_leased=True)
DELETE: Final = Verb("delete", "deleted", loses_rows=True)
PURGE: Final = Verb("purge", "deleted", loses_rows=True, is_typed=True)
CLEAN: Final = Verb("clean", "deleted", loses_rows=True)
UNDO: Final = Verb(VERB, "put back", skips="changed since, or held by a consumer")
IMPORT: Final = Verb("import", "imported", skips="there already", is_idempotent=True)


def requeue(
    select: Select,
    *,
    reset: bool = False,
    spread: timedelta | None = None,
    first: Canary | None = None,
    keep: bool = True,
) -> Change:
    """Make tasks NEW and ready; `reset` also starts over with their attempts.

    Args:
        select: which tasks.
        reset: start over.
        spread: let them fall due evenly over this time, in order.
        first: try so many first, and go on only where these don't fail again.
        keep: put the rows into the undo log first.
    """

    def start(repository: Repository, seen: Preview, trash: TrashFile | None) -> Mutation:
        due = visible_times(repository, seen, spread)
        if first is not None:
            return canary.requeue(repository, seen, first, reset=reset, due=due, trash=trash)
        return mutations.swap(
            repository, seen.selection, seen.total,
            lambda task: requeued(task, reset=reset, visible_at=next(due)), trash=trash,
        )  # fmt: skip

    verb = FROM_ZERO if reset else REQUEUE
    flags: tuple[str, ...] = ("--reset",) * reset + ("--no-trash",) * (not keep)
    if spread is not None:
        flags += ("--spread", duration_text(spread.total_seconds()))
    flags += first.flags if first is not None else ()
    return Change(verb=verb, look=_looking(verb, select), start=start, flags=flags, keeps_rows=keep)


def visible_times(
    repository: Repository, seen: Preview, spread: timedelta | None
) -> Iterator[datetime]:
    """When each task that is requeued becomes visible."""
    if spread is None:
        return repeat(IMMEDIATELY)
    movable = max(seen.count - seen.leased, 1)
    return spread_over(repository.now(), spread.total_seconds(), movable)


def edit(
    select: Select,
    values: Callable[[Repository], Edit],
    flags: tuple[str, ...],
    *,
    keep: bool = True,
) -> Change:
    """Give open tasks that nobody holds other values.

    Args:
        select: which tasks.
        values: the new ones, by the database's clock where they say a delay.
        flags: the options that say the same.
        keep: put the rows into the undo log first.
    """

    def start(repository: Repository, seen: Preview, trash: TrashFile | None) -> Mutation:
        return mutations.swap(
            repository, seen.selection, seen.total, values(repository).applied, trash=trash
        )

    flags += ("--no-trash",) * (not keep)
    return Change(verb=EDIT, look=_looking(EDIT, select), start=start, flags=flags, keeps_rows=keep)


def cancel(select: Select, reason: str = "", *, keep: bool = True) -> Change:
    """End open tasks as FAILED, running ones too: their leases are broken.

    Args:
        select: which tasks.
        reason: for `last_error`.
        keep: put the rows into the undo log first.
    """

    def start(repository: Repository, seen: Preview, trash: TrashFile | None) -> Mutation:
        now = repository.now()
        return mutations.swap(
            repository, seen.selection, seen.total, lambda task: cancelled(task, reason, now),
            trash=trash, break_leases=True,
        )  # fmt: skip

    flags: tuple[str, ...] = ("--reason", reason) if reason else ()
    flags += ("--no-trash",) * (not keep)
    return Change(
        verb=CANCEL, look=_looking(CANCEL, select), start=start, flags=flags, keeps_rows=keep
    )


def undo(trash: Trash, entry: Discarded) -> Change:
    """Put back the rows of a change that `find_change` found."""
    verb = UNDO._replace(effect=f" of change {entry.id} ({brief(entry.command)})")

    def look(repository: Repository, settings: Settings) -> Preview:
        selection = Selection(repository.now(), Filter(), Filter(), ids=())
        return Preview(
            verb, selection, entry.rows, word=settings.profile or str(entry.rows),
            confirmation=confirmation_for(verb, entry.rows, selection),
        )  # fmt: skip

    def start(repository: Repository, seen: Preview, own: TrashFile | None) -> Mutation:
        del seen
        return put_rows_back(repository, trash, entry, own)

    def done(change_id: str, result: MutationResult) -> None:
        if result.done:
            trash.mark_undone(entry, change_id)

    return Change(
        verb=verb, look=look, start=start, which=(entry.id,), keeps_rows=True,
        puts_back=entry.kind is Kind.DELETED, on_done=done,
    )  # fmt: skip


def delete(
    select: Select, verb: Verb = DELETE, *, include_leased: bool = False, keep: bool = True
) -> Change:
    """Delete tasks; those that a consumer holds only with `include_leased`.

    Args:
        select: which tasks.
        verb: DELETE, or PURGE.
        include_leased: delete what a consumer holds, too.
        keep: put the rows into the trash first.
    """
    flags = ("--include-leased",) * include_leased + ("--no-trash",) * (not keep)
    return Change(
        verb=verb, look=_looking(verb, select), start=_deleting(include_leased=include_leased),
        flags=flags, keeps_rows=keep,
    )  # fmt: skip


def clean(where: Filter, which: tuple[str, ...], *, keep: bool = True) -> Change:
    """Delete what `where` matches; `which` are the options that say the same."""
    return Change(
        verb=CLEAN,
        look=_looking(CLEAN, lambda repository: select_where(repository, where)),
        start=_deleting(include_leased=False),
        flags=() if keep else ("--no-trash",),
        which=which,
        keeps_rows=keep,
    )


def restore(
    lines: Iterable[str], rows: int, which: tuple[str, ...], *, keep: bool = True
) -> Change:
    """Insert tasks as they were written; ids that exist are left as they are.

    Args:
        lines: a task each, as `tasq export` writes them.
        rows: how many they are; 0 where that isn't known.
        which: the files, as `tasq import` takes them.
        keep: note in the undo log which rows are inserted.
    """

    def look(repository: Repository, settings: Settings) -> Preview:
        selection = Selection(repository.now(), Filter(), Filter(), ids=())
        return Preview(IMPORT, selection, rows, word=settings.profile or str(rows))

    def start(repository: Repository, seen: Preview, trash: TrashFile | None) -> Mutation:
        return mutations.restore(repository, lines, seen.total, trash)

    return Change(verb=IMPORT, look=look, start=start, which=which, keeps_rows=keep)


def _looking(verb: Verb, select: Select) -> Callable[[Repository, Settings], Preview]:
    return lambda repository, settings: preview(repository, verb, select(repository), settings)


def _deleting(
    *, include_leased: bool
) -> Callable[[Repository, Preview, TrashFile | None], Mutation]:
    def start(repository: Repository, seen: Preview, trash: TrashFile | None) -> Mutation:
        return mutations.delete(
            repository, seen.selection, seen.total, trash=trash, include_leased=include_leased
        )

    return start
