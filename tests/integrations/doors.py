"""Each library's connection as a test of transactions sees it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support import require
from tests.support.connections import connect
from tests.support.databases import Database


class Door:
    """A transaction that was begun as the library's users begin one.

    Attributes:
        connection: what `connection=` is given.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self.connection.cursor()
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else []
        found = [tuple(row.values() if isinstance(row, dict) else row) for row in rows]
        cursor.close()
        return found

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        self.connection.rollback()


# -- drivers -----------------------------------------------------------------------------------


@contextmanager
def driver(database: Database) -> Iterator[Door]:
    """psycopg, PyMySQL or sqlite3 itself."""
    connection = connect(database.backend, database.url, autocommit=False)
    try:
        yield Door(connection)
    finally:
        connection.close()


@contextmanager
def dict_rows(database: Database) -> Iterator[Door]:
    """The same with rows and cursors as some programs like them."""
    connection = connect(database.backend, database.url, autocommit=False)
    if database.backend == "postgres":
        import psycopg
        from psycopg.rows import dict_row

        connection.row_factory, connection.cursor_factory = dict_row, psycopg.ClientCursor
    elif database.backend == "mysql":
        from pymysql.cursors import DictCursor

        connection.cursorclass = DictCursor
    else:
        connection.row_factory = lambda cursor, row: {str(n): value for n, value in enumerate(row)}
    try:
        yield Door(connection)
    finally:
        connection.close()


def has_mysqlclient() -> bool:
    """Whether the real one is installed: PyMySQL may stand in under its name."""
    try:
        version("mysqlclient")
    except PackageNotFoundError:
        return False
    return True


@contextmanager
def mysqlclient(database: Database) -> Iterator[Door]:
    if not has_mysqlclient():
        require.missing("mysqlclient", "mysqlclient isn't installed; it is built from C")
    import MySQLdb

    connection = MySQLdb.connect(charset="utf8mb4", **_mysql_keywords(database))
    try:
        yield Door(connection)
    finally:
        connection.close()


def _mysql_keywords(database: Database, name: str = "database", key: str = "password") -> Any:
    parts = urlsplit(database.url)
    return {
        "host": parts.hostname, "port": parts.port, "user": parts.username,
        key: parts.password, name: parts.path.strip("/"),
    }  # fmt: skip


# -- SQLAlchemy --------------------------------------------------------------------------------

SYNC_URLS = {"postgres": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}


def sqlalchemy_url(database: Database, schemes: dict[str, str] = SYNC_URLS) -> str:
    rest = database.url.partition("://")[2]
    more = "?charset=utf8mb4" if database.backend == "mysql" else ""
    return f"{schemes[database.backend]}://{rest}{more}"


class SQLAlchemyDoor(Door):
    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        from sqlalchemy import text

        result = self.connection.execute(text(sql))
        return [tuple(row) for row in result] if result.returns_rows else []


@contextmanager
def sqlalchemy_connection(database: Database) -> Iterator[Door]:
    from sqlalchemy import create_engine

    engine = create_engine(sqlalchemy_url(database))
    with engine.connect() as connection:
        yield SQLAlchemyDoor(connection)
    engine.dispose()


@contextmanager
def sqlalchemy_session(database: Database) -> Iterator[Door]:
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    engine = create_engine(sqlalchemy_url(database))
    with Session(engine) as session:
        yield SQLAlchemyDoor(session)
    engine.dispose()


@contextmanager
def sqlalchemy_mysqldb(database: Database) -> Iterator[Door]:
    if not has_mysqlclient():
        require.missing("mysqlclient", "mysqlclient isn't installed; it is built from C")
    from sqlalchemy import create_engine

    engine = create_engine(sqlalchemy_url(database, {"mysql": "mysql+mysqldb"}))
    with engine.connect() as connection:
        yield SQLAlchemyDoor(connection)
    engine.dispose()


# -- Django ------------------------------------------------------------------------------------


def django_alias(database: Database) -> str:
    """An alias of Django's for `database`."""
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_TZ=True)
        django.setup()
    if database.backend == "mysql" and not has_mysqlclient():
        import pymysql

        pymysql.install_as_MySQLdb()
    from django.db import connections

    parts = urlsplit(database.url)
    own: dict[str, Any] = {
        "postgres": {"ENGINE": "django.db.backends.postgresql", "NAME": parts.path.strip("/")},
        "mysql": {"ENGINE": "django.db.backends.mysql", "NAME": parts.path.strip("/")},
        "sqlite": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": database.url.removeprefix("sqlite:///"),
        },
    }[database.backend]
    if database.backend != "sqlite":
        own |= {
            "HOST": parts.hostname, "PORT": parts.port, "USER": parts.username,
            "PASSWORD": parts.password,
        }  # fmt: skip
    filled = connections.configure_settings({"default": {}, database.prefix: own})
    connections.settings[database.prefix] = filled[database.prefix]
    with suppress(AttributeError):  # a test before this one may have had the table, and left it so
        del connections[database.prefix]
    return database.prefix


class DjangoDoor(Door):
    """`atomic` around it all, left by `commit` or `rollback`."""

    def __init__(self, alias: str, connection: Any) -> None:
        from django.db import connections, transaction

        super().__init__(connection)
        self.alias, self._wrapper = alias, connections[alias]
        self._atomic = transaction.atomic(using=alias)
        self._atomic.__enter__()

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        with self._wrapper.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def commit(self) -> None:
        self._atomic.__exit__(None, None, None)

    def rollback(self) -> None:
        self._wrapper.set_rollback(True)
        self._atomic.__exit__(None, None, None)


@contextmanager
def django_connection(database: Database) -> Iterator[Door]:
    from django.db import connections

    alias = django_alias(database)
    try:
        yield DjangoDoor(alias, connections[alias])
    finally:
        connections[alias].close()


@contextmanager
def django_by_alias(database: Database) -> Iterator[Door]:
    from django.db import connections

    alias = django_alias(database)
    try:
        yield DjangoDoor(alias, alias)
    finally:
        connections[alias].close()


DOORS = {
    "driver": driver, "dict rows": dict_rows, "mysqlclient": mysqlclient,
    "sqlalchemy connection": sqlalchemy_connection, "sqlalchemy session": sqlalchemy_session,
    "sqlalchemy mysqldb": sqlalchemy_mysqldb,
    "django connection": django_connection, "django alias": django_by_alias,
}  # fmt: skip
ONLY_MYSQL = {"mysqlclient", "sqlalchemy mysqldb"}
PAIRS = [
    pytest.param(backend, name, id=f"{backend} {name}")
    for backend in ("sqlite", "postgres", "mysql")
    for name in DOORS
    if backend == "mysql" or name not in ONLY_MYSQL
]
every_door = pytest.mark.parametrize(("backend", "door_name"), PAIRS, indirect=["backend"])
