"""What to do with an empty table: the commands of the first minutes."""

import shlex
from typing import Final

from textual.content import Content
from textual.widgets import Static

from tasq_tui.admin.command_line import target
from tasq_tui.ui.session import Session
from tasq_tui.ui.text.redrawing import redraw
from tasq_tui.ui.text.sanitize import safe

_STEPS: Final = (
    ("m", "creates the table, or from a shell:", "migrate"),
    ("i", "writes a first task here, or from a shell:", 'submit email --args \'{"to": "a@b.c"}\''),
    ("6", "runs your handlers here, or from a shell:", "work myapp.tasks:handlers"),
    ("", "to look around first, with made-up tasks and a live consumer:", "demo"),
)
_LABEL: Final = 4


class FirstSteps(Static):
    """Shown instead of charts while there are no tasks."""

    DEFAULT_CSS = """
    FirstSteps { display: none; height: auto; padding: 1 2 0 2; background: $surface; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(markup=False)
        self._session = session

    def show(self, *, is_missing: bool) -> None:
        """Say what can be done.

        Args:
            is_missing: the table isn't there yet.
        """
        settings = self._session.settings
        options = shlex.join(target(settings))
        heading = "No table here yet." if is_missing else "This table has no tasks yet."
        lines = [
            Content.styled(heading, "bold"),
            Content.styled(safe(settings.redacted_url), "$text-muted"),
        ]
        for key, about, command in _STEPS[0 if is_missing else 1 :]:
            line = f"tasq {command}" if command == "demo" else f"tasq {command} {options}".rstrip()
            lines += [
                Content(""),
                Content.assemble((key.ljust(_LABEL), "bold $footer-key-foreground"), about),
                Content.assemble(" " * _LABEL, (safe(line, 500), "$text-primary")),
            ]
        redraw(self, Content("\n").join(lines))
