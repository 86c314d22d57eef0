"""How a PyMySQL connection is closed."""

from contextlib import suppress
from typing import Any

from pymysql.constants import SERVER_STATUS


def close(connection: Any) -> None:
    """Say good-bye to the server, if it is there."""
    with suppress(Exception):
        connection.close()


def close_at_once(connection: Any) -> None:
    """Close without a word: behind a call cut off in the middle the server would misread it."""
    with suppress(Exception):
        connection._force_close()  # noqa: SLF001 - PyMySQL has no public way


def is_usable(connection: Any) -> bool:
    """Whether it wasn't closed where its last call didn't end, nor left in a transaction."""
    within = connection.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS
    return bool(connection.open) and not within
