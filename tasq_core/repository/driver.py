"""The narrow seam between the flow and a database driver. Not for users: it may change.

`SqlRepository` holds the flow once; each database brings a `Driver` (connections,
transactions, error translation), a `RowFormat` (how values cross), and the few steps
marked "differs:" in its own file.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from tasq_core.errors import RepositoryError
from tasq_core.filters.where import WhereDialect
from tasq_core.task import Task

R = TypeVar("R")
Params = Mapping[str, object]
Row = tuple[Any, ...]


class Session(Protocol):
    """Runs statements on one connection."""

    def rows(self, sql: str, params: Params) -> list[Row]:
        """The rows a statement returns."""

    def change(self, sql: str, params: Params) -> int:
        """How many rows a statement changed."""


Ask = Callable[[str], Sequence[tuple[Any, ...]]]
"""Gives the rows of a statement; raises errors of ours."""


class Driver(Protocol):
    """One database's connections.

    `response_timeout`: seconds of silence after which a connection counts as broken; None
    leaves the connection's own bound.
    """

    def dialect(self, ask: Ask) -> str:
        """The kind of server: "postgresql", "mysql", "mariadb" or "sqlite".

        `ask` gives the rows of a statement, where only the server can tell.
        """

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The base classes of what the driver raises."""

    def read(self, response_timeout: float | None = None) -> AbstractContextManager[Session]:
        """A connection for statements that change nothing."""

    def write(self, response_timeout: float | None = None) -> AbstractContextManager[Session]:
        """A connection for one statement that changes rows, a transaction by itself."""

    def transaction(self, response_timeout: float | None = None) -> AbstractContextManager[Session]:
        """A connection in one transaction: committed at the end, rolled back on an error."""

    @property
    def borrowed(self) -> Any:
        """The caller's connection that this driver was made of; None: it has its own."""

    def adopted(self, error: Exception) -> Exception:
        """Another library's error for this database as one of this driver's."""

    def translate(self, error: Exception, table: str) -> RepositoryError:
        """Our error for the driver's, saying what failed, on what, and what to do."""

    def is_transient(self, error: Exception) -> bool:
        """Whether the transaction was the victim of another: a deadlock, a lock timeout."""

    def lost_connection(self, error: Exception) -> bool:
        """Whether the connection broke, so that another one may serve."""

    def recover(self) -> None:
        """Drop connections that may be broken."""

    def interrupt(self) -> None:
        """Cancel what runs now, from any thread."""

    def close(self) -> None:
        """Close what was opened here."""


class RowFormat(Protocol):
    """How this database's columns and parameters hold our values."""

    @property
    def where(self) -> WhereDialect:
        """How its conditions are spelled."""

    def task(self, row: Row) -> Task:
        """The task of a row of `{columns}`."""

    def status_of(self, value: Any) -> str:
        """The label of a status column."""

    def id(self, value: UUID) -> object:
        """An id as a parameter."""

    def read_id(self, value: Any) -> UUID:
        """An id column."""

    def time(self, value: datetime) -> object:
        """A time as a parameter."""

    def bound(self, value: datetime) -> object:
        """A time that a walk compares with; the end of time is beyond whatever a row holds."""

    def read_time(self, value: Any) -> datetime:
        """A time column, aware UTC."""

    def names(self, values: Sequence[str]) -> object:
        """A list of texts as one parameter."""

    def ids(self, values: Sequence[UUID]) -> object:
        """A list of ids as one parameter, sorted, so that locks are taken in one order."""

    def clock(self) -> dict[str, object]:
        """The parameters that every statement of this database is given."""


def within(scope: AbstractContextManager[Session], work: Callable[[Session], R]) -> R:
    """Do `work` within `scope`, which is left for certain.

    A `with` block would leave it by a call that the exception of a signal handler may
    interrupt before it has done anything. Where a driver's own clearing up put another error
    in the place of that exception, it is raised instead.
    """
    try:
        done = work(scope.__enter__())
        scope.__exit__(None, None, None)
    except BaseException as error:
        with suppress(Exception):  # what undoing meets isn't why it failed
            scope.__exit__(type(error), error, error.__traceback__)
        interruption = getattr(scope, "interruption", None)
        if interruption is not None:
            raise interruption from None
        raise
    return done
