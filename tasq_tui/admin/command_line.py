"""A change made in the app, as the `tasq` command that does the same."""

import shlex
from collections.abc import Iterable
from uuid import UUID

from tasq_core.filters import Filter
from tasq_core.repository.protocol import PageOrder
from tasq_core.wording import counted
from tasq_tui.admin.selection import Selection
from tasq_tui.admin.settings import Settings

_MOST_IDS = 20
"""More don't fit on a readable line: they are read from standard input."""


def command_line(
    verb: str,
    selection: Selection,
    settings: Settings,
    *flags: str,
    which: tuple[str, ...] | None = None,
    yes: bool = False,
) -> str:
    """The line, quoted for a POSIX shell; it never holds a password.

    Args:
        verb: as in `tasq requeue`.
        selection: which tasks.
        settings: whose profile, or URL where it isn't secret, is named.
        flags: further options, as "--reset".
        which: the arguments that say which tasks; None derives them from `selection`.
        yes: add `--yes`, for a script.
    """
    chosen = selected(selection) if which is None else which
    words = ["tasq", verb, *target(settings), *chosen, *flags]
    line = shlex.join([*words, "--yes"] if yes else words)
    if selection.ids is not None and len(selection.ids) > _MOST_IDS and selection.limit is None:
        return f"{line}  # {counted(len(selection.ids), 'id')} on standard input"
    return line


def target(settings: Settings) -> list[str]:
    """The options that lead to the same database."""
    words: list[str] = []
    if settings.profile:
        words += ["--profile", settings.profile]
    elif settings.url == settings.redacted_url:
        words += ["--url", settings.url]
    return [*words, "--prefix", settings.prefix] if settings.prefix else words


def selected(selection: Selection) -> list[str]:
    """The arguments that select the same tasks."""
    if selection.limit is not None or selection.ids is None:
        limit = [] if selection.limit is None else ["--limit", str(selection.limit)]
        if limit and selection.order is not PageOrder.NEWEST:
            limit += ["--order", selection.order]
        return [*_filter(selection.asked), *limit]
    return _ids(selection.ids)


def _filter(asked: Filter) -> list[str]:
    return ["--where", str(asked)] if asked else ["--all"]


def _ids(ids: Iterable[UUID]) -> list[str]:
    words = [str(id) for id in ids]
    return words if len(words) <= _MOST_IDS else ["-"]
