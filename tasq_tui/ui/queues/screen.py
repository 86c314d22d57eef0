"""The queues and the types: how many tasks of each stand where."""

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.widget import Widget

from tasq_core.filters import Filter
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.db.stats import dated, read_kinds
from tasq_tui.ui.messages import ShowTasks
from tasq_tui.ui.queues.rows import SORTS, full_columns, full_rows
from tasq_tui.ui.queues.schedules import COLUMNS, read_schedules, schedule_rows
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.widgets.pane import Pane
from tasq_tui.ui.widgets.rows_view import RowsView


class QueuesScreen(CockpitScreen):
    """Two tables; Enter shows the tasks behind a row."""

    SCOPE: ClassVar[Scope] = Scope.QUEUES
    NAME: ClassVar[str] = "queues"
    CSS_PATH: ClassVar[str] = "screen.tcss"
    AUTO_FOCUS: ClassVar[str] = "#kinds-queues"
    # Side by side only where both have all their columns.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (160, "-wide")]  # noqa: RUF012 - the base's own type

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.sort = next(iter(SORTS))
        self._queues = RowsView(
            full_columns("queue", self.sort), empty="No tasks yet.", id="kinds-queues"
        )
        self._types = RowsView(
            full_columns("type", self.sort), empty="No tasks yet.", id="kinds-types"
        )
        self._schedules = RowsView(COLUMNS, id="kinds-schedules")
        self._queue_pane = Pane(self._queues, title="Queues", id="kinds-queue-pane")
        self._type_pane = Pane(self._types, title="Types")
        self._schedule_pane = Pane(self._schedules, title="Schedules", id="kinds-schedule-pane")

    def body(self) -> Iterator[Widget]:
        """Both tables, and the schedules below."""
        yield self._queue_pane
        yield self._type_pane
        yield self._schedule_pane

    async def read(self) -> Failure | None:
        """Count by queue and type, and read the schedules."""
        failure = await read_kinds(self.session)
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
        for kind, pane, view, scan in (
            ("queue", self._queue_pane, self._queues, figures.queues),
            ("type", self._type_pane, self._types, figures.types),
        ):
            if scan.value is not None:
                view.retitle(full_columns(kind, self.sort))
                view.show(full_rows(scan.value, self.sort))
                note = f"{len(scan.value)} by {self.sort}"
                pane.entitle(pane.label[0], dated(note, scan.at, now))
        if (schedules := figures.schedules.value) is not None:
            self.set_class(bool(schedules), "-scheduled")
            self._schedules.show(schedule_rows(schedules, now))
            self._schedule_pane.entitle("Schedules", str(len(schedules)))

    @on(RowsView.Activated, "#kinds-queues")
    def _open_queue(self, event: RowsView.Activated) -> None:
        self.post_message(ShowTasks(str(Filter.of(queues=(str(event.key),)))))

    @on(RowsView.Activated, "#kinds-types")
    def _open_type(self, event: RowsView.Activated) -> None:
        self.post_message(ShowTasks(str(Filter.of(types=(str(event.key),)))))

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
            self.cockpit.changer.tell(f"copied {safe(name, 80)}")
