"""The figures at the top: one number each, coloured only past a threshold."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from textual.content import Content
from textual.widget import Widget

from tasq_tui.ui.text.sanitize import fit

_LEAST: Final = 13
"""Cells of a tile, so that its label has room."""
_BOXED_LINES: Final = 3


class Tile(NamedTuple):
    """One figure."""

    label: str
    value: str
    tone: str = ""
    """Its style, as "$text-warning"; "" is plain."""


class Tiles(Widget):
    """Tiles side by side; in one line without boxes where that is all the room."""

    DEFAULT_CSS = """
    Tiles { height: 3; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._tiles: tuple[Tile, ...] = ()

    def show(self, tiles: Sequence[Tile]) -> None:
        """Show these; the same again paint nothing."""
        if (given := tuple(tiles)) != self._tiles:
            self._tiles = given
            self.refresh()

    def render(self) -> Content:
        """Boxes, or one line."""
        width, height = self.size
        if not self._tiles:
            return Content("")
        if height < _BOXED_LINES:
            return _line(self._tiles, width)
        shown = self._tiles[: max(width // _LEAST, 1)]
        each, rest = divmod(width, len(shown))
        rows: list[list[Content]] = [[], [], []]
        for index, tile in enumerate(shown):
            for row, part in zip(rows, _box(tile, each + (index < rest)), strict=True):
                row.append(part)
        return Content("\n").join([Content("").join(row) for row in rows])


def _box(tile: Tile, width: int) -> tuple[Content, Content, Content]:
    """Its three lines, each `width` cells wide."""
    inner, edge = width - 2, "$border-blurred"
    label = fit(tile.label, min(len(tile.label), inner - 2))
    rest = "─" * max(inner - len(label) - 2, 0)
    value = fit(tile.value.center(inner), inner)
    return (
        Content.assemble(("╭", edge), (f" {label} ", "$text-muted"), (f"{rest}╮", edge)),
        Content.assemble(("│", edge), (value, f"bold {tile.tone}".strip()), ("│", edge)),
        Content.styled(f"╰{'─' * inner}╯", edge),
    )


def _line(tiles: Sequence[Tile], width: int) -> Content:
    parts: list[Content] = []
    room = width
    for tile in tiles:
        part = Content.assemble(
            (f" {tile.label} ", "$text-muted"), (tile.value, f"bold {tile.tone}".strip()), " "
        )
        room -= part.cell_length
        if room < 0:
            break
        parts.append(part)
    return Content("").join(parts)
