"""A change, from its preview to its record: once, for the command line and the app.

    operation = prepare(repository, settings, changes.delete(select))
    operation.seen                  # what it would do: show it, and ask as `seen.confirmation` says
    outcome = operation.run(watch)  # do it; it is in the audit log when this returns
    outcome.text                    # "deleted 5, skipped 2 (leased)"

The faces draw what this gives them and decide nothing. A new change is a `Verb` and a function
that makes a `Change` in `tasq_tui.admin.changes`; dry run, frozen scope, confirmation,
equivalent command, audit entry, JSON result and exit code follow from them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from tasq_core.errors import TaskNotFoundError, TasqError
from tasq_core.reports import MutationResult
from tasq_core.repository.protocol import Repository
from tasq_core.repository.schema_check import unknown_columns
from tasq_core.wording import counted
from tasq_tui.admin.audit_log import AuditLog, Entry
from tasq_tui.admin.command_line import command_line, piped
from tasq_tui.admin.mutations import Mutation, Progress
from tasq_tui.admin.preview import Preview, Verb
from tasq_tui.admin.session import check_writable
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.table_times import check_times
from tasq_tui.admin.trash import Trash, TrashFile, new_id

Watch = Callable[[Progress], bool]
"""Called after each committed batch, on the thread that runs it; False stops the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change as it was asked for."""

    verb: Verb
    look: Callable[[Repository, Settings], Preview]
    """Freezes which tasks it is about, and counts them."""
    start: Callable[[Repository, Preview, TrashFile | None], Mutation]
    """Begins the work on what the preview froze; rows are kept in the trash file first."""
    flags: tuple[str, ...] = ()
    """Options of the equivalent command that don't select tasks, as "--reset"."""
    which: tuple[str, ...] | None = None
    """Arguments that say which tasks; None derives them from the selection."""
    keeps_rows: bool = False
    """Whether the rows as they were go to the trash before they are changed."""
    puts_back: bool = False
    """Whether deleted rows of the trash are put back."""
    on_done: Callable[[str, MutationResult], None] | None = None
    """Called with the change's id and result once it ran to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a change ended."""

    verb: Verb
    seen: Preview
    result: MutationResult
    error: TasqError | None = None
    """What ended it early; the batches before it stand."""
    interrupted: bool = False
    trash: Path | None = None
    """The file of the rows as they were."""
    change_id: str = ""
    """What `tasq undo` takes, where rows were kept."""
    recorded: "Recorded"

    @property
    def can_be_undone(self) -> bool:
        """Whether rows were kept, and may have been changed."""
        return self.trash is not None and (self.result.done > 0 or self.error is not None)

    @property
    def left(self) -> int:
        """Tasks that were counted and not reached."""
        return max(self.seen.total - self.result.done - self.result.skipped, 0)

    @property
    def text(self) -> str:
        """As in "deleted 5, skipped 2 (leased); stopped, 3 left"."""
        summary = f"{self.verb.past} {self.result.done:,}"
        if self.result.skipped:
            summary += f", skipped {self.result.skipped:,} ({self._why_skipped})"
        if self.interrupted:
            summary += f"; stopped, {self.left:,} left" if self.left else "; stopped"
        return summary

    @property
    def record(self) -> dict[str, Any]:
        """The outcome as JSON has it."""
        return {
            "verb": self.verb.name,
            "done": self.result.done,
            "skipped": self.result.skipped,
            "total": self.seen.count,
            "interrupted": self.interrupted,
            "error": None if self.error is None else str(self.error),
            "trash": None if self.trash is None else str(self.trash),
            "change": self.change_id or None,
        }

    @property
    def _why_skipped(self) -> str:
        seen = self.seen
        if not seen.gone:
            return self.verb.skips
        return f"{self.verb.skips} or not found" if seen.leased else "not found"


