"""The bottom line: the keys that work here now, as many as fit, and always the one for help."""

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.widget import Widget

from tasq_tui.ui import actions

if TYPE_CHECKING:
    from textual.binding import Binding
    from textual.screen import Screen

_KEPT: Final = ("help", "quit")
"""Actions that stay when others don't fit."""


class KeyBar(Widget):
    """Shows the active bindings; a click on one calls it."""

    DEFAULT_CSS = """
    KeyBar { height: 1; dock: bottom; background: $panel; color: $foreground; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._places: list[tuple[int, str]] = []

    def on_mount(self) -> None:
        """Follow what the screen's keys do."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    @property
    def text(self) -> str:
        """What it shows now."""
        return self.render().plain

    def render(self) -> Content:
        """One line, cut to those that fit."""
        room = self.size.width
        shown = self._shown()
        kept = [entry for entry in shown if entry[0].action in _KEPT]
        others = [entry for entry in shown if entry[0].action not in _KEPT]
        room -= sum(_width(*entry[:2], self) for entry in kept)
        fitting = []
        for entry in others:
            room -= _width(*entry[:2], self)
            if room < 0:
                break
            fitting.append(entry)
        self._places = []
        at = 0
        parts: list[Content] = []
        for binding, enabled in [*fitting, *kept]:
            key, label = self.app.get_key_display(binding), binding.description
            colour = actions.tone(binding.id)
            style = colour.value if enabled else "$text-disabled"
            strong = f"bold {colour or '$footer-key-foreground'}" if enabled else style
            parts.append(Content.assemble(" ", (key, strong), " ", (label, style), " "))
            at += _width(binding, enabled, self)
            self._places.append((at, binding.key if enabled else ""))
        return Content("").join(parts)

    async def on_click(self, event: events.Click) -> None:
        """Call the action that was clicked."""
        for end, key in self._places:
            if event.x < end:
                if key:
                    self.app.simulate_key(key)
                return

    def _shown(self) -> "list[tuple[Binding, bool]]":
        found: dict[str, tuple[Binding, bool]] = {}
        for active in self.screen.active_bindings.values():
            if active.binding.show and active.binding.action not in found:
                found[active.binding.action] = (active.binding, active.enabled)
        return list(found.values())

    def _changed(self, screen: "Screen[object]") -> None:
        if screen is self.screen:
            self.refresh()


def _width(binding: "Binding", enabled: bool, bar: KeyBar) -> int:
    del enabled
    return cell_len(bar.app.get_key_display(binding)) + cell_len(binding.description) + 3
