"""The form of a task's fields: for a new one, a copy, or new values of waiting ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalGroup
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Button, Input, Label, TextArea

from tasq_core.errors import ArgsDecodeError, ArgsEncodeError, InvalidInputError
from tasq_tui.ui.dialogs.base import Dialog, button_row, text_block
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.operations.drafts import NO_NAMES, Names
from tasq_tui.ui.text.sanitize import safe

T = TypeVar("T")

NAMELESS: Final = '""'
"""How the queue without a name is entered where an empty field means something else."""


class Field(NamedTuple):
    """One line of input."""

    name: str
    label: str
    value: str
    hint: str = ""
    """Shown while it is empty."""
    names: Sequence[str] = ()
    """What it is completed from."""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What a form says and offers besides its fields."""

    note: str = ""
    """A line about the arguments; inert text."""
    problem: str = ""
    """Why what was entered before was refused; "" at first."""
    names: Names = NO_NAMES
    """The queues and types there are."""


NO_CONTEXT: Final = Context()


class TaskForm(Dialog[T]):
    """Fields and arguments; ctrl+s answers what they make, Escape asks before it loses edits."""

    DEFAULT_CSS = """
    TaskForm {
        & .form--line { height: auto; }
        & .form--field { width: 1fr; height: auto; margin-right: 1; }
        & .form--field.-last { margin-right: 0; }
        & .form--field Label { color: $text-muted; }
        & .form--field.-wide { width: 2fr; }
        & Input:focus { background: $block-cursor-blurred-background; }
        & TextArea { height: 8; border: none; padding: 0; background: $panel; }
        & Label { color: $text-muted; }
        & .form--line, & .form--args { margin-bottom: 1; }
        & .dialog--buttons { margin-top: 0; }
    }
    TaskForm.-low .form--line { margin-bottom: 0; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "Submit", show=False, priority=True),
    ]

    def __init__(self, title: str, yes: str, keys: str, context: Context) -> None:
        """Ask.

        Args:
            title: what for.
            yes: what the button says.
            keys: which keys do what.
            context: what it says and offers.
        """
        super().__init__(title, keys)
        self._yes = yes
        self.context = context
        self._begun: dict[str, str] = {}
        """What the fields held before anything was typed."""

    def lines(self) -> Iterator[Sequence[Field]]:
        """The fields, line by line."""
        raise NotImplementedError

    def arguments(self) -> tuple[str, str]:
        """What stands above the arguments, and they themselves; inert text."""
        raise NotImplementedError

    def first(self) -> str:
        """The field that is typed into first."""
        raise NotImplementedError

    def read(self) -> T:
        """What was entered.

        Raises:
            InvalidInputError: a field can't be read, or doesn't fit the others.
            ArgsDecodeError: the arguments can't be read.
            ArgsEncodeError: they can't be stored.
        """
        raise NotImplementedError

    def body(self) -> Iterator[Widget]:
        """The fields."""
        for line in self.lines():
            yield Horizontal(
                *(_group(field, last=field is line[-1]) for field in line), classes="form--line"
            )
        label, args = self.arguments()
        yield VerticalGroup(
            Label(label, markup=False),
            TextArea(
                args, tab_behavior="focus", show_line_numbers=False, soft_wrap=True,
                compact=True, language=None, id="args",
            ),
            classes="form--args",
        )  # fmt: skip
        yield text_block("", "dialog--problem")
        yield button_row(Button("Cancel", id="no"), Button(self._yes, id="yes", variant="primary"))

    def on_mount(self) -> None:
        """Let the user type."""
        self.query_one(f"#{self.first()}").focus()
        self.complain(self.context.problem)
        self._begun = {} if self.context.problem else self.texts

    @property
    def texts(self) -> dict[str, str]:
        """What each field holds now, the arguments as "args"."""
        found = {str(field.id): field.value for field in self.query(Input)}
        return found | {"args": self.query_one("#args", TextArea).text}

    def action_cancel(self) -> None:
        """Close; asks first where something was typed."""
        if self.texts == self._begun:
            self.dismiss(None)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        about = Content("What you typed here is not submitted, and not kept.")
        dialog = ConfirmDialog("Throw the edits away?", about, "Throw away", danger=True)
        self.app.push_screen(dialog, answered)

    def action_submit(self) -> None:
        """Check the fields, and answer what they make."""
        try:
            answer = self.read()
        except (InvalidInputError, ArgsDecodeError, ArgsEncodeError) as error:
            self.complain(safe(error, 300))
            return
        self.dismiss(answer)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self.action_submit()
        else:
            self.action_cancel()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()


def integer(label: str, text: str) -> int:
    """The whole number that a field holds.

    Raises:
        InvalidInputError: it isn't one; says which field.
    """
    try:
        return int(text.strip())
    except ValueError:
        raise InvalidInputError(f"{label} {text!r} is not a whole number") from None


def _group(field: Field, *, last: bool) -> VerticalGroup:
    names = [safe(name) for name in field.names]
    entry = Input(
        field.value, id=field.name, compact=True, placeholder=field.hint,
        suggester=SuggestFromList(names, case_sensitive=False) if names else None,
    )  # fmt: skip
    classes = "form--field" + " -wide" * field.wide + " -last" * last
    return VerticalGroup(Label(field.label, markup=False), entry, classes=classes)
