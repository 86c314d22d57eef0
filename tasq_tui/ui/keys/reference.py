"""The table of all keys, for the help and for docs/keys.md."""

import sys
from collections.abc import Iterator
from typing import Final

from tasq_tui.ui.actions import ACTIONS, Scope

_LIST_KEYS: Final = (
    ("↑ ↓ j k", "Move by a row"),
    ("PgUp PgDn ^b ^f", "Move by a screen"),
    ("Home End g G", "Go to the first, the last"),
    ("Enter", "Open what the row is about"),
    ("Space", "Mark the task and go on (tasks)"),
    ("v", "Begin or end a range that the cursor marks (tasks)"),
    ("Shift+↑ Shift+↓", "Move and mark (tasks)"),
    ("Ctrl+a", "Mark all in view (tasks)"),
    ("Tab Shift+Tab", "Go to the next, the previous part of the screen"),
    ("mouse", "Click points, double click opens, the gutter marks, the wheel scrolls"),
)

_FILTER_KEYS: Final = (
    ("Enter", "Apply the filter, or take the completion chosen"),
    ("Tab", "Complete: take the completion chosen, or the first"),
    ("↑ ↓", "Choose a completion, or go through earlier filters"),
    ("Esc", "Leave: first the completions, then the filter as it was"),
)

OTHER_KEYS: Final = (("Lists", _LIST_KEYS), ("While a filter is typed", _FILTER_KEYS))
"""What isn't an action of the registry, under its heading."""

_NAMES: Final = {
    "question_mark": "?", "slash": "/", "escape": "Esc", "delete": "Delete", "space": "Space",
}  # fmt: skip
_HEAD: Final = """# Keys

Made from the registry of actions by `python -m tasq_tui.ui.keys.reference > docs/keys.md`.

Every action is also in the palette (`Ctrl+p`). To give one another key, name it in the config
file, for all screens or for one:

```toml
[keys]
requeue = "ctrl+r"
"tasks.delete" = "D"
```

Filters with a name are found in the palette, offered while a filter is typed, and known to
`--where`:

```toml
[filters]
"stuck mail" = "queue:mail status:failed"
```

The app reports findings of health that appear or go, on every screen. To turn that off, write this
above all tables:

```toml
notifications = false
```
"""


def markdown() -> str:
    """The document."""
    return "\n".join([_HEAD, *_tables()])


def _tables() -> Iterator[str]:
    for scope in Scope:
        here = [action for action in ACTIONS if action.scope is scope]
        yield f"## {scope.value.capitalize()}\n"
        yield "| key | action | name in `[keys]` |\n|-|-|-|"
        yield from (f"| {_keys(a.key)} | {a.about} | `{a.name}` |" for a in here)
        yield ""
    for heading, table in OTHER_KEYS:
        yield f"## {heading}\n"
        yield "| key | action |\n|-|-|"
        yield from (f"| {keys} | {about} |" for keys, about in table)
        yield ""


def _keys(keys: str) -> str:
    return ", ".join(f"`{_name(key)}`" for key in keys.split(","))


def _name(key: str) -> str:
    return _NAMES.get(key, key.replace("ctrl+", "Ctrl+").replace("f1", "F1").replace("f5", "F5"))


if __name__ == "__main__":
    sys.stdout.write(markdown())
