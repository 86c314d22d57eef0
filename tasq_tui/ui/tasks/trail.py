"""Where the user came from: earlier filters with their cursors, and the screens they led from."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tasq_tui.ui.tasks.keyset import Key

_MOST: Final = 50


class Spot(NamedTuple):
    """A place to go back to."""

    where: str
    """The filter."""
    key: Key | None
    """Of the row under the cursor."""
    screen: str = ""
    """The screen from which the tasks were opened; "" is the tasks themselves."""


@dataclass
class Trail:
    """The places passed, the last one last. A filter that is applied again adds none."""

    text: str = ""
    """The filter that is applied."""
    landing: Key | None = None
    """The row on which the cursor is put once the filter coming is applied."""
    _origin: str = ""
    _is_returning: bool = False
    _spots: list[Spot] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self._spots)

    def arrive(self, screen: str) -> None:
        """The filter that is applied next was asked for from another screen."""
        self._origin = screen

    def go_to(self, key: Key | None) -> None:
        """The filter that is applied next puts the cursor there."""
        self.landing = key

    def back(self) -> Spot:
        """The last place; the filter that is applied next is the one of it."""
        spot = self._spots.pop()
        self._is_returning, self.landing = True, spot.key
        return spot

    def apply(self, text: str, key: Key | None) -> Key | None:
        """Note that `text` is applied, the cursor having been at `key`; where it goes."""
        if not self._is_returning and (text != self.text or self._origin):
            self._spots = [*self._spots, Spot(self.text, key, self._origin)][-_MOST:]
        self.text, self._origin, self._is_returning = text, "", False
        landing, self.landing = self.landing, None
        return landing
