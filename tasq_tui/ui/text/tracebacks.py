"""An error's text as lines that stand out or stay back: whose code a frame is of. Pure."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from tasq_tui.ui.text.sanitize import safe_lines


class Look(StrEnum):
    """How a line is shown."""

    PLAIN = ""
    ERROR = "error"
    """What went wrong."""
    FRAME = "frame"
    """File and line of the user's own frame that is nearest to the error."""
    MUTED = "muted"
    """Frames of libraries."""


class ErrorLine(NamedTuple):
    """One inert line."""

    text: str
    look: Look = Look.PLAIN


_PYTHON: Final = re.compile(r'^(\s*)File "([^"]+)", line (\d+)(?:, in (.+))?$')
_GO: Final = re.compile(r"^\s+(\S+\.go):(\d+)(?: \+0x[0-9a-f]+)?$")
_CARETS: Final = re.compile(r"^\s+[~^]+(?:\s*[~^]+)*\s*$")
_HEADINGS: Final = re.compile(r"^\s*(?:Traceback \(most recent call last\):|goroutine \d+ \[.*)$")
_LIBRARY: Final = re.compile(
    r"[/\\](?:site|dist)-packages[/\\]|[/\\]lib[/\\]python\d|[/\\]Lib[/\\]|^<frozen"
    r"|[/\\]pkg[/\\]mod[/\\]|[/\\]go[/\\]src[/\\]|[/\\]tasq_(?:core|tui)[/\\]",
)
_PACKAGES: Final = re.compile(r"^.*[/\\](?:site-packages|dist-packages|pkg[/\\]mod)[/\\]")


class _Frame(NamedTuple):
    text: str
    is_own: bool


def error_lines(error: str) -> list[ErrorLine]:
    """The lines of an error: own frames stand out, those of libraries stay back, no carets.

    What isn't a traceback comes out as it is; its first line is what went wrong.
    """
    lines = list(safe_lines(error))
    frames = [_frame(line) for line in lines]
    nearest = max((i for i, frame in enumerate(frames) if frame and frame.is_own), default=-1)
    if not any(frames):
        return [ErrorLine(line, Look.PLAIN if i else Look.ERROR) for i, line in enumerate(lines)]
    if len(lines) > 1 and lines[-1] == lines[0]:
        del lines[-1]  # the message, said again below its traceback
    return list(_looked(lines, frames, nearest))


def _looked(
    lines: Sequence[str], frames: Sequence[_Frame | None], nearest: int
) -> Iterator[ErrorLine]:
    inside: Look | None = None  # of the frame whose code follows
    for index, line in enumerate(lines):
        frame = frames[index]
        if frame is not None:
            inside = Look.PLAIN if frame.is_own else Look.MUTED
            yield ErrorLine(frame.text, Look.FRAME if index == nearest else inside)
        elif inside is not None and _CARETS.match(line):
            continue
        elif _HEADINGS.match(line):
            inside = None
            yield ErrorLine(line, Look.MUTED)
        elif inside is not None and line.startswith("  "):
            yield ErrorLine(line, inside)
        else:
            is_message = not index or (inside is not None and bool(line.strip()))
            inside = None
            yield ErrorLine(line, Look.ERROR if is_message else Look.PLAIN)


def _frame(line: str) -> _Frame | None:
    """A line that names a file: shorter, and whether the file is the user's own."""
    if found := _PYTHON.match(line):
        indent, path, number, function = found.groups()
        where = f" in {function}" if function else ""
    elif found := _GO.match(line):
        path, number = found.groups()
        indent, where = "    ", ""
    else:
        return None
    is_own = not _LIBRARY.search(path)
    shown = path if is_own else _PACKAGES.sub("", path)
    return _Frame(f"{indent}{shown}:{number}{where}", is_own)
