"""A line of input that remembers what was entered before: up and down recall it."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tasq_tui.ui.text.sanitize import safe

KEPT: Final = 50


class HistoryInput(Input):
    """An input with a history, the newest entry last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(-1)", "Earlier", show=False),
        Binding("down", "recall(1)", "Later", show=False),
    ]

    def __init__(self, *args: Any, history: Sequence[str] = (), **kwargs: Any) -> None:
        """As Input, with a `history` to begin with."""
        super().__init__(*args, **kwargs)
        self.history = [safe(entry) for entry in history][-KEPT:]
        self._at = len(self.history)
        self._draft = ""

    def remember(self, entry: str) -> None:
        """Make `entry` the newest of the history."""
        self.history = [*(old for old in self.history if old != entry), entry][-KEPT:]
        self._at = len(self.history)

    def action_recall(self, step: int) -> None:
        """Go back in the history, or forth as far as what was being typed."""
        at = self._at + step
        if not 0 <= at <= len(self.history):
            return
        if self._at == len(self.history):
            self._draft = self.value
        self._at = at
        self.value = self.history[at] if at < len(self.history) else self._draft
        self.cursor_position = len(self.value)
