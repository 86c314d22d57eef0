"""Database URLs: which database, where, and how to show one without its password."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, unquote_plus

from tasq_core.durations import EXAMPLES, read_duration
from tasq_core.errors import InvalidInputError, InvalidTypeError
from tasq_core.repository.redaction import is_well_formed, redact

SCHEMES: Final = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
}

Host = tuple[str | None, int | None]
"""A host and a port; None where the URL leaves it to the driver."""

_HOST: Final = re.compile(
    r"(?:\[(?P<address>[^\[\]]+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>\d{0,5}))?"
)
_HIGHEST_PORT: Final = 65_535
_FLAGS: Final = {
    "true": True, "on": True, "yes": True, "1": True,
    "false": False, "off": False, "no": False, "0": False,
}  # fmt: skip
_ENCODE: Final = (
    "in a user name or password, write a space as %20, % as %25, @ as %40, / as %2F, # as %23 and"
    " ? as %3F; a port is a number"
)


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A parsed URL."""

    kind: str
    """"postgresql", "mysql" or "sqlite"."""
    text: str = field(repr=False)
    """As given, the password included."""
    host: str | None = None
    port: int | None = None
    hosts: tuple[Host, ...] = ()
    """All hosts, in the order in which they are tried; `host` and `port` are the first one's."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str = ""
    """The database's name; for SQLite the file's path, "" for one in memory."""
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return redact(self.text)


def parse_url(url: str) -> DatabaseUrl:
    """Read a URL such as `postgresql://user@host/db`, `mysql://…` or `sqlite:///file.db`.

    `sqlite:///file.db` is relative to the working directory, `sqlite:////var/file.db`
    absolute, `sqlite://` in memory. A server's URL may list several hosts, `a:5432,b:5433`.

    Raises:
        InvalidInputError: an unknown scheme, or no URL at all.
    """
    if not isinstance(url, str):
        raise InvalidTypeError(f"url must be text, not {type(url).__name__}")
    if "://" not in url or "\0" in url:
        raise InvalidInputError(
            f"{redact(url)!r} is not a database URL; write one like"
            " postgresql://user@host/database, mysql://user@host/database or sqlite:///file.db"
        )
    scheme = url.partition("://")[0].lower()
    kind = SCHEMES.get(scheme.partition("+")[0])
    if kind is None:
        raise InvalidInputError(
            f"unknown database in {redact(url)!r}: use postgresql, mysql, mariadb or sqlite"
        )
    if kind == "sqlite":
        path, _, query = url.partition("://")[2].partition("?")
        if path and not path.startswith("/"):
            raise InvalidInputError(
                f"{redact(url)!r} names a host; write sqlite:///file.db for a file here, or"
                " sqlite:////… for an absolute path"
            )
        name = unquote(path[1:])
        return DatabaseUrl(
            kind, url, database="" if name == ":memory:" else name, query=dict(parse_qsl(query))
        )
    if not is_well_formed(url):
        raise InvalidInputError(f"{redact(url)!r} can't be read; {_ENCODE}")
    place, _, query = url.partition("://")[2].partition("?")
    place, _, path = place.partition("/")
    userinfo, _, netloc = place.rpartition("@")
    user, colon, password = userinfo.partition(":")
    hosts = tuple(_host(url, text) for text in netloc.split(","))
    return DatabaseUrl(
        kind,
        url,
        host=hosts[0][0],
        port=hosts[0][1],
        hosts=hosts,
        user=unquote(user) if user else None,
        password=unquote(password) if colon else None,
        database=unquote(path.lstrip("/")),
        query=dict(parse_qsl(query)),
    )


def _host(url: str, text: str) -> Host:
    """One `host:port` of a URL's list; a host that holds colons stands in brackets."""
    found = _HOST.fullmatch(text)
    port = int(found["port"] or 0) if found else _HIGHEST_PORT + 1
    if found is None or port > _HIGHEST_PORT:
        raise InvalidInputError(
            f"{redact(url)!r} can't be read: write host or host:port, separate several by commas,"
            " put an IPv6 address in brackets"
        )
    host = found["address"] or found["name"]
    return (unquote(host) or None), (port or None)


def take_options(url: str) -> tuple[str, dict[str, Any]]:
    """`url` without the options of `connect` in its query, and those by name.

    Raises:
        InvalidInputError: a value that its option can't have.
    """
    base, mark, query = url.partition("?")
    rest: list[str] = []
    options: dict[str, Any] = {}
    for pair in query.split("&") if mark else ():
        name, _, value = pair.partition("=")
        if name in CONNECT_OPTIONS:
            options[name] = CONNECT_OPTIONS[name](url, name, unquote_plus(value))
        else:
            rest.append(pair)
    return (f"{base}?{'&'.join(rest)}" if rest else base), options


def _flag(url: str, name: str, value: str) -> bool:
    if value.lower() not in _FLAGS:
        raise InvalidInputError(f"{redact(url)!r}: {name} must be true or false, not {value!r}")
    return _FLAGS[value.lower()]


def _duration(url: str, name: str, value: str) -> float:
    found = read_duration(value)
    if found is None:
        raise InvalidInputError(
            f"{redact(url)!r}: {name} must be a duration such as {EXAMPLES}, not {value!r}"
        )
    return found


def _whole(url: str, name: str, value: str) -> int:
    if not value.isdecimal():
        raise InvalidInputError(f"{redact(url)!r}: {name} must be a whole number, not {value!r}")
    return int(value)


def _text(_url: str, _name: str, value: str) -> str:
    return value


CONNECT_OPTIONS: Final[Mapping[str, Callable[[str, str, str], object]]] = {
    "connect_timeout": _duration,
    "pool_size": _whole,
    "read_only": _flag,
    "statement_timeout": _duration,
    "time_zone": _text,
    "wake_up": _flag,
}
"""Options of `connect` that may stand in a URL's query, and what reads each."""
