"""Keeps the processes of `tasq work --processes N` up: starts, replaces, signals and ends them."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic
from types import FrameType
from typing import Final

from tasq_core.metrics.catalogue import CONSUMER_METRICS
from tasq_core.metrics.exposition import Samples, merge, put, render
from tasq_tui.cli.diagnostics import ExitCode
from tasq_tui.cli.options import Given
from tasq_tui.cli.workers.process import WorkerProcess
from tasq_tui.cli.working import Work

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_FIRST_BACKOFF: Final = 1.0
_LONGEST_BACKOFF: Final = 60.0
_STEADY_SECONDS: Final = 60.0
"""A process that ran for so long begins with the first backoff again."""
_LOOK_UP: Final = 0.5
"""How often the main thread looks up for signals, in seconds, as the library's does."""

_RESULTS: Final = (ExitCode.DONE, ExitCode.TIMEOUT, ExitCode.PARTLY_DONE)
"""What a drain ends with: a result, which another process would not change."""
_HOPELESS: Final = (ExitCode.USAGE, ExitCode.NOT_FOUND, ExitCode.REFUSED)
"""What another start would end with again, where the work itself ended so."""

_KEPT: Final = {metric.name for metric in CONSUMER_METRICS if metric.kind != "gauge"}


@dataclass(slots=True)
class _Slot:
    """The place of one process, and of those that replace it."""

    name: str
    process: WorkerProcess | None = None
    began: float = 0.0
    start_at: float | None = None
    """When to start one; None: there is one, or there need be none any more."""
    backoff: float = _FIRST_BACKOFF
    crashes: int = 0
    code: int | None = None
    """What the last one ended with, once there will be no other."""


_Event = tuple[str, int, int]
"""What happened (signal, ready, ended), to the slot of which number; a signal or return code."""


