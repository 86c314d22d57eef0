"""Tasks done and failed per minute, as two sparklines."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from textual.content import Content
from textual.widget import Widget

from tasq_core.task import TaskStatus
from tasq_tui.ui.text.bars import sparkline
from tasq_tui.ui.text.formats import compact
from tasq_tui.ui.text.sanitize import fit
from tasq_tui.ui.text.theme import STATUS_TOKENS

_LABEL: Final = 7
_PEAK: Final = 18
_MINUTE: Final = timedelta(minutes=1)
_SHOWN: Final = ((TaskStatus.SUCCESSFUL, "done"), (TaskStatus.FAILED, "failed"))


class Trend(Widget):
    """The last minutes, one a column, the newest at the right, each line on its own scale."""

    DEFAULT_CSS = """
    Trend { height: 4; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._finished: Counter[tuple[datetime, TaskStatus]] = Counter()
        self._minute: datetime | None = None

    @property
    def minutes(self) -> int:
        """How many minutes there is room for."""
        return max(self.content_size.width - _LABEL - _PEAK, 1)

    def show(self, activity: Iterable[tuple[datetime, TaskStatus, int]], now: datetime) -> None:
        """Show what finished when: (minute, SUCCESSFUL or FAILED, how many)."""
        finished = Counter[tuple[datetime, TaskStatus]]()
        for minute, status, number in activity:
            finished[minute.replace(second=0, microsecond=0), status] += number
        minute = now.replace(second=0, microsecond=0)
        if (finished, minute) != (self._finished, self._minute):
            self._finished, self._minute = finished, minute
            self.refresh()

    def render(self) -> Content:
        """Two sparklines, each with its latest whole minute and its peak."""
        if self._minute is None:
            return Content("")
        rows = max(self.content_size.height // 2, 1)
        lines: list[Content] = []
        for status, label in _SHOWN:
            values = [
                self._finished[self._minute - ago * _MINUTE, status]
                for ago in reversed(range(self.minutes))
            ]
            latest = values[-2] if len(values) > 1 else values[-1]
            about = f" {compact(latest)}/min, top {compact(max(values))}"
            spark = sparkline(values, rows)
            for row, text in enumerate(spark):
                last = row == len(spark) - 1
                lines.append(
                    Content.assemble(
                        (fit(label if last else "", _LABEL), "$text-muted"),
                        (text, STATUS_TOKENS[status]),
                        (fit(about if last else "", _PEAK), "$text-muted"),
                    )
                )
        return Content("\n").join(lines)
