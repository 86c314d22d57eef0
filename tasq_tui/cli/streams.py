"""Standard input, output and error as a shell may hand them over: closed, full, or ASCII only."""

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tasq_core.errors import InvalidInputError

_ESCAPING: Final = "tasq.escaping"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)

_closed: Final = set[str]()


def prepare() -> None:
    """Make the three streams usable; called once, before anything is opened.

    A closed one gets a descriptor that nobody reads: else a database file could take its
    number, and be written to as output. What a locale can't encode is written as its escape,
    in the form that JSON has, so that JSON stays JSON.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    if sys.stdin is None:
        _closed.add("stdin")
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 - for good
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - for good
    if sys.stdout is None:
        sys.stdout = _Closed()
    codecs.register_error(_ESCAPING, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPING)


def arguments() -> list[str]:
    """The command's arguments, as UTF-8 where an ASCII locale left their bytes undecoded."""
    return [_decoded(argument) for argument in sys.argv[1:]]


def _decoded(argument: str) -> str:
    try:
        return os.fsencode(argument).decode()
    except UnicodeDecodeError:
        return argument


def input_bytes() -> bytes:
    """All of standard input, without a byte order mark.

    Raises:
        InvalidInputError: it is closed.
    """
    _check_input()
    return sys.stdin.buffer.read().removeprefix(codecs.BOM_UTF8)


def input_lines() -> Iterator[str]:
    """The lines of standard input, UTF-8 with or without a byte order mark.

    Raises:
        InvalidInputError: it is closed, or isn't UTF-8.
    """
    _check_input()
    decoded = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig")
    try:
        yield from decoded
    except UnicodeDecodeError as error:
        raise InvalidInputError(not_utf8("standard input", error)) from error
    finally:
        # Else its end closes standard input, which an answer is read from. A reader that was left
        # half-way ends with the program, when it is closed already.
        with suppress(ValueError):
            decoded.detach()


def file_lines(name: str) -> Iterator[str]:
    """The lines of a file, UTF-8 with or without a byte order mark.

    Raises:
        InvalidInputError: it can't be read, or isn't UTF-8.
    """
    try:
        with Path(name).open(encoding="utf-8-sig") as opened:
            yield from opened
    except UnicodeDecodeError as error:
        raise InvalidInputError(not_utf8(repr(name), error)) from error
    except OSError as error:
        raise InvalidInputError(f"{name!r} can't be read: {error.strerror}") from error


def not_utf8(name: str, error: UnicodeDecodeError) -> str:
    """What to say of a file that isn't UTF-8."""
    utf16 = error.object[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    what = "is UTF-16" if utf16 else "isn't UTF-8"
    return f"{name} {what}; convert it, as with `iconv -t UTF-8`"


def is_full(error: OSError) -> bool:
    """Whether a stream takes no more: the disk is full, or the stream closed."""
    return error.errno in _FULL


def _check_input() -> None:
    if "stdin" in _closed:
        raise InvalidInputError("standard input is closed, and - reads it; pipe something in")


class _Closed(io.TextIOBase):
    """Standard output that was closed: every write fails."""

    def write(self, _text: str, /) -> int:
        raise OSError(errno.EBADF, "it is closed")

    def isatty(self) -> bool:
        return False


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = (units[at : at + 2] for at in range(0, len(units), 2))
    return "".join(f"\\u{pair.hex()}" for pair in pairs), error.end
