"""`python -m MODULE` without the price of its imports: a fork of a process that has done them.

They are three quarters of what a short command costs. A fork is as a new interpreter is in what a
command can see: a process with streams, environment, folder and arguments of its own, which ends
by itself. What an interpreter reads as it starts (`PYTHON...`, the locale) can't be given to a
fork: such calls, and the tests of what is loaded when, take a new interpreter.
"""

import array
import atexit
import fcntl
import gc
import io
import json
import os
import pty
import runpy
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from select import select
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import IO, Any

from tasq_tui.cli.verbs import VERBS
from tests.support.processes import ROOT, Process, clean_environment

_LOADED = (
    "asyncio", "csv", "prometheus_client", "rich.console", "rich.progress", "rich.table", "sqlite3",
    "platformdirs", "tomllib", "zipfile", "zoneinfo", "tasq_core.consumer",
    "tasq_core.repository.mysql", "tasq_core.repository.postgres", "tasq_core.repository.sqlite",
    "tasq_tui.child.host", "tasq_tui.cli.app", "tests.reliability.effects",
    *(f"tasq_tui.cli.commands.{verb.module}" for verb in VERBS.values()),
)  # fmt: skip
"""What is imported by the command, by its handlers' process and by a worker."""
_AT_START = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "_")
_REQUEST = 1 << 18
"""Bytes of a call's arguments and environment, at most."""
_END_SECONDS = 5


def can_run(env: Mapping[str, str]) -> bool:
    """Whether a fork is as good as a new interpreter with `env` added."""
    return not any(name.startswith(_AT_START) for name in env)


@cache
def shared_forker() -> "Forker":
    """The one of this process, which lives as long."""
    forker = Forker(_LOADED)
    atexit.register(forker.close)
    return forker


class Forker:
    """Runs modules in forks of one process. Close it at the end."""

    def __init__(self, loaded: Sequence[str]) -> None:
        """Start the process that is forked; it imports what is to be `loaded`."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _REQUEST)
        with theirs:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno()), *loaded],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env=clean_environment(),
            )

    def close(self) -> None:
        """End the process; forks that still run aren't ended."""
        self._control.close()
        self._parent.wait(30)

    def run(
        self, *command: str, stdin: bytes, timeout: float, cwd: Path, env: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[bytes]":  # fmt: skip
        """As `subprocess.run([python, "-m", *command])` with its output captured.

        Raises:
            subprocess.TimeoutExpired: it ran longer than `timeout` seconds, and was killed.
        """
        with ExitStack() as opened:
            ours, theirs = [], []
            for place in range(3):
                reads, writes = os.pipe()
                mine, other = (writes, reads) if place == 0 else (reads, writes)
                ours.append(opened.enter_context(os.fdopen(mine, "rb" if place else "wb", 0)))
                theirs.append(other)
            try:
                fork = self.start(command, theirs, cwd, env)
            finally:
                for descriptor in theirs:
                    os.close(descriptor)
            opened.callback(fork.close)
            return _communicate(fork, command, ours, stdin, timeout)

    def run_at_terminal(
        self, *command: str, question: str, answer: str, timeout: float, cwd: Path,
        env: Mapping[str, str],
    ) -> "subprocess.CompletedProcess[bytes]":  # fmt: skip
        """As `run`, with a terminal of its own for the three streams.

        Args:
            command: a module and its arguments.
            question: what it is to ask; empty for nothing.
            answer: typed once the question stands there.
            timeout: seconds.
            cwd: where it runs.
            env: its environment.

        Raises:
            subprocess.TimeoutExpired: it ran longer than `timeout` seconds, and was killed.
        """
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, 120))
        with os.fdopen(ours, "rb+", 0) as screen:
            try:
                fork = self.start(command, [theirs] * 3, cwd, env)
            finally:
                os.close(theirs)
            with closing(fork):
                shown = _converse(screen, question.encode(), answer.encode(), timeout)
                return _ended(fork, command, shown, b"")

    def start(
        self, command: Sequence[str], streams: Sequence[int], cwd: Path, env: Mapping[str, str]
    ) -> "Fork":
        """Start a fork in a session of its own; its descriptors are `streams`, from 0 on."""
        request = json.dumps([command, str(cwd), dict(env)]).encode()
        reads, writes = os.pipe()
        rights = array.array("i", [*streams, writes])
        try:
            self._control.sendmsg(
                [request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights.tobytes())]
            )
        except BaseException:
            os.close(reads)
            raise
        finally:
            os.close(writes)
        return Fork(reads)


