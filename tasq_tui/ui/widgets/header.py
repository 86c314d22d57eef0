"""The top of every screen: which database this is, how fresh the data, and the screens."""

import time
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from textual import events
from textual.color import Color, ColorParseError
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widget import Widget

from tasq_tui.ui.text.formats import duration
from tasq_tui.ui.text.sanitize import fit, safe

SCREENS: Final = {
    "overview": "Overview",
    "tasks": "Tasks",
    "queues": "Queues & types",
    "errors": "Errors",
    "fleet": "Fleet",
    "consumer": "Consumer",
    "history": "History",
}
"""The screens in the order of their digits, with their titles."""

_SHORTEST_SECONDS: Final = 0.001
_SLOW_SECONDS: Final = 1.0
_NAME_WIDTH: Final = 24


class Header(Widget):
    """Two lines: profile, target and state; the screens by their digits."""

    DEFAULT_CSS = """
    Header { height: 2; dock: top; background: $panel; color: $foreground; }
    """

    @dataclass
    class Chosen(Message):
        """A screen's name was clicked."""

        screen: str

    def __init__(
        self, profile: str, url: str, colour: str, *, read_only: bool, screen: str, prefix: str = ""
    ) -> None:
        """Make a header.

        Args:
            profile: the profile's name; "" without one.
            url: the database's URL without its password.
            colour: the profile's colour, a name or #rrggbb; "" for the theme's.
            read_only: show the RO badge.
            screen: the screen it stands on.
            prefix: the table's prefix.
        """
        super().__init__()
        self._profile = safe(profile, _NAME_WIDTH)
        self._url = safe(url) + (f" · {safe(prefix)}_tasks" if prefix else "")
        self._colour = colour
        self._read_only = read_only
        self._screen = screen
        self._since: float | None = None
        self._seconds: float | None = None
        self._failed = ""
        self._paused = False
        self._shown = ""

    @property
    def state(self) -> str:
        """How the reading goes, in words."""
        waited = 0.0 if self._since is None else time.monotonic() - self._since
        if waited >= _SLOW_SECONDS:
            return f"◐ reading {waited:.0f}s"
        if self._failed:
            return f"\u00d7 {self._failed}"
        took = "" if self._seconds is None else f" {_took(self._seconds)}"
        if self._paused:
            return f"■ paused{took}"
        return f"● live{took}" if self._seconds is not None else "◐ connecting"

    def show_reading(self) -> None:
        """A question is on its way."""
        self._since = time.monotonic()

    def show_read(self, *, failed: str = "", seconds: float | None = None) -> None:
        """The question was answered, or failed in the way that a word or two tell."""
        if self._since is not None:
            self._seconds = time.monotonic() - self._since if seconds is None else seconds
        self._since = None
        self._failed = failed
        self.tick()

    def show_paused(self, paused: bool) -> None:
        """Whether refreshing is off."""
        self._paused = paused
        self.tick()

    def tick(self) -> None:
        """Paint again if the state reads differently."""
        if self.state != self._shown:
            self.refresh()

    def render(self) -> Content:
        """Both lines."""
        self._shown = self.state
        width = self.size.width
        badge = Style(
            background=self._badge_colour(), foreground=self._badge_colour().get_contrast_text(1.0),
            bold=True,
        )  # fmt: skip
        left = Content.assemble((f" {self._profile or 'tasq'} ", badge))
        if self._read_only:
            left = Content.assemble(left, (" RO ", "bold reverse $text-warning"))
        colour = "$text-error" if self._failed else "$text-success"
        if self._paused or self._shown.startswith("◐"):
            colour = "$text-warning"
        right = f"{self._shown} "
        room = max(width - left.cell_length - cell_len(right) - 2, 0)
        middle = fit(self._url, room)
        first = Content.assemble(left, f" {middle} ", (right, colour))
        return Content("\n").join([first, self._tabs()])

    def on_click(self, event: events.Click) -> None:
        """Go to the screen whose name was clicked."""
        if event.y != 1:
            return
        at = 0
        for number, (name, title) in enumerate(SCREENS.items(), 1):
            at += len(self._tab(number, title, name))
            if event.x < at:
                self.post_message(self.Chosen(name))
                return

    def _tabs(self) -> Content:
        parts = []
        for number, (name, title) in enumerate(SCREENS.items(), 1):
            chosen = name == self._screen
            style = "bold $block-cursor-foreground on $block-cursor-background" if chosen else ""
            parts.append(Content.styled(self._tab(number, title, name), style or "$text-muted"))
        return Content("").join(parts)

    def _tab(self, number: int, title: str, name: str) -> str:
        """A screen's digit and name; where not all fit, the first letters of the others' names."""
        digits = sum(len(f" {n} ") for n in range(1, len(SCREENS) + 1))
        room = self.size.width - digits - len(SCREENS) + 1  # the last one's blank may be cut
        if name == self._screen or sum(map(len, SCREENS.values())) <= room:
            return f" {number} {title} "
        letters = (room - len(SCREENS[self._screen])) // (len(SCREENS) - 1)
        return f" {number} {title[:letters].strip()} " if letters > 0 else f" {number} "

    def _badge_colour(self) -> Color:
        try:
            return Color.parse(self._colour)
        except ColorParseError:
            return Color.parse(self.app.theme_variables["primary"])


def _took(seconds: float) -> str:
    """How long an answer took; what is too short to matter reads the same each time."""
    return duration(seconds) if seconds >= _SHORTEST_SECONDS else "<1ms"
