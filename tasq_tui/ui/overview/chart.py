"""The chart of what ended: done and failed on one scale, over a range that keys choose."""

from datetime import datetime, timedelta
from typing import Final

from textual.content import Content
from textual.widget import Widget

from tasq_tui.ui.text.chart import DONE, FAILED, Minutes, Plot

RANGES: Final = {
    "1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)
}  # fmt: skip
"""What can be shown, from the shortest to the longest."""


class EndedChart(Widget):
    """What ended, a column a bucket, the newest at the right."""

    DEFAULT_CSS = """
    EndedChart { height: 1fr; padding: 0 1; background: $surface; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.range = next(iter(RANGES))
        self._ended: Minutes = {}
        self._now: datetime | None = None

    @property
    def span(self) -> timedelta:
        """How far back it reaches."""
        return RANGES[self.range]

    def step(self, by: int) -> bool:
        """Take a longer range, or with -1 a shorter one; whether there was one."""
        names = list(RANGES)
        at = names.index(self.range) + by
        if not 0 <= at < len(names):
            return False
        self.range = names[at]
        self.refresh()
        return True

    def show(self, ended: Minutes, now: datetime) -> None:
        """Show what ended by minute; the same in the same minute paints nothing."""
        minute = now.replace(second=0, microsecond=0)
        if minute != self._now or ended != self._ended:
            self._ended, self._now = dict(ended), minute
            self.refresh()

    @property
    def title(self) -> str:
        """What a column stands for."""
        return f"Ended per {self._plot(self._now).unit}" if self._now else "Ended"

    @property
    def note(self) -> Content:
        """The legend and the ranges, the chosen one in brackets."""
        names = " ".join(f"[{name}]" if name == self.range else name for name in RANGES)
        return Content.assemble(("■", DONE), " done ", ("■", FAILED), f" failed · {names} UTC")

    def render(self) -> Content:
        """The chart."""
        if self._now is None:
            return Content("")
        size = self.content_size
        lines = self._plot(self._now).lines(size.width, size.height, colour=not self.app.no_color)
        return Content("\n").join(lines)

    def _plot(self, now: datetime) -> Plot:
        return Plot.of(self._ended, now, self.span, self.content_size.width)
