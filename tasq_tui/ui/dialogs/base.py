"""The box all dialogs are drawn in."""

from collections.abc import Iterator
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Static

from tasq_tui.ui.text.sanitize import safe_content

T = TypeVar("T")


class Dialog(ModalScreen[T | None]):
    """A titled box over the dimmed screen. Escape answers None."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle; background: $background 60%;
        & .dialog--box {
            width: 76; max-width: 96%; height: auto; max-height: 96%; padding: 0 2;
            border: round $primary; background: $surface; border-title-color: $foreground;
            border-title-style: bold; border-subtitle-color: $text-muted;
            scrollbar-size-vertical: 1;
        }
        &.-danger .dialog--box { border: round $error; border-title-color: $text-error; }
        & .dialog--buttons { height: auto; align-horizontal: right; margin-top: 1; }
        & .dialog--buttons Button { margin-left: 2; min-width: 12; }
        & .dialog--text { height: auto; }
        & .dialog--note { height: auto; color: $text-muted; }
        & .dialog--problem { height: auto; color: $text-error; display: none; }
        & .dialog--problem.-shown { display: block; }
        & Input { background: $panel; padding: 0 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", show=False)]

    def __init__(self, title: str, hint: str = "Esc cancels", *, danger: bool = False) -> None:
        super().__init__(classes="-danger" if danger else None)
        self._title = title
        self._hint = hint

    def body(self) -> Iterator[Widget]:
        """What stands in the box."""
        yield from ()

    def compose(self) -> ComposeResult:
        """The box."""
        box = VerticalScroll(*self.body(), classes="dialog--box", can_focus=False)
        box.border_title = Content(self._title)
        box.border_subtitle = Content(self._hint)
        yield box

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def complain(self, problem: str) -> None:
        """Show what is wrong with the answer; "" for nothing."""
        line = self.query_one(".dialog--problem", Static)
        line.update(safe_content(problem))
        line.set_class(bool(problem), "-shown")


def text_block(text: str | Content, classes: str = "dialog--text") -> Static:
    """Text of any number of lines; a str is inert already."""
    return Static(Content(text) if isinstance(text, str) else text, classes=classes, markup=False)


def button_row(*buttons: Button) -> Horizontal:
    """Buttons at the right."""
    return Horizontal(*buttons, classes="dialog--buttons")
