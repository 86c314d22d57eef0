"""Text that changes often, without laying out the screen each time."""

from textual.content import Content
from textual.widgets import Static


def redraw(static: Static, text: Content) -> None:
    """Show `text`; the same again changes nothing, and only another height lays out the screen."""
    if text == static.content:
        return

    def height() -> int:
        return static.visual.get_height(static.styles.get_rules(), width) if width else -1

    width = static.content_size.width
    before = height()
    static.update(text, layout=False)
    if not width or height() != before:
        static.refresh(layout=True)
