"""A change in the app: renders `tasq_tui.admin.operation` with dialogs and toasts."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, Literal, TypeVar

from textual.app import App

from tasq_core.errors import TaskNotFoundError, TasqError
from tasq_core.reports import MutationResult
from tasq_tui.admin.mutations import Progress
from tasq_tui.admin.operation import Change, Operation, Outcome, Watch, prepare
from tasq_tui.admin.preview import Confirmation
from tasq_tui.admin.undo import VERB
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.dialogs.type_to_confirm import TypeToConfirm
from tasq_tui.ui.operations.delayed_progress import DelayedProgress
from tasq_tui.ui.operations.preview_text import button, described, nothing, question
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.sanitize import safe

T = TypeVar("T")
Work = Coroutine[Any, Any, MutationResult | None]
Severity = Literal["information", "warning", "error"]

_LONGEST_MESSAGE: Final = 400


class Changer:
    """Makes one change at a time on the session's admin connection."""

    def __init__(self, app: App[int], session: Session, view: Callable[[], CockpitScreen]) -> None:
        """Wait for the first change.

        Args:
            app: shows the dialogs and messages.
            session: the database, and the log of this run.
            view: the screen of the current mode, whatever dialog is over it.
        """
        self.app = app
        self.session = session
        self.is_busy = False
        self._view = view

    def change(self, change: Change) -> None:
        """Begin a change of tasks: preview, ask, run, report."""
        self.begin(change.verb.name, partial(self._change, change))

    def begin(self, verb: str, work: Callable[[], Work]) -> None:
        """Begin work on the table in a worker, unless some is going on.

        The screen keeps its rows where they are meanwhile, and shows the result; errors of
        tasq are reported.
        """
        if self.is_busy:
            self.notify("another change is at work", "warning")
            return
        self.is_busy = True
        self.app.run_worker(self._work(verb, work), group="change")

    async def run(self, title: str, operation: Operation) -> Outcome:
        """Run a change to its end, with a dialog that stops it where that takes long."""
        outcome = await self.work(title, operation.run)
        self.session.log.append(outcome.recorded)
        if outcome.trash is not None:
            self.session.changes.add(outcome.trash)
        return outcome

    async def work(self, title: str, call: Callable[[Watch], T]) -> T:
        """The answer of a call that reports its progress, with a dialog that stops it."""
        stopping = threading.Event()
        async with DelayedProgress(self.app, title, stopping.set) as dialog:

            def watch(progress: Progress) -> bool:  # on the connection's thread
                dialog.progress = progress[:3]
                return not stopping.is_set()

            return (await self.session.admin.run(call, watch)).value

    async def ask(self, title: str, work: Callable[[], T]) -> T | None:
        """The answer of `work` on the admin connection; None if the user gave up waiting."""
        running = asyncio.ensure_future(self.session.admin.run(work))
        async with DelayedProgress(self.app, title, running.cancel):
            try:
                return (await running).value
            except asyncio.CancelledError:
                if not running.cancelled():
                    raise
                return None

    def report(self, outcome: Outcome) -> None:
        """Say how a change ended."""
        message = outcome.text
        if outcome.error is not None:
            message += f"; then: {outcome.error}"
        if outcome.can_be_undone and outcome.verb.name != VERB and not outcome.verb.is_harmless:
            message += " · U undoes"
        is_partial = outcome.result.skipped and not outcome.verb.is_idempotent
        self.notify(
            message, "error" if outcome.error else "warning" if is_partial else "information"
        )
        if outcome.recorded.problem:
            self.notify(outcome.recorded.problem, "warning")

    def notify(self, message: str, severity: Severity = "information") -> None:
        """Show a message in the corner, as inert text."""
        self.app.notify(
            safe(message, _LONGEST_MESSAGE),
            severity=severity,
            markup=False,
            timeout=10 if severity == "error" else 5,
        )

    async def _work(self, verb: str, work: Callable[[], Work]) -> None:
        view = self._view()
        view.freeze(True)
        result = None
        try:
            result = await work()
        except TasqError as error:
            is_gone = isinstance(error, TaskNotFoundError)
            text = str(error)
            if f"{verb} is refused" not in text:  # else it names the change itself
                text = f"{verb}: {text}"
            self.notify(text, "warning" if is_gone else "error")
        finally:
            self.is_busy = False
            view.freeze(False)
        if result is not None:
            self._view().changed()

    async def _change(self, change: Change) -> MutationResult | None:
        outcome = await self.attempt(change)
        if outcome is None:
            return None
        self.report(outcome)
        return outcome.result

    async def attempt(self, change: Change) -> Outcome | None:
        """Preview, ask and run; None where there is nothing to change, or the user declined.

        Raises:
            TasqError: it was refused before anything was changed.
        """
        admin, settings = self.session.admin, self.session.settings
        operation = await self.ask(
            f"Counting what to {change.verb.name}",
            lambda: prepare(admin.repository, settings, change),
        )
        if operation is None:
            return None
        if not operation.seen.count:
            self.notify(nothing(operation.seen), "warning")
            return None
        if not await self._is_confirmed(operation):
            return None
        return await self.run(button(operation.seen), operation)

    async def _is_confirmed(self, operation: Operation) -> bool:
        seen = operation.seen
        if seen.confirmation is Confirmation.NONE:
            return True
        about = described(seen, self.session.settings, self.session.now())
        if seen.confirmation is Confirmation.TYPE_TO_CONFIRM:
            typed = TypeToConfirm(question(seen), about, seen.word, button(seen))
            return await self.app.push_screen_wait(typed) is True
        danger = seen.verb.loses_rows
        dialog = ConfirmDialog(question(seen), about, button(seen), danger=danger)
        return await self.app.push_screen_wait(dialog) is True
