"""Django: a database connection, the proxy `django.db.connection`, or an alias.

Statements run through Django's cursor; the task is committed with the outermost `atomic`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.db import IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionDoesNotExist
from django.db.utils import Error as DjangoError
from django.utils.connection import ConnectionProxy

from tasq_core.errors import InvalidInputError
from tasq_core.repository.driver import Params, Row, Session
from tasq_core.repository.joining import (
    Joined,
    as_pyformat,
    is_duplicate,
    plain_row,
    refuse_autocommit,
    refuse_type,
)
from tasq_core.repository.joining import (
    join as join_raw,
)

_FAMILIES: Final = {"postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite"}
_OUR_DRIVERS: Final = {"psycopg", "pymysql", "sqlite3"}


class JoinedDjango:
    """The transaction of a Django connection."""

    errors = (DjangoError,)

    def __init__(self, connection: Any, family: str) -> None:
        self._connection = connection
        self.family = family

    @property
    def raw(self) -> Any:
        """The driver's own connection."""
        return self._connection.connection

    def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        with self._connection.cursor() as cursor:
            cursor.execute(as_pyformat(sql), dict(params))
            return [plain_row(row) for row in cursor.fetchall()]

    def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed; an insert of an id that exists changes none."""
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(as_pyformat(sql), dict(params))
            except IntegrityError as error:
                if self.family == "mysql" and is_duplicate(error):
                    return 0
                raise
            return int(cursor.rowcount)

    def native(self) -> Session | None:
        """A session of our own driver's, if Django uses it too."""
        tops = {kind.__module__.partition(".")[0] for kind in type(self.raw).__mro__}
        return join_raw(self.raw).native() if tops & _OUR_DRIVERS else None

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Call `wake` after the commit of the outermost `atomic`."""
        transaction.on_commit(partial(wake), using=self._connection.alias)


def join(connection: Any) -> Joined:
    """Join the transaction of a connection, or of the one that an alias names."""
    if isinstance(connection, str):
        try:
            wrapper = connections[connection]
        except ConnectionDoesNotExist:
            known = ", ".join(map(repr, connections))
            raise InvalidInputError(
                f"Django knows no database {connection!r}: DATABASES has {known}"
            ) from None
    elif isinstance(connection, ConnectionProxy):
        wrapper = connections[connection.__dict__["_alias"]]
    elif isinstance(connection, BaseDatabaseWrapper):
        wrapper = connection
    else:
        refuse_type(connection)
    family = _FAMILIES.get(wrapper.vendor)
    if family is None:
        raise InvalidInputError(
            f"Django's database {wrapper.alias!r} is {wrapper.vendor}, which holds no tasks"
        )
    wrapper.ensure_connection()
    if wrapper.get_autocommit():
        refuse_autocommit(
            wrapper, f"call submit within transaction.atomic(using={wrapper.alias!r})"
        )
    return JoinedDjango(wrapper, family)
