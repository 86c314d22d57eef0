"""What only changes how tasks are looked at: zoom, search, follow, columns, jump to an id."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from textual import on

from tasq_core.errors import FilterSyntaxError
from tasq_core.filters import Filter, parse
from tasq_core.repository.protocol import PageOrder, Repository
from tasq_core.task import FINISHED_STATUSES, Task
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.state import read_lines, write_lines
from tasq_tui.ui.base_screen import CockpitScreen
from tasq_tui.ui.db.executor import Failure
from tasq_tui.ui.dialogs.columns import ColumnsDialog
from tasq_tui.ui.dialogs.prompt import PromptDialog
from tasq_tui.ui.session import Session
from tasq_tui.ui.tasks.columns import COLUMNS, next_order, not_served
from tasq_tui.ui.tasks.detail import TaskDetail
from tasq_tui.ui.tasks.list import TaskList
from tasq_tui.ui.tasks.trail import Trail
from tasq_tui.ui.text.sanitize import safe

_FILE: Final = "columns"
"""The columns chosen, in the state folder of the database."""
_ORDER_FILE: Final = "order"
"""The order of the list, there too."""


class ViewingScreen(CockpitScreen):
    """A screen with a list of tasks and one of them in full."""

    where: Filter

    def __init__(self, session: Session, empty: str) -> None:
        super().__init__(session)
        self._list = TaskList(session.now, _kept_order(session.settings), empty=empty)
        self._list.choose_columns(_known(read_lines(session.settings, _FILE)))
        self._detail = TaskDetail()
        self._trail = Trail()
        self._follows = False

    @property
    def list(self) -> TaskList:
        """The list."""
        return self._list

    @property
    def detail(self) -> TaskDetail:
        """The pane with one task in full."""
        return self._detail

    @property
    def follows(self) -> bool:
        """Whether the cursor stays at the newest task."""
        return self._follows

    def show_where(self, text: str, origin: str = "") -> None:
        """Filter by `text`, as if it was typed; `origin` is the screen that asks."""
        raise NotImplementedError

    # -- follow ----------------------------------------------------------------------------------

    def action_follow(self) -> None:
        """Stay at the newest task, or stop."""
        self._follow(not self._follows)
        if self._follows:
            order = self._list.window.order
            if not order.descends:
                self._sort(order.reverse)
                self._follow(True)
            self._list.action_top()

    def _follow(self, follows: bool) -> None:
        self._follows = follows
        self.tick()

    def _go_on_following(self) -> None:
        """Go to what came in, unless rows are marked or asked about."""
        window = self._list.window
        is_free = not window.frozen and not window.loading
        if self._follows and is_free and (window.newer or window.cursor):
            self._list.action_top()

    def _stop_following(self) -> None:
        """The user moved the cursor away from the newest task."""
        if self._follows and self._list.window.cursor and not self._list.window.loading:
            self._follow(False)

    # -- the detail ------------------------------------------------------------------------------

    def action_zoom(self) -> None:
        """Give the pane in focus all the room, or share it again."""
        zoomed = self.has_class("-zoom-list") or self.has_class("-zoom-detail")
        inside = self._detail.has_focus_within
        if self._detail.is_zoomed or zoomed:
            self._unzoom()
        elif not self.has_class("-wide"):
            self._detail.zoom(inside)
        else:
            self.set_class(inside, "-zoom-detail")
            self.set_class(not inside, "-zoom-list")
        self.refresh_bindings()

    def _unzoom(self) -> None:
        self._detail.zoom(False)
        self.set_class(False, "-zoom-list")
        self.set_class(False, "-zoom-detail")

    def action_args_mode(self) -> None:
        """Show the arguments otherwise."""
        self._detail.next_mode()

    def action_next_found(self, step: int) -> None:
        """Go to the next place of what is searched for in the detail, or the one before."""
        self._detail.next_found(step)

    # -- columns ---------------------------------------------------------------------------------

    def action_columns(self) -> None:
        """Choose the columns of the list, and by which it is sorted."""

        def chosen(names: frozenset[str] | None) -> None:
            if names is None:
                return
            kept = names if names != frozenset(c.title for c in COLUMNS) else frozenset[str]()
            self._list.choose_columns(kept)
            write_lines(self.session.settings, _FILE, sorted(kept))

        shown, order = self._list.columns_shown, self._list.window.order
        self.app.push_screen(ColumnsDialog(shown, order, self._sort), chosen)

    def action_order(self) -> None:
        """Turn the order round."""
        self._sort(self._list.window.order.reverse)

    def action_sort(self) -> None:
        """Sort by the end, or by the creation again."""
        by_end = self._list.window.order.by_end
        self._sort(PageOrder.NEWEST if by_end else PageOrder.LAST_FINISHED)

    @on(TaskList.SortAsked)
    def _sort_by(self, event: TaskList.SortAsked) -> None:
        order = next_order(event.column, self._list.window.order)
        if order is None:
            self.cockpit.changer.notify(not_served(event.column), "warning")
        else:
            self._sort(order)

    def _sort(self, order: PageOrder) -> None:
        self._follow(False)
        self._list.reset(order)
        write_lines(self.session.settings, _ORDER_FILE, [order])
        self.sorted_anew()
        self.tick()

    def sorted_anew(self) -> None:
        """The list is in another order, and may hold other tasks."""

    @property
    def listed(self) -> Filter:
        """What the list holds: what matches, and sorted by their ends only what has ended."""
        if not self._list.window.order.by_end:
            return self.where
        return self.where & Filter.of(FINISHED_STATUSES)

    # -- jump ------------------------------------------------------------------------------------

    def action_jump(self) -> None:
        """Go to the task with an id, or the first digits of one."""

        def jump(text: str | None) -> None:
            if text is not None:
                self.restart("use", partial(self._jump, text.strip(), self.where))

        about = "An id, or its first digits; the filter goes if the task doesn't match it."
        self.app.push_screen(PromptDialog("Go to a task", about, "", "Go", _id_problem), jump)

    async def _jump(self, text: str, where: Filter) -> None:
        connection = self.session.detail
        found = await connection.attempt(_find, connection.repository, text, where)
        if isinstance(found, Failure):
            self.cockpit.changer.notify(safe(found.error), "error")
        elif found.value is None:
            self.cockpit.changer.notify(f"no task with the id {safe(text, 40)}", "warning")
        else:
            task, matches = found.value
            self._follow(False)
            if self._list.window.order.by_end and task.status not in FINISHED_STATUSES:
                self._sort(PageOrder.NEWEST)
            key = self._list.window.key(task)
            if matches:
                self._list.seek(key)
                self._list.focus()
            else:
                self._trail.go_to(key)
                self.show_where("")


def _find(repository: Repository, text: str, where: Filter) -> tuple[Task, bool] | None:
    """The newest task whose id begins so, and whether it matches a filter."""
    wanted = parse(f"id:{text}")
    found = repository.page(where & wanted, PageOrder.NEWEST, None, 1, 1)
    matches = bool(found)
    found = found or repository.page(wanted, PageOrder.NEWEST, None, 1, 1)
    return (found[0], matches) if found else None


def _id_problem(text: str) -> str:
    if not (wanted := text.strip()):
        return "type an id, or its first digits"
    try:
        parse(f"id:{wanted}" if " " not in wanted else 'id:"')
    except FilterSyntaxError as error:
        return safe(error.hint)
    return ""


def _kept_order(settings: Settings) -> PageOrder:
    """The order chosen last; newest first where none was, or it can't be read."""
    kept = read_lines(settings, _ORDER_FILE)
    return PageOrder(kept[-1]) if kept and kept[-1] in set(PageOrder) else PageOrder.NEWEST


def _known(names: Sequence[str]) -> frozenset[str]:
    return frozenset(names) & frozenset(column.title for column in COLUMNS)
