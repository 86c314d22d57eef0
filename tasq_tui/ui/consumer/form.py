"""What a consumer is started with: handlers, queues, types, workers and lease."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Label

from tasq_core.durations import read_duration
from tasq_core.errors import InvalidInputError
from tasq_tui.child.protocol import Start
from tasq_tui.ui.widgets.history_input import HistoryInput

MOST_WORKERS: Final = 64
NAMELESS: Final = '""'
"""How the queue without a name is written."""
_POLL_SECONDS: Final = 1.0
_SHOWN: Final = 20
"""Characters of what was entered that a complaint repeats."""


class _Target(HistoryInput):
    """Which handlers to load; the footer says how."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Load")]


class _Option(Input):
    """One of the rest."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Next")]


class ConsumerForm(Widget):
    """A line for the handlers and one for the rest; side by side where there is room."""

    DEFAULT_CSS = """
    ConsumerForm {
        layout: vertical; height: auto; background: $surface; padding: 0 1 0 0;
        & > Horizontal { height: 1; }
        & Label { color: $text-muted; padding: 0 1 0 1; width: auto; }
        & Input { width: 1fr; padding: 0 1; background: $panel; }
        & .-short { width: 7; }
    }
    """

    @dataclass
    class LoadAsked(Message):
        """The user entered which handlers to load."""

        target: str

    def __init__(self, history: Sequence[str] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._history = history

    def compose(self) -> ComposeResult:
        """Two lines of labelled inputs."""
        # An input with a value can't be made before there is an app.
        self._target = _Target(
            self._history[-1] if self._history else "",
            placeholder="module:attr, as in app.jobs:handlers",
            history=self._history,
            compact=True,
            id="consumer-target",
        )
        self._queues = _Option(placeholder="all", compact=True, id="consumer-queues")
        self._types = _Option(placeholder="all loaded", compact=True, id="consumer-types")
        self._workers = _Option("4", compact=True, classes="-short", id="consumer-workers")
        self._lease = _Option("15s", compact=True, classes="-short", id="consumer-lease")
        with Horizontal(classes="-target"):
            yield Label("Handlers")
            yield self._target
        with Horizontal():
            yield Label("Queues  ")
            yield self._queues
            yield Label("Types")
            yield self._types
            yield Label("Workers")
            yield self._workers
            yield Label("Lease")
            yield self._lease

    @property
    def target(self) -> str:
        """The handlers entered, `module:attr`."""
        return self._target.value.strip()

    @property
    def history(self) -> list[str]:
        """The handlers loaded, the last one last."""
        return self._target.history

    def remember(self, target: str) -> None:
        """Note `target` as loaded."""
        self._target.remember(target)

    def focus_target(self) -> None:
        """Let the user enter handlers."""
        self._target.focus()

    def focus_options(self) -> None:
        """Let the user enter what to consume."""
        self._queues.focus()

    def suggest(self, *, queues: Sequence[str] | None = None, types: Sequence[str] = ()) -> None:
        """Complete queues and types from these; None leaves the queues' as they are."""
        self._types.suggester = _Listed(types)
        if queues is not None:
            self._queues.suggester = _Listed([name or NAMELESS for name in queues])

    def start(self, *, step: bool) -> Start:
        """What was entered, as the command.

        Raises:
            InvalidInputError: a field can't be read; it has the focus then.
        """
        workers = self._whole(self._workers, "Workers", 1, MOST_WORKERS)
        lease = self._seconds(self._lease)
        return Start(
            queues=_names(self._queues.value),
            types=_names(self._types.value),
            concurrency=workers,
            step=step,
            visibility_timeout=lease,
            poll_interval=_POLL_SECONDS,
        )

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input is self._target:
            self.post_message(self.LoadAsked(self.target))
        else:
            self.screen.focus_next()

    def _whole(self, field: Input, name: str, least: int, most: int) -> int:
        text = field.value.strip()
        if text.isdecimal() and least <= int(text[:9]) <= most:
            return int(text)
        field.focus()
        raise InvalidInputError(
            f"{name}: {text[:_SHOWN]!r} is not a whole number from {least} to {most}"
        )

    def _seconds(self, field: Input) -> float:
        text = field.value.strip()
        found = read_duration(text)
        if found is not None and _POLL_SECONDS < found <= _LONGEST_LEASE:
            return found
        field.focus()
        raise InvalidInputError(
            f"Lease: {text[:_SHOWN]!r} is not a time from 2s to 24h, as 15s, 5m or 1h"
        )


_LONGEST_LEASE: Final = 86_400.0


class _Listed(SuggestFromList):
    """Completes the last of several names between commas."""

    async def get_suggestion(self, value: str) -> str | None:
        *_, last = value.rpartition(",")
        name = last.lstrip()
        found = await super().get_suggestion(name) if name else None
        return None if found is None else value[: len(value) - len(name)] + found


def _names(text: str) -> tuple[str, ...] | None:
    """The names between commas; None, for all, where there is none."""
    names = [name.strip() for name in text.split(",")]
    chosen = tuple("" if name == NAMELESS else name for name in names if name)
    return chosen or None
