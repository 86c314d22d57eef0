"""One task in full: what it is, its timeline, why it stands where it does, args and error."""

from datetime import datetime
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static, Tree

from tasq_core.task import Task, TaskStatus
from tasq_tui.ui.tasks.args import ArgsView
from tasq_tui.ui.tasks.attempts import FleetFacts, attempt_lines, holder_line
from tasq_tui.ui.tasks.detail_search import DetailSearch
from tasq_tui.ui.text.formats import GLYPHS, NOTHING, age, attempts, duration, moment, status_text
from tasq_tui.ui.text.redrawing import redraw
from tasq_tui.ui.text.sanitize import fit, safe
from tasq_tui.ui.text.theme import STATUS_TOKENS
from tasq_tui.ui.text.tracebacks import ErrorLine, Look, error_lines
from tasq_tui.ui.widgets.lines_view import LinesView
from tasq_tui.ui.widgets.pane import Pane

_LABEL: Final = 10
_LONGEST: Final = 500
_LEAST_ARGS: Final = 3
_LEAST_ERROR: Final = 3
_LEAST_ATTEMPTS: Final = 3
_PARTS: Final = {"arguments": "-part-args", "attempts": "-part-attempts", "error": "-part-error"}
"""What can have all the room, and the class that gives it."""


class TaskDetail(Pane):
    """Shows a task by `show`; `next_mode` goes from tree to raw to hex, `search` looks inside.

    Arguments and attempts take what they need, the error all that is left.
    """

    DEFAULT_CSS = """
    TaskDetail {
        padding: 0 1;
        & #detail-facts { height: auto; }
        & #detail-why { height: auto; max-height: 4; color: $text-primary; margin-top: 1; }
        & ArgsView { height: 3; min-height: 2; margin-top: 1; }
        & #detail-attempts, & #detail-error {
            height: 1fr; min-height: 3; margin-top: 1; border-top: solid $border-blurred;
            border-title-color: $text-muted; border-title-style: bold;
        }
        & #detail-empty { display: none; color: $text-muted; padding: 1 1; }
        &.-empty > * { display: none; }
        &.-empty > #detail-empty { display: block; }
        &.-no-error #detail-error, &.-no-attempts #detail-attempts { display: none; }
        &.-low #detail-why { margin-top: 0; max-height: 2; }
        &.-low ArgsView, &.-low #detail-attempts, &.-low #detail-error,
        &.-part ArgsView, &.-part #detail-attempts, &.-part #detail-error { margin-top: 0; }
        &.-part #detail-facts, &.-part #detail-why { display: none; }
        &.-part-args #detail-attempts, &.-part-args #detail-error,
        &.-part-attempts ArgsView, &.-part-attempts #detail-error,
        &.-part-error ArgsView, &.-part-error #detail-attempts { display: none; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(title="Task", id=id, classes=classes)
        self.task_shown: Task | None = None
        self._why = ""
        self._facts_line = Static(id="detail-facts", markup=False)
        self._why_line = Static(id="detail-why", markup=False)
        self._args = ArgsView()
        self._attempts = LinesView(id="detail-attempts")
        self._error = LinesView(id="detail-error")
        self._search = DetailSearch(self._args, self._error)

    def compose(self) -> ComposeResult:
        """Facts, the line of explanation, arguments, attempts, error."""
        yield Static("No task.", id="detail-empty", markup=False)
        yield self._facts_line
        yield self._why_line
        yield self._args
        yield self._attempts
        yield self._error
        yield self._search

    def on_mount(self) -> None:
        """Begin with nothing."""
        super().on_mount()
        self._error.border_title = Content("Error")
        self.set_class(True, "-empty")

    def on_resize(self) -> None:
        """Do without gaps where there is no room for them."""
        super().on_resize()
        self.set_class(self.size.height < 26, "-low")  # noqa: PLR2004 - what all of it takes
        self._share_room()

    @property
    def why(self) -> str:
        """The line that says why the task stands where it does."""
        return self._why

    def clear(self) -> None:
        """Show no task."""
        self.task_shown = None
        self.entitle("Task")
        self.set_class(True, "-empty")

    def show(self, task: Task, now: datetime, why: str, fleet: FleetFacts) -> None:
        """Show `task`, read in full; the same again changes nothing."""
        self.task_shown = task
        self.set_class(False, "-empty")
        self._show_facts(task, now, why, fleet)
        self._args.show(task.args)
        self.set_class(task.last_error is None, "-no-error")
        self._error.show(error_lines(task.last_error) if task.last_error is not None else ())
        self._show_attempts(fleet)
        for part in ("error", "attempts"):
            if self.has_class(f"-no-{part}") and self.has_class(f"-part-{part}"):
                self.zoom(False)
        self._search.look_again()
        self._share_room()

    def show_facts(self, task: Task, now: datetime, why: str, fleet: FleetFacts) -> None:
        """Show what a row of the list knows, before the rest was read."""
        self.set_class(False, "-empty")
        self._show_facts(task, now, why, fleet)
        if self.task_shown is None or self.task_shown.id != task.id:
            self.task_shown = None
            self._args.show(b"")
            self.set_class(True, "-no-error")
            self._error.show(())
            self._show_attempts(FleetFacts())

    def next_mode(self) -> None:
        """Go on from tree to raw to hex."""
        self._args.action_next_mode()

    @property
    def part(self) -> tuple[str, str] | None:
        """The part in focus, by its name, and its text whole; None where none is."""
        task = self.task_shown
        if task is None:
            return None
        if self._error.has_focus:
            return "error", task.last_error or ""
        if self._attempts.has_focus:
            return "attempts", self._attempts.text
        return ("arguments", self._args.text) if self._args.has_focus_within else None

    @property
    def is_searched(self) -> bool:
        """Whether something is searched for in it."""
        return self._search.is_open

    def search(self) -> None:
        """Let the user type what to look for in arguments and error."""
        self._search.open()

    def end_search(self) -> None:
        """Look for nothing any more."""
        self._search.close()

    def next_found(self, step: int) -> None:
        """Go to the next place of what is searched for, or the one before."""
        self._search.go(step)

    def zoom(self, zoomed: bool) -> None:
        """Give the part in focus all the room, or share it again."""
        part = self.part if zoomed else None
        for name, class_name in _PARTS.items():
            self.set_class(part is not None and part[0] == name, class_name)
        self.set_class(part is not None, "-part")
        self._share_room()

    @property
    def is_zoomed(self) -> bool:
        """Whether one part has all the room."""
        return self.has_class("-part")

    @on(ArgsView.Grown)
    def _share_room(self) -> None:
        """Give attempts and arguments what they need, but not all of it beside an error."""
        room = self.size.height
        if not room:
            return
        beside = 0 if self.is_zoomed else self._facts_line.size.height + self._why_line.size.height
        beside += 2 if not self.has_class("-low") and not self.is_zoomed else 0
        room -= beside + (1 if self._search.is_open else 0)
        if not (self.has_class("-no-attempts") or self.is_zoomed):
            error = 0 if self.has_class("-no-error") else self._error.height_wanted + 2
            most = max(room // 3, room - self._args.height_wanted - error - 1)
            wanted = max(min(self._attempts.height_wanted + 1, most), _LEAST_ATTEMPTS)
            _set_height(self._attempts, wanted)
            room -= wanted + (0 if self.has_class("-low") else 1)
        if not (self.has_class("-no-error") or self.is_zoomed):
            room = max(room // 2, room - _LEAST_ERROR - self._error.height_wanted)
        _set_height(self._args, max(min(self._args.height_wanted, room), _LEAST_ARGS))
        if self.has_class("-part-attempts"):
            _set_height(self._attempts, room)

    def focus_content(self) -> None:
        """Let keys go to the arguments."""
        tree = self._args.query(Tree)
        (tree.first() if tree else self._error).focus()

    def _show_attempts(self, fleet: FleetFacts) -> None:
        found = len(fleet.attempts)
        lines = attempt_lines(fleet.attempts)
        if fleet.problem:
            lines = [ErrorLine(f"can't be read: {safe(fleet.problem)}", Look.MUTED)]
        self.set_class(not lines, "-no-attempts")
        self._attempts.border_title = Content(f"Attempts · {found} without success")
        self._attempts.show(lines)
        if lines:  # their height is known once they are laid out
            self.call_after_refresh(self._share_room)

    def _show_facts(self, task: Task, now: datetime, why: str, fleet: FleetFacts) -> None:
        self._why = why
        colour = STATUS_TOKENS[task.status]
        self.entitle(
            f"{safe(task.type, _LONGEST)} {task.id.hex[:8]}", status_text(task.status), colour
        )
        redraw(self._facts_line, facts_of(task, now, fleet))
        redraw(self._why_line, Content(safe(why, _LONGEST)))


def _set_height(widget: Widget, height: int) -> None:
    if widget.styles.height is None or widget.styles.height.value != height:
        widget.styles.height = height


def facts_of(task: Task, now: datetime, fleet: FleetFacts) -> Content:
    """What the row says, and who holds it, on at most seven lines."""
    queue = safe(task.queue, _LONGEST) or '""'
    received = attempts(task.receive_count, task.max_receives)
    place = f"queue {queue} · priority {task.priority} · attempt {received}"
    held = [] if fleet.holder is None else [holder_line(fleet.holder, now)]
    lines = [Content.styled(str(task.id), "$text-muted"), Content(place), *_timeline(task, now)]
    return Content("\n").join([*lines, *held])


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
