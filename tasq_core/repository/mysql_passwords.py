"""Where a password comes from that doesn't stand in a MySQL URL: an option file, MYSQL_PWD.

PyMySQL reads neither by itself. libpq does so for PostgreSQL.
"""

import configparser
import os
from pathlib import Path
from typing import Final, NamedTuple

from pymysql.optionfile import Parser

from tasq_core.errors import InvalidInputError
from tasq_core.repository.urls import DatabaseUrl

FILE: Final = "read_default_file"
GROUP: Final = "read_default_group"


class Login(NamedTuple):
    """A user's name and password."""

    user: str | None
    password: str


def login_of(url: DatabaseUrl) -> Login:
    """The user and password of `url`; what it leaves out is looked for elsewhere.

    First in the option file that its `read_default_file` names, else in `~/.my.cnf`: in the
    section of its `read_default_group`, else `[client]`, unless that section is for another
    user or host. Then in the environment's MYSQL_PWD. As in MySQL's own programs.

    Raises:
        InvalidInputError: the option file can't be read; nothing of it is quoted.
    """
    if url.password is not None:
        return Login(url.user, url.password)
    named = url.query.get(FILE)
    path = Path(named or "~/.my.cnf").expanduser()
    group = url.query.get(GROUP, "client")
    found = _section(path, group) if named or path.is_file() else {}
    mine = found.get("user") in (None, url.user or found.get("user"))
    here = found.get("host") in (None, url.host or "localhost")
    password = found.get("password") if mine and here else None
    if password is None:
        return Login(url.user, os.environ.get("MYSQL_PWD", ""))
    return Login(url.user or found.get("user"), password)


def _section(path: Path, group: str) -> dict[str, str]:
    """A section of an option file; files that it includes aren't read."""
    problem = None
    parser = Parser(strict=False)
    try:
        lines = path.read_text("utf-8").splitlines()
        parser.read_string("\n".join(line for line in lines if not line.lstrip().startswith("!")))
    except OSError as error:
        problem = error.strerror or "it can't be opened"
    except (UnicodeDecodeError, configparser.Error):  # they quote the line, maybe the password's
        problem = "it isn't one"
    if problem is not None:  # outside of the handler, so that the error isn't in the chain
        raise InvalidInputError(f"MySQL's option file {path} can't be read: {problem}")
    if not parser.has_section(group):
        return {}
    given: dict[str, str | None] = {name: parser.get(group, name) for name in parser.options(group)}
    return {name: value for name, value in given.items() if value is not None}
