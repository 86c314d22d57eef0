"""The history: every change made here to this database, with the command that does the same."""

import asyncio
import shlex
from collections.abc import Iterator, Mapping, Sequence
from getpass import getuser
from typing import ClassVar, Final
from uuid import UUID

from textual import on
from textual.widget import Widget

from tasq_tui.admin.audit_log import AuditLog, Entry
from tasq_tui.admin.command_line import brief
from tasq_tui.admin.operation import Recorded
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.trash import Trash
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.messages import ShowTasks
from tasq_tui.ui.operations.undo import undo
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.formats import age, count, moment
from tasq_tui.ui.text.sanitize import safe, safe_lines
from tasq_tui.ui.widgets.lines_view import LinesView
from tasq_tui.ui.widgets.pane import Pane
from tasq_tui.ui.widgets.rows_view import Row, RowColumn, RowsView

_SHOWN_COMMAND: Final = 2000
_MOST: Final = 500
"""So many of the latest changes are shown."""
_MOST_IDS: Final = 500
_EMPTY: Final = "Nothing was changed from here yet."


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
                RowColumn("when", 9, right=True),
                RowColumn("who", 8, most=20, from_width=90),
                RowColumn("what", 10),
                RowColumn("done", 7, right=True),
                RowColumn("skipped", 7, right=True),
                RowColumn("ended", 10, most=24),
                RowColumn("command", 20, share=4, from_width=60),
            ],
            empty=_EMPTY,
            id="log-changes",
        )  # fmt: skip
        self._command = LinesView()
        self._changes = Pane(self._table, title="History", id="log-top")
        self._earlier: Sequence[Entry] = ()
        self._undone: Mapping[str, str] = {}
        self._shown: dict[tuple[object, ...], Recorded] = {}

    def body(self) -> Iterator[Widget]:
        """The changes, and the command of one."""
        yield self._changes
        yield Pane(self._command, title="The same from the command line", id="log-command")

    @property
    def logged(self) -> Recorded | None:
        """The change under the cursor."""
        key = self._table.current
        return self._shown.get(key) if isinstance(key, tuple) else None

    async def read(self) -> Failure | None:
        """Read the changes of earlier runs, and which are undone."""
        self._earlier, self._undone = await asyncio.to_thread(_read, self.session.settings)
        self._draw()
        return None

    def tick(self) -> None:
        """Show what came in, and let ages go on."""
        self._draw()

    def on_mount(self) -> None:
        """Show what there is."""
        self._draw()

    def _draw(self) -> None:
        mine = self.session.log
        known = {logged.entry for logged in mine}
        earlier = [Recorded(entry, entry.verb) for entry in self._earlier if entry not in known]
        newest_first = [*reversed(mine), *earlier]
        self._shown = {_key(number, logged): logged for number, logged in _numbered(newest_first)}
        now, who = self.session.now(), safe(_user(), 20)
        self._table.show(
            [
                Row(
                    key,
                    (
                        age(logged.entry.at, now), who, safe(logged.verb, 20),
                        count(logged.entry.done), count(logged.entry.skipped),
                        safe(self._ended(logged.entry), 100),
                        safe(brief(logged.entry.command)),
                    ),
                    ("rows--muted", "rows--muted", "", "",
                     "rows--warning" if logged.entry.skipped else "rows--muted",
                     self._tint(logged.entry)),
                )
                for key, logged in self._shown.items()
            ]
        )  # fmt: skip
        total = count(len(newest_first))
        self._changes.entitle("History", f"{total} from here, {count(len(mine))} in this run")
        self._show_command()

    def _ended(self, entry: Entry) -> str:
        return "undone" if self._undone.get(entry.id) else entry.outcome

    def _tint(self, entry: Entry) -> str:
        if self._undone.get(entry.id):
            return "rows--good"
        return "rows--muted" if entry.outcome in {"done", "interrupted"} else "rows--error"

    @on(RowsView.CursorMoved)
    def _moved(self) -> None:
        self._show_command()

    def _show_command(self) -> None:
        """Show all of the change under the cursor."""
        logged = self.logged
        if logged is None:
            self._command.show(())
            return
        entry = logged.entry
        command = entry.command
        if len(command) > _SHOWN_COMMAND:
            command = f"{command[:_SHOWN_COMMAND]}… (y copies all of it)"
        lines = [command, "", f"{moment(entry.at)} · {entry.target}"]
        if by := self._undone.get(entry.id):
            lines.append(f"undone by change {by}")
        elif entry.trash:
            lines.append(f"the rows as they were are in {entry.trash}")
        if entry.outcome != "done":
            lines.append(entry.outcome)
        self._command.show([part for line in lines for part in safe_lines(line)])

    @on(RowsView.Activated)
    def _open(self) -> None:
        """Show the tasks that the change touched, those that are still there."""
        logged = self.logged
        if logged is None:
            return
        if where := touched(logged):
            self.post_message(ShowTasks(where))
        else:
            self.cockpit.changer.notify("it names no tasks that could be shown", "warning")

    def action_copy(self) -> None:
        """Copy the command, runnable as it stands."""
        if logged := self.logged:
            self.app.copy_to_clipboard(logged.script)
            self.cockpit.changer.notify("copied the command")

    def action_undo(self) -> None:
        """Put back the rows of the change under the cursor."""
        if (logged := self.logged) is None:
            return
        if logged.entry.id:
            undo(self.cockpit.changer, logged.entry.id)
        else:
            self.cockpit.changer.notify(f"{logged.verb} kept no rows to put back", "warning")


def touched(logged: Recorded) -> str:
    """A filter for the tasks of a change: those it names, else those its filter matches; or ""."""
    words = shlex.split(logged.entry.command, comments=True)
    for place, word in enumerate(words[:-1]):
        if word == "--where":
            return words[place + 1]
    ids = [str(found) for found in logged.ids] or [word for word in words if _is_id(word)]
    return f"id:{','.join(ids[:_MOST_IDS])}" if ids else ""


def _read(settings: Settings) -> tuple[Sequence[Entry], Mapping[str, str]]:
    """The latest changes, the newest first; and of those undone, by which change."""
    undone = {entry.id: entry.undone_by for entry in Trash().entries() if entry.undone_by}
    return AuditLog.of(settings).last(_MOST), undone


def _numbered(newest_first: Sequence[Recorded]) -> Iterator[tuple[int, Recorded]]:
    """Each with how many of the same time and command are older, so that keys differ."""
    seen: dict[tuple[object, str], int] = {}
    numbered = []
    for logged in reversed(newest_first):
        same = (logged.entry.at, logged.entry.command)
        seen[same] = seen.get(same, -1) + 1
        numbered.append((seen[same], logged))
    yield from reversed(numbered)


def _key(number: int, logged: Recorded) -> tuple[object, ...]:
    return logged.entry.at, logged.entry.command, number


def _is_id(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True


def _user() -> str:
    """Whose history it is: the state folder is this user's alone."""
    try:
        return getuser()
    except (KeyError, OSError):  # a container's user without a name
        return ""
