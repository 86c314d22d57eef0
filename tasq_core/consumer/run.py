"""One run of a consumer, from start to stop: its parts and its threads."""

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from tasq_core.consumer.channel import Channel
from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.consumer.failure_hooks import Hook
from tasq_core.consumer.firing import Firing
from tasq_core.consumer.gate import Gate
from tasq_core.consumer.handlers import Handlers
from tasq_core.consumer.jobs import Jobs
from tasq_core.consumer.leases import PINGS_PER_TIMEOUT, LeaseKeeper, Ledger
from tasq_core.consumer.options import ConsumerOptions
from tasq_core.consumer.outcomes import OutcomeWriter
from tasq_core.consumer.pacing import Window
from tasq_core.consumer.periodic import Periodic
from tasq_core.consumer.poller import Poller
from tasq_core.consumer.presence import Presence
from tasq_core.consumer.tally import Tally
from tasq_core.consumer.waker import Waker
from tasq_core.errors import ClientClosedError
from tasq_core.repository.protocol import Repository
from tasq_core.repository.repository_sql import SqlRepository

_LEAST_RESPONSE_TIMEOUT: Final = 1.0
"""Seconds that any statement may take, however short the leases."""


class ConsumerRun:
    """One run of a consumer: its parts, and every thread, which ends with it.

    The poller's thread lives longest: once halted it waits for held tasks to be settled,
    closes the others in order, and says that all is over.
    """

    def __init__(
        self,
        repository: Repository,
        options: ConsumerOptions,
        *,
        handlers: Handlers,
        channel: Channel,
        failure_hooks: Sequence[Hook],
        least_held: int,
        workers: int = 0,
        on_stopping: Callable[[], None],
        on_stopped: Callable[[], None],
    ) -> None:
        self.crash: BaseException | None = None
        # A ping without an answer when the next one is due is tried on a new connection.
        repository = repository.with_response_timeout(
            max(_LEAST_RESPONSE_TIMEOUT, options.visibility_timeout / PINGS_PER_TIMEOUT)
        )
        self._options = options
        self._handlers = handlers
        self._channel = channel
        self._on_stopping = on_stopping
        self._on_stopped = on_stopped
        self._deadline = float("inf")
        self._settled = threading.Event()
        self._log = log = ConsumerLog(options.logger, options.metrics)
        self._ledger = ledger = Ledger()
        self._gate, tally = Gate(), Tally()
        self._jobs = jobs = Jobs(
            options,
            handlers=handlers,
            channel=channel,
            ledger=ledger,
            tally=tally,
            log=log,
            failure_hooks=failure_hooks,
            on_settled=self._check_settled,
        )
        self._presence = Presence(
            repository,
            options,
            workers=workers,
            handlers=handlers,
            ledger=ledger,
            tally=tally,
            gate=self._gate,
            log=log,
            on_closed=self._release_closed,
            on_open=self.wake,
            on_stop=lambda: self.stop(None),
        )
        self._periodic = Periodic(log)
        self._presence.join(self._periodic)
        self._poller = Poller(
            repository,
            options,
            handlers=handlers,
            channel=channel,
            ledger=ledger,
            log=log,
            window=Window(least_held, options.max_active_tasks),
            gate=self._gate,
            presence=self._presence,
            on_claimed=jobs.deliver,
        )
        self._writer = jobs.writer = OutcomeWriter(
            repository,
            ledger,
            log,
            presence=self._presence,
            tally=tally,
            visibility_timeout=options.visibility_timeout,
            delete_on_success=options.auto_delete_on_success,
            metrics=options.metrics,
            on_lost=jobs.lose,
            on_requeued=self._poller.expect,
            on_settled=self._after_writing,
        )
        self._keeper = LeaseKeeper(
            repository,
            ledger,
            log,
            visibility_timeout=options.visibility_timeout,
            job_timeout=options.job_timeout,
            on_lost=jobs.lose,
            on_timeout=jobs.time_out,
        )
        self._waker = Waker(
            repository,
            log,
            self._poller.idle,
            self._poller.wake,
            on_leases_broken=self._keeper.look,
            on_fleet_changed=self._presence.changed,
        )
        if isinstance(repository, SqlRepository):
            self._periodic.add("fire schedules", Firing(repository, options.logger))
        channel.demand.refill = self._poller.wake
        self._helpers = [
            self._thread("tasq-outcomes", self._writer.run),
            self._thread("tasq-leases", self._keeper.run),
            self._thread("tasq-waker", self._waker.run),
            self._thread("tasq-periodic", self._periodic.run),
        ]
        self._main = threading.Thread(target=self._supervise, name="tasq-poller", daemon=True)

    # -- from start to stop ------------------------------------------------------------------

    def start(self) -> None:
        """Start every thread."""
        if self._options.metrics is not None:
            self._options.metrics.attach(self._presence.figures)
            self._options.metrics.expect(self._options.queues, self._handlers.types)
        for thread in (*self._helpers, self._main):
            thread.start()

    def stop(self, timeout: float | None) -> None:
        """Claim nothing more, release what hasn't started; returns at once.

        Jobs still running after `timeout` seconds are abandoned.
        """
        if timeout is not None:
            self._deadline = monotonic() + timeout
        self._jobs.stopping = self._presence.stopping = True
        self._presence.beat_soon()
        self._on_stopping()
        self._channel.close()
        self._jobs.release_unstarted()
        self._poller.halt()
        self._waker.close()

    def replace_abandoned(self, add_worker: Callable[[], None]) -> None:
        """Call `add_worker` whenever a thread is left to the handler that it runs."""
        self._jobs.on_abandoned = add_worker

    def wake(self) -> None:
        """Poll now: there is a handler that there wasn't."""
        self._poller.wake()

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - a defect: stop rather than half-live
                self._crashed(name, error)

        return threading.Thread(target=run, name=name, daemon=True)

    def _crashed(self, name: str, error: BaseException) -> None:
        if not isinstance(self.crash, ClientClosedError):  # which every thread finds out
            self._log.crashed(name, error)
        self.crash = self.crash or error
        self.stop(None)
        self._settled.set()

    def _supervise(self) -> None:
        try:
            self._poller.run()
        except Exception as error:  # noqa: BLE001 - as in _thread
            self._crashed("tasq-poller", error)
        self._jobs.release_unstarted()
        self._wait_until_settled()
        self._writer.close()
        self._keeper.close()
        self._periodic.close()
        for thread in self._helpers:
            thread.join()
        self._jobs.close()
        if self._options.metrics is not None:
            self._options.metrics.detach(self._presence.figures)
        self._on_stopped()

    def _wait_until_settled(self) -> None:
        while self._ledger.held and not self.crash:
            left = self._deadline - monotonic()
            if left <= 0:
                self._jobs.abandon_running()
                self._deadline = float("inf")
                continue
            self._settled.wait(min(left, threading.TIMEOUT_MAX))
            self._settled.clear()

    def _after_writing(self) -> None:
        self._check_settled()
        self._channel.ask_for_more()

    def _check_settled(self) -> None:
        if self._jobs.stopping and not self._ledger.held:
            self._settled.set()

    def _release_closed(self) -> None:
        """Give back what is claimed and not started of what is paused by now."""
        closed = self._gate.closed_to
        self._jobs.release_unstarted(lambda job: closed(job.task.type, job.task.queue))
