"""The app's end of one child: spawn it, send it commands, hear its events, end it in time."""

import os
import queue
import selectors
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tasq_tui.child.backlog import Backlog
from tasq_tui.child.protocol import (
    LONGEST_LINE_BYTES,
    Abandoned,
    AnyEvent,
    Claimed,
    Command,
    Died,
    Finished,
    LeaseLost,
    Output,
    Released,
    decode_event,
    encode,
)

if TYPE_CHECKING:
    from uuid import UUID

Deliver = Callable[[list[AnyEvent]], None]

_PROGRAM: Final = Path(__file__).with_name("__main__.py")
_CHUNK_BYTES: Final = 1 << 16
_LONGEST_OUTPUT_BYTES: Final = 8192
_LINES_PER_BATCH: Final = 500
_BATCH_SECONDS: Final = 0.05
_MOST_LOST: Final = 10_000
_STOP_SECONDS: Final = 1.0
_KILL_SECONDS: Final = 0.5
_ENDING: Final = ((signal.SIGTERM, 0.3), (signal.SIGKILL, _KILL_SECONDS))
"""Signals to a child that doesn't stop, and how long each is waited for, in seconds."""
_LAST_LINES: Final = 30


class Child:
    """A running child.

    `deliver` is called from a thread of the child's with batches of events, at most one per
    50 ms and never two at once, each with at most 500 lines of output; the last event of the
    last batch is Died.
    """

    def __init__(self, deliver: Deliver) -> None:
        """Spawn it.

        Raises:
            OSError: the system is out of processes or descriptors.
        """
        ours, theirs = os.pipe()
        try:
            self._process = _spawn(theirs)
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self._expected = False
        self._gone = threading.Event()
        self._commands: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._inbox = _Inbox(deliver)
        self._reader = _Reader(self._process, ours, self._inbox)
        for body in (self._write_commands, self._await_end):
            threading.Thread(target=body, name="tasq-child", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id, and its group's."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return not self._gone.is_set()

    def send(self, command: Command) -> None:
        """Queue `command` for the child; one that has died hears nothing."""
        self._commands.put(encode(command))

    def close(self, grace: float = _STOP_SECONDS) -> None:
        """End the child: ask it to stop, after `grace` seconds terminate, then kill its group.

        Returns once it is gone: within `grace` + 0.8 seconds, whatever its handlers do.
        """
        self._expected = True
        self._commands.put(None)
        for number, seconds in ((None, grace), *_ENDING):
            if number is not None:
                self._signal(number)
            if self._gone.wait(seconds):
                return

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # gone; macOS says so by the latter
            os.killpg(self._process.pid, number)

    def _write_commands(self) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - Popen was given PIPE
        with suppress(BrokenPipeError), stdin:
            while (line := self._commands.get()) is not None:
                stdin.write(line)
                stdin.flush()

    def _await_end(self) -> None:
        returncode = self._process.wait()
        self._signal(signal.SIGKILL)  # what its handlers started; the id isn't reused this soon
        self._gone.set()
        self._commands.put(None)
        self._reader.join(_KILL_SECONDS)
        if held := self._reader.held:
            self._inbox.put(Abandoned(list(held)))
        reason = _reason(returncode, expected=self._expected)
        self._inbox.put(Died(returncode, reason, list(self._reader.last_lines), self._expected))
        self._inbox.close()


def _spawn(event_descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-P", str(_PROGRAM), str(event_descriptor)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(event_descriptor,),
        start_new_session=True,
    )


def _reason(returncode: int, *, expected: bool) -> str:
    if returncode >= 0:
        return f"exited with status {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    unasked_kill = returncode == -signal.SIGKILL and not expected
    return f"killed by {name}{'; out of memory?' if unasked_kill else ''}"


class _Inbox:
    """Gathers events from several threads and delivers them in batches from one."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._changed = threading.Condition()
        self._backlog = Backlog(lines=_LINES_PER_BATCH)
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="tasq-child-events", daemon=True).start()

    def put(self, event: AnyEvent) -> None:
        with self._changed:
            self._backlog.add(event)
            self._changed.notify()

    def put_lines(self, stream: str, lines: list[bytes]) -> None:
        """Take what there is room for, as output; more is counted, not even decoded.

        Waits where very much was: reading a flood mustn't cost the app a core.
        """
        with self._changed:
            room = self._backlog.room
            for line in lines[:room]:
                self._backlog.add(Output(None, stream, line.decode("utf-8", "replace")))
            self._backlog.drop(max(0, len(lines) - room))
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._backlog.lost_lines < _MOST_LOST or self._closed.is_set()
            )

    def await_room(self) -> None:
        """Wait until lines fit again, or the inbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._backlog.room or self._closed.is_set())

    def close(self) -> None:
        """Deliver what is there, then end."""
        self._closed.set()
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._backlog or self._closed.is_set())
                over = self._closed.is_set()
                batch = self._backlog.take()
                self._changed.notify_all()
            if batch:
                self._deliver(batch)
            if over:
                return
            self._closed.wait(_BATCH_SECONDS)


