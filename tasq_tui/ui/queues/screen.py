"""The queues and the types: how many tasks of each stand where."""

import shlex
from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar

from textual import on
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget

from tasq_core.filters import Filter
from tasq_core.reports import MutationResult
from tasq_tui.admin.command_line import target
from tasq_tui.admin.schedules import ACTIONS, Action, act
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.db.stats import dated, read_breakdown, read_paces
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.dialogs.prompt import PromptDialog
from tasq_tui.ui.messages import ShowTasks
from tasq_tui.ui.queues.pace import pace_by_name
from tasq_tui.ui.queues.pauses import ABOUT, described, problem, read_pause, with_paused
from tasq_tui.ui.queues.rows import EMPTY_NAME, PAUSED, SORTS, full_columns, full_rows
from tasq_tui.ui.queues.schedules import COLUMNS, read_schedules, schedule_rows
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.widgets.pane import Pane
from tasq_tui.ui.widgets.rows_view import RowsView


class QueuesScreen(CockpitScreen):
    """Queues, types and schedules; Enter shows the tasks behind a row."""

    SCOPE: ClassVar[Scope] = Scope.QUEUES
    NAME: ClassVar[str] = "queues"
    CSS_PATH: ClassVar[str] = "screen.tcss"
    AUTO_FOCUS: ClassVar[str] = "#breakdown-queues"
    # Side by side only where both have all their columns.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (160, "-wide")]  # noqa: RUF012 - the base's own type

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.sort = next(iter(SORTS))
        self._queues = RowsView(
            full_columns("queue", self.sort), empty="No tasks yet.", id="breakdown-queues"
        )
        self._types = RowsView(
            full_columns("type", self.sort), empty="No tasks yet.", id="breakdown-types"
        )
        self._schedules = RowsView(COLUMNS, id="breakdown-schedules")
        self._queue_pane = Pane(self._queues, title="Queues", id="breakdown-queue-pane")
        self._type_pane = Pane(self._types, title="Types")
        self._schedule_pane = Pane(self._schedules, title="Schedules", id="breakdown-schedule-pane")

    def body(self) -> Iterator[Widget]:
        """Both tables, and the schedules below."""
        yield self._queue_pane
        yield self._type_pane
        yield self._schedule_pane

    async def read(self) -> Failure | None:
        """Count by queue and type, and read the schedules."""
        failure = await read_breakdown(self.session) or await read_paces(self.session)
        if failure is None:
            session, now = self.session, self.session.now()
            scan = session.scan
            failure = await session.figures.schedules.read(
                scan, now, read_schedules, scan.inspector
            )
        if failure is None:
            self._draw()
        return failure

    def tick(self) -> None:
        """Let the counts get older."""
        self._draw()

    def _draw(self) -> None:
        figures, now = self.session.figures, self.session.now()
        for kind, pane, view, scan, pace in (
            ("queue", self._queue_pane, self._queues, figures.queues, figures.queue_pace),
            ("type", self._type_pane, self._types, figures.types, figures.type_pace),
        ):
            if scan.value is not None:
                view.retitle(full_columns(kind, self.sort))
                paces, paused = pace_by_name(pace.value), figures.paused(kind)
                rows = with_paused(scan.value, paused)
                view.show(full_rows(rows, self.sort, paces, now, paused))
                note = dated(f"{len(rows)} by {self.sort}", scan.at, now)
                pane.entitle(pane.label[0], self._paused_here(kind, view) or note)
        if (schedules := figures.schedules.value) is not None:
            self.set_class(bool(schedules), "-scheduled")
            self._schedules.show(schedule_rows(schedules, now))
            self._schedule_pane.entitle("Schedules", str(len(schedules)))

    def _paused_here(self, kind: str, view: RowsView) -> str:
        """Of the row under the cursor: who paused it, until when and why; "" if nobody did."""
        for pause in self.session.figures.pauses.value or ():
            if (pause.kind, pause.name) == (kind, view.current):
                return f"{PAUSED} {described(pause)}"
        return ""

    @on(RowsView.CursorMoved)
    def _moved(self) -> None:
        self._draw()

    @on(DescendantFocus)
    def _focused(self) -> None:
        self.refresh_bindings()

    @on(RowsView.Activated, "#breakdown-queues")
    def _open_queue(self, event: RowsView.Activated) -> None:
        self.post_message(ShowTasks(str(Filter.of(queues=(str(event.key),)))))

    @on(RowsView.Activated, "#breakdown-types")
    def _open_type(self, event: RowsView.Activated) -> None:
        self.post_message(ShowTasks(str(Filter.of(types=(str(event.key),)))))

    @on(RowsView.Activated, "#breakdown-schedules")
    def _open_schedule(self, event: RowsView.Activated) -> None:
        for schedule in self.session.figures.schedules.value or ():
            if schedule.name == event.key:
                where = Filter.of(types=(schedule.type,), queues=(schedule.queue,))
                self.post_message(ShowTasks(str(where)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Some are for schedules alone."""
        if action in {"run", "remove"} and not self._schedules.has_focus:
            return False
        return super().check_action(action, parameters)

    def action_run(self) -> None:
        """Submit a task of the schedule under the cursor."""
        self._steer("run")

    def action_remove(self) -> None:
        """Remove the schedule under the cursor."""
        self._steer("remove")

    def _steer(self, action: str) -> None:
        if isinstance(name := self._schedules.current, str):
            work = partial(self._act, ACTIONS[action], name)
            self.cockpit.changer.begin(f"schedules {action}", work)

    async def _act(self, action: Action, name: str) -> MutationResult | None:
        changer, admin, settings = self.cockpit.changer, self.session.admin, self.session.settings
        shown = f"{action.name} schedule {safe(name, 60)}"
        if settings.confirm or not action.is_harmless:
            about = "A program that declares it makes it anew at its next start."
            text = Content("" if action.is_harmless else about)
            danger = not action.is_harmless
            dialog = ConfirmDialog(
                f"{shown.capitalize()}?", text, action.name.capitalize(), danger=danger
            )
            if not await self.app.push_screen_wait(dialog):
                return None
        done = await changer.ask(
            shown.capitalize(), lambda: act(admin.client, settings, action, name)
        )
        if done is None:
            return None
        self.session.log.append(done.recorded)
        changer.notify(done.text)
        if done.recorded.problem:
            changer.notify(done.recorded.problem, "warning")
        return MutationResult(int(done.changed), int(not done.changed))

    def action_pause(self) -> None:
        """Pause the queue, type or schedule under the cursor, or resume it."""
        if self._schedules.has_focus:
            paused = {s.name for s in self.session.figures.schedules.value or () if s.paused}
            self._steer("resume" if self._schedules.current in paused else "pause")
            return
        kind, view = ("type", self._types) if self._types.has_focus else ("queue", self._queues)
        if isinstance(name := view.current, str):
            self.cockpit.changer.begin("pause", partial(self._toggle, kind, name))

    async def _toggle(self, kind: str, name: str) -> MutationResult | None:
        changer, admin = self.cockpit.changer, self.session.admin
        shown = f"{kind} {safe(name, 60) or EMPTY_NAME}"
        client = admin.client
        queue, type = (name, None) if kind == "queue" else (None, name)
        words = [f"--{kind}", name]
        call: Callable[[], object] = partial(client.resume, queue=queue, type=type)
        if name in self.session.figures.paused(kind):
            verb = "resume"
        else:
            dialog = PromptDialog(f"Pause {shown}?", ABOUT, "", "Pause", problem)
            if (text := await self.app.push_screen_wait(dialog)) is None:
                return None
            wanted = read_pause(text)
            verb = "pause"
            call = partial(
                client.pause, queue=queue, type=type, until=wanted.until, reason=wanted.reason
            )
            words += ["--for", wanted.lasting] if wanted.lasting else []
            words += ["--reason", wanted.reason] if wanted.reason else []
        await changer.ask(f"{verb.capitalize()} {shown}", call)
        words = ["tasq", verb, *target(self.session.settings), *words]
        self.session.note(verb, shlex.join(words), MutationResult(1, 0))
        changer.notify(f"{verb}d {shown}")
        return MutationResult(1, 0)

    def action_sort(self) -> None:
        """Sort both tables by the next column."""
        names = list(SORTS)
        self.sort = names[(names.index(self.sort) + 1) % len(names)]
        self._draw()

    def action_copy(self) -> None:
        """Copy the name under the cursor."""
        view = self._types if self._types.has_focus else self._queues
        if isinstance(name := view.current, str):
            self.app.copy_to_clipboard(name)
            self.cockpit.changer.notify(f"copied {safe(name, 80)}")