class Supervisor:
    """Runs a consumer in each of several processes.

    One that crashes is replaced, after a delay that doubles with each crash. One that ends by
    itself is not: it has drained its queues, or `tasq fleet stop` told it to. The first signal
    lets all of them finish what runs, the second kills them. The first process has to get as far
    as its first claim before the others start: what is wrong with all of them is said once.
    """

    def __init__(
        self,
        given: Given,
        asked: Work,
        processes: int,
        logger: logging.Logger,
        *,
        metrics: bool,
    ) -> None:
        name = asked.name or f"{socket.gethostname() or 'localhost'}:{os.getpid()}"
        self._given, self._asked, self._metrics = given, asked, metrics
        self._log = logger
        self._slots = [_Slot(f"{name}-{number + 1}") for number in range(processes)]
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._one_was_ready = False
        self._signal: int | None = None
        self._killed = False
        self._result: int | None = None
        self._gone: Samples = {}
        self._lock = threading.Lock()

    def run(self) -> int:
        """Keep them up until all have ended for good; the exit code."""
        with self._signals():
            self._slots[0].start_at = monotonic()
            while any(slot.process or slot.start_at is not None for slot in self._slots):
                self._start_due()
                try:
                    event = self._events.get(timeout=self._wait())
                except Empty:
                    continue
                self._handle(*event)
        if self._killed and self._signal is not None:
            signal.signal(self._signal, signal.SIG_DFL)
            os.kill(os.getpid(), self._signal)
        return self._exit_code()

    def metrics_text(self, *, open_metrics: bool) -> str:
        """The metrics of all of them as one, those that have ended included."""
        samples: Samples = {}
        with self._lock:
            slots = [(slot.name, slot.crashes, slot.process) for slot in self._slots]
            parts = [self._gone, *(process.samples for *_, process in slots if process)]
        for name, crashes, process in slots:
            put(samples, "tasq_consumer_process_crashes_total", (name,), crashes)
            put(samples, "tasq_consumer_processes", (), process is not None)
        merged = merge(CONSUMER_METRICS, [*parts, samples])
        return render(CONSUMER_METRICS, merged, open_metrics=open_metrics)

    # -- the loop ----------------------------------------------------------------------------

    def _wait(self) -> float:
        due = [slot.start_at for slot in self._slots if slot.start_at is not None]
        return max(0.0, min([_LOOK_UP, *(at - monotonic() for at in due)]))

    def _start_due(self) -> None:
        for number, slot in enumerate(self._slots):
            if slot.start_at is None or slot.start_at > monotonic():
                continue
            slot.start_at, slot.began = None, monotonic()
            asked = replace(self._asked, name=slot.name, announced=not self._one_was_ready)
            try:
                process = WorkerProcess(
                    self._given,
                    asked,
                    metrics=self._metrics,
                    on_ready=partial(self._put, "ready", number, 0),
                    on_end=partial(self._put, "ended", number),
                )
            except OSError as error:  # out of processes or descriptors
                self._log.error("%s can't be started: %s", slot.name, error)
                self._start_later(slot)
                continue
            with self._lock:
                slot.process = process

    def _put(self, what: str, number: int, code: int) -> None:
        self._events.put((what, number, code))

    def _handle(self, what: str, number: int, code: int) -> None:
        if what == "signal":
            self._signalled(code)
        elif what == "ready":
            self._ready()
        else:
            self._ended(self._slots[number], code)

    def _ready(self) -> None:
        if self._one_was_ready or self._signal is not None:
            return
        self._one_was_ready = True
        for slot in self._slots[1:]:
            slot.start_at = monotonic()

    def _signalled(self, number: int) -> None:
        if self._signal is None:
            self._signal = number
            self._stop(signal.SIGTERM)
        else:
            self._signal, self._killed = number, True
            self._stop(signal.SIGKILL)

    def _stop(self, number: signal.Signals) -> None:
        for slot in self._slots:
            slot.start_at = None
            if slot.process is not None:
                slot.process.signal(number)

    def _ended(self, slot: _Slot, code: int) -> None:
        process = slot.process
        has_ended = process is not None and process.said_goodbye
        with self._lock:
            slot.process = None
            if process is not None:
                ended = {name: of for name, of in process.samples.items() if name in _KEPT}
                self._gone = merge(CONSUMER_METRICS, [self._gone, ended])
        if self._stopping:
            # One that was only about to start dies of the signal: there was nothing to finish.
            slot.code = ExitCode.DONE if code == -signal.SIGTERM else code
        elif has_ended and (code == ExitCode.DONE or (self._asked.drain and code in _RESULTS)):
            slot.code = code
            self._log.info("%s has ended", slot.name, extra=_fields(slot, process, code))
        elif (has_ended and code in _HOPELESS) or not self._one_was_ready:
            if not has_ended:  # else it has said itself what is wrong
                self._log.error("%s %s", slot.name, _how(code), extra=_fields(slot, process, code))
            self._result = slot.code = code
            self._stop(signal.SIGTERM)
        else:
            slot.crashes += 1
            wait = self._start_later(slot)
            self._log.error(
                "%s (pid %s) %s; another starts in %g s", slot.name, process and process.pid,
                _how(code), wait, extra=_fields(slot, process, code) | {"restart_in": wait},
            )  # fmt: skip

    @property
    def _stopping(self) -> bool:
        return self._signal is not None or self._result is not None

    def _start_later(self, slot: _Slot) -> float:
        if monotonic() - slot.began >= _STEADY_SECONDS:
            slot.backoff = _FIRST_BACKOFF
        wait = slot.backoff
        slot.backoff = min(_LONGEST_BACKOFF, 2 * wait)
        slot.start_at = monotonic() + wait
        return wait

    def _exit_code(self) -> int:
        """What a single process would have ended with: the worst of theirs."""
        codes = [slot.code for slot in self._slots if slot.code is not None]
        if self._result is not None:
            codes = [self._result]
        codes = [128 - code if code < 0 else code for code in codes]
        for code in codes:
            if code not in _RESULTS:
                return code
        return max(codes, default=ExitCode.DONE)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def on_signal(number: int, _frame: FrameType | None) -> None:
            self._put("signal", 0, number)

        before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _how(code: int) -> str:
    if code >= 0:
        return f"exited with {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"was killed by signal {-code}"


def _fields(slot: _Slot, process: WorkerProcess | None, code: int) -> dict[str, object]:
    return {"worker": slot.name, "pid": process and process.pid, "exit_code": code}
