"""Repositories: one protocol, three databases. A driver is imported only when it is used."""

from typing import Any

from tasq_core.durations import seconds
from tasq_core.errors import InvalidInputError, RepositoryError
from tasq_core.repository.protocol import PageOrder, Repository, Wakeup
from tasq_core.repository.redaction import redact
from tasq_core.repository.urls import parse_url, take_options
from tasq_core.task import check_integer

__all__ = ["PageOrder", "Repository", "Wakeup", "open_repository"]

_LARGEST_POOL = 10_000
_OF_SERVERS = frozenset({"pool_size", "connect_timeout", "statement_timeout"})


def open_repository(url: str, prefix: str = "", **options: Any) -> Repository:
    """The repository of a database URL; `options` are the repository class's keywords.

    The same options may stand in the URL's query, `?read_only=true&statement_timeout=30`;
    keywords count more.

    Raises:
        InvalidInputError: an unknown scheme, a bad URL, prefix or option.
        RepositoryError: the database's driver isn't installed; says how to get it.
    """
    kind = parse_url(url).kind
    url, in_url = take_options(url)
    options = _checked_options(kind, url, in_url | options)
    try:
        if kind == "postgresql":
            from tasq_core.repository.postgres import PostgresRepository  # noqa: PLC0415 - optional

            return PostgresRepository(url, prefix, **options)
        if kind == "mysql":
            from tasq_core.repository.mysql import MySQLRepository  # noqa: PLC0415 - optional

            return MySQLRepository(url, prefix, **options)
        from tasq_core.repository.sqlite import SQLiteRepository  # noqa: PLC0415 - 12 ms

        return SQLiteRepository(url, prefix, **options)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"psycopg", "psycopg_pool", "pymysql"}:
            raise
        extra = "postgres" if kind == "postgresql" else "mysql"
        raise RepositoryError(
            f"the driver for {kind} isn't installed ({error.name}); run"
            f" pip install 'tasq-core[{extra}]'"
        ) from error


def _checked_options(kind: str, url: str, options: dict[str, Any]) -> dict[str, Any]:
    """`options`, durations in seconds, without those that SQLite has no use for."""
    if kind != "mysql" and options.get("time_zone") is not None:
        raise InvalidInputError(f"time_zone is for MySQL; {redact(url)!r} needs none")
    if options.get("pool_size") is not None:
        check_integer("pool_size", options["pool_size"], 1, _LARGEST_POOL)
    for name in ("connect_timeout", "statement_timeout"):
        if options.get(name) is not None:
            options[name] = seconds(name, options[name])
    if kind == "sqlite":  # it has no pool and no server to wait for
        return {name: value for name, value in options.items() if name not in _OF_SERVERS}
    return options
