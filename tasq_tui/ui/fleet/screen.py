"""The fleet: who runs tasks of this table, on which host, and how that goes."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.containers import Container
from textual.content import Content
from textual.widget import Widget

from tasq_core.errors import TasqError
from tasq_core.fleet.reports import ConsumerReport
from tasq_core.reports import Health, MutationResult
from tasq_core.task import TaskStatus
from tasq_tui.admin.fleet import NO_SIDE_TABLES, ask, can_register
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tasq_tui.ui.fleet.rows import (
    COLUMNS,
    RUN_COLUMNS,
    UNREGISTERED,
    about,
    as_id,
    consumer_rows,
    heading,
    run_rows,
    stack_lines,
)
from tasq_tui.ui.messages import ShowTasks
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.sanitize import safe, safe_lines
from tasq_tui.ui.widgets.lines_view import LinesView
from tasq_tui.ui.widgets.pane import Pane
from tasq_tui.ui.widgets.rows_view import RowsView

_EMPTY: Final = "none registered: start one with tasq work; Go's never register"
_UNKNOWN: Final = f"{NO_SIDE_TABLES}; tasq migrate makes them"

_ANSWER_SECONDS: Final = 15.0
"""A consumer without wake-ups looks for commands at each heartbeat, every 4 s."""


class FleetScreen(CockpitScreen):
    """The consumers of this table; below, what the chosen one runs, and its stacks."""

    SCOPE: ClassVar[Scope] = Scope.FLEET
    NAME: ClassVar[str] = "fleet"
    CSS_PATH: ClassVar[str] = "screen.tcss"
    AUTO_FOCUS: ClassVar[str] = "#fleet-consumers"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._table = RowsView(COLUMNS, empty=_EMPTY, id="fleet-consumers")
        self._pane = Pane(self._table, title="Consumers", id="fleet-pane")
        self._runs = RowsView(RUN_COLUMNS, empty="no handler runs", id="fleet-runs")
        self._run_pane = Pane(self._runs, title="Runs")
        self._stacks = LinesView(id="fleet-stacks")
        self._stack_pane = Pane(self._stacks, title="Stacks", note="t reads them")
        self._consumers: Sequence[ConsumerReport] = ()
        self._leased = 0
        self._is_read = False

    def body(self) -> Iterator[Widget]:
        """The consumers, and of one what it runs and where that stands."""
        yield self._pane
        with Container(id="fleet-below"):
            yield self._run_pane
            yield self._stack_pane

    @property
    def chosen(self) -> ConsumerReport | None:
        """The consumer under the cursor."""
        wanted = as_id(self._table.current)
        return next((found for found in self._consumers if found.id == wanted), None)

    async def read(self) -> Failure | None:
        """Read the registry, and how many leases there are."""
        stats = self.session.stats
        found = await stats.attempt(stats.inspector.consumers)
        if isinstance(found, Failure):
            return found
        counted = await stats.attempt(stats.repository.open_counts)
        if isinstance(counted, Failure):
            return counted
        if not found.value:
            known = await stats.attempt(can_register, stats.repository)
            if isinstance(known, Failure):
                return known
            self._table.empty = _EMPTY if known.value else _UNKNOWN
            self._table.refresh()
        self._consumers, self._leased = found.value, _leased(counted.value)
        self._is_read = True
        self._draw()
        return None

    def tick(self) -> None:
        """Let ages go on."""
        self._draw()

    def _draw(self) -> None:
        if not self._is_read:
            return
        now = self.session.now()
        self._table.show(consumer_rows(self._consumers, self._leased, now))
        self._pane.entitle("Consumers", *heading(self._consumers))
        found = self.chosen
        self._runs.show([] if found is None else run_rows(found, now))
        name = "Runs" if found is None else f"{found.name} runs"
        self._run_pane.entitle(name, "" if found is None else about(found, now))

    @on(RowsView.CursorMoved, "#fleet-consumers")
    def _moved(self) -> None:
        self._stacks.show(())
        self._stack_pane.entitle("Stacks", "t reads them")
        self._draw()

    @on(RowsView.Activated, "#fleet-consumers")
    def _open_consumer(self, event: RowsView.Activated) -> None:
        found = self.chosen
        if event.key == UNREGISTERED:
            self.post_message(ShowTasks("is:leased"))
        elif found is not None and found.in_flight:
            ids = ",".join(task.task_id.hex for task in found.in_flight)
            self.post_message(ShowTasks(f"id:{ids}"))

    @on(RowsView.Activated, "#fleet-runs")
    def _open_run(self, event: RowsView.Activated) -> None:
        if task_id := as_id(event.key):
            self.post_message(ShowTasks(f"id:{task_id.hex}"))

    def action_stacks(self) -> None:
        """Read the stacks of the chosen consumer's handlers."""
        if found := self.chosen:
            self._stack_pane.entitle(f"Stacks of {found.name}", "asking…")
            self._stacks.show(())
            self.restart("stacks", partial(self._read_stacks, found))

    async def _read_stacks(self, found: ConsumerReport) -> None:
        admin = self.session.admin
        try:
            call = admin.run(ask, admin.repository, found, "stacks", _ANSWER_SECONDS)
            stacks = (await call).value.stacks
        except TasqError as error:
            self._stack_pane.entitle(f"Stacks of {found.name}", safe(error, 80), "$text-warning")
            return
        self._stacks.show(part for line in stack_lines(stacks) for part in safe_lines(line))
        self._stack_pane.entitle(f"Stacks of {found.name}", str(len(stacks)))

    def action_quiet(self) -> None:
        """Let the chosen consumer claim nothing more."""
        self._command("quiet")

    def action_resume(self) -> None:
        """Let the chosen consumer claim again."""
        self._command("resume")

    def action_stop(self) -> None:
        """Stop the chosen consumer; asks first."""
        self._command("stop")

    def _command(self, command: str) -> None:
        if found := self.chosen:
            work = partial(self._carry_out, command, found)
            self.cockpit.changer.begin(f"fleet {command}", work)

    async def _carry_out(self, command: str, found: ConsumerReport) -> MutationResult | None:
        changer, admin = self.cockpit.changer, self.session.admin
        if command == "stop":
            text = Content(
                f"{safe(found.name)} on {safe(found.host)}, process {found.pid}.\n"
                "It claims nothing more, finishes what runs, and ends."
            )
            dialog = ConfirmDialog(f"Stop {safe(found.name, 40)}?", text, "Stop", danger=True)
            if not await self.app.push_screen_wait(dialog):
                return None
        answer = await changer.ask(
            f"Asking {safe(found.name, 40)}",
            lambda: ask(admin.repository, found, command, _ANSWER_SECONDS),
        )
        if answer is not None:
            changer.notify(f"{found.name}: {answer.text}")
            self.poller.wake()
        return None


def _leased(counted: tuple[Mapping[TaskStatus, int], Health]) -> int:
    return counted[1].leased
