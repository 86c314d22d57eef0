"""Says what went wrong, or well: the only module that writes to standard error; exit codes."""

import json
import logging
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final

from tasq_core.errors import (
    FilterSyntaxError,
    InvalidInputError,
    ReadOnlyError,
    RepositoryUnavailableError,
    ScheduleNotFoundError,
    TaskNotFoundError,
    TasqError,
    WaitTimeoutError,
)
from tasq_tui.admin.errors import ChangeNotFoundError
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
    UNHEALTHY = 8
    """Something was found that needs a person."""
    INTERRUPTED = 130


class TimedOutError(TasqError):
    """What was waited for did not happen in time."""


class DeclinedError(TasqError):
    """The user said no."""


_CODES: Final = (
    (TimedOutError, ExitCode.TIMEOUT),
    (InvalidInputError, ExitCode.USAGE),
    (TaskNotFoundError, ExitCode.NOT_FOUND),
    (ScheduleNotFoundError, ExitCode.NOT_FOUND),
    (ChangeNotFoundError, ExitCode.NOT_FOUND),
    (WaitTimeoutError, ExitCode.TIMEOUT),
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


def write_json(name: str = "") -> None:
    """From now on write all that is said as `JsonLogLines` writes log records.

    Args:
        name: of the program, as "name" in each record.
    """
    _form.json = JsonLogLines(name)


def failed(error: TasqError) -> ExitCode:
    """Tell of `error`; how to exit."""
    if isinstance(error, FilterSyntaxError) and _form.json is None:
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
    if _form.json is not None:
        _form.json.emit(_record(logging.INFO, message))
        return
    _write("".join(f"{line}\n" for line in sanitize.lines(message)))


def ask(question: str) -> None:
    """Put a question; the answer is typed behind it."""
    _write(sanitize.line(question))


def status(message: str) -> None:
    """Replace the current line of a terminal; "" clears it."""
    _write(f"\r\x1b[2K{message}")


class LogLines(logging.Handler):
    """Writes log records as sanitized text: a line each, tracebacks indented below."""

    def __init__(self, name: str = "") -> None:
        """Write to standard error.

        Args:
            name: of the program, in front of each message.
        """
        super().__init__()
        self._name = f"{name}: " if name else ""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        at = datetime.fromtimestamp(record.created, UTC)
        level = record.levelname.lower()
        lines = [f"{at:%H:%M:%S}Z {level:<7} {self._name}{record.getMessage()}"]
        lines += (f"    {line}" for line in _traceback(record).splitlines())
        _write("".join(f"{line}\n" for line in sanitize.lines("\n".join(lines))))


class JsonLogLines(logging.Handler):
    """Writes log records as JSON, one object a line, with their structured fields."""

    def __init__(self, name: str = "") -> None:
        """Write to standard error.

        Args:
            name: of the program, as "name" in each record.
        """
        super().__init__()
        self._name = name

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        at = datetime.fromtimestamp(record.created, UTC)
        fields = {key: value for key, value in vars(record).items() if key not in _PLAIN_RECORD}
        entry = {
            "at": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            **({"name": self._name} if self._name else {}),
            "logger": record.name,
            "message": record.getMessage(),
            **fields,
        }
        if traceback := _traceback(record):
            entry["traceback"] = traceback
        text = json.dumps(entry, ensure_ascii=False, default=str, separators=(",", ":"))
        _write(f"{sanitize.json_text(text)}\n")


@dataclass(slots=True)
class _Form:
    """How all is said: as text, or as JSON by these lines."""

    json: JsonLogLines | None = None


_form: Final = _Form()

_PLAIN_RECORD: Final = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


def _record(level: int, message: str) -> logging.LogRecord:
    return logging.LogRecord("tasq", level, "", 0, message, None, None)


def _traceback(record: logging.LogRecord) -> str:
    return logging.Formatter().formatException(record.exc_info) if record.exc_info else ""


def is_terminal() -> bool:
    """Whether a person reads what is said."""
    return sys.stderr.isatty()


def _say(kind: str, message: str) -> None:
    if _form.json is not None:
        level = logging.ERROR if kind == "error" else logging.WARNING
        _form.json.emit(_record(level, message))
        return
    first, *rest = sanitize.lines(message)
    label = f"{kind}:"
    if is_terminal() and not os.environ.get("NO_COLOR"):
        label = f"\x1b[{'31' if kind == 'error' else '33'}m{label}\x1b[0m"
    _write("".join(f"{line}\n" for line in (f"{label} {first}", *rest)))


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:  # nobody reads, or the disk is full: there is no better place to say so
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
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
