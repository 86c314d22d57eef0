"""Edit and cancel: what to change is asked for in one line, then it is a change as any other."""

import shlex
from collections.abc import Callable
from typing import Any, Final

from tasq_core.args import JSON
from tasq_core.durations import parse_duration
from tasq_core.errors import ArgsDecodeError, InvalidInputError, TasqError
from tasq_core.moments import parse_moment
from tasq_tui.admin import changes
from tasq_tui.admin.changes import Select
from tasq_tui.admin.edits import Wanted
from tasq_tui.ui.dialogs.prompt import PromptDialog
from tasq_tui.ui.operations.change import Changer
from tasq_tui.ui.text.sanitize import safe


def _integer(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInputError(f"{name} {text!r} is not a whole number") from None


def _json(text: str) -> Any:
    try:
        return JSON.decode(text.encode("utf-8", "surrogateescape"))
    except ArgsDecodeError as error:
        raise InvalidInputError(f"args aren't JSON: {error.__cause__ or error}") from None


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "type": str,
    "queue": str,
    "priority": lambda text: _integer("priority", text),
    "max_receives": lambda text: _integer("max_receives", text),
    "delay": lambda text: parse_duration("delay", text),
    "at": lambda text: parse_moment("at", text),
    "args": _json,
}
_ABOUT: Final = (
    "New values of open tasks that nobody holds, as in  queue=mail priority=5 delay=2h\n"
    "Names: type queue priority max_receives delay at now args; quote what has spaces."
)


def ask_edit(changer: Changer, select: Select) -> None:
    """Ask for new values, and edit what was selected when the key was pressed."""

    def answered(text: str | None) -> None:
        if text is not None:
            wanted = read_edit(text)
            changer.change(changes.edit(select, wanted.values, wanted.flags))

    dialog = PromptDialog("Edit tasks", _ABOUT, "", "Edit", _problem)
    changer.app.push_screen(dialog, answered)


def ask_cancel(changer: Changer, select: Select) -> None:
    """Ask for the reason, and cancel what was selected when the key was pressed."""

    def answered(text: str | None) -> None:
        if text is not None:
            changer.change(changes.cancel(select, text.strip()))

    about = "They end as FAILED; running ones lose their lease. A reason for their error, if any:"
    dialog = PromptDialog("Cancel tasks", about, "", "Go on", lambda _: "")
    changer.app.push_screen(dialog, answered)


def read_edit(text: str) -> Wanted:
    """The new values that a line says, `now` among them.

    Raises:
        InvalidInputError: a name that isn't known, or a value that can't be used.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidInputError(f"a quote is left open: {error}") from None
    values: dict[str, Any] = {}
    for word in words:
        name, is_given, value = word.partition("=")
        if name == "now" and not is_given:
            values["now"] = True
        elif is_given and name in _READERS:
            values[name] = _READERS[name](value)
        else:
            raise InvalidInputError(f"{word!r}: write {', '.join(_READERS)} = a value, or now")
    return Wanted(**values)


def _problem(text: str) -> str:
    try:
        read_edit(text)
    except TasqError as error:
        return safe(error, 300)
    return ""
