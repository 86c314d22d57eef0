"""Says what went wrong, or well: the only module that writes to standard error; exit codes."""

import logging
import os
import sys
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final

from tasq_core.errors import (
    FilterSyntaxError,
    InvalidInputError,
    ReadOnlyError,
    RepositoryUnavailableError,
    TaskNotFoundError,
    TasqError,
)
from tasq_tui.cli import sanitize


class ExitCode(IntEnum):
    """How `tasq` ends."""

    DONE = 0
    FAILED = 1
    """Failed, or declined at the prompt."""
    USAGE = 2
    NOT_FOUND = 3
    TIMEOUT = 4
    NO_CONNECTION = 5
    PARTLY_DONE = 6
    REFUSED = 7
    """The database is open read-only."""
    INTERRUPTED = 130


class TimedOutError(TasqError):
    """What was waited for did not happen in time."""


class DeclinedError(TasqError):
    """The user said no."""


_CODES: Final = (
    (TimedOutError, ExitCode.TIMEOUT),
    (InvalidInputError, ExitCode.USAGE),
    (TaskNotFoundError, ExitCode.NOT_FOUND),
    (ReadOnlyError, ExitCode.REFUSED),
    (RepositoryUnavailableError, ExitCode.NO_CONNECTION),
)

# Statements that ran into a limit: PostgreSQL's SQLSTATE, MySQL's and MariaDB's numbers.
_TIMEOUT_SQLSTATES: Final = ("57014", "55P03")
_TIMEOUT_NUMBERS: Final = (1205, 1969, 3024)
_LOST: Final = 2013


def exit_code_of(error: BaseException) -> ExitCode:
    """The exit code that stands for `error`."""
    if _is_timeout(error.__cause__):
        return ExitCode.TIMEOUT
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return ExitCode.FAILED


def failed(error: TasqError) -> ExitCode:
    """Tell of `error`; how to exit."""
    if isinstance(error, FilterSyntaxError):
        _say("error", f"the filter can't be read: {error.hint}")
        shown, caret = _pointed(error.text, error.position)
        _write(f"  {shown}\n  {caret}\n")
    else:
        _say("error", str(error))
    return exit_code_of(error)


def usage(message: str, hint: str = "") -> ExitCode:
    """Tell of a wrong call; how to exit."""
    _say("error", message)
    if hint:
        _write(f"{sanitize.line(hint)}\n")
    return ExitCode.USAGE


def warn(message: str) -> None:
    """Say what the user should know, though the command goes on."""
    _say("warning", message)


def note(message: str) -> None:
    """Say what was done."""
    _write("".join(f"{line}\n" for line in sanitize.lines(message)))


def ask(question: str) -> None:
    """Put a question; the answer is typed behind it."""
    _write(sanitize.line(question))


def status(message: str) -> None:
    """Replace the current line of a terminal; "" clears it."""
    _write(f"\r\x1b[2K{message}")


class LogLines(logging.Handler):
    """Writes log records, inert, a line each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        at = datetime.fromtimestamp(record.created, UTC)
        note(f"{at:%H:%M:%S}Z {record.levelname.lower():<7} {record.getMessage()}")


def is_terminal() -> bool:
    """Whether a person reads what is said."""
    return sys.stderr.isatty()


def _say(kind: str, message: str) -> None:
    first, *rest = sanitize.lines(message)
    label = f"{kind}:"
    if is_terminal() and not os.environ.get("NO_COLOR"):
        label = f"\x1b[{'31' if kind == 'error' else '33'}m{label}\x1b[0m"
    _write("".join(f"{line}\n" for line in (f"{label} {first}", *rest)))


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)


def _pointed(text: str, position: int) -> tuple[str, str]:
    """The filter, inert, and a line with a caret below its character `position`."""
    before = sanitize.line(text[:position])
    return before + sanitize.line(text[position:]), f"{' ' * sanitize.cells(before)}^"


def _is_timeout(cause: BaseException | None) -> bool:
    if cause is None:
        return False
    if getattr(cause, "sqlstate", None) in _TIMEOUT_SQLSTATES:
        return True
    if str(getattr(cause, "sqlite_errorname", "")).startswith("SQLITE_BUSY"):
        return True
    number = cause.args[0] if cause.args else None
    return number in _TIMEOUT_NUMBERS or (number == _LOST and "timed out" in str(cause))