class Fork:
    """A running fork, as `subprocess.Popen` shows a child. Close it."""

    def __init__(self, told: int) -> None:
        """Wait for its process id on the pipe `told`, of which this takes hold."""
        self._told = told
        self._heard = b""
        while b" " not in self._heard:
            self._hear()
        self.pid = int(self._heard.split()[0])
        """Its process id, its session's and its process group's."""

    def close(self) -> None:
        """Stop listening for its end."""
        os.close(self._told)

    def poll(self) -> int | None:
        """How it ended (minus the signal that killed it); None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float) -> int:
        """How it ended.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not self._heard.endswith(b"."):
            if not select([self._told], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            self._hear()
        return os.waitstatus_to_exitcode(int(self._heard.split()[1][:-1]))

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def _hear(self) -> None:
        piece = os.read(self._told, 64)
        if not piece:
            raise RuntimeError("the process that forks has ended")
        self._heard += piece


class ForkedProcess(Process):
    """As a `Process` that runs a module in a new interpreter."""

    def __init__(self, forker: Forker, *command: str, **options: Any) -> None:
        """Start a module with its arguments; `options` are those of `Process`."""
        self._forker = forker
        super().__init__(command, **options)

    def close(self) -> None:
        """Kill what still runs and free its files."""
        super().close()
        self._child.close()

    def _start(self, streams: Sequence[int], env: Mapping[str, str], cwd: Path) -> Any:
        return self._forker.start(self.command, streams, cwd, env)


def _communicate(
    fork: Fork, command: Sequence[str], files: Sequence[IO[bytes]], stdin: bytes, timeout: float
) -> "subprocess.CompletedProcess[bytes]":
    entry, *sources = files
    got = dict.fromkeys(sources, b"")
    deadline = time.monotonic() + timeout
    with DefaultSelector() as selector:
        for source in sources:
            selector.register(source, EVENT_READ)
        selector.register(entry, EVENT_WRITE)
        while selector.get_map():
            ready = selector.select(max(deadline - time.monotonic(), 0))
            if not ready and time.monotonic() >= deadline:
                fork.send_signal(signal.SIGKILL)
                raise subprocess.TimeoutExpired(command, timeout, got[sources[0]])
            for key, _ in ready:
                file: Any = key.fileobj
                if file is entry:
                    stdin = _written(entry, stdin)
                    is_over = not stdin
                else:
                    piece = os.read(key.fd, 1 << 16)
                    got[file] += piece
                    is_over = not piece
                if is_over:
                    selector.unregister(file)
                    file.close()
    return _ended(fork, command, *got.values())


def _ended(
    fork: Fork, command: Sequence[str], out: bytes, err: bytes
) -> "subprocess.CompletedProcess[bytes]":
    """What came of a fork that has nothing more to say."""
    try:
        return subprocess.CompletedProcess(command, fork.wait(_END_SECONDS), out, err)
    except subprocess.TimeoutExpired:
        fork.send_signal(signal.SIGKILL)
        raise subprocess.TimeoutExpired(command, _END_SECONDS, out) from None


def _converse(screen: IO[bytes], question: bytes, answer: bytes, timeout: float) -> bytes:
    """All that appears on a terminal until nobody has it open; type the answer at the question."""
    shown, deadline = b"", time.monotonic() + timeout
    with suppress(OSError):  # what Linux says at the end
        while select([screen], [], [], max(deadline - time.monotonic(), 0))[0]:
            shown += screen.read(1 << 16)
            if question and question in shown:
                screen.write(answer + b"\r")
                question = b""
    return shown


def _written(entry: IO[bytes], stdin: bytes) -> bytes:
    try:
        return stdin[os.write(entry.fileno(), stdin[:4096]) :]
    except BrokenPipeError:  # as subprocess does: who doesn't read it, need not
        return b""


def _serve(control: socket.socket) -> str:
    """Fork for each request; returns in the forks alone, the module that is to run."""
    while True:
        request, ancillary, _, _ = control.recvmsg(_REQUEST, socket.CMSG_SPACE(64))
        if not request:
            os._exit(0)
        rights = array.array("i")
        for _, _, data in ancillary:
            rights.frombytes(data)
        if os.fork() == 0:
            return _begin(json.loads(request), *rights)
        for descriptor in rights:
            os.close(descriptor)


def _begin(request: Any, *descriptors: int) -> str:
    """Fork once more: one of the two watches over the other's end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, told = descriptors
    child = os.fork()
    if child:
        os.closerange(0, told)
        os.closerange(told + 1, 64)
        os.write(told, b"%d." % os.waitpid(child, 0)[1])
        os._exit(0)
    os.setsid()
    os.write(told, b"%d " % os.getpid())
    (module, *arguments), cwd, env = request
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.closerange(len(streams), 64)
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for name in ("stdin", "stdout", "stderr"):
        stream = _opened(name, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.path[0] = cwd
    sys.argv = ["", *arguments]
    return module


def _opened(name: str, old: Any) -> io.TextIOWrapper:
    """A standard stream as an unbuffered interpreter makes it."""
    number = ("stdin", "stdout", "stderr").index(name)
    raw: Any = io.FileIO(number, "wb" if number else "rb", closefd=False)
    buffer = raw if number else io.BufferedReader(raw)
    return io.TextIOWrapper(buffer, old.encoding, old.errors, write_through=bool(number))


def _main(descriptor: int, *loaded: str) -> None:
    for name in loaded:
        import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    module = _serve(socket.socket(fileno=descriptor))
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        code = ended.code or 0
    else:
        code = 0
    _end(code)


def _end(code: int) -> None:
    """End as an interpreter does, but for taking to pieces all that was loaded before the fork.

    That takes three quarters of a short command's processor time. A thread that still runs might
    disturb it, and a stream that can't be written to has its own exit code: they get the real end.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    if threading.active_count() == 1:
        atexit._run_exitfuncs()
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
            gc.collect()  # what can't be deleted says so
            os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    _main(int(sys.argv[1]), *sys.argv[2:])
