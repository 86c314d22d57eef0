"""A line above everything that says what is wrong, why, and when it is tried again."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.widgets import Static

from tasq_tui.ui.text.sanitize import safe, safe_content

if TYPE_CHECKING:
    from textual.timer import Timer

_SEVERITIES: Final = ("error", "warning", "info")
_LONGEST_CAUSE: Final = 300


class Banner(Static):
    """Nothing until there is something to say."""

    DEFAULT_CSS = """
    Banner {
        display: none; height: auto; max-height: 3; padding: 0 1; text-style: bold;
        &.-error { display: block; color: $text-error; background: $error-muted; }
        &.-warning { display: block; color: $text-warning; background: $warning-muted; }
        &.-info { display: block; color: $text-primary; background: $primary-muted; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(markup=False, id=id, classes=classes)
        self._kind = ""
        self._message = self._cause = ""
        self._countdown: Callable[[], float | None] | None = None
        self._timer: Timer | None = None
        self._shown = ""

    @property
    def text(self) -> str:
        """What it says now; "" if nothing."""
        return self._shown

    def on_mount(self) -> None:
        """Count down once a second, while there is something to count."""
        self._timer = self.set_interval(1.0, self._draw, pause=self._countdown is None)
        self._draw()

    def say(
        self,
        kind: str,
        message: str,
        cause: str = "",
        countdown: Callable[[], float | None] | None = None,
    ) -> None:
        """Say `message`.

        Args:
            kind: error, warning or info.
            message: what to say; made inert here.
            cause: why; what finds no room in three lines isn't shown.
            countdown: seconds until the next try; None from it means trying now.
        """
        self._kind, self._message, self._countdown = kind, safe(message), countdown
        self._cause = safe(cause, _LONGEST_CAUSE)
        for name in _SEVERITIES:
            self.set_class(name == kind, f"-{name}")
        if self._timer is not None:
            if countdown is None:
                self._timer.pause()
            else:
                self._timer.resume()
        self._draw()

    def clear(self) -> None:
        """Say nothing."""
        if self._kind:
            self.say("", "")

    def _draw(self) -> None:
        text = self._message
        if self._countdown is not None:
            seconds = self._countdown()
            again = "trying now…" if seconds is None else f"next try in {seconds:.0f}s"
            text = f"{text} ({again})"
        if self._cause:
            text = f"{text}: {self._cause}"
        if text != self._shown:
            self._shown = text
            self.update(safe_content(text) if text else Content(""))
