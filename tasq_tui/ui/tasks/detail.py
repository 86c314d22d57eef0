"""One task in full: what it is, its timeline, why it stands where it does, args and error."""

from datetime import datetime
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, Tree

from tasq_core.task import Task, TaskStatus
from tasq_tui.ui.tasks.args import ArgsView
from tasq_tui.ui.text.formats import GLYPHS, NOTHING, age, duration, moment, receives, status_text
from tasq_tui.ui.text.redrawing import redraw
from tasq_tui.ui.text.sanitize import fit, safe, safe_lines
from tasq_tui.ui.text.theme import STATUS_TOKENS
from tasq_tui.ui.widgets.lines_view import LinesView

_LABEL: Final = 10
_LONGEST: Final = 500


class TaskDetail(Vertical):
    """Shows a task by `show`; `next_mode` goes from tree to raw to hex."""

    DEFAULT_CSS = """
    TaskDetail {
        background: $surface; padding: 0 1;
        & #detail-facts { height: auto; }
        & #detail-why { height: auto; max-height: 4; color: $text-primary; margin-top: 1; }
        & .detail--heading { height: 1; color: $text-muted; text-style: bold; margin-top: 1; }
        & ArgsView { height: 3fr; min-height: 3; }
        & #detail-error { height: 4fr; min-height: 3; }
        & #detail-empty { display: none; color: $text-muted; padding: 1 1; }
        &.-empty > * { display: none; }
        &.-empty > #detail-empty { display: block; }
        &.-no-error #detail-error, &.-no-error #detail-error-heading { display: none; }
        &.-low #detail-why { margin-top: 0; max-height: 2; }
        &.-low .detail--heading { margin-top: 0; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.task_shown: Task | None = None
        self._why = ""
        self._facts_line = Static(id="detail-facts", markup=False)
        self._why_line = Static(id="detail-why", markup=False)
        self._args = ArgsView()
        self._error = LinesView(id="detail-error")

    def compose(self) -> ComposeResult:
        """Facts, the line of explanation, arguments, error."""
        yield Static("No task.", id="detail-empty", markup=False)
        yield self._facts_line
        yield self._why_line
        yield Static("ARGUMENTS", classes="detail--heading", markup=False)
        yield self._args
        yield Static("ERROR", classes="detail--heading", id="detail-error-heading", markup=False)
        yield self._error

    def on_mount(self) -> None:
        """Begin with nothing."""
        self.set_class(True, "-empty")

    def on_resize(self) -> None:
        """Do without gaps where there is no room for them."""
        self.set_class(self.size.height < 26, "-low")  # noqa: PLR2004 - what all of it takes

    @property
    def why(self) -> str:
        """The line that says why the task stands where it does."""
        return self._why

    def clear(self) -> None:
        """Show no task."""
        self.task_shown = None
        self.set_class(True, "-empty")

    def show(self, task: Task, now: datetime, why: str) -> None:
        """Show `task`, read in full; the same again changes nothing."""
        self.task_shown = task
        self.set_class(False, "-empty")
        self._show_facts(task, now, why)
        self._args.show(task.args)
        self.set_class(task.last_error is None, "-no-error")
        if task.last_error is not None:
            self._error.show(safe_lines(task.last_error))

    def show_facts(self, task: Task, now: datetime, why: str) -> None:
        """Show what a row of the list knows, before the rest was read."""
        self.set_class(False, "-empty")
        self._show_facts(task, now, why)
        if self.task_shown is None or self.task_shown.id != task.id:
            self.task_shown = None
            self._args.show(b"")
            self.set_class(True, "-no-error")

    def next_mode(self) -> None:
        """Go on from tree to raw to hex."""
        self._args.action_next_mode()

    def focus_content(self) -> None:
        """Let keys go to the arguments."""
        tree = self._args.query(Tree)
        (tree.first() if tree else self._error).focus()

    def _show_facts(self, task: Task, now: datetime, why: str) -> None:
        self._why = why
        redraw(self._facts_line, facts_of(task, now))
        redraw(self._why_line, Content(safe(why, _LONGEST)))


def facts_of(task: Task, now: datetime) -> Content:
    """What the row says, on seven lines."""
    colour = STATUS_TOKENS[task.status]
    status = (status_text(task.status), f"bold {colour}")
    name = Content.assemble(status, "  ", (safe(task.type, _LONGEST), "bold"))
    queue = safe(task.queue, _LONGEST) or '""'
    received = receives(task.receive_count, task.max_receives)
    place = f"queue {queue} · priority {task.priority} · receives {received}"
    return Content("\n").join(
        [name, Content.styled(str(task.id), "$text-muted"), Content(place), *_timeline(task, now)]
    )


def _timeline(task: Task, now: datetime) -> list[Content]:
    muted = "$text-muted"
    started, finished = task.started_at, task.finished_at
    lines = [_event("○", STATUS_TOKENS[TaskStatus.NEW], "created", task.created_at,
                    f"{age(task.created_at, now)} ago")]  # fmt: skip
    if started is not None:
        waited = (started - task.created_at).total_seconds()
        note = f"after {duration(waited)}" if waited >= 0 else ""
        lines.append(_event("●", STATUS_TOKENS[TaskStatus.IN_PROGRESS], "started", started, note))
    if finished is not None:
        took = duration((finished - started).total_seconds()) if started else ""
        word = "failed" if task.status is TaskStatus.FAILED else "finished"
        lines.append(_event(GLYPHS[task.status], STATUS_TOKENS[task.status], word, finished,
                            f"took {took}" if took else ""))  # fmt: skip
    else:
        ahead = task.visible_at > now
        claimed = task.status is not TaskStatus.NEW
        word = "lease" if claimed else "visible"
        when = age(task.visible_at, now)
        note = f"{'ends ' if claimed else ''}{when}" if ahead else f"{when} ago"
        lines.append(_event("◇", muted, word, task.visible_at, "" if when == NOTHING else note))
    return lines


def _event(glyph: str, colour: str, word: str, at: datetime, note: str) -> Content:
    text = f" {fit(word, _LABEL)}{moment(at)}"
    return Content.assemble((glyph, colour), text, (f"  {note}" if note else "", "$text-muted"))
