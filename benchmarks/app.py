"""The app in a real pty: how soon it stands there, how soon a key shows, what it holds."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks import seed
from benchmarks.results import ROUNDS, Results, percentile
from benchmarks.stage import Stage

ROWS = 1_000_000
FULL_ROWS = 10_000_000
PAGES = 300
COLUMNS, LINES = 120, 40
SECTION = "The app"
PAGE_DOWN = b"\x1b[6~"

# Frames are told apart by the marks of synchronized output, which the app asks for.
_ASKED, _ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;1$y"
_FRAME_END = b"\x1b[?2026l"
_SETTLED_SECONDS = 0.06
_PATIENCE_SECONDS = 20.0


class App:
    """The app on a table, and the terminal it believes to be in."""

    def __init__(self, url: str, prefix: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        command = [str(Path(sys.executable).with_name("tasq"))]
        self.started = time.perf_counter()
        self._child = subprocess.Popen(
            [*command, "--url", url, "--prefix", prefix, "tui"],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )  # fmt: skip
        os.close(slave)
        self._written = b""

    def frame(self, containing: bytes = b"", timeout: float = _PATIENCE_SECONDS) -> float | None:
        """When the next frame (that shows `containing`) was complete; None after `timeout`."""
        deadline = time.perf_counter() + timeout
        while (left := deadline - time.perf_counter()) > 0:
            if not select.select([self._master], [], [], left)[0]:
                return None
            chunk = os.read(self._master, 1 << 16)
            if _ASKED in chunk:
                os.write(self._master, _ANSWER)
            self._written += chunk
            end = self._written.rfind(_FRAME_END)
            if end >= 0 and containing in self._written[:end]:
                self._written = self._written[end + len(_FRAME_END) :]
                return time.perf_counter()
        return None

    def settle(self) -> float | None:
        """When the last frame came, once none has come for a moment."""
        last = None
        while (at := self.frame(timeout=_SETTLED_SECONDS)) is not None:
            last = at
        return last

    def press(self, key: bytes) -> tuple[float, float]:
        """Milliseconds from a key to its first frame, and to the last one it caused."""
        pressed = time.perf_counter()
        os.write(self._master, key)
        first = self.frame()
        if first is None:
            raise RuntimeError(f"the app drew nothing after {key!r}")
        last = self.settle() or first
        return (first - pressed) * 1000, (last - pressed) * 1000

    @property
    def memory(self) -> float:
        """Its resident megabytes."""
        return float(psutil.Process(self._child.pid).memory_info().rss) / 1e6

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        os.close(self._master)


def run(stage: Stage, results: Results, full: bool) -> None:
    rows = FULL_ROWS if full else ROWS
    with stage.table("sqlite") as table:
        seed.fill(table, seed.MIXED, 1, rows)
        starts = []
        for _ in range(2 * ROUNDS + 1):
            with App(table.url, table.prefix) as app:
                at = app.frame(b"Overview")
                starts.append(((at or float("inf")) - app.started) * 1000)
        results.keep(SECTION, "exec to first frame", starts[1:], "ms")
        with App(table.url, table.prefix) as app:
            app.frame(b"Overview")
            app.settle()
            app.press(b"2")
            firsts, lasts = zip(*(app.press(PAGE_DOWN) for _ in range(PAGES)), strict=True)
            memory = app.memory
    name = f"app, {rows:,} rows"
    results.judge_most(f"{name}: exec to first frame", percentile(starts[1:], 0.5), 400, "ms")
    for what, values, most in (("first frame", firsts, 25), ("settled", lasts, 50)):
        value = percentile(list(values), 0.95)
        results.show(SECTION, f"page down to {what}", f"p95 **{value:.1f}** ms")
        results.judge_most(f"{name}: key to {what}, p95", value, most, "ms")
    results.show(SECTION, f"memory after {PAGES} pages", f"**{memory:.0f}** MB")
    results.judge_most(f"{name}: memory after {PAGES} pages", memory, 80, "MB")
