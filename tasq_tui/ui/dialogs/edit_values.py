"""New values for tasks that wait: all fields of one, or what many are to have in common."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tasq_core.args import JSON
from tasq_core.durations import parse_duration, read_duration
from tasq_core.errors import ArgsDecodeError, InvalidInputError
from tasq_core.moments import parse_moment
from tasq_core.task import IMMEDIATELY, Task
from tasq_core.transfer import iso
from tasq_tui.admin.edits import Wanted
from tasq_tui.ui.dialogs.task_form import NAMELESS, NO_CONTEXT, Context, Field, TaskForm, integer
from tasq_tui.ui.operations.drafts import Draft

_NOW: Final = ("now", "at once")
_LEFT: Final = "unchanged"
_EMPTY: Final = dict.fromkeys(("type", "queue", "priority", "attempts", "when", "args"), "")

Texts = Mapping[str, str]
"""What the fields hold, by name."""


class Entered(NamedTuple):
    """What was entered, as values and as it was typed."""

    wanted: Wanted
    texts: Texts


class EditValues(TaskForm[Entered]):
    """Answers the values that differ from the task's; of many tasks, those filled in."""

    def __init__(
        self, title: str, before: Texts | None, texts: Texts, context: Context = NO_CONTEXT
    ) -> None:
        """Begin with `texts`.

        Args:
            title: what for.
            before: the fields of the one task as it stands; None for many tasks.
            texts: what the fields hold.
            context: what it says and offers.
        """
        super().__init__(title, "Edit", "Ctrl+s goes on · → completes · Esc cancels", context)
        self._before = before
        self._shown = texts

    def lines(self) -> Iterator[Sequence[Field]]:
        """Every field that an edit may change."""
        shown, hint = self._shown, "" if self._before else _LEFT
        queues = [name or NAMELESS for name in self.context.names.queues]
        yield (
            Field("type", "Type", shown["type"], hint, self.context.names.types, wide=True),
            Field("queue", "Queue", shown["queue"], hint, queues),
        )
        yield (
            Field("priority", "Priority", shown["priority"], hint),
            Field("attempts", "Max attempts", shown["attempts"], hint),
            Field("when", "When: now, 2h, a time", shown["when"], hint, ("now",), wide=True),
        )

    def arguments(self) -> tuple[str, str]:
        """The task's; of many, empty for what they have."""
        note = self.context.note if self._before else f"empty: {_LEFT}"
        return f"Arguments as JSON · {note}", self._shown["args"]

    def first(self) -> str:
        """The queue: what is changed most."""
        return "queue"

    def read(self) -> Entered:
        """The values to change.

        Raises:
            InvalidInputError: none, or one that can't be used.
        """
        texts = self.texts
        return Entered(read_values(texts, self._before), texts)


def read_values(texts: Texts, before: Texts | None) -> Wanted:
    """What the fields change.

    Args:
        texts: what they hold.
        before: what they held of the one task; None for many, of which an empty field is left.

    Raises:
        InvalidInputError: nothing is changed, or a value can't be used.
    """
    was = _EMPTY if before is None else before
    changed = {name: text for name, text in texts.items() if text != was[name]}
    if before is None:
        changed = {name: text for name, text in changed.items() if text.strip()}
    values: dict[str, Any] = {}
    for name, text in changed.items():
        match name:
            case "type" if not text.strip():
                raise InvalidInputError("Type is empty: name the handler that runs the task")
            case "type":
                values["type"] = text
            case "queue":
                values["queue"] = "" if text.strip() == NAMELESS else text
            case "priority":
                values["priority"] = integer("Priority", text)
            case "attempts":
                values["max_receives"] = integer("Max attempts", text)
            case "when":
                values |= _time(text.strip())
            case _:
                values["args"] = _decoded(text)
    return Wanted(**values)


def texts_of(task: Task, draft: Draft) -> dict[str, str]:
    """The fields of one task as they stand; `draft` is that of its copy."""
    at_once = task.visible_at == IMMEDIATELY
    return {
        "type": task.type,
        "queue": task.queue,
        "priority": str(task.priority),
        "attempts": str(task.max_receives),
        "when": "now" if at_once else iso(task.visible_at) or "now",
        "args": draft.args,
    }


def no_texts() -> dict[str, str]:
    """The fields of many tasks, each left as it is."""
    return dict(_EMPTY)


def _time(text: str) -> dict[str, object]:
    """When they are ready, as `Wanted` takes it."""
    if text.lower() in _NOW:
        return {"now": True}
    length = text[3:] if text.lower().startswith("in ") else text
    if read_duration(length) is not None:
        return {"delay": parse_duration("When", length)}
    return {"at": parse_moment("When", text)}


def _decoded(text: str) -> Any:
    try:
        return JSON.decode(text.encode("utf-8", "surrogateescape"))
    except ArgsDecodeError as error:
        raise InvalidInputError(f"args aren't JSON: {error.__cause__ or error}") from None