class _Reader:
    """Reads the child's three pipes in one thread, and keeps what its death leaves behind."""

    def __init__(self, process: subprocess.Popen[bytes], events: int, inbox: _Inbox) -> None:
        assert process.stdout is not None  # noqa: S101 - Popen was given PIPE
        assert process.stderr is not None  # noqa: S101
        self._inbox = inbox
        self.held: dict[UUID, None] = {}
        """Claimed and neither finished, lost nor given back."""
        self._last_lines: deque[bytes] = deque(maxlen=_LAST_LINES)
        self._notes: Mapping[type[AnyEvent], Callable[[Any], None]] = {
            Claimed: self._note_claimed,
            Finished: self._note_finished,
            LeaseLost: self._note_forgotten,
            Released: self._note_forgotten,
            Output: self._note_output,
        }
        """What is kept of events for the child's death; the others are only passed on."""
        self._selector = selectors.DefaultSelector()
        for stream in (process.stdout, process.stderr, os.fdopen(events, "rb", 0)):
            self._selector.register(stream, selectors.EVENT_READ)
        self._sinks: dict[object, tuple[_Lines, Callable[[list[bytes]], None]]] = {
            process.stdout: (_Lines(_LONGEST_OUTPUT_BYTES), self._take_stdout),
            process.stderr: (_Lines(_LONGEST_OUTPUT_BYTES), self._take_stderr),
        }
        self._event_sink = (_Lines(LONGEST_LINE_BYTES), self._take_events)
        self._thread = threading.Thread(target=self._run, name="tasq-child-reader", daemon=True)
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for all pipes to end.

        A program of a handler's that left the group may keep one open.
        """
        self._thread.join(timeout)

    @property
    def last_lines(self) -> list[str]:
        """Of standard error."""
        return [line.decode("utf-8", "replace") for line in self._last_lines]

    def _run(self) -> None:
        while self._selector.get_map():
            for key, _ in self._selector.select():
                lines, take = self._sinks.get(key.fileobj, self._event_sink)
                chunk = os.read(key.fd, _CHUNK_BYTES)
                take(lines.feed(chunk) if chunk else lines.end())
                if not chunk:
                    self._selector.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]  # all three are files
        self._selector.close()

    def _take_stdout(self, lines: list[bytes]) -> None:
        self._inbox.put_lines("stdout", lines)

    def _take_stderr(self, lines: list[bytes]) -> None:
        self._last_lines.extend(lines)
        self._inbox.put_lines("stderr", lines)

    def _take_events(self, lines: list[bytes]) -> None:
        for line in lines:
            self._take_event(line)
        self._inbox.await_room()  # a flood is dropped by the child, where that costs least

    def _take_event(self, line: bytes) -> None:
        try:
            event = decode_event(line)
        except msgspec.MsgspecError:  # a handler wrote to our descriptor, or died amid a line
            self._inbox.put_lines("events", [line[:_LONGEST_OUTPUT_BYTES]])
            return
        if (note := self._notes.get(type(event))) is not None:
            note(event)
        self._inbox.put(event)

    def _note_claimed(self, event: Claimed) -> None:
        self.held.update((task.id, None) for task in event.tasks)

    def _note_finished(self, event: Finished) -> None:
        if not event.dry:
            self.held.pop(event.task_id, None)

    def _note_forgotten(self, event: LeaseLost | Released) -> None:
        for task_id in event.task_ids:
            self.held.pop(task_id, None)

    def _note_output(self, event: Output) -> None:
        if event.stream == "stderr":
            self._last_lines.append(event.text.encode())


class _Lines:
    """Cuts chunks into lines; one longer than `limit` bytes comes in pieces."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > self._limit:
            lines.append(self._rest)
            self._rest = b""
        limit = self._limit
        return [line[at : at + limit] for line in lines for at in range(0, len(line) or 1, limit)]

    def end(self) -> list[bytes]:
        return self.feed(b"\n") if self._rest else []
