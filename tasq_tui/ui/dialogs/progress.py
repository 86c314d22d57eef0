"""A change at work: how far it is, and a way to stop it."""

from collections.abc import Callable, Iterator

from textual.widget import Widget
from textual.widgets import ProgressBar, Static

from tasq_tui.ui.dialogs.base import Dialog, text_block
from tasq_tui.ui.text.formats import count


class ProgressDialog(Dialog[None]):
    """Stays until it is dismissed by whoever works; Escape asks them to stop."""

    DEFAULT_CSS = """
    ProgressDialog { & ProgressBar { width: 1fr; } & Bar { width: 1fr; } }
    """

    def __init__(self, title: str, stop: Callable[[], object]) -> None:
        """Show nothing done yet.

        Args:
            title: what is going on.
            stop: called when the user wants it to end.
        """
        super().__init__(title, "Esc stops after the running batch")
        self._stop = stop
        self._stopping = False
        self._state = (0, 0, 0)

    def body(self) -> Iterator[Widget]:
        """The figures and a bar."""
        yield text_block("…")
        yield ProgressBar(show_eta=False)

    def on_mount(self) -> None:
        """Show what was reported before."""
        self.report(*self._state)

    def report(self, done: int, skipped: int, total: int) -> None:
        """Show how far it is; a total of 0 isn't known."""
        self._state = (done, skipped, total)
        if not self.is_mounted:
            return
        text = f"{count(done)} of {count(total)}" if total else f"{count(done)} so far"
        if skipped:
            text += f", {count(skipped)} skipped"
        if self._stopping:
            text += " · stopping…"
        self.query_one(Static).update(text)
        bar = self.query_one(ProgressBar)
        bar.update(total=total or None, progress=done + skipped)

    def action_cancel(self) -> None:
        """Ask for an end; the dialog goes when it has come."""
        if not self._stopping:
            self._stopping = True
            self._stop()
            self.report(*self._state)
