"""Every error tasq raises on purpose; a driver's own exception is never raised, only its cause.

TasqError
├── InvalidInputError (ValueError)          a value that can't be used: says which and why
│   ├── InvalidTypeError (TypeError)
│   ├── FilterSyntaxError
│   ├── CronSyntaxError
│   ├── UnknownPollStrategyError
│   └── VisibilityTimeoutTooShortError
├── ConsumerAlreadyRunningError
├── ConsumerAlreadyStoppedError
├── CouldNotActivateTasksError
├── CouldNotPollTasksError
├── CouldNotPingTasksError
├── TaskTypeAlreadyLearnedError
├── TaskTypeNotFoundError
├── TaskTypeNotKnownError
├── TaskNotFoundError
├── ScheduleNotFoundError
├── ArgsEncodeError
├── ArgsDecodeError
├── LeaseLostError
├── WaitTimeoutError (TimeoutError)       what was waited for hasn't ended in time
└── RepositoryError
    ├── RepositoryUnavailableError          can't connect, or the connection broke
    │   ├── ClaimUnansweredError            … while a claim committed: it may have been made
    │   └── StatementTimeoutError           the server ended a statement that took too long
    ├── TableMissingError                   `tasq migrate` was not run
    └── ReadOnlyError                       a write over a read-only connection
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Self
from unicodedata import east_asian_width
from uuid import UUID

if TYPE_CHECKING:
    from tasq_core.reports import Lease


class TasqError(Exception):
    """The base of every error of tasq."""


class InvalidInputError(TasqError, ValueError):
    """A value that can't be used; the message names it, the reason and what would do."""


class InvalidTypeError(InvalidInputError, TypeError):
    """A value of the wrong type."""


class _PointedError(InvalidInputError):
    """A text that can't be read, with a caret at the place."""

    def __init__(self, text: str, position: int, hint: str) -> None:
        self.text = text
        self.position = position
        self.hint = hint
        shown = "".join(c if c.isprintable() else "·" for c in text)
        cells = sum(2 if east_asian_width(c) in "WF" else 1 for c in shown[:position])
        super().__init__(f"{hint}\n  {shown}\n  {' ' * cells}^")

    def __reduce__(self) -> tuple[type[Self], tuple[str, int, str]]:
        return type(self), (self.text, self.position, self.hint)


class FilterSyntaxError(_PointedError):
    """A filter that can't be read.

    Attributes:
        text: the whole filter.
        position: where it goes wrong, in characters from 0.
        hint: what would do.
    """


class CronSyntaxError(_PointedError):
    """A cron line that can't be read, or that never comes.

    Attributes:
        text: the whole line.
        position: where it goes wrong, in characters from 0.
        hint: what would do.
    """


class UnknownPollStrategyError(InvalidInputError):
    """The consumer was given a poll strategy that doesn't exist."""


class VisibilityTimeoutTooShortError(InvalidInputError):
    """The visibility timeout is no longer than the poll interval."""


class ConsumerAlreadyRunningError(TasqError):
    """The consumer was started, and can't be changed or started again before it has stopped."""


class ConsumerAlreadyStoppedError(TasqError):
    """The consumer isn't running."""


class CouldNotActivateTasksError(TasqError):
    """Claimed tasks could not be handed out."""


class CouldNotPollTasksError(TasqError):
    """The database refused a claim."""


class CouldNotPingTasksError(TasqError):
    """Leases could not be extended."""


class TaskTypeAlreadyLearnedError(TasqError):
    """A handler for this task type is known; pass `override=True` to replace it."""


class TaskTypeNotFoundError(TasqError):
    """`forget` was given a task type that was never learned."""


class TaskTypeNotKnownError(TasqError):
    """A claimed task has a type without a handler."""


class TaskNotFoundError(TasqError):
    """No row has this id.

    Attributes:
        task_ids: the ids that weren't found, as given.
    """

    def __init__(self, message: str, task_ids: Collection[UUID | str] = ()) -> None:
        self.task_ids = tuple(task_ids)
        super().__init__(message)


class ScheduleNotFoundError(TasqError):
    """There is no schedule of this name."""


class ArgsEncodeError(TasqError):
    """The codec can't encode these arguments."""


class ArgsDecodeError(TasqError):
    """These bytes are not arguments that the codec can read."""


class LeaseLostError(TasqError):
    """The lease has passed to another consumer, ended, or its row is gone; nothing was written.

    Attributes:
        task_id: the task whose lease was lost.
    """

    def __init__(self, message: str, task_id: UUID | None = None) -> None:
        self.task_id = task_id
        super().__init__(message)


class WaitTimeoutError(TasqError, TimeoutError):
    """Tasks that were waited for haven't ended in time; they themselves go on.

    Attributes:
        task_ids: those still open.
    """

    def __init__(self, message: str, task_ids: Collection[UUID] = ()) -> None:
        self.task_ids = tuple(task_ids)
        super().__init__(message)


class RepositoryError(TasqError):
    """The database refused or failed a statement; its own error is the `__cause__`."""


class RepositoryUnavailableError(RepositoryError):
    """The database can't be reached, refuses us, or the connection broke. Trying again may do."""


class ClientClosedError(RepositoryError):
    """The client was used after its `close`. A running consumer ends with this error."""


class StatementTimeoutError(RepositoryUnavailableError):
    """The server is there, but ended a statement: it took too long, or was cancelled."""


class ClaimUnansweredError(RepositoryUnavailableError):
    """The commit of a claim got no answer: its tasks are leased to the caller, or weren't claimed.

    Give `leases` to `release_leases` until that answers: then none of them is held any more,
    and no attempt was used up.

    Attributes:
        leases: of the tasks that would have been returned.
    """

    def __init__(self, message: str, leases: "Sequence[Lease]" = ()) -> None:
        self.leases = tuple(leases)
        super().__init__(message)


class TableMissingError(RepositoryError):
    """The task table doesn't exist here.

    Attributes:
        table: its name.
    """

    def __init__(self, message: str, table: str = "") -> None:
        self.table = table
        super().__init__(message)


class ReadOnlyError(RepositoryError):
    """A write over a connection that was opened read-only; the database refused it."""
