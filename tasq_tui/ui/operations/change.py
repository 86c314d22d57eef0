"""A change from the key press to its result: count, ask, do, note, tell.

What is done is decided in `tasq_tui.admin`; this leads through it and shows it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from textual.app import App

from tasq_core.errors import TasqError
from tasq_core.reports import MutationResult
from tasq_core.repository.protocol import Repository
from tasq_tui.admin import mutations
from tasq_tui.admin.command_line import command_line
from tasq_tui.admin.mutations import Mutation, Progress
from tasq_tui.admin.preview import Confirmation, Preview, preview
from tasq_tui.admin.selection import Selection
from tasq_tui.admin.trash import Trash, TrashFile
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.dialogs.type_to_confirm import TypeToConfirm
from tasq_tui.ui.operations.delayed_progress import Patience
from tasq_tui.ui.operations.preview_text import (
    LOSES,
    PAST,
    described,
    nothing,
    question,
    why_skipped,
)
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.formats import count
from tasq_tui.ui.text.sanitize import safe

if TYPE_CHECKING:
    from tasq_tui.ui.dialogs.base import Dialog

T = TypeVar("T")
Work = Coroutine[Any, Any, T]
Severity = Literal["information", "warning", "error"]

_LONGEST_MESSAGE: Final = 400


@dataclass(frozen=True, slots=True)
class Change:
    """What the user asked for."""

    verb: str
    """requeue, delete or purge."""
    select: Callable[[Repository], Selection]
    """Which tasks, as of the key press."""
    reset: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        """Options of the equivalent command."""
        return ("--reset",) if self.reset else ()


@dataclass(frozen=True, slots=True)
class Ran:
    """How a mutation ended."""

    result: MutationResult
    outcome: str
    """"done", "interrupted", or the error's text."""

    @property
    def failed(self) -> bool:
        """Whether an error ended it."""
        return self.outcome not in {"done", "interrupted"}


class Changer:
    """Carries out one change at a time on the session's admin connection."""

    def __init__(self, app: App[int], session: Session) -> None:
        self.app = app
        self.session = session
        self.is_busy = False

    async def carry_out(self, change: Change) -> MutationResult | None:
        """Do `change` after asking for it; None where it was declined or refused.

        Runs in a worker; the change is noted and told before this returns.
        """
        return await self.alone(change.verb, lambda: self._carry_out(change))

    async def alone(self, verb: str, work: "Callable[[], Work[T]]") -> T | None:
        """Let `work` run unless another change does; its errors are told."""
        if self.is_busy:
            self.tell("another change is at work", "warning")
            return None
        self.is_busy = True
        try:
            return await work()
        except TasqError as error:
            self.tell(f"{verb}: {error}", "error")
            return None
        finally:
            self.is_busy = False

    def tell(self, message: str, severity: Severity = "information") -> None:
        """Show a message in the corner, as inert text."""
        self.app.notify(
            safe(message, _LONGEST_MESSAGE),
            severity=severity,
            markup=False,
            timeout=10 if severity == "error" else 5,
        )

    async def run(self, title: str, mutation: Mutation, total: int) -> Ran:
        """Run `mutation` to its end, with a dialog that stops it where that takes long."""
        stopping = asyncio.Event()
        last = Progress(0, 0, total)
        admin = self.session.admin
        async with Patience(self.app, title, stopping.set) as shown:
            try:
                while not stopping.is_set():
                    answer = await admin.run(_step, mutation)
                    if isinstance(answer.value, MutationResult):
                        return Ran(answer.value, "done")
                    last = answer.value
                    shown.report(*last)
            except TasqError as error:
                return Ran(MutationResult(last.done, last.skipped), str(error))
            finally:
                await admin.run(mutation.close)
        return Ran(MutationResult(last.done, last.skipped), "interrupted")

    async def ask(self, title: str, work: Callable[[], T]) -> T | None:
        """The answer of `work` on the admin connection; None if the user gave up waiting."""
        asking = asyncio.ensure_future(self.session.admin.run(work))
        async with Patience(self.app, title, asking.cancel):
            try:
                return (await asking).value
            except asyncio.CancelledError:
                if not asking.cancelled():
                    raise
                return None

    async def _carry_out(self, change: Change) -> MutationResult | None:
        seen = await self.ask(
            f"Counting what to {change.verb}", lambda: _looked_at(self.session, change)
        )
        if seen is None:
            return None
        if not seen.count:
            self.tell(nothing(seen), "warning")
            return None
        if not await self._is_confirmed(change, seen):
            return None
        return await self._do(change, seen)

    async def _is_confirmed(self, change: Change, seen: Preview) -> bool:
        if seen.confirmation is Confirmation.NONE:
            return True
        answer = await self.app.push_screen_wait(self._dialog(change, seen))
        return bool(answer)

    def _dialog(self, change: Change, seen: Preview) -> "Dialog[bool]":
        title, yes = question(seen, reset=change.reset)
        about = described(seen, self.session.settings, self.session.now())
        if seen.confirmation is Confirmation.TYPE_TO_CONFIRM:
            return TypeToConfirm(title, about, seen.word, yes)
        return ConfirmDialog(title, about, yes, danger=change.verb in LOSES)

    async def _do(self, change: Change, seen: Preview) -> MutationResult:
        session, verb = self.session, change.verb
        line = command_line(verb, seen.selection, session.settings, *change.flags, yes=True)
        trash = Trash().open(session.settings, session.table, line) if verb in LOSES else None
        total = seen.count + seen.gone
        mutation = _mutation(change, session.admin.repository, seen.selection, total, trash)
        try:
            ran = await self.run(f"{verb.capitalize()} {count(seen.count)}", mutation, total)
        finally:
            if trash is not None:
                trash.close()
        kept = trash.path if trash is not None and trash.rows else None
        if kept is not None:
            session.deleted.append(kept)
        ids = (seen.selection.ids or ()) if "  # " in line else ()
        problem = session.note(
            verb, line, ran.result, outcome=ran.outcome, trash=str(kept or ""), ids=ids
        )
        self._tell_result(verb, seen, ran, undoable=kept is not None)
        if problem:
            self.tell(problem, "warning")
        return ran.result

    def _tell_result(self, verb: str, seen: Preview, ran: Ran, *, undoable: bool) -> None:
        message = f"{PAST[verb]} {count(ran.result.done)}"
        if ran.result.skipped:
            message += f", skipped {count(ran.result.skipped)} ({why_skipped(seen)})"
        if ran.outcome == "interrupted":
            left = seen.count + seen.gone - ran.result.done - ran.result.skipped
            message += f"; stopped, {count(max(left, 0))} left"
        elif ran.failed:
            message += f"; then: {ran.outcome}"
        if undoable:
            message += " · U undoes"
        self.tell(
            message, "error" if ran.failed else "warning" if ran.result.skipped else "information"
        )


def _looked_at(session: Session, change: Change) -> Preview:
    repository = session.admin.repository
    selection = change.select(repository)
    return preview(repository, change.verb, selection, session.settings)


def _mutation(
    change: Change,
    repository: Repository,
    selection: Selection,
    total: int,
    trash: TrashFile | None,
) -> Mutation:
    if change.verb == "requeue":
        return mutations.requeue(repository, selection, total, reset=change.reset)
    return mutations.delete(repository, selection, total, trash=trash)


def _step(mutation: Mutation) -> Progress | MutationResult:
    try:
        return next(mutation)
    except StopIteration as end:
        result: MutationResult = end.value
        return result
