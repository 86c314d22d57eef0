"""The log: every change of this run, with the command that does the same."""

from collections.abc import Iterator
from typing import ClassVar, Final

from textual import on
from textual.widget import Widget
from textual.widgets import Static

from tasq_tui.admin.operation import Recorded
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.operations.undo import undo
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.formats import count, moment
from tasq_tui.ui.text.sanitize import safe, safe_lines
from tasq_tui.ui.widgets.lines_view import LinesView
from tasq_tui.ui.widgets.rows_view import Row, RowColumn, RowsView

_SHOWN_COMMAND: Final = 2000
_EMPTY: Final = "Nothing was changed in this run yet."


class HistoryScreen(CockpitScreen):
    """The newest change first; below it all of what the cursor is on."""

    SCOPE: ClassVar[Scope] = Scope.HISTORY
    NAME: ClassVar[str] = "history"
    CSS_PATH: ClassVar[str] = "screen.tcss"
    AUTO_FOCUS: ClassVar[str] = "#log-changes"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._table = RowsView(
            [
                RowColumn("time", 9),
                RowColumn("change", 10),
                RowColumn("done", 9, right=True),
                RowColumn("skipped", 9, right=True),
                RowColumn("outcome", 12, share=1),
                RowColumn("command", 20, share=4),
            ],
            empty=_EMPTY,
            id="log-changes",
        )  # fmt: skip
        self._about = Static("the same from the command line", id="log-about", markup=False)
        self._command = LinesView()

    def body(self) -> Iterator[Widget]:
        """The changes, and the command of one."""
        yield self._table
        yield self._about
        yield self._command

    @property
    def logged(self) -> Recorded | None:
        """The change under the cursor."""
        key = self._table.current
        return self.session.log[key] if isinstance(key, int) else None

    def tick(self) -> None:
        """Show what came in."""
        self._draw()

    def on_screen_resume(self) -> None:
        """Show what came in meanwhile."""
        self._draw()

    def on_mount(self) -> None:
        """Show what there is."""
        self._draw()

    def _draw(self) -> None:
        log = self.session.log
        self._table.show([_row(key, log[key]) for key in reversed(range(len(log)))])

    @on(RowsView.CursorMoved)
    def _moved(self) -> None:
        logged = self.logged
        if logged is None:
            return
        entry = logged.entry
        lines = [entry.command, "", f"{moment(entry.at)} · {entry.target}"]
        if entry.trash:
            lines.append(f"the deleted rows are in {entry.trash}")
        if entry.outcome != "done":
            lines.append(entry.outcome)
        self._command.show([part for line in lines for part in safe_lines(line)])

    @on(RowsView.Activated)
    def _open(self) -> None:
        """Go to the command and what came of it."""
        self._command.focus()

    def action_copy(self) -> None:
        """Copy the command, runnable as it stands."""
        if logged := self.logged:
            self.app.copy_to_clipboard(logged.script)
            self.cockpit.changer.tell("copied the command")

    def action_undo(self) -> None:
        """Undo the last change."""
        undo(self.cockpit.changer)


def _row(key: int, logged: Recorded) -> Row:
    entry = logged.entry
    failed = entry.outcome not in {"done", "interrupted"}
    return Row(
        key,
        (
            f"{entry.at:%H:%M:%S}", logged.verb, count(entry.done), count(entry.skipped),
            safe(entry.outcome, 100), safe(entry.command, _SHOWN_COMMAND),
        ),
        ("rows--muted", "", "", "rows--warning" if entry.skipped else "rows--muted",
         "rows--error" if failed else "rows--muted"),
    )  # fmt: skip
