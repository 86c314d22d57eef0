"""A change at work: how far it is, and a way to stop it."""

from collections.abc import Callable, Iterator
from typing import Final

from textual.widget import Widget
from textual.widgets import ProgressBar, Static

from tasq_tui.ui.dialogs.base import Dialog, text_block
from tasq_tui.ui.text.formats import count

_DRAW_SECONDS: Final = 0.1


class ProgressDialog(Dialog[None]):
    """Open until the operation closes it; Escape asks the operation to stop."""

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
        self.progress: tuple[int, int, int] = (0, 0, 0)
        """Done, skipped, total (0: unknown); any thread may set it."""

    def body(self) -> Iterator[Widget]:
        """The figures and a bar."""
        yield text_block("…")
        yield ProgressBar(show_eta=False)

    def on_mount(self) -> None:
        """Show how far it is, ten times a second."""
        self._draw()
        self.set_interval(_DRAW_SECONDS, self._draw)

    def _draw(self) -> None:
        done, skipped, total = self.progress
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
            self._draw()
