"""A list of some hundred rows: the cursor keeps to a key, only the view's lines are drawn."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tasq_tui.ui.text import theme
from tasq_tui.ui.text.bars import bar
from tasq_tui.ui.text.sanitize import fit

_GUTTER: Final = 2
_GAP: Final = 1
_POINTER: Final = "►"


@dataclass(frozen=True, slots=True)
class RowColumn:
    """One column: its title and how much room it asks for, in cells."""

    title: str
    width: int
    share: int = 0
    """Its part of the room left over; 0 keeps it at `width`."""
    from_width: int = 0
    """Shown in views at least this wide."""
    right: bool = False
    most: int = 0
    """As wide as its longest cell, from `width` to this many cells; grows, never shrinks."""


class Gauge(NamedTuple):
    """A cell that is a bar as long as its column allows."""

    value: float
    most: float


class Row(NamedTuple):
    """One row. The cells are inert text or gauges, one for each column.

    Where there are fewer, the last takes the room of the rest.
    """

    key: Hashable
    cells: tuple[str | Gauge, ...]
    tints: tuple[str, ...] = ()
    """A component class for each cell; "" is none."""
    continues: bool = False
    """Whether it goes on with the row above: to the cursor both are one."""


class RowsView(ScrollView, can_focus=True):
    """Rows under a line of titles. Rows given again keep the cursor on its key."""

    DEFAULT_CSS = """
    RowsView {
        height: 1fr; background: $surface; scrollbar-size-vertical: 1;
        overflow-x: hidden; overflow-y: auto; scrollbar-gutter: stable;
        & > .rows--header { color: $text-muted; background: $panel; text-style: bold; }
        & > .rows--cursor {
            color: $block-cursor-foreground; background: $block-cursor-background;
            text-style: bold;
        }
        & > .rows--muted { color: $text-muted; }
        & > .rows--good { color: $text-success; }
        & > .rows--bar { color: $primary-darken-1; }
        & > .rows--warning { color: $text-warning; }
        & > .rows--error { color: $text-error; }
    }
    """ + theme.status_css("RowsView")

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--header", "rows--cursor", "rows--muted", "rows--good", "rows--bar", "rows--warning",
        "rows--error",
        *theme.STATUS_CLASSES,
    }  # fmt: skip

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
        Binding("enter", "activate", "Open"),
    ]

    @dataclass
    class CursorMoved(Message):
        """The cursor is on another row; None in an empty view."""

        view: "RowsView"
        key: Hashable

        @property
        def control(self) -> "RowsView":
            """The view."""
            return self.view

    @dataclass
    class Activated(Message):
        """The user wants to go where this row leads."""

        view: "RowsView"
        key: Hashable

        @property
        def control(self) -> "RowsView":
            """The view."""
            return self.view

    def __init__(
        self,
        columns: Sequence[RowColumn],
        *,
        empty: str = "",
        titled: bool = True,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a view without rows.

        Args:
            columns: what each row has, from left to right.
            empty: what to show where there are no rows.
            titled: whether the columns' titles stand above the rows.
            id: the widget's id.
            classes: the widget's CSS classes.
        """
        super().__init__(id=id, classes=classes)
        self.columns = tuple(columns)
        self.empty = empty
        self._heading = 1 if titled else 0
        self._longest: list[int] = []
        self.rows: tuple[Row, ...] = ()
        self.cursor = 0
        self.is_filled = False
        self._widths: tuple[int, ...] = ()
        self._fitted = 0
        self._reported: Hashable = None
        self._styles: dict[str, Style] = {}

    @property
    def current(self) -> Hashable:
        """The key under the cursor; None without rows."""
        return self.rows[self.cursor].key if self.rows else None

    def room(self, column: int) -> tuple[int, int]:
        """Cells of a column, alone and with all right of it; 0 before the view has its size."""
        if (width := self.scrollable_content_region.width - _GUTTER) <= 0:
            return 0, 0
        widths = self._fit_columns(width)
        return widths[column], _spanned(widths[column:])

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows instead; the cursor stays on its key, else on its line."""
        given = tuple(rows)
        if self.is_filled and given == self.rows:
            return
        key, old = self.current, len(self.rows)
        self.rows, self.is_filled = given, True
        places = {row.key: index for index, row in enumerate(given)}
        self.cursor = self._head(min(places.get(key, self.cursor), max(len(given) - 1, 0)))
        self._look_at_lengths()
        if len(given) != old:
            self._measure()
        self.refresh()
        self._report()

    def go_to(self, key: Hashable) -> None:
        """Put the cursor on the row with this key, if there is one."""
        for index, row in enumerate(self.rows):
            if row.key == key:
                self._place(index)

    def retitle(self, columns: Sequence[RowColumn]) -> None:
        """Give the columns other titles; the same ones again change nothing."""
        if (given := tuple(columns)) != self.columns:
            self.columns = given
            self._fitted = 0
            self.refresh()

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        heads = [index for index, row in enumerate(self.rows) if not row.continues]
        if heads:
            place = heads.index(self.cursor) + rows
            self._place(heads[min(max(place, 0), len(heads) - 1)])

    def action_page(self, pages: int) -> None:
        """Move the cursor by screens."""
        self._place(self.cursor + pages * max(self.size.height - self._heading, 1))

    def action_first(self) -> None:
        """Go to the first row."""
        self._place(0)

    def action_last(self) -> None:
        """Go to the last row."""
        self._place(len(self.rows) - 1)

    def action_activate(self) -> None:
        """Go where the row leads."""
        if self.rows:
            self.post_message(self.Activated(self, self.current))

    def on_click(self, event: events.Click) -> None:
        """Point with the mouse; a double click opens."""
        spot = event.get_content_offset(self)
        if spot is None or spot.y < self._heading:
            return
        index = spot.y - self._heading + self.scroll_offset.y
        if index < len(self.rows):
            self._place(index)
            if event.chain == 2:  # noqa: PLR2004 - a double click
                self.action_activate()

    def on_resize(self, event: events.Resize) -> None:
        """Give the columns their widths anew."""
        del event
        self._measure()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Show that keys go elsewhere."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The titles, or one row."""
        # Only here is the layout sure to be settled.
        if (width := self.scrollable_content_region.width) != self._fitted:
            self._fitted = width
            self._widths = self._fit_columns(width - _GUTTER)
        if y < self._heading:
            style = self._style("rows--header")
            cells = [fit(c.title, w, right=c.right) for c, w in self._placed()]
            return self._strip("  ", cells, [style] * len(cells), style)
        index = y - self._heading + self.scroll_offset.y
        own = self._style()
        if index >= len(self.rows):
            text = self.empty if self.is_filled and y == self._heading and not self.rows else ""
            return self._strip("  ", [text], [self._style("rows--muted")], own)
        return self._row(index)

    def _row(self, index: int) -> Strip:
        row = self.rows[index]
        at_cursor = self._head(index) == self.cursor and self.has_focus
        base = self._style("rows--cursor" if at_cursor else "")
        cells: list[str] = []
        styles: list[Style] = []
        last = len(row.cells) - 1
        for place, (column, alone) in self._placed_with_index():
            if place > last:
                break
            width = _spanned(self._widths[place:]) if place == last else alone
            cells.append(_shown(row.cells[place], width, right=column.right))
            tint = row.tints[place] if place < len(row.tints) else ""
            # Under the cursor a tint changes the letters alone.
            colour = Style(color=self._style(tint).color) if tint else None
            styles.append(base + colour if colour else base)
        points = at_cursor and index == self.cursor
        return self._strip(f"{_POINTER if points else ' '} ", cells, styles, base)

    def _strip(
        self, gutter: str, cells: Sequence[str], styles: Sequence[Style], base: Style
    ) -> Strip:
        segments = [Segment(gutter, base)]
        for number, (cell, style) in enumerate(zip(cells, styles, strict=True)):
            if number:
                segments.append(Segment(" " * _GAP, base))
            segments.append(Segment(cell, style))
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _placed(self) -> list[tuple[RowColumn, int]]:
        return [entry for _, entry in self._placed_with_index()]

    def _placed_with_index(self) -> list[tuple[int, tuple[RowColumn, int]]]:
        pairs = zip(self.columns, self._widths, strict=False)
        return [(place, (column, width)) for place, (column, width) in enumerate(pairs) if width]

    def _fit_columns(self, width: int) -> tuple[int, ...]:
        shown = [column for column in self.columns if width >= column.from_width]
        while _least(shown) > width and (given_up := [c for c in shown if not c.share]):
            shown.remove(given_up[-1])  # names go last
        spare = max(width - _least(shown), 0)
        longest = dict(zip(self.columns, self._longest, strict=False))
        grown = dict[RowColumn, int]()
        for column in shown:
            wanted = max(min(longest.get(column, 0), column.most) - column.width, 0)
            grown[column] = min(wanted, spare)
            spare -= grown[column]
        shares = sum(column.share for column in shown)
        widths = [
            0
            if c not in shown
            else c.width + grown[c] + (spare * c.share // shares if shares else 0)
            for c in self.columns
        ]
        flexible = [place for place, c in enumerate(self.columns) if c in shown and c.share]
        if flexible:
            used = sum(widths) + _GAP * (len(shown) - 1)
            widths[flexible[-1]] = max(widths[flexible[-1]] + width - used, 1)
        return tuple(widths)

    def _look_at_lengths(self) -> None:
        """Let the columns that follow their content grow with it."""
        if not any(column.most for column in self.columns):
            return
        longest = list(self._longest) or [0] * len(self.columns)
        for place, column in enumerate(self.columns):
            if column.most:
                cells = (row.cells[place] for row in self.rows if place < len(row.cells))
                # A gauge takes what it can get.
                found = (cell_len(c) if isinstance(c, str) else column.most for c in cells)
                longest[place] = max(longest[place], *found, cell_len(column.title), 0)
        if longest != self._longest:
            self._longest, self._fitted = longest, 0

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.rows) + self._heading)
        self.refresh()
        self._show_cursor()

    def _place(self, index: int) -> None:
        self.cursor = self._head(min(max(index, 0), max(len(self.rows) - 1, 0)))
        self._show_cursor()
        self.refresh()
        self._report()

    def _head(self, index: int) -> int:
        """The row that this one goes on with, or itself."""
        while index > 0 and index < len(self.rows) and self.rows[index].continues:
            index -= 1
        return index

    def _show_cursor(self) -> None:
        height = max(self.size.height - self._heading, 1)
        top, end = self.scroll_offset.y, self.cursor
        while end + 1 < len(self.rows) and self.rows[end + 1].continues:
            end += 1
        wanted = min(max(top, end - height + 1), self.cursor)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True, immediate=True)

    def _report(self) -> None:
        if self.current != self._reported:
            self._reported = self.current
            self.post_message(self.CursorMoved(self, self.current))

    def notify_style_update(self) -> None:
        """Forget the old colours."""
        super().notify_style_update()
        self._styles.clear()

    def _style(self, name: str = "") -> Style:
        """The style of a component class over the view's own; worked out once."""
        if name not in self._styles:
            own = self.rich_style
            component = self.get_component_rich_style(name, partial=True) if name else None
            self._styles[name] = own + component if component else own
        return self._styles[name]


def _spanned(widths: Sequence[int]) -> int:
    """The room of columns side by side; those not shown have none."""
    shown = [width for width in widths if width]
    return sum(shown) + _GAP * (len(shown) - 1) if shown else 0


def _least(columns: Sequence[RowColumn]) -> int:
    """The least room that `columns` take."""
    return sum(column.width for column in columns) + _GAP * (len(columns) - 1)


def _shown(cell: str | Gauge, width: int, *, right: bool) -> str:
    if isinstance(cell, Gauge):
        return bar(cell.value, cell.most, width)
    return fit(cell, width, right=right)
