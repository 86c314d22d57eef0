"""Which columns the task list shows, and by which it is sorted."""

from collections.abc import Callable, Iterator
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import SelectionList, Static

from tasq_core.repository.protocol import PageOrder
from tasq_tui.ui.dialogs.base import Dialog, text_block
from tasq_tui.ui.tasks.columns import COLUMNS, ORDERS, STATUS, next_order, not_served


class ColumnsDialog(Dialog[frozenset[str]]):
    """Answers the titles of the columns chosen; `s` sorts by the one under the cursor."""

    DEFAULT_CSS = """
    ColumnsDialog {
        & .dialog--box { width: 60; }
        & SelectionList {
            height: auto; max-height: 14; border: none; padding: 0; background: $surface;
        }
        & .dialog--problem { color: $text-warning; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take", priority=True),
        Binding("s", "sort", "Sort", priority=True),
    ]

    def __init__(
        self, shown: frozenset[str], order: PageOrder, sort: Callable[[PageOrder], None]
    ) -> None:
        """Ask.

        Args:
            shown: the titles of those shown now.
            order: how the list is sorted now.
            sort: called to sort it otherwise.
        """
        super().__init__("Columns", "space shows · s sorts · Enter takes · Esc cancels")
        self._shown = shown
        self._order = order
        self._sort = sort

    def body(self) -> Iterator[Widget]:
        """A line for each column."""
        offered = [column for column in COLUMNS if column is not STATUS]
        yield SelectionList(
            *((_line(c.title, c.about), c.title, c.title in self._shown) for c in offered),
            compact=True,
        )
        yield Static(self._sorted(), classes="dialog--note", markup=False)
        yield text_block("", "dialog--problem")

    def action_take(self) -> None:
        """Answer what is chosen."""
        chosen = self.query_one(SelectionList[str]).selected
        self.dismiss(frozenset((STATUS.title, *chosen)))

    def action_sort(self) -> None:
        """Sort by the column under the cursor, or say why that can't be had."""
        chosen = self.query_one(SelectionList[str])
        place = chosen.highlighted
        if place is None:
            return
        title = chosen.get_option_at_index(place).value
        column = next(column for column in COLUMNS if column.title == title)
        order = next_order(column, self._order)
        if order is None:
            self.complain(not_served(column))
            return
        self.complain("")
        self._order = order
        self._sort(order)
        self.query_one(".dialog--note", Static).update(self._sorted())

    @on(SelectionList.SelectionHighlighted)
    def _moved(self) -> None:
        self.complain("")

    def _sorted(self) -> Content:
        return Content(f"Sorted: {ORDERS[self._order]}.")


def _line(title: str, about: str) -> Content:
    return Content.assemble((f"{title:<10}", "bold"), (about, "$text-muted"))
