"""A running consumer in the fleet: its heartbeats, the commands it takes, the pauses it heeds."""

import itertools
import json
import os
import random
import socket
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from tasq_core.consumer.consumer_log import ConsumerLog
from tasq_core.consumer.gate import Gate
from tasq_core.consumer.handlers import Handlers
from tasq_core.consumer.leases import Ledger
from tasq_core.consumer.options import ConsumerOptions
from tasq_core.consumer.periodic import Periodic
from tasq_core.consumer.stacks import stacks_of
from tasq_core.consumer.tally import Tally
from tasq_core.errors import InvalidInputError, RepositoryError
from tasq_core.fleet.attempts import Attempts
from tasq_core.fleet.pauses import Pauses
from tasq_core.fleet.registry import Command, Registry, in_flight_text
from tasq_core.last_error import storable_error
from tasq_core.locks import new_lock
from tasq_core.repository.side_tables import SideTables
from tasq_core.version import VERSION

if TYPE_CHECKING:
    from tasq_core.metrics.consumers import RunFigures

HEARTBEAT_SECONDS: Final = 4.0
"""Three are missed after 12 s, so that who looks sees it within 15 s of the kill."""
_FIRST_LOOK_SECONDS: Final = 1.0
_PRUNE_SECONDS: Final = 600.0
_FIRST_PRUNE_SECONDS: Final = 10.0
_SOON_SECONDS: Final = 0.5
_LOOK_AGAIN_SECONDS: Final = 60.0
"""How often a database without side tables, or one that refuses attempts, is asked again."""
_MOST_RUNNING: Final = 1000
_MOST_WAITING: Final = 2000
"""Tasks that a heartbeat names."""

_BEAT: Final = "write the heartbeat"
_LOOK: Final = "read commands and pauses"
_PRUNE: Final = "prune the side tables"

_numbers = itertools.count(1)


