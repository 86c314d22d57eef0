"""A read-only text of any length: folded to the width, drawn line by line."""

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tasq_tui.ui.text.sanitize import folded


class LinesView(ScrollView, can_focus=True):
    """Shows inert lines (`safe_lines` makes them); what is longer than the view is folded."""

    DEFAULT_CSS = """
    LinesView { height: 1fr; background: $surface; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "Bottom", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[str] = []
        self._folded: list[str] = []
        self._folded_width = 0
        """What `_folded` was folded to; 0 where it isn't `_lines` folded."""

    def show(self, lines: Iterable[str]) -> None:
        """Show `lines` from the top; the same lines again change nothing."""
        given = list(lines)
        if given == self._lines:
            return
        self._lines = given
        self._folded, self._folded_width = [], 0
        if self.is_mounted:
            self._fold()
            self.scroll_home(animate=False)

    def on_resize(self, event: events.Resize) -> None:
        """Fold to the new width; also sent when a hidden view is shown again."""
        del event
        self._fold_again()

    def watch_show_vertical_scrollbar(self) -> None:
        """Fold to the width that a scroll bar takes or leaves."""
        self._fold_again()

    def _fold_again(self) -> None:
        if self.scrollable_content_region.width != self._folded_width:
            self._fold()

    def _fold(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0:
            return  # hidden: on_resize folds once it is shown
        self._folded = [part for line in self._lines for part in folded(line, width)]
        self._folded_width = width
        self.virtual_size = Size(width, len(self._folded))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the text."""
        index = y + self.scroll_offset.y
        style = self.rich_style
        if index >= len(self._folded):
            return Strip.blank(self.size.width, style)
        strip = Strip([Segment(self._folded[index], style)])
        return strip.adjust_cell_length(self.size.width, style)
