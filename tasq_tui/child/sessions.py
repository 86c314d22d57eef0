"""Consuming in the child: freely, by a Consumer with its workers, or step by step."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import tasq_core
from tasq_core.errors import ConsumerAlreadyStoppedError, TasqError
from tasq_core.repository import Repository
from tasq_core.task import Ordering, PollStrategy
from tasq_tui.child.attempt import Handler, attempting
from tasq_tui.child.capture import Capture, Report
from tasq_tui.child.observed import observed
from tasq_tui.child.protocol import Decide, Error, Start, Stopped
from tasq_tui.child.stepping import Stepper

_HELD_PER_WORKER: Final = 4
_START_CHECK_SECONDS: Final = 0.01
_STRATEGIES: Final = {
    Ordering.CREATED_AT_FIRST: PollStrategy.BY_CREATED_AT,
    Ordering.PRIORITY_FIRST: PollStrategy.BY_PRIORITY,
}


class FreeRun:
    """A Consumer with `concurrency` workers."""

    def __init__(
        self,
        repository: Repository,
        handlers: Mapping[str, Handler],
        start: Start,
        report: Report,
        capture: Capture,
    ) -> None:
        held = _HELD_PER_WORKER * start.concurrency  # few: each is a row of the pane
        self._report = report
        self._workers = start.concurrency
        self._ended = threading.Event()
        self._asked = False
        self._consumer = tasq_core.Client(repository).new_consumer(
            queues=start.queues,
            visibility_timeout=start.visibility_timeout,
            poll_interval=start.poll_interval,
            poll_strategy=_STRATEGIES[start.ordering],
            max_active_tasks=held,
            poll_limit=held,
            channel_size=held,
        )
        for type_, handler in handlers.items():
            self._consumer.learn(type_, attempting(handler, report, capture))

    def run(self) -> None:
        """Consume until stopped."""
        try:
            self._consumer.run(workers=self._workers)
        finally:
            self._ended.set()

    def stop(self) -> None:
        """Drain; where `run` is only about to start, once it has."""
        if self._asked:
            return
        self._asked = True
        while not self._ended.wait(_START_CHECK_SECONDS):
            with suppress(ConsumerAlreadyStoppedError):
                self._consumer.stop()
                return

    def decide(self, decision: Decide) -> None:
        """Refuse: nothing waits here."""
        self._report(Error(f"task {decision.task_id} isn't waiting for a decision"))


class Session:
    """One run from Start to Stopped, in a thread of its own."""

    def __init__(
        self,
        repository: Repository,
        handlers: Mapping[str, Handler],
        start: Start,
        report: Report,
        capture: Capture,
    ) -> None:
        self._repository = repository
        self._report = report
        self._walk = _walk(repository, handlers, start, report, capture)
        self._over = False
        self._thread = threading.Thread(target=self._run, name="tasq-session", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether Stopped is still to come."""
        return not self._over

    def decide(self, decision: Decide) -> None:
        """Pass on a decision of step mode."""
        self._walk.decide(decision)

    def stop(self) -> None:
        """Begin to stop; Stopped is reported when done."""
        self._walk.stop()

    def join(self, timeout: float) -> None:
        """Wait for the end, up to `timeout` seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            self._walk.run()
        except TasqError as error:
            self._report(Error.of(error))
        finally:
            self._repository.close()
            self._over = True  # first: a Start may follow the report at once
            self._report(Stopped())


def _walk(
    repository: Repository,
    handlers: Mapping[str, Handler],
    start: Start,
    report: Report,
    capture: Capture,
) -> FreeRun | Stepper:
    kind = Stepper if start.step else FreeRun
    return kind(observed(repository, report), handlers, start, report, capture)
