"""PyMySQL: a Connection."""

from collections.abc import Callable
from typing import Any

import pymysql
from pymysql.connections import Connection

from tasq_core.repository.joining import Joined, refuse_autocommit, refuse_closed, refuse_type
from tasq_core.repository.mysql_session import MySQLSession

_BEGIN = "begin one with connection.begin(), or turn autocommit off"


class JoinedPyMySQL(MySQLSession):
    """A PyMySQL connection, whatever its converters and cursor class."""

    family = "mysql"
    errors = (pymysql.Error, OSError)

    def native(self) -> "JoinedPyMySQL":
        """Itself."""
        return self

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Nothing: PyMySQL lets nobody know."""


def join(connection: Any) -> Joined:
    """Join an open PyMySQL connection."""
    if not isinstance(connection, Connection):
        refuse_type(connection)
    if not connection.open:
        refuse_closed(connection)
    joined = JoinedPyMySQL(connection, foreign=True)
    if joined.autocommits() and not joined.in_transaction():
        refuse_autocommit(connection, _BEGIN)
    return joined
