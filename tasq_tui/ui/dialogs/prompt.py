"""One line of text, asked for."""

from collections.abc import Callable, Iterator

from textual import on
from textual.widget import Widget
from textual.widgets import Button, Input

from tasq_tui.ui.dialogs.base import Dialog, button_row, text_block


class PromptDialog(Dialog[str]):
    """Answers the text typed."""

    def __init__(
        self, title: str, about: str, value: str, yes: str, check: Callable[[str], str]
    ) -> None:
        """Ask.

        Args:
            title: what for.
            about: a line above the input; inert text.
            value: what it begins with.
            yes: what the button says.
            check: what is wrong with a text; "" if nothing.
        """
        super().__init__(title)
        self._about = about
        self._value = value
        self._yes = yes
        self._check = check

    def body(self) -> Iterator[Widget]:
        """The input and two buttons."""
        yield text_block(self._about)
        yield Input(self._value, compact=True)
        yield text_block("", "dialog--problem")
        yield button_row(Button("Cancel", id="no"), Button(self._yes, id="yes", variant="primary"))

    def on_mount(self) -> None:
        """Let the user type."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._answer()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self._answer()
        else:
            self.dismiss(None)

    def _answer(self) -> None:
        text = self.query_one(Input).value
        problem = self._check(text)
        self.complain(problem)
        if not problem:
            self.dismiss(text)
