"""A style sheet that parses each piece of CSS once.

Textual parses all of an app's CSS anew for its theme, and twice for each screen when it is first
shown: a third of the time that takes.
"""

from typing import Any, Final

from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_parsed: Final = LRUCache[tuple[Any, ...], list[RuleSet]](512)
"""By theme and piece of CSS, of all apps of this process; the app has 40 pieces a theme."""
_themes: Final[dict[tuple[tuple[str, str], ...], int]] = {}
"""A number for each set of variables met: as a part of each key they would take a megabyte."""


class ParsedOnce(Stylesheet):
    """Keeps what it parses from theme to theme and from screen to screen."""

    def _parse_rules(self, css: str, *args: Any, **kwargs: Any) -> list[RuleSet]:
        theme = _themes.setdefault(tuple(self._variables.items()), len(_themes))
        key = (theme, css, *args, *kwargs.items())
        found = _parsed.get(key)
        if found is None:
            found = _parsed[key] = super()._parse_rules(css, *args, **kwargs)
        return found

    def reparse(self) -> None:
        """Bring the rules up to date with the variables."""
        self.parse()
