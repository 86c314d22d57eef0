"""The tasks: filter, list and detail, and what can be done with them."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from textual import on
from textual.containers import Container
from textual.widget import Widget

from tasq_core.filters import Filter
from tasq_core.filters.completion import Completion, complete
from tasq_core.wording import counted
from tasq_tui.admin.selection import Selection
from tasq_tui.admin.state import read_lines, write_lines
from tasq_tui.ui.actions import Scope
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.db.stats import read_names
from tasq_tui.ui.messages import Go
from tasq_tui.ui.session import Session
from tasq_tui.ui.tasks.columns import ORDERS
from tasq_tui.ui.tasks.detail_feed import DetailFeed
from tasq_tui.ui.tasks.filter_bar import FilterBar
from tasq_tui.ui.tasks.keyset import answer
from tasq_tui.ui.tasks.list import TaskList
from tasq_tui.ui.tasks.match_count import MatchCount
from tasq_tui.ui.tasks.matching import Matching, all_matching, saved_filters
from tasq_tui.ui.tasks.task_actions import ActingScreen
from tasq_tui.ui.tasks.window import PROBE_LIMIT
from tasq_tui.ui.text.formats import count
from tasq_tui.ui.text.sanitize import safe
from tasq_tui.ui.widgets.pane import Pane

_MARKED_SINGLY: Final = 5000
"""More matching tasks are marked by the filter, not one by one."""
_EMPTY: Final = "No tasks yet. i submits one."
_UNMATCHED: Final = "No task matches. Esc goes back."


class TasksScreen(ActingScreen):
    """Shows the tasks that match a filter, and changes them."""

    SCOPE: ClassVar[Scope] = Scope.TASKS
    NAME: ClassVar[str] = "tasks"
    CSS_PATH: ClassVar[str] = "screen.tcss"
    AUTO_FOCUS: ClassVar[str] = "TaskList"

    def __init__(self, session: Session) -> None:
        super().__init__(session, _EMPTY)
        self.where = Filter()
        settings = session.settings
        self._bar = FilterBar(self._complete, read_lines(settings, "filters"), settings.filters)
        self._pane = Pane(self._list, title="Tasks", id="tasks-list")
        self._matches = MatchCount(session)
        self._is_asked = False
        """Whether a dialog is about the rows."""
        self._settled: asyncio.Future[Failure | None] | None = None
        self._feed = DetailFeed(session, self._detail)

    def body(self) -> Iterator[Widget]:
        """Filter, list and detail."""
        yield self._bar
        with Container(id="tasks-panes"):
            yield self._pane
            yield self._detail

    @property
    def status(self) -> str:
        """What stands at the right over the list."""
        return self._pane.label[1]

    # -- reading -------------------------------------------------------------------------------

    async def read(self) -> Failure | None:
        """Read again what is in view."""
        self._settled = asyncio.get_running_loop().create_future()
        self._list.poll()
        if self._list.window.need() is None:
            self._settle(None)
        self._count_again()
        failure = await self._settled
        if failure is None:
            self._read_detail()
        return failure

    def tick(self) -> None:
        """Let ages go on."""
        self._list.tick()
        self._show_status()
        if self._shows_detail:
            self._feed.tick()

    def changed(self) -> None:
        """Show what a change made of the list."""
        self._list.clear_selection()
        self._take_all(None)
        self._list.forget_unseen()
        self._matches.expire()
        self._feed.expire()
        super().changed()

    def freeze(self, frozen: bool) -> None:
        """Keep the rows where they are while a dialog is about them."""
        self._is_asked = frozen
        self._list.freeze(frozen or self._all is not None)

    @on(TaskList.Need)
    def _read_rows(self, event: TaskList.Need) -> None:
        async def read_rows() -> None:
            page = self.session.page
            self.header.show_reading()
            source = Matching(page.repository, self.listed)
            found = await page.attempt(answer, event.need, source)
            if isinstance(found, Failure):
                self._list.fail(event.need, str(found.error))
                self.show_failure(found)
                self._settle(found)
                return
            self._list.deliver(event.need, found.value)
            self._go_on_following()
            self.header.show_read(seconds=found.seconds)
            self._show_status()
            if self._list.window.need() is None:
                self._settle(None)

        self.restart("page", read_rows)

    def _settle(self, failure: Failure | None) -> None:
        if self._settled is not None and not self._settled.done():
            self._settled.set_result(failure)

    def _count_again(self) -> None:
        async def count_matches() -> None:
            await self._matches.read()
            self._list.show_total(self._matches.value)
            self._show_status()

        if self._matches.is_due:
            self.restart("count", count_matches)

    def _read_detail(self) -> None:
        if self._shows_detail:
            self._feed.follow(self._list.current)

    @property
    def _shows_detail(self) -> bool:
        return self.has_class("-wide") or self.has_class("-detail")

    def sorted_anew(self) -> None:
        """Count what the list holds now; nothing stays marked."""
        self._take_all(None)
        self._matches.begin(self.listed)
        self._list.show_total(None)
        self._count_again()

    # -- what is shown ---------------------------------------------------------------------------

    def show_where(self, text: str, origin: str = "") -> None:
        """Filter by `text`, as if it was typed; `origin` is the screen that asks."""
        self._trail.arrive(origin)
        self._bar.apply(text)

    @on(FilterBar.Applied)
    def _apply(self, event: FilterBar.Applied) -> None:
        self.where = event.where
        current = self._list.current
        landing = self._trail.apply(event.text, self._list.window.key(current) if current else None)
        write_lines(self.session.settings, "filters", self._bar.history)
        self._take_all(None)
        self._matches.begin(self.listed)
        self._list.empty = _UNMATCHED if self.where else _EMPTY
        self._list.show_total(None)
        self._list.reset()
        if landing is not None:
            self._list.seek(landing)
        self._show_detail(False)
        self._list.focus()
        self._count_again()
        self._show_status()

    @on(FilterBar.Left)
    def _leave_filter(self) -> None:
        self._list.focus()

    @on(TaskList.CursorMoved)
    def _moved(self) -> None:
        self._stop_following()
        self._read_detail()

    @on(TaskList.SelectionChanged)
    def _marked(self) -> None:
        self._take_all(None)

    @on(TaskList.Activated)
    def _open(self) -> None:
        self._show_detail(True)
        self._read_detail()
        self._detail.focus_content()

    def _show_detail(self, shown: bool) -> None:
        """Give the detail all the room, where both don't fit."""
        self.set_class(shown, "-detail")
        if not shown:
            self._detail.end_search()
            self._unzoom()
        self.refresh_bindings()

    def _show_status(self) -> None:
        order = ORDERS[self._list.window.order]
        parts = [self._matches.text(self.session.now()), order]
        if self._follows:
            parts.append("following")
        marked = len(self._list.selected_ids)
        if self._all is not None:
            parts.insert(0, "ALL MATCHING MARKED")
        elif marked:
            parts.insert(0, f"{count(marked)} marked")
        waiting = self._list.window.newer
        if waiting and self._list.window.frozen:
            more = "+" if waiting >= PROBE_LIMIT else ""
            parts.append(f"{count(waiting)}{more} newer wait")
        tone = "bold $text-accent" if marked or self._all else ""
        self._pane.entitle("Tasks", " · ".join(part for part in parts if part), tone)

    def _complete(self, text: str, cursor: int) -> Sequence[Completion]:
        known = complete(text, cursor, queues=self.session.queues, types=self.session.types)
        return [*saved_filters(self.session.settings.filters, text, cursor), *known]

    # -- actions ---------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Some need a task, and Back something to go back from."""
        if action == "filter":
            return not self._bar.has_focus_within
        if action == "back":
            return bool(self._all or self._trail or self.where or self.has_class("-detail"))
        if action == "next_found":
            return self._detail.is_searched
        if action in {"clone", "copy", "copy_task", "dry_run"} and self._list.current is None:
            return None
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        """Let the user type a filter; in the detail, what to search for in it."""
        if self._detail.has_focus_within:
            self._detail.search()
            self.refresh_bindings()
            return
        self._show_detail(False)
        self.run_worker(read_names(self.session), group="names", exclusive=True)
        self._bar.edit()

    def action_back(self) -> None:
        """Go one step back: from what is marked, searched, zoomed or open, then from the filter."""
        if self._all is not None:
            self._list.clear_selection()
            self._take_all(None)
        elif self._detail.is_searched:
            self._detail.end_search()
        elif self._detail.is_zoomed or self.has_class("-zoom-detail"):
            self._unzoom()
        elif self.has_class("-detail"):
            self._show_detail(False)
            self._list.focus()
        elif self._trail:
            spot = self._trail.back()
            self._bar.apply(spot.where)
            if spot.screen:
                self.post_message(Go(spot.screen))
        elif self.where:
            self.show_where("")

    def action_copy(self) -> None:
        """Copy the part of the detail in focus, else the ids marked, else the task's."""
        if part := self._detail.part:
            self.app.copy_to_clipboard(part[1])
            self.cockpit.changer.notify(f"copied the {part[0]}")
            return
        ids = self._list.target_ids
        self.app.copy_to_clipboard("\n".join(map(str, ids)))
        self.cockpit.changer.notify(
            f"copied {ids[0] if len(ids) == 1 else counted(len(ids), 'id')}"
        )

    def action_mark_all(self) -> None:
        """Mark all that match now, loaded or not."""
        self.run_worker(self._mark_all(self.listed), group="mark", exclusive=True)

    async def _mark_all(self, where: Filter) -> None:
        stats = self.session.stats
        found = await stats.attempt(all_matching, stats.repository, where, _MARKED_SINGLY)
        if isinstance(found, Failure):
            self.cockpit.changer.notify(safe(found.error), "error")
            return
        selection, ids = found.value
        if ids is None:
            self._list.clear_selection()
            self.call_after_refresh(self._take_all, selection)
        else:
            self._list.mark_all(ids)

    def _take_all(self, selection: Selection | None) -> None:
        """Mark all of a frozen selection, or none; the list stands still meanwhile."""
        self._all = selection
        self.freeze(self._is_asked)
        self._show_status()
