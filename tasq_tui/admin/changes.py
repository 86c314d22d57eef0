"""The changes there are: what each is called, how risky it is, and what it does."""

from collections.abc import Callable, Iterable
from typing import Final

from tasq_core.filters import Filter
from tasq_core.repository.protocol import Repository
from tasq_tui.admin import mutations
from tasq_tui.admin.mutations import Mutation
from tasq_tui.admin.operation import Change
from tasq_tui.admin.preview import Preview, Verb, preview
from tasq_tui.admin.selection import Selection, select_where
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.trash import TrashFile

Select = Callable[[Repository], Selection]
"""Says which tasks, as of when it is called."""

REQUEUE: Final = Verb("requeue", "requeued", is_harmless=True)
RESET: Final = Verb("requeue", "requeued", is_harmless=True, effect=" from zero")
DELETE: Final = Verb("delete", "deleted", loses_rows=True)
PURGE: Final = Verb("purge", "deleted", loses_rows=True, is_typed=True)
CLEAN: Final = Verb("clean", "deleted", loses_rows=True)
RESTORE: Final = Verb("import", "restored", skips="there already", is_idempotent=True)
IMPORT: Final = Verb("import", "imported", skips="there already", is_idempotent=True)


def requeue(select: Select, *, reset: bool = False) -> Change:
    """Make tasks NEW and ready; `reset` also starts over with their attempts."""

    def start(repository: Repository, seen: Preview, trash: TrashFile | None) -> Mutation:
        del trash  # nothing is lost
        return mutations.requeue(repository, seen.selection, seen.total, reset=reset)

    verb = RESET if reset else REQUEUE
    flags = ("--reset",) if reset else ()
    return Change(verb=verb, look=_looking(verb, select), start=start, flags=flags)


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
    lines: Iterable[str], rows: int, which: tuple[str, ...], verb: Verb = RESTORE
) -> Change:
    """Insert tasks as they were written; ids that exist are left as they are.

    Args:
        lines: a task each, as `tasq export` writes them.
        rows: how many they are; 0 where that isn't known.
        which: the files, as `tasq import` takes them.
        verb: RESTORE, or IMPORT.
    """

    def look(repository: Repository, settings: Settings) -> Preview:
        selection = Selection(repository.now(), Filter(), Filter(), ids=())
        return Preview(verb, selection, rows, word=settings.profile or str(rows))

    def start(repository: Repository, seen: Preview, trash: TrashFile | None) -> Mutation:
        del trash
        return mutations.restore(repository, lines, seen.total)

    return Change(verb=verb, look=look, start=start, which=which, puts_back=verb is RESTORE)


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
