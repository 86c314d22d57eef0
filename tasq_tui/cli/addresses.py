"""Where to listen: `HOST:PORT`, `:PORT`, `PORT` or `HOST`."""

from typing import Final

from tasq_core.errors import InvalidInputError

LOOPBACK: Final = "127.0.0.1"
_LAST_PORT: Final = 65_535


def address(option: str, text: str, default_port: int) -> tuple[str, int]:
    """(host, port) that `text` names; without a host, this machine alone.

    Raises:
        InvalidInputError: no such address.
    """
    host, colon, port = text.strip().rpartition(":")
    if not colon and not port.isdecimal():
        host, port = port, ""
    if port and not (port.isdecimal() and int(port) <= _LAST_PORT):
        raise InvalidInputError(f"{option} {text!r} is not an address: write HOST:PORT or :PORT")
    return host.strip("[]") or LOOPBACK, int(port) if port else default_port
