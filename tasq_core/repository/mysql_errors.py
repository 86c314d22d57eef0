"""PyMySQL's errors into ours."""

from typing import Final

import pymysql
from pymysql.constants import CR, ER

from tasq_core.errors import (
    ReadOnlyError,
    RepositoryError,
    RepositoryUnavailableError,
    StatementTimeoutError,
    TableMissingError,
)
from tasq_core.repository.redaction import redact_text
from tasq_core.repository.unstorable import TWO_BYTES, UnstorableTextError

_TRANSIENT: Final = {ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT, ER.CHECKREAD}
_KILLED: Final = 1927
_DENIED: Final = {ER.ACCESS_DENIED_ERROR, 1698}
"""Wrong password; the second where the server's plugin takes none."""
NODE_NOT_READY: Final = ER.UNKNOWN_COM_ERROR
"""What a Galera node says that has lost or not yet found its cluster."""
_REFUSED: Final = _DENIED | {
    ER.BAD_DB_ERROR, ER.DBACCESS_DENIED_ERROR, ER.CON_COUNT_ERROR,
    ER.SERVER_SHUTDOWN, ER.NORMAL_SHUTDOWN, ER.HOST_IS_BLOCKED, ER.HOST_NOT_PRIVILEGED,
    NODE_NOT_READY, _KILLED,
}  # fmt: skip
"""The server won't serve us now."""
_TIMED_OUT: Final = {ER.QUERY_INTERRUPTED, 1969, 3024}
"""A statement was ended: by KILL QUERY, and out of time (MariaDB, MySQL)."""
_READ_ONLY: Final = {1792, ER.OPTION_PREVENTS_STATEMENT, 1836}
"""In a read-only transaction, on a read-only server, in read-only mode."""
_LOST: Final = {CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, CR.CR_CONN_HOST_ERROR,
                CR.CR_CONNECTION_ERROR, CR.CR_UNKNOWN_HOST, CR.CR_SERVER_LOST_EXTENDED}  # fmt: skip
_FIRST_OF_THE_CLIENT, _LAST_OF_THE_CLIENT = 2000, 2999


def code_of(error: BaseException) -> int:
    """MySQL's number of an error; 0 where it has none."""
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0


def was_answered(error: BaseException) -> bool:
    """Whether the server sent this error, after which the connection is in step with it."""
    code = code_of(error)
    of_client = _FIRST_OF_THE_CLIENT <= code <= _LAST_OF_THE_CLIENT
    return isinstance(error, pymysql.MySQLError) and code > 0 and not of_client


def is_transient(error: Exception) -> bool:
    """A deadlock, a lock not had in time, a row changed since it was read."""
    return code_of(error) in _TRANSIENT


def is_read_only(error: Exception) -> bool:
    """Whether the server, or the session, takes no writes."""
    return code_of(error) in _READ_ONLY


def lost_connection(error: Exception) -> bool:
    """The server ended it, the network did, or this node can't serve and another may."""
    ended = _LOST | {_KILLED, NODE_NOT_READY, ER.SERVER_SHUTDOWN, ER.NORMAL_SHUTDOWN}
    return isinstance(error, OSError | pymysql.InterfaceError) or code_of(error) in ended


def translate(error: Exception, table: str, shown: str) -> RepositoryError:
    """Our error for one of PyMySQL's; `shown` is the server as people may see it."""
    code = code_of(error)
    text = redact_text(str(error.args[-1] if error.args else error) or type(error).__name__)
    if code == ER.NO_SUCH_TABLE and table in text:
        return TableMissingError(
            f"table {table!r} doesn't exist in {shown}; run `tasq migrate` or client.migrate()",
            table,
        )
    if code == ER.TRUNCATED_WRONG_VALUE_FOR_FIELD and "string" in text:
        return UnstorableTextError(
            f"{shown}, table {table!r}: {text}; its character set doesn't have every letter of the"
            " text: use its letters, or convert the column to utf8mb4",
            [TWO_BYTES, "latin-1"],
        )
    if is_read_only(error):
        return ReadOnlyError(f"{shown} is open read-only: {text}")
    if code in _TIMED_OUT:
        return StatementTimeoutError(f"{shown}: the statement was cancelled: {text}")
    if code in _REFUSED | _LOST or isinstance(error, OSError | pymysql.InterfaceError):
        return RepositoryUnavailableError(f"can't use {shown}: {text}{_hint(code)}")
    return RepositoryError(f"{shown}, table {table!r}: {text}")


def _hint(code: int) -> str:
    if code in _DENIED:
        return "; check the user and password in the URL"
    if code in {ER.BAD_DB_ERROR, ER.DBACCESS_DENIED_ERROR}:
        return "; check the database's name in the URL"
    if code in {CR.CR_CONN_HOST_ERROR, CR.CR_UNKNOWN_HOST}:
        return "; check the host and port, and that the server is running"
    return ""


def is_duplicate(error: Exception) -> bool:
    """Whether a row was refused because its id exists."""
    return code_of(error) == ER.DUP_ENTRY
