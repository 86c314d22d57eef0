"""Makes text from the database inert on a terminal.

Two layers, since neither holds alone: every value passes through `safe` (which keeps
columns aligned and shows what it replaced), and `ControlFilter`, returned by the App's
`get_line_filters`, drops control characters from whatever some widget let through.
"""

import re
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter

REPLACEMENT: Final = "\ufffd"
NEWLINE_GLYPH: Final = "↵"
TAB_GLYPH: Final = "⇥"
CUT_GLYPH: Final = "…"

_BIDI: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_INVISIBLE: Final = (
    0x200B, 0x200D,                                  # zero-width space and joiner
    *range(0x2060, 0x2066), 0xFEFF, *range(0xFFF9, 0xFFFC),
    0x115F, 0x1160, 0x3164, 0xFFA0, 0x180E,          # fillers: terminals disagree on their width
    *range(0xE0000, 0xE0080),                        # tag characters
)  # fmt: skip
# Terminals disagree on the width of what these modify; the bare character has one width.
_MODIFIERS: Final = (*range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400), *range(0xE0100, 0xE01F0))

_GLYPHS: Final[dict[int, str]] = (
    {code: chr(0x2400 + code) for code in range(0x20)}
    | {0x0A: NEWLINE_GLYPH, 0x09: TAB_GLYPH, 0x7F: "\u2421", 0xAD: "-"}
    | dict.fromkeys((*range(0x80, 0xA0), *_BIDI, *_INVISIBLE), REPLACEMENT)
    | dict.fromkeys((0x85, 0x2028, 0x2029), NEWLINE_GLYPH)
    | dict.fromkeys(_MODIFIERS, "")
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_COMBINING: Final = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_STACKED: Final = re.compile(f"([{_COMBINING}]{{2}})[{_COMBINING}]+")
_LEADING: Final = re.compile(f"^(?=[{_COMBINING}])")


def safe(value: object, limit: int = 1000) -> str:
    """`value` as one line of inert text of at most `limit` characters.

    Control and bidirectional characters become visible marks, newlines `↵`. Ordinary wide
    characters stay.
    """
    text = value if isinstance(value, str) else str(value)
    if len(text) > limit:
        text = text[: max(limit - 1, 0)] + CUT_GLYPH
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").translate(_GLYPHS)
    text = _SURROGATE.sub(REPLACEMENT, text)
    # A mark without a base would join the neighbouring column; a tower of them, other lines.
    return _LEADING.sub("◌", _STACKED.sub(r"\1", text))


def safe_lines(value: object, limit: int = 100_000, tab: int = 4) -> Iterator[str]:
    """The inert lines of `value`: its newlines break, tabs become spaces."""
    text = value if isinstance(value, str) else str(value)
    if len(text) > limit:
        text = text[:limit] + CUT_GLYPH
    for line in text.replace("\r\n", "\n").split("\n"):
        yield safe(line.expandtabs(tab), limit=len(line) * tab + 1)


def safe_content(value: object, style: str = "", limit: int = 1000) -> Content:
    """`value` as inert content that is never read as markup."""
    return Content.styled(safe(value, limit), style) if style else Content(safe(value, limit))


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text`, inert already, cut or padded to exactly `width` cells."""
    if width <= 0:
        return ""
    cells = len(text) if text.isascii() else cell_len(text)
    if cells > width:
        return set_cell_size(text, width - 1) + CUT_GLYPH
    padding = " " * (width - cells)
    return padding + text if right else text + padding


def folded(text: str, width: int) -> Iterator[str]:
    """`text`, inert already, in lines of at most `width` cells: between words where it can."""
    start, plain = 0, text.isascii()
    while True:
        if plain:
            line = text[start : start + width]
        else:  # at most two marks stand over a character: see _STACKED
            part = text[start : start + 3 * width]
            # Nothing is left of marks that Rich counts as 0 cells, or of one too wide a character.
            line = next(iter(chop_cells(part, width)), part) or text[start : start + 1]
        end = start + len(line)
        if end >= len(text):
            yield text[start:]
            return
        space = text.rfind(" ", start + len(line) // 2, end + 1)
        yield line if space < 0 else text[start:space]
        start = end if space < 0 else space + 1


# Rich counts all of these but the surrogates as 0 cells, so that dropping them keeps a
# line's measured length.
_ACTIVE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)


class ControlFilter(LineFilter):
    """The last gate before the terminal: no control character leaves in any segment."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - the base's signature
        """The same segments, with the active characters taken out."""
        return [segment if _is_safe(segment.text) else _disarmed(segment) for segment in segments]


def _is_safe(text: str) -> bool:
    return text.isprintable() or not (_ACTIVE.search(text) or _SURROGATE.search(text))


def _disarmed(segment: Segment) -> Segment:
    text = _SURROGATE.sub(REPLACEMENT, _ACTIVE.sub("", segment.text))
    return Segment(text, segment.style, segment.control)
