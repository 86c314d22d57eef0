"""One process of `tasq work --processes`: its supervisor's end, and its own.

It reads what to do from the socket whose number it is given, says there when it is ready and
what it has counted, and stops when the socket closes: its supervisor is gone.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tasq_core.metrics.exposition import Samples
from tasq_tui.cli.options import Given
from tasq_tui.cli.working import Work, work

if TYPE_CHECKING:
    from tasq_core.metrics.consumers import ConsumerMetrics

_PROGRAM: Final = Path(__file__).with_name("__main__.py")
_REPORT_SECONDS: Final = 1.0
_LAST_WORDS_SECONDS: Final = 1.0
"""How long what a process had still sent is waited for once it has ended."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the process is to do."""

    given: Given
    work: Work
    metrics: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What it says: that it is ready, what it has counted so far, at last that it has ended."""

    samples: list[tuple[str, tuple[str, ...], float | tuple[float, ...]]]
    ended: bool = False
    """Whether its work has ended, with the exit code that follows: else a handler ended it."""


class WorkerProcess:
    """A process that works, as its supervisor sees it."""

    def __init__(
        self,
        given: Given,
        asked: Work,
        *,
        metrics: bool,
        on_ready: Callable[[], None],
        on_end: Callable[[int], None],
    ) -> None:
        """Start it, in a session of its own: the terminal's Ctrl+C reaches the supervisor alone.

        Args:
            given: the options that every verb takes.
            asked: those of `tasq work`.
            metrics: whether it is to send what it counts.
            on_ready: called from a thread when it is about to claim.
            on_end: called from a thread with its return code, once.

        Raises:
            OSError: it can't be started.
        """
        self.samples: Samples = {}
        self.said_goodbye = False
        """Whether it has ended by itself: its exit code is then the result of its work."""
        self._on_ready, self._on_end = on_ready, on_end
        self._ready = False
        self._socket, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", str(_PROGRAM), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError:
            self._socket.close()
            raise
        finally:
            theirs.close()
        self.pid = self._process.pid
        order = msgspec.json.encode(Order(given, asked, metrics))
        with suppress(OSError):  # it has ended already, which the waiter tells
            self._socket.sendall(order + b"\n")
        self._reader = threading.Thread(target=self._read, name="tasq-supervisor", daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, name="tasq-supervisor", daemon=True).start()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; one that has ended gets none."""
        self._process.send_signal(number)

    def _read(self) -> None:
        # To its end, whatever it says: a process that isn't read can't end.
        with suppress(OSError), self._socket.makefile("rb") as lines:
            for line in lines:
                with suppress(msgspec.MsgspecError):
                    self._note(msgspec.json.decode(line, type=Report))

    def _note(self, report: Report) -> None:
        samples: Samples = {}
        for name, labels, value in report.samples:
            samples.setdefault(name, {})[labels] = value
        self.samples = samples
        self.said_goodbye = report.ended
        if not self._ready and not report.ended:
            self._ready = True
            self._on_ready()

    def _wait(self) -> None:
        code = self._process.wait()
        self._reader.join(_LAST_WORDS_SECONDS)  # a handler's child may hold the socket open
        self._socket.close()
        self._on_end(code)


class Reporter:
    """The process's end: says that it is ready, what it has counted, and that it has ended."""

    def __init__(self, connection: socket.socket, metrics: "ConsumerMetrics | None") -> None:
        self._connection, self._metrics = connection, metrics
        self._ended = threading.Event()
        self._sending = threading.Lock()

    def ready(self) -> None:
        """It is about to claim."""
        self._send()
        if self._metrics is not None:
            threading.Thread(target=self._run, name="tasq-report", daemon=True).start()

    def close(self) -> None:
        """Say it one last time, and that what comes now is the exit code of the work."""
        self._ended.set()
        self._send(ended=True)

    def _run(self) -> None:
        while not self._ended.wait(_REPORT_SECONDS):
            self._send()

    def _send(self, *, ended: bool = False) -> None:
        samples: Samples = {} if self._metrics is None else self._metrics.samples()
        report = Report(
            [
                (name, labels, value)
                for name, found in samples.items()
                for labels, value in found.items()
            ],
            ended,
        )
        with self._sending, suppress(OSError):
            self._connection.sendall(msgspec.json.encode(report) + b"\n")


def main(descriptor: int) -> None:
    """The process's program; ends with the exit code of its work."""
    from tasq_core.metrics.consumers import ConsumerMetrics
    from tasq_tui.cli import diagnostics, streams
    from tasq_tui.cli.app import guarded

    streams.prepare()
    os.set_inheritable(descriptor, False)
    connection = socket.socket(fileno=descriptor)
    lines = connection.makefile("rb")
    order = msgspec.json.decode(lines.readline(), type=Order)
    if order.work.log_format == "json":
        diagnostics.write_json(order.work.name)
    threading.Thread(target=_stop_with_supervisor, args=(lines,), daemon=True).start()
    metrics = ConsumerMetrics() if order.metrics else None
    reporter = Reporter(connection, metrics)

    def run() -> int:
        return work(order.given, order.work, metrics, reporter.ready)

    code = guarded(run)
    reporter.close()
    sys.exit(code)


def _stop_with_supervisor(lines: Any) -> None:
    """Wait for the supervisor to be gone, then stop as after a signal."""
    with suppress(OSError):
        lines.read()
    os.kill(os.getpid(), signal.SIGTERM)
