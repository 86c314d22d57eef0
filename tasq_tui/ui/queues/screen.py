"""The queues and the types: how many tasks of each stand where."""

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.containers import Container
from textual.widget import Widget

from tasq_core.filters import Filter
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.db.stats import dated, read_kinds
from tasq_tui.ui.messages import ShowTasks
from tasq_tui.ui.queues.rows import SORTS, full_columns, full_rows
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.sanitize import safe
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

    def body(self) -> Iterator[Widget]:
        """Both tables."""
        with Container(id="kinds-panes"):
            yield self._queues
            yield self._types

    async def read(self) -> Failure | None:
        """Count by queue and type."""
        failure = await read_kinds(self.session)
        if failure is None:
            self._draw()
        return failure

    def tick(self) -> None:
        """Let the counts get older."""
        self._draw()

    def _draw(self) -> None:
        figures, now = self.session.figures, self.session.now()
        if figures.queues.value is None or figures.types.value is None:
            return
        queues, types = (
            dated("queue", figures.queues.at, now), dated("type", figures.types.at, now)
        )  # fmt: skip
        self._queues.retitle(full_columns(queues, self.sort))
        self._types.retitle(full_columns(types, self.sort))
        self._queues.show(full_rows(figures.queues.value or (), self.sort))
        self._types.show(full_rows(figures.types.value or (), self.sort))

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
