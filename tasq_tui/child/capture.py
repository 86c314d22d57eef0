"""What handlers print and log, told apart by task.

Python's own streams are replaced; writes past them (C code, other programs) reach the
process's pipes and are read by the app as they come.
"""

import io
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, TextIO
from uuid import UUID

from tasq_tui.child.protocol import AnyEvent, Log, Output, storable

Report = Callable[[AnyEvent], None]

LONGEST_TEXT: Final = 8192
"""Bytes of a line, or characters of a log record, before it is cut."""

_CONTINUATION_LOW: Final = 0x80  # of the bytes that go on a UTF-8 character
_CONTINUATION_HIGH: Final = 0xC0

current_task: ContextVar[UUID | None] = ContextVar("current_task", default=None)
"""The task whose handler runs in this context; threads a handler starts have none."""


class CapturedStream(io.BufferedIOBase):
    """The bytes end of `sys.stdout` or `sys.stderr`: cuts lines, per task, and reports them."""

    def __init__(self, stream: str, descriptor: int, report: Report) -> None:
        self._stream = stream
        self._descriptor = descriptor
        self._report = report
        self._lock = threading.RLock()
        self._unended: dict[UUID | None, bytes] = {}

    @property
    def name(self) -> str:
        """As on the real streams."""
        return f"<{self._stream}>"

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The real descriptor, for programs that handlers start."""
        return self._descriptor

    def write(self, data: object, /) -> int:
        """Report the lines that `data` ends."""
        written = bytes(memoryview(data))  # type: ignore[arg-type]  # TypeError is what io promises
        task_id = current_task.get()
        with self._lock:
            *lines, rest = (self._unended.pop(task_id, b"") + written).split(b"\n")
            for line in lines:
                self._report_pieces(task_id, line)
            while len(rest) > LONGEST_TEXT:
                piece, rest = _split_text(rest)
                self._say(task_id, piece)
            if rest:
                self._unended[task_id] = rest
        return len(written)

    def end(self, task_id: UUID | None) -> None:
        """Report what the task wrote without ending the line."""
        with self._lock:
            if rest := self._unended.pop(task_id, b""):
                self._say(task_id, rest)

    def _report_pieces(self, task_id: UUID | None, line: bytes) -> None:
        while len(line) > LONGEST_TEXT:
            piece, line = _split_text(line)
            self._say(task_id, piece)
        self._say(task_id, line)

    def _say(self, task_id: UUID | None, text: bytes) -> None:
        self._report(Output(task_id, self._stream, text.decode("utf-8", "replace")))


def _split_text(data: bytes) -> tuple[bytes, bytes]:
    """A first piece of at most LONGEST_TEXT bytes, and the rest; no character is cut."""
    end = LONGEST_TEXT
    while end > LONGEST_TEXT - 4 and _CONTINUATION_LOW <= data[end] < _CONTINUATION_HIGH:
        end -= 1
    return data[:end], data[end:]


class CapturingHandler(logging.Handler):
    """Reports log records."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        """Report `record`, its traceback included."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - as logging's own handlers: a bad call prints, no more
            self.handleError(record)
            return
        if len(text) > LONGEST_TEXT:
            text = f"{text[:LONGEST_TEXT]}…"
        name, level = storable(record.name), storable(record.levelname)
        self._report(Log(current_task.get(), level, name, storable(text)))


class Capture:
    """The process's streams and root logger, captured from `install` on."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._streams = [CapturedStream(name, fd, report) for name, fd in _STREAMS]

    def install(self) -> None:
        """Put the capturing streams and log handler in place, for good.

        A fork of this process gets the plain streams back: it mustn't speak in our name.
        """
        plain = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = map(_text, self._streams)
        logging.basicConfig(
            level=logging.INFO, format="%(message)s", handlers=[CapturingHandler(self._report)]
        )
        os.register_at_fork(after_in_child=lambda: _restore(*plain))

    def end(self, task_id: UUID | None) -> None:
        """Report what the task left unended on either stream."""
        for stream in self._streams:
            stream.end(task_id)


_STREAMS: Final = (("stdout", 1), ("stderr", 2))


def _text(stream: CapturedStream) -> io.TextIOWrapper:
    return io.TextIOWrapper(stream, "utf-8", "backslashreplace", write_through=True)


def _restore(stdout: TextIO, stderr: TextIO) -> None:
    sys.stdout, sys.stderr = stdout, stderr
    for handler in logging.getLogger().handlers[:]:
        if isinstance(handler, CapturingHandler):
            logging.getLogger().removeHandler(handler)
