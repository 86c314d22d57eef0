"""The app in a real pty, as a user would see it: frames, keys, memory, the end."""

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
from typing import Self

import psutil

COLUMNS, LINES = 120, 40

# Frames are told apart by the marks of synchronized output, which the app asks for.
_ASKED, _ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;1$y"
_FRAME_END = b"\x1b[?2026l"
_SETTLED_SECONDS = 0.06
_TIMEOUT_SECONDS = 20.0


class App:
    """The app on a table, and the terminal it believes to be in."""

    def __init__(self, url: str, prefix: str, *, folder: Path | None = None) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        command = [str(Path(sys.executable).with_name("tasq"))]
        self.started = time.perf_counter()
        self._child = subprocess.Popen(
            [*command, "--url", url, "--prefix", prefix, "tui"],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True, cwd=folder,
            env=os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )  # fmt: skip
        os.close(slave)
        self._written = b""

    def frame(self, containing: bytes = b"", timeout: float = _TIMEOUT_SECONDS) -> float | None:
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

    def type(self, keys: bytes, until: bytes = b"") -> None:
        """Press keys and wait for a frame that shows `until`."""
        os.write(self._master, keys)
        if self.frame(until) is None:
            raise RuntimeError(f"the app never showed {until!r} after {keys!r}")

    def press(self, key: bytes) -> tuple[float, float]:
        """Milliseconds from a key to its first frame, and to the last one it caused."""
        pressed = time.perf_counter()
        os.write(self._master, key)
        first = self.frame()
        if first is None:
            raise RuntimeError(f"the app drew nothing after {key!r}")
        last = self.settle() or first
        return (first - pressed) * 1000, (last - pressed) * 1000

    def hold(self, key: bytes, times: int) -> None:
        """Press a key again as soon as it showed, as if it were held down."""
        for _ in range(times):
            os.write(self._master, key)
            self.frame()
        self.settle()

    def quit(self) -> float:
        """Seconds from `q`, and `y` to cut off what runs, until the process is gone.

        What it writes meanwhile is read.
        """
        pressed = time.perf_counter()
        self.type(b"q", b"Leave tasq?")
        os.write(self._master, b"y")
        while self._child.poll() is None:
            if time.perf_counter() - pressed > _TIMEOUT_SECONDS:
                raise RuntimeError("the app didn't end after q")
            if select.select([self._master], [], [], 0.01)[0]:
                try:
                    os.read(self._master, 1 << 16)
                except OSError:  # the other end is closed
                    break
        self._child.wait(_TIMEOUT_SECONDS)
        return time.perf_counter() - pressed

    @property
    def memory(self) -> float:
        """Its resident megabytes."""
        return float(psutil.Process(self._child.pid).memory_info().rss) / 1e6

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        os.close(self._master)
