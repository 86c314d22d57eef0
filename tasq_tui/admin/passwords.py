"""Passwords that don't stand in the URL: a profile's `password_command`."""

import shlex
import subprocess
from typing import Final
from urllib.parse import quote

from tasq_core.errors import InvalidInputError
from tasq_core.repository.urls import parse_url
from tasq_tui.admin.settings import Settings

_SECONDS: Final = 30


def with_password(settings: Settings) -> str:
    """The settings' URL, with the password of the profile's command where it has none itself.

    PGPASSWORD, .pgpass, MYSQL_PWD and option files are the drivers' business.

    Raises:
        InvalidInputError: the command fails or prints nothing; what it wrote isn't shown.
    """
    command = settings.password_command
    if not command:
        return settings.url
    url = parse_url(settings.url)
    if url.kind == "sqlite" or url.password is not None:
        return settings.url
    scheme, _, rest = settings.url.partition("://")
    userinfo, at, place = rest.rpartition("@")
    return f"{scheme}://{userinfo}:{quote(_answer(command), safe='')}@{place if at else rest}"


def _answer(command: str) -> str:
    words: list[str] = []
    try:
        words = shlex.split(command)
        done = subprocess.run(  # noqa: S603 - the user's own config names it; no shell reads it
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, ValueError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "it can't be read as a command line"
        raise InvalidInputError(f"password_command can't be run: {reason}") from None
    except subprocess.TimeoutExpired:
        raise InvalidInputError(
            f"password_command ({words[0]}) gave no answer in {_SECONDS} s"
        ) from None
    password = done.stdout.partition("\n")[0].rstrip("\r")
    if done.returncode or not password:
        raise InvalidInputError(
            f"password_command ({words[0]}) gave no password: exit code {done.returncode};"
            " run it in a shell to see why"
        )
    return password
