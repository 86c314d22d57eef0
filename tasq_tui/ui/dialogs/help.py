"""All keys, those of the current screen first."""

from collections.abc import Callable, Iterator
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tasq_tui.ui.actions import ACTIONS, Action, Scope
from tasq_tui.ui.dialogs.base import Dialog
from tasq_tui.ui.keys.reference import OTHER_KEYS
from tasq_tui.ui.text.sanitize import fit

_KEYS: Final = 16


class HelpDialog(Dialog[None]):
    """Closes on Escape, `?` and `q`; scrolls."""

    DEFAULT_CSS = """
    HelpDialog .dialog--box { width: 84; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1,q", "cancel", "Close", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("pagedown,space,ctrl+f", "scroll(10)", "Page down", show=False),
        Binding("pageup,ctrl+b", "scroll(-10)", "Page up", show=False),
        Binding("home,g", "scroll(-10_000)", "First", show=False),
        Binding("end,G", "scroll(10_000)", "Last", show=False),
    ]

    def __init__(self, scope: Scope, keys_of: Callable[[Action], str]) -> None:
        """Show all actions.

        Args:
            scope: whose come first.
            keys_of: the keys of an action as the user has set them.
        """
        super().__init__("Keys", "↑ ↓ scroll · Esc closes")
        self._scope = scope
        self._keys_of = keys_of

    def body(self) -> Iterator[Widget]:
        """One line a key."""
        lines: list[Content] = []
        for scope in dict.fromkeys((self._scope, Scope.APP, *Scope)):
            lines.append(_heading(scope.value))
            here = [action for action in ACTIONS if action.scope is scope]
            lines += [_line(self._keys_of(action), action.about) for action in here]
            lines.append(Content(""))
        for heading, table in OTHER_KEYS:
            lines.append(_heading(heading))
            lines += [_line(keys, about) for keys, about in table]
            lines.append(Content(""))
        yield Static(Content("\n").join(lines[:-1]), markup=False)

    def action_scroll(self, lines: int) -> None:
        """Scroll the keys."""
        self.query_one(".dialog--box").scroll_relative(y=lines, animate=False)


def _heading(text: str) -> Content:
    return Content.styled(text.upper(), "bold $text-primary")


def _line(keys: str, about: str) -> Content:
    return Content.assemble((fit(keys, _KEYS), "bold $footer-key-foreground"), f" {about}")
