"""psycopg's errors into ours."""

import re
from typing import Final

import psycopg
import psycopg_pool
from psycopg import errors

from tasq_core.errors import (
    ReadOnlyError,
    RepositoryError,
    RepositoryUnavailableError,
    StatementTimeoutError,
    TableMissingError,
)
from tasq_core.repository.connection_pool import PoolExhaustedError
from tasq_core.repository.redaction import redact_text
from tasq_core.repository.unstorable import UnstorableTextError, codec_of

_QUOTED: Final = re.compile(r'"(\w+)"')
_NEVER_PREPARED: Final = errors.InvalidSqlStatementName | errors.DuplicatePreparedStatement
_ENDED: Final = {"57P01", "57P02", "57P04", "57P05", "25P03", "25P04"}
"""The server ended the session: shut down, crashed, its database dropped, idle for too long
(a session, a transaction), a transaction out of time."""


def has_lost_connection(error: Exception) -> bool:
    """Whether the connection broke; not a refusal, a cancellation, a full pool."""
    if isinstance(error, psycopg_pool.PoolClosed):
        return True
    state = getattr(error, "sqlstate", None)
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state in _ENDED or state[:2] == "08"


def has_stale_plan(error: Exception) -> bool:
    """Whether a prepared statement refers to what was altered, dropped or never prepared.

    The server checks a plan anew, but not the types it has promised: it refuses such a
    statement until it is prepared again. Behind a pooler the session may be another one.
    """
    if isinstance(error, _NEVER_PREPARED | errors.FeatureNotSupported):
        return True  # "cached plan must not change result type", in the server's language
    text = str(error)
    return isinstance(error, errors.InternalError_ | errors.UndefinedObject) and (
        "cache lookup failed" in text or "with OID" in text
    )


def translate(error: Exception, table: str, where: str) -> RepositoryError:
    """Our error for `error`: what failed, on which table of which database, what to do."""
    if isinstance(error, psycopg_pool.PoolTimeout | PoolExhaustedError):
        return RepositoryUnavailableError(
            f"no connection to {where} came free in time; raise pool_size or hold them shorter"
        )
    text = redact_text(str(error).strip() or type(error).__name__)
    # A page names the enum type before the table.
    if isinstance(error, errors.UndefinedTable | errors.UndefinedObject) and (
        table in text or f"{table.removesuffix('s')}_status" in text
    ):
        return TableMissingError(
            f"table {table!r} doesn't exist in {where}; run `tasq migrate` or client.migrate()",
            table,
        )
    if isinstance(error, errors.UntranslatableCharacter):
        # In whatever language the server speaks, the last name it quotes is its encoding.
        encoding = (_QUOTED.findall(text) or ["SQL_ASCII"])[-1]
        return UnstorableTextError(
            f"{where}: the database's encoding, {encoding}, doesn't have every letter of the text:"
            f" {text}; use its letters, or a database in UTF8",
            [codec_of(encoding)],
        )
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return ReadOnlyError(f"{where} is open read-only: {text}")
    if isinstance(error, errors.InsufficientPrivilege):
        return RepositoryError(f"{where}: {text}; grant this user the right")
    if isinstance(error, errors.QueryCanceled):
        return StatementTimeoutError(f"{where}: the statement was cancelled: {text}")
    if _is_unavailable(error):
        return RepositoryUnavailableError(f"can't use {where}: {text}{_hint(text)}")
    return RepositoryError(f"{where}, table {table!r}: {text}")


def _is_unavailable(error: Exception) -> bool:
    """Whether the connection, not the statement, is at fault (SQLSTATE classes 08, 28, 53, 57)."""
    if isinstance(error, psycopg_pool.PoolClosed):
        return True
    state = getattr(error, "sqlstate", None)
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in {"08", "28", "3D", "53", "57"}


def _hint(text: str) -> str:
    if "password authentication failed" in text or "no password supplied" in text:
        return "; check the user and password in the URL"
    if "does not exist" in text:
        return "; check the database and user names in the URL"
    if "Connection refused" in text or "could not translate host" in text:
        return "; check the host and port, and that the server is running"
    return ""


def forget_connections(error: BaseException) -> None:
    """Take the connection's parameters, the password among them, from a chain of errors.

    psycopg keeps them with an error of connecting, where whoever writes down an error with its
    attributes finds them.
    """
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, psycopg.Error):
            link._pgconn = None  # noqa: SLF001 - psycopg has no public way
        link = link.__cause__ or link.__context__
