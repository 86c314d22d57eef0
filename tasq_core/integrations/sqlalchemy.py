"""SQLAlchemy 2: Connection and Session; for `tasq_core.aio` AsyncConnection and AsyncSession.

Statements run through SQLAlchemy, so that its own transaction begins, with whichever driver.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakSet

from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Engine,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    TextClause,
    Uuid,
    bindparam,
    event,
    text,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError, UnboundExecutionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session
from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.types import TypeEngine

from tasq_core.errors import InvalidInputError
from tasq_core.repository import joining
from tasq_core.repository.driver import Params, Row
from tasq_core.repository.driver import Session as OurSession
from tasq_core.repository.joining import (
    AsyncJoined,
    Joined,
    as_named,
    is_duplicate,
    plain_row,
    refuse_async,
    refuse_autocommit,
    refuse_closed,
    refuse_sync,
    refuse_type,
)

if TYPE_CHECKING:
    from sqlalchemy.pool import Pool

R = TypeVar("R")

_FAMILIES: Final = {
    "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite",
}  # fmt: skip
_TYPES: Final[dict[str, TypeEngine[Any]]] = {
    "id": Uuid(), "type": Text(), "args": LargeBinary(), "queue": Text(),
    "priority": SmallInteger(), "max_receives": Integer(),
    "created_at": DateTime(timezone=True), "visible_at": DateTime(timezone=True),
}  # fmt: skip
_STORED_AS: Final[dict[str, dict[str, TypeEngine[Any]]]] = {
    "postgres": _TYPES | {"ids": Text()},  # an array in one text
    "mysql": _TYPES | {"id": LargeBinary()},
    "sqlite": _TYPES
    | {"id": LargeBinary(), "created_at": BigInteger(), "visible_at": BigInteger()},
}
"""How the values of an INSERT are bound; some drivers need to know."""
_WAKES: Final = "tasq_wakes"
"""Where a pooled connection keeps whom to wake once it is given back."""
_watched: "WeakSet[Pool]" = WeakSet()


class JoinedSQLAlchemy:
    """The transaction of a SQLAlchemy Connection."""

    errors = (SQLAlchemyError,)

    def __init__(self, connection: Connection, family: str) -> None:
        self._connection = connection
        self.family = family

    @property
    def raw(self) -> Any:
        """The driver's own connection."""
        return self._connection.connection.driver_connection

    def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        result = self._connection.execute(_statement(sql, self.family), dict(params))
        return [plain_row(row) for row in result]

    def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed; an insert of an id that exists changes none."""
        if not params:  # a savepoint's, which needs none of text()'s work
            return self._connection.exec_driver_sql(sql).rowcount
        try:
            return self._connection.execute(_statement(sql, self.family), dict(params)).rowcount
        except IntegrityError as error:
            if self.family == "mysql" and is_duplicate(error):
                return 0
            raise

    def native(self) -> OurSession | None:
        """A session of our own driver's, if SQLAlchemy uses it too."""
        if self._connection.dialect.driver in {"psycopg", "pymysql", "pysqlite"}:
            return joining.join(self.raw).native()
        return None

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Call `wake` once the connection goes back to its pool, which a commit comes before.

        SQLAlchemy's own event of a commit comes too early, before it is made.
        """
        pool = self._connection.engine.pool
        if pool not in _watched:
            event.listen(pool, "checkin", _wake)
            _watched.add(pool)
        self._connection.info.setdefault(_WAKES, set()).add(wake)


def _wake(_connection: object, record: Any) -> None:
    for wake in record.info.pop(_WAKES, ()):
        wake()


@cache
def _statement(sql: str, family: str) -> TextClause:
    statement = text(as_named(sql).replace("::", r"\:\:"))  # a cast, not a value
    types = _STORED_AS[family]
    known = [bindparam(name, type_=types[name]) for name in types if f":{name}" in statement.text]
    named = set(statement.compile().params)
    return statement.bindparams(*(value for value in known if value.key in named))


def join(connection: Any) -> Joined:
    """Join a Connection's transaction, or that of a Session's; begins it as they do."""
    if isinstance(connection, AsyncConnection | AsyncSession | async_scoped_session):
        refuse_async(connection)
    if isinstance(connection, Engine):
        raise InvalidInputError(
            "a SQLAlchemy Engine has no transaction to join: pass the Connection of"
            " engine.begin(), or a Session"
        )
    if isinstance(connection, Session | scoped_session):
        connection = _of_session(connection)
    if not isinstance(connection, Connection):
        refuse_type(connection)
    return _join(connection)


def _of_session(session: "Session | scoped_session[Any]") -> Connection:
    try:
        return session.connection()
    except UnboundExecutionError as error:
        raise InvalidInputError(
            "the Session has several engines: pass the connection that is meant,"
            " session.connection(bind_arguments={'mapper': …})"
        ) from error


def _join(connection: Connection) -> Joined:
    if connection.closed:
        refuse_closed(connection)
    family = _FAMILIES.get(connection.dialect.name)
    if family is None:
        raise InvalidInputError(
            f"SQLAlchemy is connected to {connection.dialect.name}, which holds no tasks"
        )
    if not connection.in_transaction():
        connection.begin()
    raw = connection.connection.driver_connection
    if _commits_by_itself(raw, connection.connection.dbapi_connection):
        # Some programs turn the driver's transactions off and begin with an event of their own.
        if not getattr(raw, "in_transaction", False):
            refuse_autocommit(connection, "leave out isolation_level='AUTOCOMMIT'")
    elif family == "sqlite" and not getattr(raw, "in_transaction", True):
        connection.exec_driver_sql("BEGIN")  # a savepoint alone would commit at its end
    return JoinedSQLAlchemy(connection, family)


def _commits_by_itself(raw: Any, adapted: Any) -> bool:
    """Whether the driver is in autocommit mode, told as each of them does.

    SQLAlchemy's own answer is younger than SQLAlchemy 2.
    """
    if callable(asked := getattr(raw, "get_autocommit", None)):  # MySQL's
        return bool(asked())
    for setting in (getattr(adapted, "autocommit", None), getattr(raw, "autocommit", None)):
        if isinstance(setting, bool):  # PostgreSQL's; SQLite's since Python 3.12 has a third value
            return setting
    return getattr(raw, "isolation_level", "") is None  # SQLite's


class AsyncJoinedSQLAlchemy:
    """The transaction of an AsyncConnection or AsyncSession."""

    errors = (SQLAlchemyError,)

    def __init__(self, connection: Any, family: str, raw: Any) -> None:
        self._connection = connection
        self.family = family
        self.raw = raw

    async def _run(self, work: Callable[[Joined], R]) -> R:
        found: R = await self._connection.run_sync(lambda sync: work(join(sync)))
        return found

    async def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        return await self._run(lambda joined: joined.rows(sql, params))

    async def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed; an insert of an id that exists changes none."""
        return await self._run(lambda joined: joined.change(sql, params))

    async def on_commit(self, wake: Callable[[], None]) -> None:
        """Call `wake` once the connection goes back to its pool."""
        await self._run(lambda joined: joined.on_commit(wake))


async def join_async(connection: Any) -> AsyncJoined:
    """Join an AsyncConnection's transaction, or that of an AsyncSession's."""
    if not isinstance(connection, AsyncConnection | AsyncSession | async_scoped_session):
        refuse_sync(connection)
    if isinstance(connection, async_scoped_session):
        connection = connection.registry()  # that of this task
    if isinstance(connection, AsyncConnection) and connection.closed:
        refuse_closed(connection)
    family, raw = await connection.run_sync(lambda sync: _facts(join(sync)))
    return AsyncJoinedSQLAlchemy(connection, family, raw)


def _facts(joined: Joined) -> tuple[str, Any]:
    return joined.family, joined.raw
