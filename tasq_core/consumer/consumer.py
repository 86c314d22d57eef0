"""The consumer: claims tasks, runs their handlers, records what became of them."""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from tasq_core.consumer.backoff import RetryPolicy
from tasq_core.consumer.channel import Channel
from tasq_core.consumer.failure_hooks import Hook
from tasq_core.consumer.handlers import H, Handler, Handlers
from tasq_core.consumer.lifecycle import Lifecycle
from tasq_core.consumer.middleware import Middleware
from tasq_core.consumer.options import ConsumerOptions, Logger, OptionChanges, check_queues
from tasq_core.consumer.results import is_coroutine_function
from tasq_core.consumer.run import ConsumerRun
from tasq_core.consumer.runner import Stopped, Workers
from tasq_core.durations import Duration, seconds
from tasq_core.errors import (
    ConsumerAlreadyStoppedError,
    InvalidTypeError,
    ReadOnlyError,
    RepositoryError,
)
from tasq_core.repository.protocol import Repository
from tasq_core.task import MAX_INT16, PollStrategy, check_integer

if TYPE_CHECKING:
    from tasq_core.metrics.consumers import ConsumerMetrics

_CHECK_SECONDS = 2.0
"""How long a start waits to hear whether the server takes writes."""

M = TypeVar("M", bound=Middleware)
F = TypeVar("F", bound=Hook)


