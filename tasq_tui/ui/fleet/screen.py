"""The fleet: who runs tasks of this table, on which host, and how that goes."""

from collections.abc import Iterator
from typing import ClassVar

from textual.widget import Widget

from tasq_tui.ui.actions import Scope
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.session import Session
from tasq_tui.ui.widgets.pane import Pane
from tasq_tui.ui.widgets.rows_view import RowColumn, RowsView


class FleetScreen(CockpitScreen):
    """The consumers of this table."""

    SCOPE: ClassVar[Scope] = Scope.FLEET
    NAME: ClassVar[str] = "fleet"
    CSS_PATH: ClassVar[str] = "screen.tcss"
    AUTO_FOCUS: ClassVar[str] = "#fleet-consumers"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._consumers = RowsView(
            [RowColumn("name", 12, most=32)],
            empty="No consumer has registered here.",
            id="fleet-consumers",
        )

    def body(self) -> Iterator[Widget]:
        """The consumers."""
        yield Pane(self._consumers, title="Consumers")

    def on_mount(self) -> None:
        """Begin without any."""
        super().on_mount()
        self._consumers.show([])
