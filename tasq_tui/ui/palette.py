"""The palette: a line an action, found by label, name or sentence, this screen's first."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from rich.cells import cell_len
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tasq_tui.ui.actions import ACTIONS, Action, Scope
from tasq_tui.ui.messages import ShowTasks
from tasq_tui.ui.text.sanitize import fit, safe
from tasq_tui.ui.widgets.header import SCREENS

if TYPE_CHECKING:
    from textual.types import IgnoreReturnCallbackType

    from tasq_tui.ui.app import CockpitApp

WIDTH: Final = 92
"""Cells of the palette; `app.tcss` says so too."""
_TAKEN: Final = 7
"""Cells of them beside the text."""
_LONGEST: Final = 40
_NEARLY: Final = 0.1
"""The letters are there, in this order."""
_ELSEWHERE: Final = 0.05
"""How much less an action of another screen counts."""


class Command(NamedTuple):
    """A line of the palette."""

    sentence: str
    key: str
    """At the right: the key, and where it works where that isn't here."""
    names: tuple[str, ...]
    """What else it is found by: label, name in `[keys]`."""
    call: "IgnoreReturnCallbackType"
    is_here: bool = True


class ActionCommands(Provider):
    """What can be called here; what other screens can do leads there."""

    async def discover(self) -> Hits:
        """All that can be done on this screen."""
        for command in self._commands():
            if command.is_here:
                yield DiscoveryHit(self._line(command), command.call, command.sentence)

    async def search(self, query: str) -> Hits:
        """What `query` is a part of, or nearly spells."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = score_of(query, command)
            if not score and command.is_here and matcher.match(command.sentence):
                score = _NEARLY
            if score:
                score -= 0 if command.is_here else _ELSEWHERE
                display = self._line(command, matcher.highlight(command.sentence))
                yield Hit(score, display, command.call, command.sentence)

    def _line(self, command: Command, sentence: Content | None = None) -> Content:
        """The sentence, and the key at the right."""
        room = min(self.app.size.width, WIDTH) - _TAKEN
        shown = sentence if sentence is not None else Content(safe(command.sentence))
        left = max(room - cell_len(command.key) - 1, 1)
        if shown.cell_length > left:
            shown = Content(fit(safe(command.sentence), left))
        gap = " " * max(left - shown.cell_length + 1, 1)
        return Content.assemble(shown, gap, (command.key, "bold $footer-key-foreground"))

    def _commands(self) -> Iterator[Command]:
        app = cast("CockpitApp", self.app)
        here = app.view.SCOPE
        names = {
            action.about: (action.label, action.name.replace("_", " "))
            for action in ACTIONS
            if action.scope in (here, Scope.APP)
        }
        listed = set[str]()
        for found in app.get_system_commands(self.screen):
            key, _, label = found.help.partition(" · ")
            label, _, refused = label.partition(" · ")
            known = names.pop(found.title, (label,))
            listed.add(found.title)
            shown = f"{refused} {key}".strip() if label else ""
            yield Command(found.title, shown, known, found.callback)
        for name, where in app.session.settings.filters.items():
            call = partial(app.view.post_message, ShowTasks(where))
            yield Command(
                f"Show the tasks of the filter {name}", safe(where, _LONGEST), (name,), call
            )
        for action in ACTIONS:
            if action.scope not in (here, Scope.APP) and action.about not in listed:
                listed.add(action.about)
                yield _elsewhere(app, action)


def _elsewhere(app: "CockpitApp", action: Action) -> Command:
    """Goes to the action's screen; it isn't called there, since nobody has seen on what."""
    screen = action.scope.name.lower()
    key = app.get_key_display_of(action)

    async def go() -> None:
        await app.action_go(screen)
        app.changer.notify(f"{key} here: {action.about}")

    names = (action.label, action.name.replace("_", " "))
    return Command(action.about, f"{SCREENS[screen]} {key}", names, partial(go), False)


def score_of(query: str, command: Command) -> float:
    """How well a query names a command, up to 1; 0 where no part of it does."""
    wanted = query.strip().casefold()
    names = [name.casefold() for name in command.names]
    sentence = command.sentence.casefold()
    for score, is_so in (
        (1.0, wanted in names),
        (0.95, any(name.startswith(wanted) for name in names)),
        (0.9, any(wanted in name for name in names)),
        (0.8, wanted in sentence),
    ):
        if is_so:
            return score
    everything = " ".join((*names, sentence))
    return 0.7 if all(word in everything for word in wanted.split()) else 0.0
