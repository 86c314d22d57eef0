"""Database URLs: which database, where, and how to show one without its password."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from tasq_core.errors import InvalidInputError
from tasq_core.repository.redaction import redact
from tasq_core.task import check_text

SCHEMES: Final = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
}


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A parsed URL."""

    kind: str
    """"postgresql", "mysql" or "sqlite"."""
    text: str = field(repr=False)
    """As given, the password included."""
    host: str | None = None
    port: int | None = None
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
    absolute, `sqlite://` in memory.

    Raises:
        InvalidInputError: an unknown scheme, or no URL at all.
    """
    if "://" not in check_text("url", url):
        raise InvalidInputError(
            f"{redact(str(url))!r} is no database URL; write one like"
            " postgresql://user@host/database, mysql://user@host/database or sqlite:///file.db"
        )
    scheme = url.partition("://")[0].lower()
    kind = SCHEMES.get(scheme.partition("+")[0])
    if kind is None:
        raise InvalidInputError(
            f"unknown database {scheme!r} in {redact(url)!r}: use postgresql, mysql, mariadb or"
            " sqlite"
        )
    if kind == "sqlite":
        path, _, query = url.partition("://")[2].partition("?")
        if path and not path.startswith("/"):
            raise InvalidInputError(
                f"{url!r} names a host; write sqlite:///{path} for a file here, or"
                f" sqlite:////… for an absolute path"
            )
        name = unquote(path[1:])
        return DatabaseUrl(
            kind, url, database="" if name == ":memory:" else name, query=dict(parse_qsl(query))
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInputError(f"{redact(url)!r} can't be read: {error}") from None
    return DatabaseUrl(
        kind,
        url,
        host=unquote(parts.hostname) if parts.hostname else None,
        port=port,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password is not None else None,
        database=unquote(parts.path.lstrip("/")),
        query=dict(parse_qsl(parts.query)),
    )
