"""A question before a change; No is the default."""

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button

from tasq_tui.ui.dialogs.base import Dialog, button_row, text_block


class ConfirmDialog(Dialog[bool]):
    """Answers True for yes; `y` says so, anything else doesn't."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", show=False),
        Binding("n", "answer(False)", "No", show=False),
        Binding("left,right,h,l", "other_button", "Other button", show=False),
    ]

    def __init__(self, question: str, about: Content, yes: str, *, danger: bool = False) -> None:
        """Ask.

        Args:
            question: the title.
            about: what it is about; made of inert text.
            yes: what the button says that does it.
            danger: rows are lost.
        """
        super().__init__(question, "y yes · n no · Esc cancels", danger=danger)
        self._about = about
        self._yes = yes
        self._danger = danger

    def body(self) -> Iterator[Widget]:
        """What it is about, and two buttons."""
        yield text_block(self._about)
        yield button_row(
            Button("Cancel", id="no"),
            Button(Content(self._yes), id="yes", variant="error" if self._danger else "primary"),
        )

    def on_mount(self) -> None:
        """Let Enter mean no."""
        self.query_one("#no", Button).focus()

    def action_answer(self, yes: bool) -> None:
        """Close with this answer."""
        self.dismiss(yes)

    def action_other_button(self) -> None:
        """Go to the other button."""
        self.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")
