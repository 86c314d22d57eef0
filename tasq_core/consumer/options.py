"""ConsumerOptions: every setting of a consumer, its default and its check, in one place."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict

from tasq_core.consumer.backoff import DEFAULT_BACKOFF, RetryPolicy, retry_policy
from tasq_core.durations import Duration, seconds
from tasq_core.errors import (
    InvalidInputError,
    InvalidTypeError,
    UnknownPollStrategyError,
    VisibilityTimeoutTooShortError,
)
from tasq_core.task import (
    MAX_INT32,
    Ordering,
    PollStrategy,
    check_flag,
    check_integer,
    check_names,
    check_text,
)

if TYPE_CHECKING:
    from tasq_core.metrics.consumers import ConsumerMetrics

Logger = logging.Logger | logging.LoggerAdapter[Any]

DEFAULT_LOGGER: Final = logging.getLogger("tasq_core.consumer")

FED_POLL_LIMIT: Final = 500
"""The largest claim of `run(workers)`: beyond it a batch gains little."""
FED_ACTIVE_TASKS: Final = 2000
"""The most `run(workers)` holds; as many as its workers get through in a moment."""

_LONGEST_NAME: Final = 200

_ORDERINGS: Final = {
    PollStrategy.BY_CREATED_AT: Ordering.CREATED_AT_FIRST,
    PollStrategy.BY_PRIORITY: Ordering.PRIORITY_FIRST,
}


class OptionChanges(TypedDict, total=False):
    """The keywords of `new_consumer`: the options, durations in seconds or as timedelta."""

    attempt_retention: Duration
    auto_delete_on_success: bool
    channel_size: int
    job_timeout: Duration | None
    logger: Logger
    max_active_tasks: int
    max_coroutines: int | None
    metrics: "ConsumerMetrics | None"
    name: str
    poll_interval: Duration
    poll_limit: int
    poll_strategy: PollStrategy | str
    queues: Sequence[str] | str | None
    release: str
    retry_backoff: Duration | RetryPolicy
    visibility_timeout: Duration


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """The settings of a consumer, checked. Durations are seconds.

    Raises:
        InvalidInputError: a value that can't be used.
        UnknownPollStrategyError: no such strategy.
    """

    attempt_retention: float = 30 * 86_400.0
    """How long attempts that didn't succeed are kept; the shortest among consumers counts."""
    auto_delete_on_success: bool = False
    """Delete a task that succeeded, instead of keeping it as SUCCESSFUL."""
    channel_size: int = 10
    """How many claimed tasks may wait to be taken from the channel."""
    job_timeout: float | None = None
    """A job that runs longer has failed. A coroutine is cancelled; a thread can't be."""
    logger: Logger = DEFAULT_LOGGER
    """Where what happens is logged."""
    max_active_tasks: int = 10
    """How many tasks may be claimed and not yet done."""
    max_coroutines: int | None = None
    """How many `async def` handlers may run at once; None is as many as `max_active_tasks`."""
    metrics: "ConsumerMetrics | None" = None
    """Counts what the consumer does; None counts nothing."""
    name: str = ""
    """What the fleet calls this consumer; "" is host:pid-number."""
    poll_interval: float = 5.0
    """The wait after a claim that found fewer tasks than asked for."""
    poll_limit: int = 10
    """The most tasks one claim asks for."""
    poll_strategy: PollStrategy = PollStrategy.BY_CREATED_AT
    """Which tasks come first: the oldest, or those of the highest priority."""
    queues: tuple[str, ...] | None = ("",)
    """The queues claimed from; None means every queue."""
    release: str = ""
    """The version of the program, for the fleet to show."""
    retry_backoff: float | RetryPolicy = DEFAULT_BACKOFF
    """How long a failed task waits before it runs again; 0 is at once, by default 1 s, doubled
    with each attempt up to 5 min, with jitter."""
    visibility_timeout: float = 15.0
    """How long a lease lasts unless it is extended, which happens every third of it."""
    given: frozenset[str] = field(default=frozenset(), repr=False, compare=False)
    """The options that were chosen rather than left at their default."""

    def __post_init__(self) -> None:
        put = object.__setattr__
        check_flag("auto_delete_on_success", self.auto_delete_on_success)
        for name in ("channel_size", "max_active_tasks", "poll_limit"):
            check_integer(name, getattr(self, name), 1, MAX_INT32)
        if self.max_coroutines is not None:
            check_integer("max_coroutines", self.max_coroutines, 1, MAX_INT32)
        for name in ("name", "release"):
            if len(check_text(name, getattr(self, name))) > _LONGEST_NAME:
                raise InvalidInputError(f"{name} may have {_LONGEST_NAME} characters at most")
        for name in ("attempt_retention", "poll_interval", "visibility_timeout"):
            put(self, name, seconds(name, getattr(self, name), positive=True))
        if self.job_timeout is not None:
            put(self, "job_timeout", seconds("job_timeout", self.job_timeout, positive=True))
        put(self, "queues", check_names("queues", self.queues))
        put(self, "poll_strategy", _strategy(self.poll_strategy))
        retry_policy(self.retry_backoff)
        if not hasattr(self.logger, "isEnabledFor"):
            raise InvalidTypeError(f"logger must be a logging.Logger, not {self.logger!r}")
        if self.metrics is not None and not hasattr(self.metrics, "attach"):
            raise InvalidTypeError(f"metrics must be a ConsumerMetrics, not {self.metrics!r}")
        changed = {
            option.name
            for option in fields(self)
            if option.name != "given" and getattr(self, option.name) != option.default
        }
        put(self, "given", frozenset(self.given | changed))

    @property
    def ordering(self) -> Ordering:
        """The order of claims that the poll strategy stands for."""
        return _ORDERINGS[self.poll_strategy]

    def changed(self, **changes: Any) -> Self:
        """A copy with `changes` made, which count as given.

        Raises:
            InvalidTypeError: no such option.
            InvalidInputError: a value that can't be used.
        """
        known = {option.name for option in fields(self)} - {"given"}
        for name in changes:
            if name not in known:
                raise InvalidTypeError(
                    f"unknown consumer option {name!r}: use one of {', '.join(sorted(known))}"
                )
        return replace(self, **changes, given=self.given | changes.keys())

    def feeding(self, workers: int) -> Self:
        """A copy whose sizes keep `workers` threads fed; what was given stays."""
        wanted: dict[str, Any] = {
            "poll_limit": max(FED_POLL_LIMIT, workers),
            "max_active_tasks": max(FED_ACTIVE_TASKS, 2 * workers),
            "channel_size": max(FED_ACTIVE_TASKS, 2 * workers),
        }
        left = {name: size for name, size in wanted.items() if name not in self.given}
        return replace(self, **left)

    def check_startable(self) -> None:
        """Refuse what only shows when options are seen together.

        Raises:
            VisibilityTimeoutTooShortError: no longer than the poll interval.
        """
        if self.visibility_timeout <= self.poll_interval:
            raise VisibilityTimeoutTooShortError(
                f"visibility_timeout {self.visibility_timeout:g} s must be longer than"
                f" poll_interval {self.poll_interval:g} s: raise the one or lower the other"
            )


def _strategy(value: PollStrategy | str) -> PollStrategy:
    try:
        return PollStrategy(value)
    except ValueError:
        raise UnknownPollStrategyError(
            f"unknown poll strategy {value!r}: use one of {', '.join(PollStrategy)}"
        ) from None


def check_queues(queues: tuple[str, ...]) -> tuple[str, ...]:
    """`queues` as given to `with_queues`.

    Raises:
        InvalidInputError: none given.
    """
    if not queues:
        raise InvalidInputError('with_queues needs at least one queue; "" is the default one')
    return queues
