"""The palette: every action by its label, name or sentence, this screen's first."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tasq_tui.ui.actions import ACTIONS, Action, Scope
from tasq_tui.ui.widgets.header import SCREENS

if TYPE_CHECKING:
    from textual.types import IgnoreReturnCallbackType

    from tasq_tui.ui.app import CockpitApp

_NEARLY: Final = 0.1
"""The letters are there, in this order."""
_ELSEWHERE: Final = 0.05
"""How much less an action of another screen counts."""


class Command(NamedTuple):
    """A line of the palette."""

    sentence: str
    about: str
    """Key and label, and where it is; shown below the sentence."""
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
                yield DiscoveryHit(command.sentence, command.call, help=command.about)

    async def search(self, query: str) -> Hits:
        """What `query` is a part of, or nearly spells."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = score_of(query, command)
            if not score and command.is_here and matcher.match(command.sentence):
                score = _NEARLY
            if score:
                score -= 0 if command.is_here else _ELSEWHERE
                display = matcher.highlight(command.sentence)
                yield Hit(score, display, command.call, command.sentence, command.about)

    def _commands(self) -> Iterator[Command]:
        app = cast("CockpitApp", self.app)
        here = app.view.SCOPE
        names = {
            action.about: (action.label, action.name.replace("_", " "))
            for action in ACTIONS
            if action.scope in (here, Scope.APP)
        }
        told = set[str]()
        for found in app.get_system_commands(self.screen):
            label = found.help.partition(" · ")[2]
            known = names.pop(found.title, (label,))
            told.add(found.title)
            yield Command(found.title, found.help, known, found.callback)
        for action in ACTIONS:
            if action.scope not in (here, Scope.APP) and action.about not in told:
                told.add(action.about)
                yield _elsewhere(app, action)


def _elsewhere(app: "CockpitApp", action: Action) -> Command:
    """Goes to the action's screen; it isn't called there, since nobody has seen on what."""
    screen = action.scope.name.lower()
    key = app.get_key_display_of(action)

    async def go() -> None:
        await app.action_go(screen)
        app.changer.tell(f"{key} here: {action.about}")

    about = f"{key} · {action.label} · on {SCREENS[screen]}"
    return Command(
        action.about, about, (action.label, action.name.replace("_", " ")), partial(go), False
    )


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
