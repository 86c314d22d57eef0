"""A task to be submitted: new, or an edited copy of another."""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalGroup
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Label, TextArea

from tasq_core.args import GOB, JSON, codec_named, gob
from tasq_core.durations import parse_duration
from tasq_core.errors import ArgsDecodeError, ArgsEncodeError, InvalidInputError
from tasq_core.task import Task
from tasq_tui.ui.dialogs.base import Dialog, button_row, text_block
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.operations.drafts import Draft
from tasq_tui.ui.text.sanitize import safe

_FIELDS: Final = ("type", "queue", "priority", "receives", "delay", "codec")


class EditTask(Dialog[tuple[Task, Draft]]):
    """Answers a checked task and the draft it came from."""

    DEFAULT_CSS = """
    EditTask {
        & .edit--line { height: auto; }
        & .edit--field { width: 1fr; height: auto; margin-right: 1; }
        & .edit--field.-last { margin-right: 0; }
        & .edit--field Label { color: $text-muted; }
        & .edit--field.-wide { width: 2fr; }
        & Input:focus { background: $block-cursor-blurred-background; }
        & TextArea { height: 8; border: none; padding: 0; background: $panel; }
        & Label { color: $text-muted; }
        & .edit--line, & .edit--args { margin-bottom: 1; }
        & .dialog--buttons { margin-top: 0; }
    }
    EditTask.-low .edit--line { margin-bottom: 0; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "Submit", show=False, priority=True),
    ]

    def __init__(self, title: str, draft: Draft, note: str = "", problem: str = "") -> None:
        """Begin with `draft`.

        Args:
            title: what for.
            draft: what the fields hold.
            note: a line about the arguments; inert text.
            problem: why what was entered before was refused; "" at first.
        """
        super().__init__(title, "Ctrl+s submits · Tab goes on · Esc cancels")
        self._draft = draft
        self._note = note
        self._problem = problem
        self._begun: tuple[str, ...] = ()
        """What the fields held before anything was typed."""

    def body(self) -> Iterator[Widget]:
        """The fields."""
        draft = self._draft
        yield Horizontal(
            _field("Type", "type", draft.type, wide=True),
            _field("Queue", "queue", draft.queue, last=True),
            classes="edit--line",
        )
        yield Horizontal(
            _field("Priority", "priority", str(draft.priority)),
            _field("Max receives", "receives", str(draft.max_receives)),
            _field("Delay: 30s, 5m", "delay", _delay_text(draft.delay)),
            _field("json or gob", "codec", draft.codec, last=True),
            classes="edit--line",
        )
        yield VerticalGroup(
            Label(f"Arguments as JSON{f' · {self._note}' if self._note else ''}", markup=False),
            TextArea(
                draft.args, tab_behavior="focus", show_line_numbers=False, soft_wrap=True,
                compact=True, language=None, id="args",
            ),
            classes="edit--args",
        )  # fmt: skip
        yield text_block("", "dialog--problem")
        yield button_row(Button("Cancel", id="no"), Button("Submit", id="yes", variant="primary"))

    def on_mount(self) -> None:
        """Let the user type."""
        self.query_one("#type" if not self._draft.type else "#args").focus()
        self.complain(self._problem)
        self._begun = () if self._problem else self._entered_now()

    def action_cancel(self) -> None:
        """Close; asks first where something was typed."""
        if self._entered_now() == self._begun:
            self.dismiss(None)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        about = Content("What you typed here is not submitted, and not kept.")
        dialog = ConfirmDialog("Throw the edits away?", about, "Throw away", danger=True)
        self.app.push_screen(dialog, answered)

    def _entered_now(self) -> tuple[str, ...]:
        fields = (self._text(name) for name in _FIELDS)
        return (*fields, self.query_one("#args", TextArea).text)

    def action_submit(self) -> None:
        """Check the fields, and answer the task they make."""
        try:
            draft = self._read()
            task = _task(draft)
        except (InvalidInputError, ArgsDecodeError, ArgsEncodeError) as error:
            self.complain(safe(error, 300))
            return
        self.dismiss((task, draft))

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

    def _read(self) -> Draft:
        args = self.query_one("#args", TextArea).text
        return Draft(
            type=self._text("type"),
            queue=self._text("queue"),
            priority=_integer("Priority", self._text("priority")),
            max_receives=_integer("Max receives", self._text("receives")),
            delay=_seconds(self._text("delay")),
            codec=self._text("codec").strip().lower(),
            go_type=self._draft.go_type,
            args=args,
            data=self._draft.data if self._is_same(args) else None,
        )

    def _is_same(self, args: str) -> bool:
        return args == self._draft.args and self._text("codec").strip() == self._draft.codec

    def _text(self, field: str) -> str:
        return self.query_one(f"#{field}", Input).value


def _task(draft: Draft) -> Task:
    if not draft.type:
        raise InvalidInputError("Type is empty: name the handler that runs the task")
    codec = codec_named(draft.codec)
    task = Task.new(draft.type, None, draft.queue, draft.priority, draft.max_receives)
    if draft.data is None:
        value: Any = JSON.decode(draft.args.encode("utf-8", "surrogateescape"))
        as_go = draft.go_type if codec is GOB else None
        task.args = codec.encode(value) if as_go is None else gob.encode(value, go_type=as_go)
    else:
        task.args = draft.data
    return task


def _field(
    label: str, name: str, value: str, *, wide: bool = False, last: bool = False
) -> VerticalGroup:
    classes = "edit--field" + " -wide" * wide + " -last" * last
    return VerticalGroup(
        Label(label, markup=False), Input(value, id=name, compact=True), classes=classes
    )


def _integer(label: str, text: str) -> int:
    try:
        return int(text.strip() or "0")
    except ValueError:
        raise InvalidInputError(f"{label} {text!r} is no whole number") from None


def _seconds(text: str) -> float:
    return parse_duration("Delay", text).total_seconds() if text.strip() else 0.0


def _delay_text(seconds: float) -> str:
    return f"{seconds:g}s" if seconds else ""
