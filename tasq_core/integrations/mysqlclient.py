"""mysqlclient (MySQLdb): a Connection."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import MySQLdb
from MySQLdb.cursors import Cursor

from tasq_core.repository.driver import Params, Row
from tasq_core.repository.joining import (
    Joined,
    check_charset,
    is_duplicate,
    refuse_autocommit,
    refuse_closed,
    refuse_type,
)


class JoinedMySQLdb:
    """A mysqlclient connection, whatever its cursor class."""

    family = "mysql"
    errors = (MySQLdb.Error,)

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        with closing(Cursor(self.raw)) as cursor:
            cursor.execute(sql, dict(params))
            return list(cursor.fetchall())

    def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed; an insert of an id that exists changes none."""
        with closing(Cursor(self.raw)) as cursor:
            try:
                return int(cursor.execute(sql, dict(params)))
            except MySQLdb.IntegrityError as error:
                if is_duplicate(error):
                    return 0
                raise

    def native(self) -> None:
        """None: our own driver is another one."""

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Nothing: mysqlclient lets nobody know."""


def join(connection: Any) -> Joined:
    """Join an open mysqlclient connection."""
    if not isinstance(connection, MySQLdb.connections.Connection):
        refuse_type(connection)
    try:
        autocommit = connection.get_autocommit()
    except MySQLdb.Error:  # all that it says of a closed one is an empty number
        refuse_closed(connection)
    check_charset(connection.character_set_name())
    if autocommit:
        refuse_autocommit(connection, "call connection.autocommit(False)")
    return JoinedMySQLdb(connection)