class Operation:
    """A change that was looked at and may be run."""

    def __init__(
        self, repository: Repository, settings: Settings, change: Change, seen: Preview
    ) -> None:
        self.change = change
        self.seen = seen
        self.command = command_line(
            change.verb.name, seen.selection, settings, *change.flags, which=change.which, yes=True
        )
        """The equivalent command line."""
        self._repository = repository
        self._settings = settings

    def run(self, watch: Watch) -> Outcome:
        """Make the change, a batch at a time, and record it however it ends.

        An error of the database ends it and is in the outcome; the batches before it stand.
        """
        change, seen = self.change, self.seen
        trash = None
        change_id = new_id()
        log = Trash()
        # Without a place to write, what loses no rows goes on, without undo.
        if change.keeps_rows and (change.verb.loses_rows or log.is_writable()):
            trash = log.open(
                self._settings, self._repository.table, self.command,
                id=change_id, verb=change.verb.name,
            )  # fmt: skip
        mutation = change.start(self._repository, seen, trash)
        last, error, is_done = Progress(0, 0, seen.total), None, False
        kept: Path | None = None
        try:
            for last in mutation:
                if not watch(last):
                    break
            else:
                is_done = True
                if change.on_done is not None:
                    change.on_done(change_id, MutationResult(last.done, last.skipped))
        except TasqError as failure:
            error = failure
        finally:
            mutation.close()
            if trash is not None:
                trash.close()
                kept = trash.path if trash.rows else None
            result = MutationResult(last.done, last.skipped)
            ended = str(error) if error else "done" if is_done else "interrupted"
            recorded = record(
                self._settings, change.verb.name, self.command, result,
                ended=ended, trash=kept, ids=seen.selection.ids or (),
                change_id=change_id if kept else "",
            )  # fmt: skip
        return Outcome(
            verb=change.verb, seen=seen, result=result, error=error,
            interrupted=not is_done and error is None, trash=kept,
            change_id=change_id if kept else "", recorded=recorded,
        )  # fmt: skip


def prepare(
    repository: Repository, settings: Settings, change: Change, *, dry_run: bool = False
) -> Operation:
    """Freeze which tasks `change` is about and count them; nothing is touched.

    Raises:
        ReadOnlyError: the database is open read-only, and this isn't a dry run.
        TaskNotFoundError: tasks were named, and none of them exists.
        TasqError: the table has columns that neither the trash nor a restored row would have.
    """
    if not dry_run:
        check_writable(settings, change.verb.name)
        check_times(repository, settings, change.verb.name)
        _check_columns(repository, change)
    seen = change.look(repository, settings)
    if seen.gone and not seen.count:
        raise TaskNotFoundError(f"not found: {counted(seen.gone, 'task')}; nothing was changed")
    return Operation(repository, settings, change, seen)


def _check_columns(repository: Repository, change: Change) -> None:
    """Refuse what would lose the values of columns that aren't tasq's.

    Raises:
        TasqError: the table has such columns; names them.
    """
    if not (change.puts_back or (change.keeps_rows and change.verb.loses_rows)):
        return
    if not (columns := unknown_columns(repository)):
        return
    names = ", ".join(columns)
    if change.puts_back:
        raise TasqError(
            f"table {repository.table!r} has columns that the trash doesn't know ({names}), and"
            " rows would come back without their values; `tasq import` takes the file if you"
            " mean that"
        )
    raise TasqError(
        f"table {repository.table!r} has columns that aren't tasq's ({names}): the trash can't"
        " keep them, and no undo could bring them back;"
        f" `tasq {change.verb.name} --no-trash` deletes for good"
    )


@dataclass(frozen=True, slots=True)
class Recorded:
    """A change in the audit log."""

    entry: Entry
    verb: str
    ids: tuple[UUID, ...] = ()
    """What the command reads from standard input, where they are too many for the log."""
    problem: str = field(default="", compare=False)
    """Why it could not be written to the log's file; "" where it was."""

    @property
    def script(self) -> str:
        """The command, runnable as it stands."""
        if not self.ids:
            return self.entry.command
        return piped(self.ids, self.entry.command.partition("  #")[0])


def record(
    settings: Settings,
    verb: str,
    command: str,
    result: MutationResult,
    *,
    ended: str = "done",
    trash: Path | None = None,
    ids: tuple[UUID, ...] = (),
    change_id: str = "",
) -> Recorded:
    """Write what was done to the audit log; a disk that refuses is noted in the answer.

    Args:
        settings: of which database.
        verb: as in `tasq requeue`.
        command: the equivalent command line.
        result: what it did.
        ended: "done", "interrupted", or the error's text.
        trash: the file of the rows as they were.
        ids: which tasks, by id; kept where the command doesn't name them all.
        change_id: what `tasq undo` takes, where rows were kept.
    """
    kept, problem = str(trash or ""), ""
    try:
        log = AuditLog.of(settings)
        entry = log.note(settings, command, result, ended, kept, verb=verb, id=change_id)
    except OSError as error:
        problem = f"the journal could not be written: {error}"
        entry = Entry(
            datetime.now(UTC), settings.profile, settings.redacted_url, command,
            result.done, result.skipped, ended, kept, verb, change_id,
        )  # fmt: skip
    return Recorded(entry, verb, ids if "  # " in command else (), problem)