class Consumer:
    """Runs tasks at least once, each under one live lease.

    `run` blocks and does it all. Or `start` it and take jobs from `channel` in threads of your
    own, or use it as a context manager, which starts it and stops it in the end.
    """

    def __init__(
        self,
        repository: Repository,
        options: ConsumerOptions | None = None,
        **changes: Unpack[OptionChanges],
    ) -> None:
        """A stopped consumer of `repository`, with `options`, and `changes` to them.

        Raises:
            InvalidInputError: an option that can't be used.
        """
        self._repository = repository
        self._options = (options or ConsumerOptions()).changed(**changes)
        self._handlers = Handlers(self._handlers_changed)
        self._failure_hooks: list[Hook] = []
        self._channel = Channel()
        self._lifecycle = Lifecycle()
        self._run: ConsumerRun | None = None
        self._stop_limit: float | None = None

    # -- options -----------------------------------------------------------------------------

    @property
    def options(self) -> ConsumerOptions:
        """The settings as they are."""
        return self._options

    def with_attempt_retention(self, age: Duration) -> Self:
        """Keep attempts that didn't succeed for so long; 30 days unless told otherwise.

        The table is shared: the shortest time among the running consumers counts.
        """
        return self._with(attempt_retention=age)

    def with_auto_delete_on_success(self, auto_delete: bool = True) -> Self:
        """Delete tasks that succeed, instead of keeping them as SUCCESSFUL."""
        return self._with(auto_delete_on_success=auto_delete)

    def with_channel_size(self, size: int) -> Self:
        """Let so many claimed tasks wait in the channel."""
        return self._with(channel_size=size)

    def with_job_timeout(self, timeout: Duration | None) -> Self:
        """Fail tasks that run longer.

        A coroutine is cancelled. A thread can't be stopped: its task is recorded as failed,
        `task.lease_lost` turns true for it, and in `run` another thread steps in.
        """
        return self._with(job_timeout=timeout)

    def with_logger(self, logger: Logger) -> Self:
        """Log there."""
        return self._with(logger=logger)

    def with_max_active_tasks(self, tasks: int) -> Self:
        """Hold no more than so many tasks that aren't done."""
        return self._with(max_active_tasks=tasks)

    def with_max_coroutines(self, coroutines: int | None) -> Self:
        """Run no more than so many `async def` handlers at once; None: `max_active_tasks`.

        At the bound the threads of `run` wait for one of them to end.
        """
        return self._with(max_coroutines=coroutines)

    def with_metrics(self, metrics: "ConsumerMetrics | None") -> Self:
        """Count claims, attempts, waits and runs there; see `tasq_core.metrics`."""
        return self._with(metrics=metrics)

    def with_name(self, name: str) -> Self:
        """Call the consumer so in the fleet, instead of host:pid-number."""
        return self._with(name=name)

    def with_poll_interval(self, interval: Duration) -> Self:
        """Wait so long after a claim that found little."""
        return self._with(poll_interval=interval)

    def with_poll_limit(self, limit: int) -> Self:
        """Claim no more than so many tasks at once."""
        return self._with(poll_limit=limit)

    def with_poll_strategy(self, strategy: PollStrategy | str) -> Self:
        """Claim the oldest tasks first, or the most urgent."""
        return self._with(poll_strategy=strategy)

    def with_queues(self, *queues: str) -> Self:
        """Claim from these queues only."""
        return self._with(queues=check_queues(queues))

    def with_release(self, release: str) -> Self:
        """Let the fleet show this version of the program."""
        return self._with(release=release)

    def with_retry_backoff(self, backoff: Duration | RetryPolicy) -> Self:
        """Let a failed task wait before it runs again: by default 1 s, doubled up to 5 minutes.

        Args:
            backoff: a fixed time (0 retries at once), `exponential(...)`, or a callable of the
                task and the error.
        """
        return self._with(retry_backoff=backoff)

    def with_visibility_timeout(self, timeout: Duration) -> Self:
        """Let leases last so long unless extended; a crashed consumer's tasks wait for it."""
        return self._with(visibility_timeout=timeout)

    def _with(self, **changes: Any) -> Self:
        self._lifecycle.check_changeable()
        self._options = self._options.changed(**changes)
        return self

    # -- handlers ----------------------------------------------------------------------------

    def handler(self, type: str, override: bool = False) -> Callable[[H], H]:
        """Decorate a function to `learn` it."""

        def learn(function: H) -> H:
            self.learn(type, function, override)
            return function

        return learn

    def learn(self, type: str, fn: Handler, override: bool = False) -> None:
        """Run tasks of `type` by `fn`, a function or coroutine function of the task.

        It may raise `Snooze`, `Retry` or `Discard` to decide what becomes of the task; any
        other exception, `SystemExit` included, is a failure of the task alone.

        Raises:
            InvalidTypeError: it can't be called, or is a generator function.
            TaskTypeAlreadyLearnedError: there is one, and `override` is false.
        """
        self._handlers.learn(type, fn, override=override)

    def forget(self, type: str) -> None:
        """Claim no more tasks of `type`; those claimed and not started are released.

        Raises:
            TaskTypeNotFoundError: it was never learned.
        """
        self._handlers.forget(type)

    def middleware(self, fn: M) -> M:
        """Call all handlers within `fn`; the one given first is outermost. A decorator.

        A plain function `fn(task, call_next)` goes around plain handlers, a coroutine function of
        the same arguments around coroutine handlers; `call_next()` runs the handler. A generator
        function `fn(task)` with one `yield` goes around both kinds, and gets at its `yield` what
        the handler raised.

        What it raises is what the handler raised (`Snooze`, `Retry` and `Discard` included).
        Where it returns, the task is SUCCESSFUL: also where it swallowed an exception, and where
        it never called the handler. A plain handler that returns an awaitable is awaited after
        its middleware.

        Raises:
            InvalidTypeError: it can't be called so, or doesn't go around a handler's kind.
            ConsumerAlreadyRunningError: the consumer was started.
        """
        self._lifecycle.check_changeable()
        self._handlers.surround(fn)
        return fn

    def on_failure(self, fn: F) -> F:
        """Call `fn(failure)` after each attempt that failed, on a thread of its own. A decorator.

        `Failure` has `task`, `error`, `final` and `retry_in`. A snoozed task hasn't failed; one
        that ran too long has. What `fn` raises is logged. It is called once the outcome is
        decided, which may be before it is written.

        Raises:
            InvalidTypeError: it can't be called, or is a coroutine function.
            ConsumerAlreadyRunningError: the consumer was started.
        """
        self._lifecycle.check_changeable()
        hook: object = fn
        if not callable(hook) or is_coroutine_function(hook):
            raise InvalidTypeError(f"on_failure needs a plain function of a failure, not {fn!r}")
        self._failure_hooks.append(fn)
        return fn

    def _handlers_changed(self) -> None:
        run = self._run
        if run is not None:
            run.wake()

    # -- from start to stop ------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether it was started and not asked to stop."""
        return self._lifecycle.running

    def start(self) -> None:
        """Begin to claim tasks. Without handlers nothing is claimed until one is learned.

        Raises:
            ConsumerAlreadyRunningError: it runs, or hasn't finished stopping.
            VisibilityTimeoutTooShortError: not longer than the poll interval.
            ReadOnlyError: the server or the client takes no writes; what turns so later is
                waited for.
        """
        self._start(self._options, self._options.max_active_tasks, self._lifecycle.ended)

    def _start(
        self,
        options: ConsumerOptions,
        least_held: int,
        on_stopped: Callable[[], None],
        workers: int = 0,
    ) -> ConsumerRun:
        options.check_startable()
        self._stop_limit = None
        self._lifecycle.begin()
        try:
            self._refuse_read_only()
            if self._run is not None:
                self._channel = Channel()
            self._run = run = ConsumerRun(
                self._repository,
                options,
                handlers=self._handlers,
                channel=self._channel,
                failure_hooks=self._failure_hooks,
                least_held=least_held,
                workers=workers,
                on_stopping=self._lifecycle.ending,
                on_stopped=on_stopped,
            )
            run.start()
        except BaseException:
            self._lifecycle.ended()
            raise
        if not self._lifecycle.started():  # whoever asked meanwhile had nothing to tell it yet
            run.stop(self._stop_limit)
        return run

    def _refuse_read_only(self) -> None:
        """A standby would be asked for tasks for ever; one that can't be asked is waited for.

        Raises:
            ReadOnlyError: the server, or this client, takes no writes.
        """
        try:
            self._repository.with_response_timeout(_CHECK_SECONDS).check_takes_writes()
        except ReadOnlyError as error:
            raise ReadOnlyError(
                f"{error}; a consumer needs a server that takes writes, the primary and not a"
                " standby, and a client that isn't read-only"
            ) from error
        except RepositoryError:
            return

    def stop(self, timeout: Duration | None = None) -> None:
        """Claim no more, release what hasn't started, let running jobs finish; returns at once.

        Args:
            timeout: abandon jobs that run longer than this; their leases lapse.

        Raises:
            ConsumerAlreadyStoppedError: it isn't running.
        """
        self._stop_limit = limit = None if timeout is None else seconds("timeout", timeout)
        if self._lifecycle.end() and self._run is not None:
            self._run.stop(limit)

    def wait(self, timeout: Duration | None = None) -> bool:
        """Wait until it has stopped, every outcome written; False where `timeout` came first."""
        return self._lifecycle.wait(None if timeout is None else seconds("timeout", timeout))

    def channel(self) -> Channel:
        """The jobs claimed, to iterate in as many threads as wanted. Call a job to run it.

        The iteration ends when the consumer stops.
        """
        return self._channel

    def run(self, workers: int = 10, *, stop_timeout: Duration | None = None) -> None:
        """Start, run tasks in so many threads, and block until stopped.

        `async def` handlers occupy none of them while they wait: of those, as many run at
        once as `max_coroutines` and `max_active_tasks` allow. In the main thread SIGINT and
        SIGTERM drain and stop; a second one ends the process. `poll_limit`,
        `max_active_tasks` and `channel_size`, where left at their default, grow as the
        workers need it.

        Args:
            workers: threads.
            stop_timeout: after a signal, abandon jobs that run longer than this; their leases
                lapse.

        Raises:
            ConsumerAlreadyRunningError: it runs already.
            VisibilityTimeoutTooShortError: not longer than the poll interval.
            ReadOnlyError: as `start`.
        """
        check_integer("workers", workers, 1, MAX_INT16)
        limit = None if stop_timeout is None else seconds("stop_timeout", stop_timeout)
        stopped = Stopped()

        def on_stopped() -> None:
            self._lifecycle.ended()
            stopped.set()

        chosen = self._options
        options = chosen.feeding(workers)
        least = chosen.max_active_tasks if "max_active_tasks" in chosen.given else workers
        with stopped.signals():
            run = self._start(options, least, on_stopped, workers)
            crew = Workers(self._channel, workers)
            run.replace_abandoned(crew.add)
            stopped.wait(lambda: self._stop_if_running(limit))
        crew.join()
        if run.crash is not None:
            raise run.crash

    def _stop_if_running(self, timeout: float | None = None) -> None:
        try:
            self.stop(timeout)
        except ConsumerAlreadyStoppedError:
            return

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_if_running()
        self.wait()
