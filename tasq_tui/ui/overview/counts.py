"""How many tasks there are: a card for each group of statuses, a bar for each status."""

from collections.abc import Mapping
from typing import Final

from textual.content import Content
from textual.widget import Widget

from tasq_core.task import FINISHED_STATUSES, OPEN_STATUSES, TaskStatus
from tasq_tui.ui.text.bars import bar
from tasq_tui.ui.text.formats import count, status_text
from tasq_tui.ui.text.sanitize import fit
from tasq_tui.ui.text.theme import STATUS_TOKENS

_LABEL: Final = 13
_NUMBER: Final = 12
_SIDE_BY_SIDE: Final = 60
_BETWEEN: Final = 3


class StatusCounts(Widget):
    """Two cards, OPEN and FINISHED, under the total; side by side where there is room."""

    DEFAULT_CSS = """
    StatusCounts { height: auto; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._counts: Mapping[TaskStatus, int] | None = None
        self._approximate = False
        self._note = ""

    def show(
        self, counts: Mapping[TaskStatus, int], *, approximate: bool = False, note: str = ""
    ) -> None:
        """Show these counts.

        Args:
            counts: tasks per status; open ones are exact.
            approximate: the finished ones are not.
            note: how old the finished counts are, say.
        """
        state = (counts, approximate, note)
        if state != (self._counts, self._approximate, self._note):
            self._counts, self._approximate, self._note = dict(counts), approximate, note
            self.refresh(layout=False)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """Five lines side by side, else nine."""
        del container, viewport
        return 5 if width >= _SIDE_BY_SIDE else 9

    def render(self) -> Content:
        """The cards."""
        if self._counts is None:
            return Content("counting…")
        width = self.content_size.width
        total = sum(self._counts.values())
        heading = Content.styled(f"ALL {count(total, approximate=self._approximate)}", "bold")
        if width < _SIDE_BY_SIDE:
            open_card = self._card("OPEN", OPEN_STATUSES, width)
            return Content("\n").join([heading, *open_card, *self._finished_card(width)])
        half = (width - _BETWEEN) // 2
        pairs = zip(self._card("OPEN", OPEN_STATUSES, half), self._finished_card(half), strict=True)
        gap = " " * _BETWEEN
        return Content("\n").join([heading, *(Content.assemble(a, gap, b) for a, b in pairs)])

    def _finished_card(self, width: int) -> list[Content]:
        note = Content.styled(fit(self._note, width), "$text-muted")
        return [*self._card("FINISHED", FINISHED_STATUSES, width), note]

    def _card(self, name: str, statuses: tuple[TaskStatus, ...], width: int) -> list[Content]:
        counts = {status: (self._counts or {}).get(status, 0) for status in statuses}
        approximate = self._approximate and statuses is FINISHED_STATUSES
        total = count(sum(counts.values()), approximate=approximate)
        lines = [Content.styled(fit(f"{name} {total}", width), "bold")]
        most = max(counts.values())
        for status, number in counts.items():
            shown = fit(count(number, approximate=approximate), _NUMBER, right=True)
            room = max(width - _LABEL - _NUMBER - 2, 0)
            colour = STATUS_TOKENS[status]
            text = f"{fit(status_text(status), _LABEL)} "
            rest = f"{shown} {bar(number, most, room)}"
            lines.append(Content.assemble((text, colour), (rest, colour if number else "")))
        return lines
