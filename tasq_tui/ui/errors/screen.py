"""The errors: failed tasks grouped by what their messages have in common."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar, Final
from uuid import UUID

from textual import on
from textual.widget import Widget

from tasq_core.reports import ErrorGroup
from tasq_core.wording import counted
from tasq_tui.admin import changes
from tasq_tui.admin.failures import FAILED, RETRYING, TREND_BUCKETS, Failures, select_group
from tasq_tui.admin.operation import Change
from tasq_tui.admin.selection import select_ids
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.db.stats import Scan, dated, is_fresh, read_errors
from tasq_tui.ui.errors.group_filter import filter_of
from tasq_tui.ui.messages import ShowTasks
from tasq_tui.ui.operations.preview_text import tasks
from tasq_tui.ui.operations.undo import undo
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.bars import trend
from tasq_tui.ui.text.formats import age, attempts, count
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.text.tracebacks import error_lines
from tasq_tui.ui.widgets.lines_view import LinesView
from tasq_tui.ui.widgets.pane import Pane
from tasq_tui.ui.widgets.rows_view import Row, RowColumn, RowsView

_NEWEST_EXAMPLE: Final = "Newest example"
_REST_SECONDS: Final = 0.04
_SHOW_AFTER_SECONDS: Final = 0.03
"""How long the last group's sample stays while the next one's is read."""

_ORDERS: Final[dict[str, Callable[[ErrorGroup], float]]] = {
    "count": lambda group: -group.count,
    "last": lambda group: -group.last_seen.timestamp(),
}


class ErrorsScreen(CockpitScreen):
    """Groups of failures, and the newest error of the one under the cursor."""

    SCOPE: ClassVar[Scope] = Scope.ERRORS
    NAME: ClassVar[str] = "errors"
    CSS_PATH: ClassVar[str] = "screen.tcss"
    AUTO_FOCUS: ClassVar[str] = "#errors-groups"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._order = "count"
        self._groups: dict[str, ErrorGroup] = {}
        self._table = RowsView(_columns(self._order), empty="No failed tasks.", id="errors-groups")
        self._groups_pane = Pane(self._table, title="Errors", id="errors-top")
        self._sample = LinesView()
        self._sample_pane = Pane(self._sample, title=_NEWEST_EXAMPLE, id="errors-sample")
        self._sample_of: UUID | None = None
        self._retrying = False

    def body(self) -> Iterator[Widget]:
        """Groups, and below them the sample of one."""
        yield self._groups_pane
        yield self._sample_pane

    @property
    def group(self) -> ErrorGroup | None:
        """The group under the cursor."""
        return self._groups.get(str(self._table.current))

    @property
    def _scan(self) -> Scan[Failures]:
        figures = self.session.figures
        return figures.retrying if self._retrying else figures.errors

    async def read(self) -> Failure | None:
        """Group the newest failures."""
        failure = await read_errors(self.session, retrying=self._retrying)
        if failure is None:
            self._draw()
        return failure

    def tick(self) -> None:
        """Let ages go on."""
        self._draw()

    def _draw(self) -> None:
        scan = self._scan
        if (failures := scan.value) is None:
            return
        now = self.session.now()
        groups = sorted(failures.groups, key=_ORDERS[self._order])
        self._groups = {group.message: group for group in groups}
        self._table.show([_row(group, failures.trends, now) for group in groups])
        number = count(failures.failed, approximate=not is_fresh(scan.at, now))
        grouped = f"{counted(len(groups), 'kind')} of error"
        text = f"{number} {'failed or retrying' if failures.retrying else 'failed'} in {grouped}"
        if not failures.is_whole:
            text = f"{count(failures.read)} of {number} failures grouped, the newest, in {grouped}"
        self._groups_pane.entitle("Errors", dated(text, scan.at, now))
        self._follow_sample()

    @on(RowsView.CursorMoved)
    def _moved(self) -> None:
        self._follow_sample()

    def _follow_sample(self) -> None:
        """Show the newest error of the group under the cursor, whatever it is by now."""
        group = self.group
        wanted = None if group is None else group.sample_id
        if wanted != self._sample_of:
            self._sample_of = wanted
            self.restart("sample", partial(self._read_sample, wanted))

    async def _read_sample(self, task_id: UUID | None) -> None:
        if task_id is None:
            self._show_sample("", "")
            return
        late = asyncio.get_running_loop().call_later(
            _SHOW_AFTER_SECONDS, self._show_sample, "reading…", ""
        )
        try:
            await asyncio.sleep(_REST_SECONDS)
            detail = self.session.detail
            found = await detail.attempt(detail.repository.get_tasks, [task_id])
        finally:
            late.cancel()
        if isinstance(found, Failure):
            self._sample_of = None  # so that the next refresh reads it again
            self._show_sample(f"{task_id.hex[:8]} couldn't be read", "")
        elif not found.value:
            self._show_sample(f"{task_id.hex[:8]} is gone", "")
        else:
            task = found.value[0]
            attempt = attempts(task.receive_count, task.max_receives)
            about = f"{safe(task.type, 60)} {task.id.hex[:8]} · attempt {attempt}"
            self._show_sample(about, task.last_error or "")

    def _show_sample(self, about: str, error: str) -> None:
        self._sample_pane.entitle(f"{_NEWEST_EXAMPLE} · {about}" if about else _NEWEST_EXAMPLE)
        self._sample.show(error_lines(error) if error else ())

    @on(RowsView.Activated)
    def _open(self) -> None:
        if group := self.group:
            self.post_message(ShowTasks(str(filter_of(group, retrying=self._retrying))))

    def action_requeue(self, reset: bool) -> None:
        """Requeue the group as it stands now."""
        self._change(lambda select: changes.requeue(select, reset=reset))

    def action_delete(self) -> None:
        """Delete the group as it stands now."""
        self._change(changes.delete)

    def action_undo(self) -> None:
        """Undo the last change."""
        undo(self.cockpit.changer)

    def action_sort(self) -> None:
        """Sort by count, or by the latest failure."""
        self._order = "last" if self._order == "count" else "count"
        self._table.retitle(_columns(self._order))
        self._draw()

    def action_retrying(self) -> None:
        """Group those too that failed before and may succeed yet, or leave them out again."""
        self._retrying = not self._retrying
        self._scan.expire()
        self._draw()
        self.poller.wake()

    def action_copy(self) -> None:
        """Copy the group's message."""
        if group := self.group:
            self.app.copy_to_clipboard(group.message)
            self.cockpit.changer.notify(f"copied the message of {tasks(group.count)}")

    def _change(self, change: Callable[[changes.Select], Change]) -> None:
        failures = self._scan.value
        if failures is None or (group := self.group) is None:
            return
        if failures.is_whole:
            select = partial(select_ids, texts=group.task_ids)
        else:  # those that weren't read are looked for: the group is changed as a whole
            where = RETRYING if failures.retrying else FAILED
            select = partial(select_group, message=group.message, where=where)
        self.cockpit.changer.change(change(select))


def _row(group: ErrorGroup, trends: Mapping[str, Sequence[int]], now: datetime) -> Row:
    return Row(
        group.message,
        (
            count(group.count), trend(trends.get(group.message)),
            age(group.last_seen, now), age(group.first_seen, now),
            safe(_types(group.types), 200), safe(group.message),
        ),
        ("", "rows--warning", "rows--muted", "rows--muted", "", "rows--error"),
    )  # fmt: skip


def _types(types: Sequence[str]) -> str:
    """The first, and how many more."""
    more = f" +{len(types) - 1}" if len(types) > 1 else ""
    return f"{types[0]}{more}" if types else ""


def _columns(order: str) -> list[RowColumn]:
    arrow = {order: " ↓"}
    return [
        RowColumn(f"count{arrow.get('count', '')}", 8, right=True),
        RowColumn("24h", TREND_BUCKETS, from_width=60),
        RowColumn(f"last{arrow.get('last', '')}", 7, right=True),
        RowColumn("first", 7, from_width=66, right=True),
        RowColumn("types", 14, most=32, from_width=90),
        RowColumn("message", 24, share=4),
    ]
