"""tasq: the task queue that lives in your SQL database.

    import tasq_core as tasq

    client = tasq.connect("sqlite:///tasks.db")
    client.migrate()
    client.new_producer().submit("email", {"to": "a@b.c"})

Everything a program needs is named here. A database's driver is imported only by the
repository that needs it; the three repository classes and the consumer only when they are
asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from tasq_core.args import GOB, JSON, Codec, RawArgs
from tasq_core.cleaner import Cleaner
from tasq_core.client import Client, connect
from tasq_core.durations import Duration
from tasq_core.errors import (
    ArgsDecodeError,
    ArgsEncodeError,
    ClaimUnansweredError,
    ConsumerAlreadyRunningError,
    ConsumerAlreadyStoppedError,
    CouldNotActivateTasksError,
    CouldNotPingTasksError,
    CouldNotPollTasksError,
    CronSyntaxError,
    FilterSyntaxError,
    InvalidInputError,
    InvalidTypeError,
    LeaseLostError,
    ReadOnlyError,
    RepositoryError,
    RepositoryUnavailableError,
    ScheduleNotFoundError,
    StatementTimeoutError,
    TableMissingError,
    TaskNotFoundError,
    TaskTypeAlreadyLearnedError,
    TaskTypeNotFoundError,
    TaskTypeNotKnownError,
    TasqError,
    UnknownPollStrategyError,
    VisibilityTimeoutTooShortError,
    WaitTimeoutError,
)
from tasq_core.filters import Filter
from tasq_core.fleet.reports import Attempt, ConsumerReport, Holder, InFlight, Pause
from tasq_core.inspector import Inspector
from tasq_core.producer import Producer
from tasq_core.reports import (
    BreakdownRow,
    ErrorGroup,
    Health,
    Lease,
    MutationResult,
    Outcome,
    Page,
    Schedule,
    Summary,
    Swap,
)
from tasq_core.repository import PageOrder, Repository, open_repository
from tasq_core.task import (
    Ordering,
    PollStrategy,
    Task,
    TaskStatus,
    TaskStatusGroup,
    get_task_statuses,
)
from tasq_core.timings import Activity, Bucket, Rate, Rates, Spread, Timing, Timings

_LAZY: Final = {
    "MySQLRepository": "tasq_core.repository.mysql",
    "PostgresRepository": "tasq_core.repository.postgres",
    "SQLiteRepository": "tasq_core.repository.sqlite",
}

if TYPE_CHECKING:
    from tasq_core.consumer import (
        Channel,
        Consumer,
        ConsumerOptions,
        Discard,
        Failure,
        Handler,
        Job,
        OptionChanges,
        Retry,
        RetryPolicy,
        Snooze,
        exponential,
    )
    from tasq_core.repository.mysql import MySQLRepository
    from tasq_core.repository.postgres import PostgresRepository
    from tasq_core.repository.sqlite import SQLiteRepository

__all__ = [
    "GOB",
    "JSON",
    "Activity",
    "ArgsDecodeError",
    "ArgsEncodeError",
    "Attempt",
    "BreakdownRow",
    "Bucket",
    "Channel",
    "ClaimUnansweredError",
    "Cleaner",
    "Client",
    "Codec",
    "Consumer",
    "ConsumerAlreadyRunningError",
    "ConsumerAlreadyStoppedError",
    "ConsumerOptions",
    "ConsumerReport",
    "CouldNotActivateTasksError",
    "CouldNotPingTasksError",
    "CouldNotPollTasksError",
    "CronSyntaxError",
    "Discard",
    "Duration",
    "ErrorGroup",
    "Failure",
    "Filter",
    "FilterSyntaxError",
    "Handler",
    "Health",
    "Holder",
    "InFlight",
    "Inspector",
    "InvalidInputError",
    "InvalidTypeError",
    "Job",
    "Lease",
    "LeaseLostError",
    "MutationResult",
    "MySQLRepository",
    "OptionChanges",
    "Ordering",
    "Outcome",
    "Page",
    "PageOrder",
    "Pause",
    "PollStrategy",
    "PostgresRepository",
    "Producer",
    "Rate",
    "Rates",
    "RawArgs",
    "ReadOnlyError",
    "Repository",
    "RepositoryError",
    "RepositoryUnavailableError",
    "Retry",
    "RetryPolicy",
    "SQLiteRepository",
    "Schedule",
    "ScheduleNotFoundError",
    "Snooze",
    "Spread",
    "StatementTimeoutError",
    "Summary",
    "Swap",
    "TableMissingError",
    "Task",
    "TaskNotFoundError",
    "TaskStatus",
    "TaskStatusGroup",
    "TaskTypeAlreadyLearnedError",
    "TaskTypeNotFoundError",
    "TaskTypeNotKnownError",
    "TasqError",
    "Timing",
    "Timings",
    "UnknownPollStrategyError",
    "VisibilityTimeoutTooShortError",
    "WaitTimeoutError",
    "connect",
    "exponential",
    "get_task_statuses",
    "open_repository",
]


if not TYPE_CHECKING:  # a checker that saw it would take any misspelt name for one of ours

    def __getattr__(name: str) -> Any:
        """What takes long to import, when it is first asked for (PEP 562)."""
        if name in __all__:  # what else isn't there yet is the consumer's
            return getattr(import_module(_LAZY.get(name, "tasq_core.consumer")), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
