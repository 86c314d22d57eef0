"""Statements in the caller's own transaction, through whichever library holds it.

An adapter under `tasq_core.integrations` makes a `Joined` of a connection. It is found by the
module of the connection's class, so that no library is loaded which the program doesn't use.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, Protocol
from uuid import UUID

from tasq_core.errors import InvalidInputError, InvalidTypeError
from tasq_core.repository.driver import Params, Row, Session

_ADAPTERS: Final = {
    "psycopg": "psycopg", "pymysql": "pymysql", "MySQLdb": "mysqlclient", "sqlite3": "sqlite3",
    "sqlalchemy": "sqlalchemy", "django": "django",
}  # fmt: skip
"""By the first part of a class's module: the adapter under `tasq_core.integrations`."""

_ASYNC_ADAPTERS: Final = {
    "psycopg": "psycopg", "asyncpg": "asyncpg", "sqlalchemy": "sqlalchemy",
    "aiosqlite": "aiosqlite", "asyncmy": "asyncmy",
}  # fmt: skip

TAKES: Final = (
    "a psycopg, PyMySQL, mysqlclient or sqlite3 connection, a SQLAlchemy Connection or Session,"
    " or Django's connection or alias"
)
ASYNC_TAKES: Final = (
    "a psycopg AsyncConnection, an asyncpg, aiosqlite or asyncmy connection,"
    " or a SQLAlchemy AsyncConnection or AsyncSession"
)

FAMILIES: Final = {"postgres": "PostgreSQL", "mysql": "MySQL or MariaDB", "sqlite": "SQLite"}
"""The folders of statements, as people call the databases."""

_SLOT: Final = re.compile(r"%\((\w+)\)s|%%|(?<![:\w]):(\w+)")
_DUPLICATE_ENTRY: Final = 1062
"""MySQL's number for a row refused because its id exists."""


class Joined(Session, Protocol):
    """The caller's open transaction; `rows` and `change` take our statements as they are."""

    @property
    def family(self) -> str:
        """The kind of database: a key of `FAMILIES`."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The base classes of what the library raises."""

    @property
    def raw(self) -> Any:
        """The driver's own connection."""

    def native(self) -> Session | None:
        """A session of our own driver's over `raw`, for its fast ways; None: there is none."""

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Call `wake` after the commit, where the library lets us know of it."""


class AsyncJoined(Protocol):
    """`Joined` over an async library."""

    @property
    def family(self) -> str:
        """The kind of database: a key of `FAMILIES`."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The base classes of what the library raises."""

    @property
    def raw(self) -> Any:
        """The driver's own connection."""

    async def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""

    async def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed; an insert of an id that exists changes none."""

    async def on_commit(self, wake: Callable[[], None]) -> None:
        """Call `wake` after the commit, where the library lets us know of it."""


class Ready(NamedTuple):
    """A connection that was joined before; `tasq_core.aio` passes it as `connection`."""

    connection: object
    joined: Joined


class Place(NamedTuple):
    """Which table of which database a connection would write to."""

    database: tuple[object, ...]
    """Equal for two connections to one database, whatever hosts and names lead there."""
    table: object
    """What the table's name stands for there; None where that doesn't depend."""
    shown: str


def join(connection: Any) -> Joined:
    """The adapter's view of the caller's connection.

    Raises:
        InvalidTypeError: not a connection that there is an adapter for, or an async one.
        InvalidInputError: a connection that is closed, or commits each statement by itself.
    """
    if isinstance(connection, Ready):
        return connection.joined
    adapter = _found(connection, _ADAPTERS)
    if adapter is None:
        if _found(connection, _ASYNC_ADAPTERS) is not None:
            refuse_async(connection)
        refuse_type(connection)
    found: Joined = import_module(f"tasq_core.integrations.{adapter}").join(connection)
    return found


async def join_async(connection: Any) -> AsyncJoined:
    """The adapter's view of the caller's async connection.

    Raises:
        InvalidTypeError: not a connection that there is an adapter for, or one for threads.
        InvalidInputError: a connection that is closed, or commits each statement by itself.
    """
    adapter = _found(connection, _ASYNC_ADAPTERS)
    if adapter is None:
        if _found(connection, _ADAPTERS) is not None:
            refuse_sync(connection)
        raise InvalidTypeError(f"connection must be {ASYNC_TAKES}, not {name_of(connection)}")
    module = import_module(f"tasq_core.integrations.{adapter}")
    found: AsyncJoined = await module.join_async(connection)
    return found


def _found(connection: Any, adapters: dict[str, str]) -> str | None:
    """The adapter for the class of `connection`, or for a class it is derived from."""
    if isinstance(connection, str):  # an alias of Django's
        return adapters.get("django") if "django" in sys.modules else None
    tops = (kind.__module__.partition(".")[0] for kind in type(connection).__mro__)
    return next((adapters[top] for top in tops if top in adapters), None)


# -- refusals --------------------------------------------------------------------------------


def name_of(connection: object) -> str:
    """What `connection` is, for an error: never its text, which may hold a password."""
    if isinstance(connection, Ready):
        connection = connection.connection
    if isinstance(connection, str):
        return "a str (an alias is for programs that use Django)"
    kind = type(connection)
    return f"{kind.__module__.partition('.')[0]}'s {kind.__qualname__}"


def refuse_type(connection: object) -> NoReturn:
    """Say what `connection=` takes."""
    raise InvalidTypeError(f"connection must be {TAKES}, not {name_of(connection)}")


def refuse_async(connection: object) -> NoReturn:
    """Say which API takes an async connection."""
    raise InvalidTypeError(
        f"{name_of(connection)} is async: submit with a client of tasq_core.aio, or pass {TAKES}"
    )


def refuse_sync(connection: object) -> NoReturn:
    """Say which API takes a connection for threads."""
    raise InvalidTypeError(
        f"{name_of(connection)} isn't async and would block the event loop: pass {ASYNC_TAKES},"
        " or submit with a client of tasq_core.connect"
    )


def refuse_closed(connection: object) -> NoReturn:
    """Say that nothing can join a closed connection."""
    raise InvalidInputError(f"{name_of(connection)} is closed: pass one with an open transaction")


def refuse_autocommit(connection: object, instead: str) -> NoReturn:
    """Say that there is no transaction to join."""
    raise InvalidInputError(
        f"{name_of(connection)} commits each statement by itself, so that there is no transaction"
        f" to join: {instead}, or submit without connection="
    )


def check_charset(charset: str) -> None:
    """Refuse a MySQL connection whose character set can't carry every text.

    Raises:
        InvalidInputError: it isn't utf8mb4.
    """
    if charset != "utf8mb4":
        raise InvalidInputError(
            f"the connection's character set is {charset}, which can't carry every text:"
            " connect with charset='utf8mb4'"
        )


# -- places ----------------------------------------------------------------------------------


def place_of(family: str, row: Row) -> Place:
    """The place that the statement `identity` found."""
    if family == "postgres":
        name, system, table = row
        return Place((name, system), table, f"database {name!r}")
    if family == "mysql":
        name, host, port, server, *cluster = row
        named = str(cluster[0] or "") if cluster else ""
        whole = (name, named) if named.strip("0-") else (name, host, port, server)
        return Place(whole, None, f"database {name!r} at {host}:{port}")
    (file,) = row
    shown = repr(file) if file else "a database in memory"
    return Place((str(Path(file).resolve()) if file else object(),), None, shown)


def check_place(connection: object, theirs: Place, ours: Place, table: str) -> None:
    """Refuse a connection that would write elsewhere than where the client looks.

    Raises:
        InvalidInputError: says where each of them leads.
    """
    if theirs.database != ours.database:
        raise InvalidInputError(
            f"{name_of(connection)} is connected to another database ({theirs.shown}) than this"
            f" client ({ours.shown}), whose consumers would never see the task: make a client of"
            " that database"
        )
    if theirs.table != ours.table:
        raise InvalidInputError(
            f"on {name_of(connection)} the name {table!r} stands for another table than for this"
            " client, or for none: give both the same search_path"
        )


# -- what adapters share -----------------------------------------------------------------------


def as_named(sql: str) -> str:
    """`sql` with `:name` for each value, as SQLAlchemy's text() and SQLite take it."""
    return _SLOT.sub(lambda slot: _name(slot, ":{}", "%"), sql)


