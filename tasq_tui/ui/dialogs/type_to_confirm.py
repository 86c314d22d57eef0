"""A change of many rows: the count, or the profile's name, must be typed."""

from collections.abc import Iterator

from textual import on
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input

from tasq_tui.ui.dialogs.base import Dialog, button_row, text_block


class TypeToConfirm(Dialog[bool]):
    """Answers True once the word was typed and entered."""

    def __init__(self, question: str, about: Content, word: str, yes: str) -> None:
        """Ask.

        Args:
            question: the title.
            about: what it is about; made of inert text.
            word: what must be typed.
            yes: what the button says that does it.
        """
        super().__init__(question, danger=True)
        self._about = about
        self._word = word
        self._yes = yes

    def body(self) -> Iterator[Widget]:
        """What it is about, the input, two buttons."""
        yield text_block(self._about)
        yield text_block(Content.assemble("\nType ", (self._word, "bold"), " to go on:"))
        yield Input(placeholder=self._word, compact=True)
        yield button_row(
            Button("Cancel", id="no"), Button(Content(self._yes), id="yes", variant="error")
        )

    def on_mount(self) -> None:
        """Nothing can be done yet."""
        self.query_one("#yes", Button).disabled = True
        self.query_one(Input).focus()

    @property
    def _is_typed(self) -> bool:
        typed = self.query_one(Input).value.strip()
        return typed == self._word or (
            self._word.isdigit() and typed.replace(",", "") == self._word
        )

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one("#yes", Button).disabled = not self._is_typed

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self._is_typed:
            self.dismiss(True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes" and self._is_typed)
