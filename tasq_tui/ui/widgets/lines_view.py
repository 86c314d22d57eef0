"""A read-only text of any length: folded to the width, drawn line by line, searchable."""

import re
from collections.abc import Iterable
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tasq_tui.ui.text.sanitize import folded
from tasq_tui.ui.text.tracebacks import ErrorLine, Look

_LOOKS: Final = {look: f"lines--{look.value}" for look in Look if look}


class LinesView(ScrollView, can_focus=True):
    """Shows inert lines (`safe_lines` makes them); what is longer than the view is folded."""

    DEFAULT_CSS = """
    LinesView {
        height: 1fr; background: $surface; overflow-x: hidden; scrollbar-size-vertical: 1;
        & > .lines--error { color: $text-error; text-style: bold; }
        & > .lines--frame { color: $text-warning; text-style: bold; }
        & > .lines--muted { color: $text-muted; }
        & > .lines--found { color: $background; background: $warning; }
        & > .lines--here { color: $background; background: $accent; text-style: bold; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {*_LOOKS.values(), "lines--found", "lines--here"}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "Bottom", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[ErrorLine] = []
        self._folded: list[ErrorLine] = []
        self._folded_width = 0
        """What `_folded` was folded to; 0 where it isn't `_lines` folded."""
        self._wanted = ""
        self._found: list[tuple[int, int, int]] = []
        """Of what is searched for: line of `_folded`, beginning and end."""
        self._at = -1
        self._found_on: dict[int, list[int]] = {}
        """Line of `_folded` to the places found on it."""

    @property
    def text(self) -> str:
        """All of it, as shown but not folded."""
        return "\n".join(line.text for line in self._lines)

    @property
    def found(self) -> int:
        """How often what is searched for stands in it."""
        return len(self._found)

    @property
    def height_wanted(self) -> int:
        """Lines that all of it takes at the width it has."""
        return len(self._folded) if self._folded_width else len(self._lines)

    def show(self, lines: Iterable[str | ErrorLine]) -> None:
        """Show `lines` from the top; the same lines again change nothing."""
        given = [line if isinstance(line, ErrorLine) else ErrorLine(line) for line in lines]
        if given == self._lines:
            return
        self._lines = given
        self._folded, self._folded_width = [], 0
        if self.is_mounted:
            self._fold()
            self.scroll_home(animate=False)

    def search(self, wanted: str) -> int:
        """Mark where `wanted` stands, whatever its case; how often. "" marks nothing."""
        self._wanted, self._at = wanted, -1
        self._look()
        self.refresh()
        return len(self._found)

    def show_found(self, index: int) -> None:
        """Bring a place of what is searched for into view; -1 for none."""
        self._at = index
        if 0 <= index < len(self._found):
            line = self._found[index][0]
            height = max(self.scrollable_content_region.height, 1)
            if not self.scroll_offset.y <= line < self.scroll_offset.y + height:
                self.scroll_to(y=max(line - height // 3, 0), animate=False, force=True)
        self.refresh()

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
        self._folded = [
            ErrorLine(part, line.look) for line in self._lines for part in folded(line.text, width)
        ]
        self._folded_width = width
        self.virtual_size = Size(width, len(self._folded))
        self._look()
        self.refresh()

    def _look(self) -> None:
        """Find what is searched for in what is drawn."""
        self._found, self._found_on = [], {}
        if self._wanted:
            pattern = re.compile(re.escape(self._wanted), re.IGNORECASE)
            self._found = [
                (place, *match.span())
                for place, line in enumerate(self._folded)
                for match in pattern.finditer(line.text)
            ]
            for number, (place, _, _) in enumerate(self._found):
                self._found_on.setdefault(place, []).append(number)

    def render_line(self, y: int) -> Strip:
        """One line of the text."""
        index = y + self.scroll_offset.y
        style = self.rich_style
        if index >= len(self._folded):
            return Strip.blank(self.size.width, style)
        line = self._folded[index]
        if line.look:
            style += self.get_component_rich_style(_LOOKS[line.look], partial=True)
        strip = Strip([*self._segments(index, line.text, style)])
        return strip.adjust_cell_length(self.size.width, self.rich_style)

    def _segments(self, index: int, text: str, style: Style) -> Iterable[Segment]:
        done = 0
        for number in self._found_on.get(index, ()):
            _, start, end = self._found[number]
            name = "lines--here" if number == self._at else "lines--found"
            yield Segment(text[done:start], style)
            yield Segment(text[start:end], self.get_component_rich_style(name, partial=True))
            done = end
        yield Segment(text[done:], style)
