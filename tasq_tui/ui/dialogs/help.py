"""All keys, those of the current screen first; what is typed after / leaves those it names."""

from collections.abc import Callable, Iterator
from typing import ClassVar, Final

from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from tasq_tui.ui.actions import ACTIONS, Action, Scope
from tasq_tui.ui.dialogs.base import Dialog
from tasq_tui.ui.keys.reference import OTHER_KEYS
from tasq_tui.ui.text.sanitize import fit, folded

_KEYS: Final = 11
_BOX: Final = (84, 160)
"""Cells of the box, with one column and with two, where the screen has them."""
_TAKEN: Final = 8
"""Cells of it beside the text: border, padding, scroll bar."""
_TWO_COLUMNS: Final = 100
_NO_KEY: Final = "No key does that. The palette, ctrl+p, knows sentences too."

Block = list[Content]
"""A heading and its keys."""


class HelpDialog(Dialog[None]):
    """Closes on Escape, `?` and `q`; scrolls; two columns where there is room."""

    DEFAULT_CSS = """
    HelpDialog {
        & .dialog--box { width: 84; }
        & Input { display: none; }
        & Input.-searching { display: block; }
        & Horizontal { height: auto; }
        & Horizontal > Static { width: 1fr; height: auto; }
        & #help-right { display: none; margin-left: 2; }
        &.-two .dialog--box { width: 160; }
        &.-two #help-right { display: block; }
    }
    """

    AUTO_FOCUS: ClassVar[str] = ""  # the field is hidden until `/`: in it, letters are text
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1,q", "cancel", "Close", show=False),
        Binding("slash", "search", "Search", show=False),
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
        super().__init__("Keys", "↑ ↓ scroll · / searches · Esc closes")
        self._scope = scope
        self._keys_of = keys_of
        self._left = Static(id="help-left", markup=False)
        self._right = Static(id="help-right", markup=False)
        self._input = Input(placeholder="a key, a name, a word of what it does", compact=True)

    def body(self) -> Iterator[Widget]:
        """One line a key, in one column or two."""
        yield self._input
        yield Horizontal(self._left, self._right)

    def on_resize(self, event: events.Resize) -> None:
        """Choose one column or two."""
        self.set_class(event.size.width >= _TWO_COLUMNS, "-two")
        self._fill(self._input.value)

    def action_search(self) -> None:
        """Let the user type what to look for."""
        self._input.set_class(True, "-searching")
        self._input.focus()

    def action_scroll(self, lines: int) -> None:
        """Scroll the keys."""
        self.query_one(".dialog--box").scroll_relative(y=lines, animate=False)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.set_focus(None)

    def _fill(self, wanted: str) -> None:
        is_two = self.has_class("-two")
        room = min(_BOX[is_two], self.size.width * 96 // 100) - _TAKEN
        room = (room - 2) // 2 if is_two else room
        blocks = list(self._blocks(wanted.strip().casefold(), room))
        if not blocks:
            blocks = [[Content(_NO_KEY)]]
        if not is_two:
            self._left.update(_joined(blocks))
            return
        total, left = sum(map(len, blocks)), list[Block]()
        while blocks and (not left or sum(map(len, left)) + len(blocks[0]) // 2 < total / 2):
            left.append(blocks.pop(0))
        self._left.update(_joined(left))
        self._right.update(_joined(blocks))

    def _blocks(self, wanted: str, room: int) -> Iterator[Block]:
        for scope in dict.fromkeys((self._scope, Scope.APP, *Scope)):
            lines = [
                line
                for action in ACTIONS
                if action.scope is scope and _names(action, self._keys_of(action), wanted)
                for line in _lines(self._keys_of(action), action.about, room)
            ]
            if lines:
                yield [_heading(scope.value), *lines]
        for heading, table in OTHER_KEYS:
            lines = [
                line
                for keys, about in table
                if wanted in f"{keys} {about}".casefold()
                for line in _lines(keys, about, room)
            ]
            if lines:
                yield [_heading(heading), *lines]


def _names(action: Action, keys: str, wanted: str) -> bool:
    """Whether every word of `wanted` names the action."""
    text = f"{keys} {action.label} {action.name} {action.about}".casefold()
    return all(word in text for word in wanted.split())


def _joined(blocks: list[Block]) -> Content:
    lines = [line for block in blocks for line in (*block, Content(""))]
    return Content("\n").join(lines[:-1])


def _heading(text: str) -> Content:
    return Content.styled(text.upper(), "bold $text-primary")


def _lines(keys: str, about: str, room: int) -> Iterator[Content]:
    """Keys, and what they do beside them, on as many lines as that takes."""
    taken = max(_KEYS, len(keys)) if len(keys) < room // 2 else _KEYS
    first = fit(keys, taken)
    for part in folded(about, max(room - taken - 1, 1)):
        yield Content.assemble((first, "bold $footer-key-foreground"), f" {part}")
        first = " " * taken
