"""The poller: claims tasks in batches, as many as there is room for, as soon as there are any."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final, TypedDict

from tasq_core.consumer.alarm import Alarm, WakeReason
from tasq_core.consumer.backoff import Reconnect
from tasq_core.consumer.channel import Channel
from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.consumer.gate import Gate
from tasq_core.consumer.handlers import Handlers
from tasq_core.consumer.leases import Ledger
from tasq_core.consumer.options import ConsumerOptions
from tasq_core.consumer.pacing import Window
from tasq_core.consumer.presence import Presence
from tasq_core.consumer.unanswered import UnansweredClaim
from tasq_core.errors import (
    ClaimUnansweredError,
    ClientClosedError,
    RepositoryError,
    RepositoryUnavailableError,
)
from tasq_core.repository.protocol import Repository
from tasq_core.task import Task

_MOST_UNWRITTEN: Final = 10_000
"""With this many outcomes waiting to be written, nothing more is claimed."""
_FIRST_BACKOFF: Final = 0.001
_LONGEST_BACKOFF: Final = 0.05
_TICKS: Final = 100


class _Further(TypedDict, total=False):
    skip_queues: frozenset[str]
    note_crashes: bool


class Poller:
    """Claims while there is room and something to claim; else waits for either.

    A claim that found at least half of what it asked for is followed by another at once. Any
    other waits for the poll interval, a wake-up, or one of our own retries falling due.
    """

    def __init__(
        self,
        repository: Repository,
        options: ConsumerOptions,
        *,
        handlers: Handlers,
        channel: Channel,
        ledger: Ledger,
        log: ConsumerLog,
        window: Window,
        gate: Gate,
        presence: Presence,
        on_claimed: Callable[[list[Task], float], None],
    ) -> None:
        self._repository = repository
        self._options = options
        self._handlers = handlers
        self._channel = channel
        self._ledger = ledger
        self._log = log
        self._window = window
        self._gate = gate
        self._presence = presence
        self._knows_pauses = False
        self._on_claimed = on_claimed
        self._alarm = Alarm()
        self.idle = threading.Event()
        """Set while a wake-up is worth something."""
        self._claimed = 0
        self._latency = 0.0
        self._new_retries: deque[float] = deque()
        self._retries: set[int] = set()
        self._empty_backoff = 0.0
        self._woken = False
        self._reconnect = Reconnect()
        self._unanswered = UnansweredClaim(repository, log)

    def wake(self) -> None:
        """Look again, now."""
        self._alarm.ring(WakeReason.LOOK)

    def expect(self, delays: Iterable[float]) -> None:
        """Look again in so many seconds: tasks of ours fall due then."""
        now = monotonic()
        interval = self._options.poll_interval
        self._new_retries.extend(now + delay for delay in delays if delay < interval)
        self._alarm.ring(WakeReason.RETRY)

    def halt(self) -> None:
        """End `run` soon; a claim that is under way is still delivered."""
        self._alarm.ring(WakeReason.HALT)

    def run(self) -> None:
        """Claim until halted.

        Raises:
            ClientClosedError: somebody closed the client; trying again would be in vain.
        """
        while not self._alarm.halted:
            # Before the claim: what comes after its snapshot must wake us again.
            self._alarm.reset()
            if self._unanswered.open:
                self._pause(self._unanswered.settle())
                continue
            if not self._knows_pauses and not self._learn_pauses():
                continue
            types = self._gate.open_types(self._handlers.types)
            limit = self._room()
            if not types or limit <= 0:
                self._alarm.wait(self._latest() - monotonic())
                continue
            if self._unanswered.probing:
                limit = 1
            found = self._claim(types, limit)
            if found is not None and found * 2 < limit:
                self._wait_for_tasks(found)
        if self._unanswered.open:
            self._unanswered.settle()

    def _learn_pauses(self) -> bool:
        """Read what is paused before the first claim; whether the database could be asked."""
        try:
            self._presence.learn_pauses()
        except RepositoryUnavailableError as error:
            delay = self._reconnect.next()
            self._log.database_failed("claim tasks", error, delay)
            self._pause(delay)
            return False
        except ClientClosedError:
            raise
        except RepositoryError as error:
            self._log.database_failed("read what is paused", error, self._options.poll_interval)
        self._knows_pauses = True
        return True

    def _latest(self) -> float:
        """When to look again at the latest: after the poll interval, or when a pause lapses."""
        return min(monotonic() + self._options.poll_interval, self._gate.next_lapse)

    def _room(self) -> int:
        """How many to claim; 0 while the channel is still well filled."""
        demand = self._channel.demand
        demand.open()
        ready = len(self._channel.ready)
        active = self._ledger.active
        if ready > demand.low_watermark or len(self._ledger.held) - active > _MOST_UNWRITTEN:
            return 0
        busy = self._ledger.busy
        window = self._window.update(monotonic(), self._claimed - busy, self._latency)
        options = self._options
        room = min(
            options.poll_limit, options.max_active_tasks - active, window - busy,
            options.channel_size - ready,
        )  # fmt: skip
        if room > 0:
            demand.close()
        return room

    def _claim(self, types: tuple[str, ...], limit: int) -> int | None:
        """How many were claimed and delivered; None where the database failed."""
        options = self._options
        asked = monotonic()
        self._forget_due_retries(asked)
        further: _Further = {}
        if skip := self._gate.paused_queues:
            further["skip_queues"] = skip
        if self._presence.notes_attempts:
            further["note_crashes"] = True
        try:
            tasks = self._poll(types, limit, further)
        except ClaimUnansweredError as error:
            self._pause(self._unanswered.begin(error, asked))
            return None
        except ClientClosedError:
            raise
        except RepositoryError as error:
            if "note_crashes" in further and not isinstance(error, RepositoryUnavailableError):
                self._presence.attempts_refused(error)
            delay = self._reconnect.next()
            self._log.database_failed("claim tasks", error, delay)
            self._pause(delay)
            return None
        if self._reconnect.failing:
            self._reconnect.reset()
            self._log.database_back("claim tasks")
        self._latency = monotonic() - asked
        if tasks:
            self._unanswered.answered()
            self._claimed += len(tasks)
            self._on_claimed(tasks, asked + options.visibility_timeout)
        self._channel.demand.filled(len(self._channel.ready))
        return len(tasks)

    def _poll(self, types: tuple[str, ...], limit: int, further: _Further) -> list[Task]:
        options = self._options
        began, found = monotonic(), None
        try:
            tasks = self._repository.poll_tasks(
                types, options.queues, options.visibility_timeout, options.ordering, limit,
                **further,
            )  # fmt: skip
            found = len(tasks)
        finally:
            if options.metrics is not None:
                options.metrics.claim_ended(began, found)
        return tasks

    def _wait_for_tasks(self, found: int) -> None:
        """Wait for the poll interval, a wake-up or a retry; longer after empty wake-ups."""
        if self._woken and not found:
            self._empty_backoff = min(
                _LONGEST_BACKOFF, max(_FIRST_BACKOFF, 2 * self._empty_backoff)
            )
            self._pause(self._empty_backoff)
        else:
            self._empty_backoff = 0.0
        latest = self._latest()
        self.idle.set()
        reason = WakeReason.RETRY
        while reason is WakeReason.RETRY:
            reason = self._alarm.wait(min(latest, self._next_retry()) - monotonic())
        self.idle.clear()
        self._woken = reason is WakeReason.LOOK

    def _pause(self, seconds: float) -> None:
        """Do nothing for so long, unless halted."""
        self._alarm.wait(seconds, WakeReason.HALT)

    def _next_retry(self) -> float:
        """When the next task of ours falls due, kept in hundredths of a second."""
        while self._new_retries:
            self._retries.add(int(self._new_retries.popleft() * _TICKS) + 1)
        return min(self._retries, default=float("inf")) / _TICKS

    def _forget_due_retries(self, now: float) -> None:
        if self._retries:
            self._retries = {tick for tick in self._retries if tick / _TICKS > now}
