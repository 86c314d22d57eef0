"""JSON given to an option: as it is, in a file, or on standard input."""

from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

from tasq_core.args import JSON
from tasq_core.errors import ArgsDecodeError, InvalidInputError
from tasq_tui.cli.streams import input_bytes


def read_json(option: str, given: str) -> Any:
    """The value of an option: JSON, @FILE, or - for standard input.

    Raises:
        InvalidInputError: no JSON, or a file that can't be read.
    """
    if given == "-":
        data = input_bytes()
    elif given.startswith("@"):
        try:
            data = Path(given[1:]).read_bytes().removeprefix(BOM_UTF8)
        except OSError as error:
            raise InvalidInputError(f"{option} {given}: {error.strerror}") from error
    else:
        data = given.encode(errors="surrogateescape")
    try:
        return JSON.decode(data)
    except ArgsDecodeError as error:
        raise InvalidInputError(
            f"{option} is not JSON: {error.__cause__ or error}; quote text twice, as in '\"text\"'"
        ) from error
