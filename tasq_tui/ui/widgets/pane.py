"""A bordered pane: its title at the left of the top line, a count or an age at the right."""

from typing import Final

from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget

from tasq_tui.ui.text.sanitize import fit, safe

_EDGE: Final = "─"
_TAKEN: Final = 6
"""Cells of the top line that corners, their dashes and blanks take."""
_LEAST_EDGE: Final = 2
_BETWEEN: Final = " · "
"""What stands between the parts of a note."""


class Pane(Vertical):
    """What it holds, in a round border; coloured while the focus is inside."""

    DEFAULT_CSS = """
    Pane {
        width: 1fr; height: 1fr; background: $surface;
        border: round $border-blurred; border-title-color: $border-blurred;
    }
    Pane:focus-within { border: round $primary; border-title-color: $primary; }
    """

    def __init__(
        self,
        *children: Widget,
        title: str = "",
        note: str = "",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a pane.

        Args:
            children: what it holds, from top to bottom.
            title: at the left of the top line; made inert here.
            note: at the right of it: a count, an age.
            id: the widget's id.
            classes: the widget's CSS classes.
        """
        super().__init__(*children, id=id, classes=classes)
        self._label: tuple[str, str | Content, str] = (title, note, "")

    @property
    def label(self) -> tuple[str, str]:
        """Title and note as they are now."""
        return self._label[0], str(self._label[1])

    def entitle(self, title: str, note: str | Content = "", tone: str = "") -> None:
        """Show another title and note; only the top line is painted again.

        Args:
            title: at the left; made inert here.
            note: at the right; made inert here, unless it is content.
            tone: the note's style, as "$text-error"; "" for muted.
        """
        if (title, note, tone) != self._label:
            self._label = (title, note, tone)
            self._draw_label()

    def on_mount(self) -> None:
        """Show the title."""
        self._draw_label()

    def on_resize(self) -> None:
        """Put the note at the right again."""
        self._draw_label()

    def _draw_label(self) -> None:
        title, note, tone = self._label
        room = max(self.outer_size.width - _TAKEN, 0)
        self._border_title = top_line(title, note, tone, room)
        # Not `border_title`, which paints all of the pane.
        self.refresh(Region(-1, -1, self.outer_size.width, 1))


def top_line(title: str, note: str | Content, tone: str, room: int) -> Content | None:
    """Title, edge and note, exactly `room` cells.

    Where both don't fit, a note loses its parts after the first, the last of them first; then
    all of it goes.
    """
    title = safe(title)
    if not title or room <= 0:
        return None
    shown = Content.styled(title, "bold $foreground")
    right = note if isinstance(note, Content) else Content(safe(note))
    right = right.stylize_before(tone or "$text-muted")
    edge = room - shown.cell_length - right.cell_length - 2
    if right.cell_length and edge >= _LEAST_EDGE:
        return Content.assemble(shown, f" {_EDGE * edge} ", right)
    if isinstance(note, str) and _BETWEEN in note:
        return top_line(title, note.rpartition(_BETWEEN)[0], tone, room)
    if shown.cell_length > room:
        return Content.styled(fit(title, room), "bold $foreground")
    return shown
