"""Statements on one psycopg connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import capabilities
from psycopg.pq import Format

from tasq_core.repository.driver import Params, Row
from tasq_core.repository.postgres_connection import BoundedConnection, carried, cursor_of

Connection = psycopg.Connection[Any]

_PLAN_ONCE: Final = """SELECT set_config('plan_cache_mode', 'force_generic_plan', true),
  set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
  set_config('jit', 'off', true)"""
"""For one transaction: a plan for any values is kept, as planning a claim takes eight times as
long as running it. Such a plan may be made while the table is small, and its costs are guessed
for a tenth of the table: neither may lead away from the indexes, nor to compile it."""


class PostgresSession:
    """Statements on one psycopg connection."""

    def __init__(self, raw: Connection) -> None:
        self.raw = raw

    def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""
        return self._execute(sql, params, binary=True).fetchall()

    def _execute(self, sql: str, params: Params, *, binary: bool) -> psycopg.Cursor[Any]:
        # The text is one of ours (tasq_core.sql checks it), every value is bound.
        cursor = cursor_of(self.raw)
        if binary:
            cursor.format = Format.BINARY
        with carried(self.raw):
            return cursor.execute(sql, params)

    @contextmanager
    def uncommitted(self, sql: str, params: Params) -> Iterator[list[Row]]:
        """The rows a statement returns, known before it commits: at the end of the context.

        On our own connections a pipeline does it, which costs one round trip more. In a
        transaction that the caller has begun there is nothing to commit.
        """
        raw = self.raw
        if isinstance(raw, BoundedConnection) and capabilities.has_pipeline():
            is_used = False
            try:
                with raw.pipeline():
                    try:
                        if raw.prepare_threshold is not None:
                            raw.execute(_PLAN_ONCE)
                        yield self.rows(sql, params)  # asked for by a flush, which commits nothing
                    except psycopg.Error:
                        raise
                    except BaseException:
                        raw.close()  # the end of the pipeline would commit
                        raise
                    is_used = True
            except psycopg.Error as error:
                refusal = _refusal_of_commit(raw, error)
                if refusal is None:
                    raise
                raise refusal from None
            except IndexError:
                if not is_used:
                    raise
                raise _lost_refusal(raw) from None
        else:
            with raw.transaction():
                yield self.rows(sql, params)

    def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed."""
        return self._execute(sql, params, binary=False).rowcount


def _refusal_of_commit(raw: BoundedConnection, error: psycopg.Error) -> psycopg.Error | None:
    """Why the server rolled back at the end of a pipeline, where `error` only says that it is busy.

    psycopg doesn't expect an answer to a statement there: such a connection is closed.
    """
    refusal = error.__context__
    if error.sqlstate or not isinstance(refusal, psycopg.Error):
        return None
    if refusal.diag.severity_nonlocalized != "ERROR":
        return None
    raw.pgconn.finish()
    return refusal


def _lost_refusal(raw: BoundedConnection) -> psycopg.Error:
    """The same where both answers came at once: psycopg takes the refusal for the end's answer.

    Then it has no place for the end's. A commit without deferred constraints, which the task
    table has none of, is refused for what was committed meanwhile.
    """
    said = raw.pgconn.get_error_message()
    raw.pgconn.finish()
    return psycopg.errors.SerializationFailure(f"the server refused the commit: {said}")
