"""The consumer: load handlers, run them on tasks, freely or one by one, and watch."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from textual import on
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tasq_core.errors import InvalidInputError
from tasq_core.task import Task
from tasq_core.wording import counted
from tasq_tui.admin import demo_handlers
from tasq_tui.admin.state import read_lines, write_lines
from tasq_tui.child.protocol import AnyEvent, Awaiting, Decision, Died, Loaded
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.consumer.control import ConsumerControl
from tasq_tui.ui.consumer.form import ConsumerForm
from tasq_tui.ui.consumer.held_back import held_back
from tasq_tui.ui.consumer.in_flight import InFlight
from tasq_tui.ui.consumer.job_log import JobLog
from tasq_tui.ui.consumer.run_args import RunArgs
from tasq_tui.ui.consumer.runs import Run, RunState
from tasq_tui.ui.consumer.state import Consuming, Phase
from tasq_tui.ui.consumer.status_text import DECISIONS, Words, state_words, task_name
from tasq_tui.ui.consumer.task_logs import RunKey
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.dialogs.prompt import PromptDialog
from tasq_tui.ui.session import Session
from tasq_tui.ui.tasks.args import ArgsView
from tasq_tui.ui.text.sanitize import safe, safe_content
from tasq_tui.ui.widgets.pane import Pane

FRAME_SECONDS: Final = 0.1
"""Between paints while something goes on."""
_HINT: Final = (
    "No tasks yet: load handlers, then start, or step.",
    "They run in a process of their own: one that hangs",
    "or crashes harms neither the app nor its task.",
)


class ConsumerScreen(CockpitScreen):
    """Runs the user's handlers in a child process and shows all they do."""

    SCOPE: ClassVar[Scope] = Scope.CONSUMER
    NAME: ClassVar[str] = "consumer"
    EVERY_SECONDS: ClassVar[float] = 5.0
    CSS_PATH: ClassVar[str] = "screen.tcss"
    AUTO_FOCUS: ClassVar[str] = "InFlight"

    @dataclass
    class ChildSaid(Message):
        """Events of the child came."""

        events: list[AnyEvent]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.control = ConsumerControl(session, self._deliver)
        history = read_lines(session.settings, "handlers")
        if session.settings.profile == "demo" and not history:
            history = [demo_handlers.TARGET]
        self._form = ConsumerForm(history)
        self._table = InFlight(time.monotonic)
        self._args = ArgsView()
        self._log = JobLog()
        self._form_pane = Pane(self._form, title="Consume", id="consumer-form")
        self._table_pane = Pane(self._table, title="Tasks", id="consumer-tasks")
        self._log_pane = Pane(self._log, title="Output", id="consumer-log")
        self._offered: Task | None = None
        self._run_args = RunArgs(session)
        self._words = Words("", "")
        self._keys: tuple[object, ...] = ()
        self._zoom = ""
        self._dirty = True
        self._was_counting = False

    @property
    def model(self) -> Consuming:
        """How the consumer stands."""
        return self.control.model

    @property
    def handlers_running(self) -> int:
        """Handlers that run on tasks now."""
        return self.model.runs.running

    def body(self) -> Iterator[Widget]:
        """The form, how things stand, and three panes."""
        yield self._form_pane
        yield Static(id="consumer-state", markup=False)
        with Container(id="consumer-panes"):
            yield self._table_pane
            with Vertical(id="consumer-detail"):
                yield self._args
                yield self._log_pane

    async def read(self) -> Failure | None:
        """Find out whether the database is there, and what is paused; the child tells the rest."""
        answer = await self.session.stats.attempt(self.session.stats.repository.now)
        self._form.suggest(queues=self.session.queues, types=self.model.types)
        if isinstance(answer, Failure):
            return answer
        await self._read_held_back()
        return None

    async def _read_held_back(self) -> None:
        """Why the consumer claims less than it could; without side tables nothing is known."""
        figures, scan, now = self.session.figures, self.session.scan, self.session.now()
        start, found = self.control.started, ""
        if start is not None and self.model.busy:
            await figures.pauses.read(scan, now, scan.inspector.pauses)
            await figures.consumers.read(scan, now, scan.inspector.consumers)
            me = (socket.gethostname(), self.control.pid)
            reports = figures.consumers.value or ()
            mine = next((report for report in reports if (report.host, report.pid) == me), None)
            found = held_back(start, self.model.types, figures.pauses.value or (), mine)
        self._dirty |= found != self.model.held_back
        self.model.held_back = found

    def on_mount(self) -> None:
        """Begin to paint."""
        self.set_interval(FRAME_SECONDS, self._frame)
        self._draw()

    async def on_unmount(self) -> None:
        """End the child; nothing else goes on meanwhile."""
        self.workers.cancel_node(self)
        await asyncio.to_thread(self.control.close)

    def dry_run(self, task: Task) -> None:
        """Offer to run a handler on `task`, leaving the table alone."""
        self._offered = task
        self.model.problem = ""
        if self.is_mounted:
            self._table.select(None)
            self._table.focus()
            self._draw()

    # -- what the child says ------------------------------------------------------------------

    def _deliver(self, events: list[AnyEvent]) -> None:
        self.post_message(self.ChildSaid(events))

    @on(ChildSaid)
    def _take(self, message: ChildSaid) -> None:
        message.stop()
        self.control.take(message.events)
        if any(isinstance(event, Loaded) for event in message.events):
            self._loaded()
        waiting = [event for event in message.events if isinstance(event, Awaiting)]
        if waiting and waiting[-1].task_id == self.model.waiting:
            self._table.show(self.model.runs)
            self._table.select(RunKey(waiting[-1].task_id))
        if any(isinstance(event, Died) for event in message.events):
            self._table.select(None)  # its last words stand in the output of all tasks
        self._dirty = True

    def _loaded(self) -> None:
        self._form.remember(self.model.target)
        self._form.suggest(types=self.model.types)
        write_lines(self.session.settings, "handlers", self._form.history)

    # -- what the user does -------------------------------------------------------------------

    @on(ConsumerForm.LoadAsked)
    def _load(self, message: ConsumerForm.LoadAsked) -> None:
        message.stop()
        if message.target:
            self._table.focus()
        self._do(lambda: self.control.load(message.target))

    def action_load(self) -> None:
        """Let the user name handlers."""
        self._form.focus_target()

    def action_options(self) -> None:
        """Let the user choose what to consume."""
        self._form.focus_options()

    def action_reload(self) -> None:
        """Load the same handlers' code anew."""
        self._do(self.control.reload)

    def action_start(self, step: bool) -> None:
        """Consume, freely or step by step."""
        self._do(lambda: self._start(step=step))

    def _start(self, *, step: bool) -> None:
        self.control.check_startable()
        command = self._form.start(step=step)

        def start() -> None:
            self._offered = None
            self._table.focus()
            self.control.start(command)

        settings = self.session.settings
        if not settings.confirm:
            start()
            return
        where = safe(settings.profile or settings.redacted_url)
        about = Content(f"The handlers of {safe(self.model.target)} will run on tasks of {where}.")
        self._confirm(ConfirmDialog("Consume?", about, "Consume"), start)

    def action_stop(self) -> None:
        """Claim no more."""
        self._do(self.control.stop)

    def action_kill(self) -> None:
        """Kill the process; asks first where handlers run."""
        if not (running := self.model.runs.running):
            self._do(self.control.kill)
            return
        about = Content(
            f"{counted(running, 'running handler')} would be cut off."
            " What is in flight comes back when the leases lapse."
        )
        dialog = ConfirmDialog("Kill the handlers' process?", about, "Kill", danger=True)
        self._confirm(dialog, self.control.kill)

    def action_decide(self, decision: str) -> None:
        """Decide on the task that step mode holds."""
        waiting = self.model.waiting
        self._do(lambda: self.control.decide(Decision(decision), waiting))

    def action_fail(self) -> None:
        """Ask why the waiting task is to fail, and end it so."""
        waiting = self.model.waiting
        run = None if waiting is None else self.model.runs.get(RunKey(waiting))
        if run is None:
            return
        name = task_name(run.task.type, run.task.id)
        dialog = PromptDialog("Fail the task", f"Why {name} fails:", "", "Fail", lambda _: "")

        def fail(reason: str | None) -> None:
            if reason is not None:
                self._do(lambda: self.control.decide(Decision.FAIL, waiting, reason))

        self.app.push_screen(dialog, fail)

    def action_dry_run(self) -> None:
        """Run a handler on the task offered, or else on the one under the cursor."""
        of, self._offered = self._offered or self._table.current, None
        if of is not None:
            self._do(lambda: self._run_dry(of))

    def _run_dry(self, of: Task | Run) -> None:
        self._table.show(self.model.runs)
        key = self.control.dry_run(of)
        self._table.show(self.model.runs)
        self._table.select(key)

    def action_args_mode(self) -> None:
        """Show the arguments in the next mode."""
        self._args.action_next_mode()

    def action_zoom(self) -> None:
        """Give the pane in focus all the room, or share it again."""
        panes = {"list": self._table_pane, "args": self._args, "log": self._log_pane}
        here = next((name for name, pane in panes.items() if pane.has_focus_within), "list")
        self._zoom = "" if self._zoom else here
        for name in panes:
            self.set_class(name == self._zoom, f"-zoom-{name}")

    def action_back(self) -> None:
        """Leave a zoomed pane, an offer, a problem or a field."""
        if self._zoom:
            self.action_zoom()
        else:
            self._offered, self.model.problem = None, ""
        self._table.focus()
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense now."""
        model = self.model
        ready = model.phase is Phase.READY and not model.loading
        sensible = {
            "decide": model.waiting is not None,
            "fail": model.waiting is not None,
            "start": ready,
            "stop": model.busy and model.phase is not Phase.STOPPING,
            "reload": bool(model.target) and not model.loading,
            "kill": model.loading or model.phase is not Phase.EMPTY,
            "back": bool(self._zoom or self._offered or model.problem or self._in_field),
            "dry_run": bool(model.types) and (self._offered or self._table.current) is not None,
        }
        return sensible.get(action, True) and super().check_action(action, parameters)

    @property
    def _in_field(self) -> bool:
        return isinstance(self.focused, Input)

    def _do(self, command: Callable[[], None]) -> None:
        """Carry out `command`; where it is refused, say why."""
        try:
            command()
        except InvalidInputError as error:
            self.model.problem = str(error)
        self._draw()

    def _confirm(self, dialog: ConfirmDialog, command: Callable[[], None]) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._do(command)

        self.app.push_screen(dialog, answered)

    # -- painting -----------------------------------------------------------------------------

    def _frame(self) -> None:
        runs = self.model.runs
        counting = runs.counting(time.monotonic())
        if self.is_in_view and (self._dirty or runs.live or counting or self._was_counting):
            self._draw()
        self._was_counting = counting

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        self._dirty = False
        self._draw_words()
        self._table.show(self.model.runs, _HINT)
        self._draw_panes()
        model = self.model
        held, loaded = model.runs.in_flight, len(model.types)
        self._table_pane.entitle("Tasks", f"{held:,} in flight" if held else "")
        self._form_pane.entitle("Consume", f"{counted(loaded, 'type')} loaded" if loaded else "")
        keys = (
            model.phase, model.loading, model.waiting, model.types, model.problem,
            self._zoom, self._offered, self._table.current is None,
        )  # fmt: skip
        if keys != self._keys:
            self._keys = keys
            self.refresh_bindings()

    def _draw_words(self) -> None:
        keys = {name: self.key_of(name) for name in DECISIONS}
        words = state_words(self.model, keys, self._offered, read_only=self.session.read_only)
        if words == self._words:
            return
        self._words = words
        line = self.query_one("#consumer-state", Static)
        for kind in ("ask", "busy", "good", "error"):
            line.set_class(kind == words.kind, f"-{kind}")
        line.update(safe_content(words.text))

    def _draw_panes(self) -> None:
        run = self._table.current
        self.model.runs.pinned = run.key if run else None
        args = self._offered.args if self._offered else self._args_of(run)
        self.set_class(args is None, "-no-args")
        if args is not None:
            self._args.show(args)
        if run is None or run.state is RunState.WAITING:
            self._log.show("Output of all tasks", self.model.logs.all, labelled=True)
        else:
            title = f"Output of {task_name(run.task.type, run.task.id)}"
            self._log.show(title, self.model.logs.of(run.key))

    def _args_of(self, run: Run | None) -> bytes | None:
        """The arguments of `run`; those that came cut are read in full, if not too long."""
        if run is None:
            return None
        args, is_cut = self._run_args.of(run)
        if is_cut:
            self.run_worker(self._read_args(run.task.id), group="args", exclusive=True)
        return args

    async def _read_args(self, task_id: UUID) -> None:
        self._dirty |= await self._run_args.read(task_id)

    @on(JobLog.Titled)
    def _title_log(self, message: JobLog.Titled) -> None:
        message.stop()
        self._log_pane.entitle(message.title, message.note)

    @on(InFlight.CursorMoved)
    def _show_run(self, message: InFlight.CursorMoved) -> None:
        message.stop()
        self._draw()