def as_pyformat(sql: str) -> str:
    """`sql` with `%(name)s` for each value, as Django takes it for every database."""
    return _SLOT.sub(lambda slot: _name(slot, "%({})s", "%%"), sql)


def as_numbered(sql: str, params: Params) -> tuple[str, list[object]]:
    """`sql` with `$1`, `$2` … for asyncpg, and the values in that order."""
    values: list[object] = []

    def number(slot: re.Match[str]) -> str:
        if slot[0] == "%%":
            return "%"
        value = params[slot[1]]
        values.append(value)
        # Its type would be taken from the cast that follows: a list of ids comes as text.
        return f"${len(values)}::text" if isinstance(value, str) else f"${len(values)}"

    return _SLOT.sub(number, sql), values


def _name(slot: re.Match[str], form: str, percent: str) -> str:
    return percent if slot[0] == "%%" else form.format(slot[1] or slot[2])


def plain_row(row: Any) -> Row:
    """A row as our own drivers return it."""
    return tuple(map(_plain, row))


def _plain(value: Any) -> Any:
    if isinstance(value, memoryview):
        return bytes(value)
    # asyncpg has a class of its own, which isn't pickled as the standard library's.
    return UUID(int=value.int) if isinstance(value, UUID) else value


def innermost(error: BaseException) -> BaseException:
    """The driver's error inside those of the libraries around it."""
    inner = getattr(error, "orig", None) or error.__cause__
    return error if not isinstance(inner, Exception) or inner is error else innermost(inner)


def is_duplicate(error: BaseException) -> bool:
    """Whether MySQL refused a row because its id exists."""
    return innermost(error).args[:1] == (_DUPLICATE_ENTRY,)


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """Undo what was done within, and nothing else, where an exception leaves it.

    After a deadlock MySQL has rolled back the whole transaction: then there is no savepoint.
    """
    session.change("SAVEPOINT tasq_joined", {})
    try:
        yield
    except BaseException:
        with suppress(Exception):  # why it failed is what the caller must see
            session.change("ROLLBACK TO SAVEPOINT tasq_joined", {})
            session.change("RELEASE SAVEPOINT tasq_joined", {})
        raise
    session.change("RELEASE SAVEPOINT tasq_joined", {})
