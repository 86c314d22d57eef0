"""Search inside a task: in its arguments, as text, and in its error."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from tasq_tui.ui.tasks.args import ArgsView
from tasq_tui.ui.text.redrawing import redraw
from tasq_tui.ui.widgets.lines_view import LinesView


class DetailSearch(Horizontal):
    """A line of input that is there while something is searched for.

    Enter goes to the next place and leaves the line; Escape ends the search.
    """

    DEFAULT_CSS = """
    DetailSearch {
        height: 1; display: none; dock: bottom; background: $panel;
        & .search--prompt { width: 2; color: $text-accent; text-style: bold; }
        & Input { width: 1fr; background: $panel; }
        & .search--note { width: 12; color: $text-muted; text-align: right; }
        &.-open { display: block; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Leave", show=False)]

    def __init__(self, args: ArgsView, error: LinesView) -> None:
        super().__init__()
        self._args = args
        self._error = error
        self._in_args = self._in_error = 0
        self._at = -1
        self._note = Static(classes="search--note", markup=False)

    def compose(self) -> ComposeResult:
        """Prompt, input, and how many places there are."""
        yield Static("/", classes="search--prompt", markup=False)
        yield Input(placeholder="in arguments and error", compact=True)
        yield self._note

    @property
    def is_open(self) -> bool:
        """Whether the line is there."""
        return self.has_class("-open")

    def open(self) -> None:
        """Let the user type."""
        self.set_class(True, "-open")
        self.query_one(Input).focus()

    def close(self) -> None:
        """End the search."""
        if not self.is_open:
            return
        was_typing = self.has_focus_within
        self.set_class(False, "-open")
        field = self.query_one(Input)
        with field.prevent(Input.Changed):
            field.value = ""
        self._args.search("")
        self._error.search("")
        if was_typing:
            (self._error if self._error.display else self._args.query_one(LinesView)).focus()

    def action_close(self) -> None:
        """End the search."""
        self.close()

    def look_again(self) -> None:
        """Another task is shown: look in that one."""
        if self.is_open:
            self._look(self.query_one(Input).value)

    def go(self, step: int) -> None:
        """Go on by `step` places, round and round."""
        found = self._in_args + self._in_error
        if not found:
            return
        self._at = (self._at + step) % found if self._at >= 0 or step > 0 else found - 1
        lines = self._args.query_one(LinesView)
        lines.show_found(self._at if self._at < self._in_args else -1)
        self._error.show_found(self._at - self._in_args if self._at >= self._in_args else -1)
        self._report()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._look(event.value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.go(1)
        (self._error if self._at >= self._in_args else self._args.query_one(LinesView)).focus()

    def _look(self, wanted: str) -> None:
        self._in_args, self._in_error = self._args.search(wanted), self._error.search(wanted)
        self._at = -1
        self._report()

    def _report(self) -> None:
        found = self._in_args + self._in_error
        at = f"{self._at + 1} of " if self._at >= 0 else ""
        redraw(self._note, Content(f"{at}{found} found"))
