"""Repositories: one protocol, three databases. A driver is imported only when it is used."""

from typing import Any

from tasq_core.errors import RepositoryError
from tasq_core.repository.protocol import PageOrder, Repository, Wakeup
from tasq_core.repository.urls import parse_url

__all__ = ["PageOrder", "Repository", "Wakeup", "open_repository"]


def open_repository(url: str, prefix: str = "", **options: Any) -> Repository:
    """The repository of a database URL; `options` are the repository class's keywords.

    Raises:
        InvalidInputError: an unknown scheme, a bad URL or prefix.
        RepositoryError: the database's driver isn't installed; says how to get it.
    """
    kind = parse_url(url).kind
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
        if (error.name or "").partition(".")[0] not in {
            "psycopg",
            "psycopg_pool",
            "pymysql",
            "dbutils",
        }:
            raise
        extra = "postgres" if kind == "postgresql" else "mysql"
        raise RepositoryError(
            f"the driver for {kind} isn't installed ({error.name}); run"
            f" pip install 'tasq-tui[{extra}]'"
        ) from error
