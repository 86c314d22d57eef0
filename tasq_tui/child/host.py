"""Child main loop: obeys commands, runs the handlers; exits with the app."""

import faulthandler
import os
import queue
import signal
import sys
import threading
from contextlib import closing
from typing import Final, assert_never

import msgspec

from tasq_core.errors import InvalidInputError, TasqError
from tasq_core.repository import Repository, open_repository
from tasq_core.task import Task
from tasq_tui.admin.loader import Handlers, load_handlers
from tasq_tui.child.attempt import run_now
from tasq_tui.child.capture import Capture, Report
from tasq_tui.child.event_pipe import EventPipe
from tasq_tui.child.protocol import (
    AnyCommand,
    Decide,
    DryRun,
    Error,
    Load,
    Loaded,
    LoadFailed,
    Running,
    Start,
    Stop,
    Stopped,
    decode_command,
    storable,
)
from tasq_tui.child.sessions import Session

GRACE_SECONDS: Final = 30.0
"""How long running handlers may go on once the app is gone."""
_DRAIN_SECONDS: Final = 1.0

Commands = queue.SimpleQueue[AnyCommand | None]
"""None: end."""


class Host:
    """Obeys one command after the other, in the process's main thread."""

    def __init__(self, report: Report, capture: Capture) -> None:
        self._report = report
        self._capture = capture
        self._load: Load | None = None
        self._handlers: Handlers = {}
        self._session: Session | None = None
        self._dry_run: threading.Thread | None = None

    def serve(self, commands: Commands) -> None:
        """Obey until None comes; a command that can't be obeyed is reported as an Error."""
        while (command := commands.get()) is not None:
            try:
                self._obey(command)
            except TasqError as error:
                self._report(Error.of(error))

    def finish(self, timeout: float) -> None:
        """Let what runs come to its end, for up to `timeout` seconds."""
        if self._session is not None:
            self._session.stop()
            self._session.join(timeout)

    def _obey(self, command: AnyCommand) -> None:
        match command:
            case Load():
                self._load_handlers(command)
            case Start():
                self._start(command)
            case Stop():
                if self._session is not None:
                    self._session.stop()
            case Decide():
                if self._session is None:
                    raise InvalidInputError("nothing waits for a decision: step mode isn't running")
                self._session.decide(command)
            case DryRun():
                self._run_dry(command)
            case _:
                assert_never(command)

    def _load_handlers(self, command: Load) -> None:
        if self._load is not None:
            raise InvalidInputError("handlers are loaded; another child is needed for others")
        self._load = command
        try:
            self._handlers = load_handlers(command.target, command.directory)
        except TasqError as error:
            self._report(LoadFailed(storable(str(error))))
        else:
            self._report(Loaded(sorted(self._handlers)))

    def _open(self, *, read_only: bool) -> Repository:
        if self._load is None or not self._handlers:
            raise InvalidInputError("no handlers are loaded; load some first")
        return open_repository(self._load.url, self._load.prefix, read_only=read_only)

    def _start(self, command: Start) -> None:
        if self._session is not None and self._session.alive:
            raise InvalidInputError("already consuming; stop first")
        try:
            self._begin(command)
        except TasqError as error:
            self._report(Error.of(error))
            self._report(Stopped())

    def _begin(self, command: Start) -> None:
        if self._load is not None and self._load.read_only:
            raise InvalidInputError("consuming writes to the table, and this profile is read-only")
        if command.concurrency < 1:
            raise InvalidInputError(f"concurrency {command.concurrency} is too low; use 1 or more")
        types = sorted(self._handlers) if command.types is None else list(command.types)
        if unknown := [type_ for type_ in types if type_ not in self._handlers]:
            raise InvalidInputError(f"no handler for task type {unknown[0]!r} is loaded")
        repository = self._open(read_only=False)
        self._report(Running(types, command.step))
        handlers = {type_: self._handlers[type_] for type_ in types}
        try:
            self._session = Session(repository, handlers, command, self._report, self._capture)
        except TasqError:
            repository.close()
            raise

    def _run_dry(self, command: DryRun) -> None:
        if self._dry_run is not None and self._dry_run.is_alive():
            raise InvalidInputError("a dry run is going on; wait for its end")
        task = command.task or self._stored(command)
        handler = self._handlers.get(task.type)
        if handler is None:
            raise InvalidInputError(f"no handler for task type {task.type!r} is loaded")
        self._dry_run = threading.Thread(
            target=run_now,
            args=(handler, task, self._report, self._capture, True),
            name="tasq-dry-run",
            daemon=True,
        )
        self._dry_run.start()

    def _stored(self, command: DryRun) -> Task:
        if command.task_id is None:
            raise InvalidInputError("a dry run needs a task or its id")
        with closing(self._open(read_only=True)) as repository:
            found = repository.get_tasks([command.task_id])
        if not found:
            raise InvalidInputError(f"no task {command.task_id}; it may have been deleted")
        return found[0]


def main(event_descriptor: int) -> None:
    """Be the child until the commands on standard input end, or SIGTERM or SIGINT comes."""
    os.set_inheritable(event_descriptor, False)
    if sys.version_info >= (3, 14):  # whose stack of C would push ours out of the last lines
        faulthandler.enable(2, all_threads=False, c_stack=False)
    else:
        faulthandler.enable(2, all_threads=False)
    report = EventPipe(event_descriptor)
    capture = Capture(report)
    capture.install()
    commands: Commands = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _end(commands))
    reader = threading.Thread(
        target=_read_commands, args=(_take_stdin(), commands, report), daemon=True
    )
    reader.start()
    host = Host(report, capture)
    host.serve(commands)
    host.finish(GRACE_SECONDS)
    capture.end(None)
    report.drain(_DRAIN_SECONDS)


def _take_stdin() -> int:
    """The commands' descriptor; handlers that read standard input find it empty."""
    commands = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return commands


def _read_commands(descriptor: int, commands: Commands, report: Report) -> None:
    with os.fdopen(descriptor, "rb") as lines:
        for line in lines:
            try:
                commands.put(decode_command(line))
            except msgspec.MsgspecError as error:
                report(Error(f"a command can't be read: {error}"))
    _end(commands)


def _end(commands: Commands) -> None:
    """Stop obeying; once the grace is over end the process, whatever it hangs in."""
    timer = threading.Timer(GRACE_SECONDS + 2 * _DRAIN_SECONDS, os._exit, [1])
    timer.daemon = True
    timer.start()
    commands.put(None)
