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
"""More than these stand in a pipe, before the command that reads them."""
_MOST_PIPED = 10_000
"""More would fill the audit log: the line says how many ids it needs."""
_PIPED = ["-"]
_PIPE = "printf '%s\\n'"
_BRIEF = 300


def command_line(
    verb: str,
    selection: Selection,
    settings: Settings,
    *flags: str,
    which: tuple[str, ...] | None = None,
    yes: bool = False,
) -> str:
    """The line, quoted for a POSIX shell and runnable as it stands; it never holds a password.

    Where it selects over 10,000 ids, it says in a comment that it reads them.

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
    if which is not None or chosen != _PIPED:
        return line
    ids = selection.ids or ()
    if len(ids) > _MOST_PIPED:
        return f"{line}  # {counted(len(ids), 'id')} on standard input"
    return piped(ids, line)


def piped(ids: Iterable[UUID], line: str) -> str:
    """The command `line`, given `ids` on standard input."""
    return f"{_PIPE} {' '.join(map(str, ids))} | {line}"


def brief(command: str) -> str:
    """A command line for a question or a list: without the ids piped to it, cut where long."""
    if command.startswith(_PIPE):
        command = f"… | {command.partition(' | ')[2]}"
    return command if len(command) <= _BRIEF else f"{command[:_BRIEF]}…"


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
    return words if len(words) <= _MOST_IDS else _PIPED