class Presence:
    """Shows one run of a consumer to the fleet, as far as the database has side tables."""

    def __init__(
        self,
        repository: object,
        options: ConsumerOptions,
        *,
        workers: int,
        handlers: Handlers,
        ledger: Ledger,
        tally: Tally,
        gate: Gate,
        log: ConsumerLog,
        on_closed: Callable[[], None],
        on_open: Callable[[], None],
        on_stop: Callable[[], None],
    ) -> None:
        """Nothing is sent yet.

        Args:
            repository: the consumer's; one without side tables is done without.
            options: the consumer's.
            workers: threads that run handlers; 0 where the program brings its own.
            handlers: what it runs.
            ledger: what it holds.
            tally: what it has done.
            gate: told of pauses and of `quiet`.
            log: the consumer's.
            on_closed: the gate has closed to something: unstarted tasks of it may go.
            on_open: something may be claimed that could not be before.
            on_stop: it was told to stop.
        """
        try:
            self._side: SideTables | None = SideTables(repository)
        except InvalidInputError:
            self._side = None
        self.host = socket.gethostname() or "localhost"
        self.name = options.name or f"{self.host}:{os.getpid()}-{next(_numbers)}"
        self._id = uuid4()
        self._options = options
        self._workers = workers
        self._handlers = handlers
        self._ledger = ledger
        self._tally = tally
        self._gate = gate
        self._log = log
        self._on_closed, self._on_open, self._on_stop = on_closed, on_open, on_stop
        self._began = monotonic()
        self._looking = new_lock()
        self._look_again = 0.0
        self._without_attempts_until = 0.0
        self._reported = self._written = False
        self._beat_at: float | None = None
        self._periodic: Periodic | None = None
        self.stopping = False

    def join(self, periodic: Periodic) -> None:
        """Have heartbeats sent by `periodic`, and the row removed when it closes."""
        if self._side is None:
            return
        periodic.add(_BEAT, self._beat)
        # The pauses were read just now, and a fleet that starts need not prune as one.
        periodic.add(_LOOK, self._look, _FIRST_LOOK_SECONDS)
        periodic.add(_PRUNE, self._prune, random.uniform(0, _FIRST_PRUNE_SECONDS))  # noqa: S311
        periodic.at_close(self._leave)
        self._periodic = periodic

    def changed(self) -> None:
        """Look for commands and pauses soon: the database says that something changed."""
        if self._periodic is not None:
            self._periodic.soon(_LOOK)

    def beat_soon(self) -> None:
        """Say soon that it is stopping, unless it has stopped by then."""
        if self._periodic is not None:
            self._periodic.soon(_BEAT, _SOON_SECONDS)

    # -- what the consumer asks --------------------------------------------------------------

    def learn_pauses(self) -> None:
        """Read the pauses before anything is claimed.

        Raises:
            RepositoryError: the database can't be asked.
        """
        if self._side is not None and self._exists(self._side):
            self._gate.update(Pauses(self._side).all())

    @property
    def notes_attempts(self) -> bool:
        """Whether attempts are to be written along with outcomes and claims."""
        return self._known_to_exist and monotonic() >= self._without_attempts_until

    def attempts_refused(self, error: RepositoryError) -> None:
        """Do without them for a minute: outcomes and claims go on."""
        with self._looking:  # the poller and the outcome writer may both find out
            first = not self._without_attempts_until
            self._without_attempts_until = monotonic() + _LOOK_AGAIN_SECONDS
        if first:
            self._log.attempts_refused(error)

    def figures(self) -> "RunFigures":
        """What a scrape of metrics shows of the run."""
        from tasq_core.metrics.consumers import RunFigures  # noqa: PLC0415 - only with metrics

        jobs = self._ledger
        beat = self._beat_at
        return RunFigures(
            self.name, self.host, VERSION, self._options.release, self._state,
            self._workers,
            [job.series for job in list(jobs.running) if job.series is not None],
            [job.series for job in list(jobs.unstarted) if job.series is not None],
            None if beat is None else monotonic() - beat,
            [(kind, name) for kind, name in self._gate.pauses if self._concerns(kind, name)],
        )  # fmt: skip

    def _concerns(self, kind: str, name: str) -> bool:
        if kind == "type":
            return name in self._handlers.types
        return self._options.queues is None or name in self._options.queues

    @property
    def _state(self) -> str:
        return "stopping" if self.stopping else "quiet" if self._gate.quiet else "running"

    # -- the jobs ----------------------------------------------------------------------------

    @property
    def _known_to_exist(self) -> bool:
        return self._side is not None and self._side.known

    def _exists(self, side: SideTables) -> bool:
        """Whether there are side tables; where there are none, looked up once a minute."""
        with self._looking:  # the poller waits for the answer that the other thread is getting
            if side.known:
                return True
            if monotonic() < self._look_again:
                return False
            found = side.exist(look_again=True)
            self._look_again = monotonic() + _LOOK_AGAIN_SECONDS
            if not found and not self._reported:
                self._reported = True
                self._log.no_side_tables(side.lead)
            return found

    def _beat(self) -> float:
        side = self._side
        if side is not None and self._exists(side):
            self._write(side)
        return HEARTBEAT_SECONDS

    def _write(self, side: SideTables) -> None:
        metrics, written = self._options.metrics, False
        try:
            Registry(side).write(self._id, self._row())
            self._written = written = True
            self._beat_at = monotonic()
        finally:
            if metrics is not None:
                metrics.heartbeat(written=written)

    def _look(self) -> float:
        side = self._side
        if side is not None and self._exists(side):
            if self._gate.update(Pauses(side).all()):
                self._on_closed()
                self._on_open()
            command = Registry(side).pending(self._id) if self._written else None
            if command is not None:
                self._obey(Registry(side), command)
        return HEARTBEAT_SECONDS

    def _prune(self) -> float:
        side = self._side
        if side is not None and self._exists(side):
            Registry(side).prune()
            Attempts(side).prune(self._options.attempt_retention)
        return _PRUNE_SECONDS

    def _leave(self) -> None:
        if self._side is not None and self._written:
            Registry(self._side).forget(self._id)

    def _obey(self, registry: Registry, command: Command) -> None:
        """Carry out a command, and answer it; the answer to "stop" comes before the stop."""
        answer: dict[str, Any]
        running = len(self._ledger.running)
        match command.name:
            case "quiet":
                self._gate.quiet = True
                self._on_closed()
                answer = {"text": f"claims nothing more; {running} running"}
            case "resume":
                self._gate.quiet = False
                self._on_open()
                answer = {"text": "claims again"}
            case "stop":
                answer = {"text": f"stops; {running} running"}
            case "stacks":
                answer = {"stacks": stacks_of(list(self._ledger.running))}
            case _:
                answer = {"text": "it doesn't know this command", "unknown": True}
        registry.answer(self._id, command, answer)
        if command.name == "stop":
            self._on_stop()
        self._beat()

    def _row(self) -> dict[str, object]:
        now = monotonic()
        running = [
            [job.lease.task_id.hex, job.lease.receive_count, job.task.type, job.task.queue,
             round(now - (job.started or now), 3)]
            for job in list(self._ledger.running)[:_MOST_RUNNING]
        ]  # fmt: skip
        waiting = [
            [job.lease.task_id.hex, job.lease.receive_count]
            for job in list(self._ledger.unstarted)[:_MOST_WAITING]
        ]
        error = self._log.last_error
        return {
            "name": self.name,
            "host": self.host,
            "pid": os.getpid(),
            "version": VERSION,
            "release_name": self._options.release,
            "queues": json.dumps(self._options.queues),
            "types": json.dumps(self._handlers.types),
            "workers": self._workers,
            "state": self._state,
            "counts": json.dumps(self._tally.counts),
            "in_flight": in_flight_text(running, waiting),
            "last_error": None if error is None else storable_error(error),
            "started_ago": now - self._began,
            "heartbeat_seconds": HEARTBEAT_SECONDS,
        }
