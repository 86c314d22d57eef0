"""A task to be submitted: new, or an edited copy of another."""

from collections.abc import Iterator, Sequence
from typing import Any

from tasq_core.args import GOB, JSON, codec_named, gob
from tasq_core.durations import parse_duration
from tasq_core.errors import InvalidInputError
from tasq_core.task import Task
from tasq_tui.ui.dialogs.task_form import NO_CONTEXT, Context, Field, TaskForm, integer
from tasq_tui.ui.operations.drafts import Draft


class EditTask(TaskForm[tuple[Task, Draft]]):
    """Answers a checked task and the draft it came from."""

    def __init__(self, title: str, draft: Draft, context: Context = NO_CONTEXT) -> None:
        """Begin with `draft`.

        Args:
            title: what for.
            draft: what the fields hold.
            context: what it says and offers.
        """
        super().__init__(title, "Submit", "Ctrl+s submits · Tab goes on · Esc cancels", context)
        self._draft = draft

    def lines(self) -> Iterator[Sequence[Field]]:
        """The fields of the draft."""
        draft, names = self._draft, self.context.names
        yield (
            Field("type", "Type", draft.type, names=names.types, wide=True),
            Field("queue", "Queue", draft.queue, names=names.queues),
        )
        yield (
            Field("priority", "Priority", str(draft.priority)),
            Field("attempts", "Max attempts", str(draft.max_receives)),
            Field("delay", "Delay: 30s, 5m", _delay_text(draft.delay)),
            Field("codec", "json or gob", draft.codec),
        )

    def arguments(self) -> tuple[str, str]:
        """The draft's, as JSON."""
        note = f" · {self.context.note}" if self.context.note else ""
        return f"Arguments as JSON{note}", self._draft.args

    def first(self) -> str:
        """The type, where there is none yet."""
        return "args" if self._draft.type else "type"

    def read(self) -> tuple[Task, Draft]:
        """The task, and its draft.

        Raises:
            InvalidInputError: a field can't be used.
            ArgsDecodeError: the arguments aren't JSON.
            ArgsEncodeError: they have no form in their encoding.
        """
        texts = self.texts
        args, codec = texts["args"], texts["codec"].strip()
        is_same = args == self._draft.args and codec == self._draft.codec
        draft = Draft(
            type=texts["type"],
            queue=texts["queue"],
            priority=integer("Priority", texts["priority"] or "0"),
            max_receives=integer("Max attempts", texts["attempts"] or "0"),
            delay=_seconds(texts["delay"]),
            codec=codec.lower(),
            go_type=self._draft.go_type,
            args=args,
            data=self._draft.data if is_same else None,
        )
        return _task(draft), draft


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


def _seconds(text: str) -> float:
    return parse_duration("Delay", text).total_seconds() if text.strip() else 0.0


def _delay_text(seconds: float) -> str:
    return f"{seconds:g}s" if seconds else ""
