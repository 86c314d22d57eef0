"""`python -m tasq_tui` without the price of its imports: a fork of a process that has done them.

They are three quarters of what a short command costs. A fork is as a new interpreter is in what a
command can see: a process with streams, environment, folder and arguments of its own, which ends
by itself. What an interpreter reads as it starts (`PYTHON...`, the locale) can't be given to a
fork: such calls, and the tests of what is loaded when, take a new interpreter.
"""

import array
import gc
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import IO, Any

from tasq_tui.cli.verbs import VERBS

_LOADED = (
    "asyncio", "csv", "prometheus_client", "rich.console", "rich.progress", "rich.table", "sqlite3",
    "platformdirs", "tomllib", "zipfile", "zoneinfo", "tasq_core.repository.sqlite", "tasq_tui.cli.app",
    *(f"tasq_tui.cli.commands.{verb.module}" for verb in VERBS.values()),
)  # fmt: skip
_AT_START = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "_")
_REQUEST = 1 << 18
"""Bytes of a call's arguments and environment, at most."""


def can_run(env: Mapping[str, str]) -> bool:
    """Whether a fork is as good as a new interpreter with `env` added."""
    return not any(name.startswith(_AT_START) for name in env)


class Forker:
    """Runs the command in forks of one process. Close it at the end."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Start the process that is forked, with `env` for its environment."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _REQUEST)
        with theirs:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forked", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=Path(__file__).resolve().parents[2],
                env=env,
            )

    def close(self) -> None:
        """End the process; forks that still run aren't ended."""
        self._control.close()
        self._parent.wait(30)

    def run(
        self, *arguments: str, stdin: bytes, timeout: float, cwd: Path, env: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[bytes]":  # fmt: skip
        """As `subprocess.run([python, "-m", "tasq_tui", *arguments])` with its output captured.

        Raises:
            subprocess.TimeoutExpired: it ran longer than `timeout` seconds, and was killed.
        """
        request = json.dumps([arguments, str(cwd), dict(env)]).encode()
        with ExitStack() as opened:
            ours, theirs = [], []
            for place in range(4):
                reads, writes = os.pipe()
                mine, other = (writes, reads) if place == 0 else (reads, writes)
                ours.append(opened.enter_context(os.fdopen(mine, "rb" if place else "wb", 0)))
                theirs.append(other)
            rights = array.array("i", theirs)
            try:
                self._control.sendmsg(
                    [request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights.tobytes())]
                )
            finally:
                for descriptor in theirs:
                    os.close(descriptor)
            return _communicate(arguments, ours, stdin, timeout)


def _communicate(
    command: Sequence[str], files: Sequence[IO[bytes]], stdin: bytes, timeout: float
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
                os.kill(int(got[sources[2]].split()[0]), signal.SIGKILL)
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
    out, err, told = (got[source] for source in sources)
    code = os.waitstatus_to_exitcode(int(told.split()[1]))
    return subprocess.CompletedProcess(command, code, out, err)


def _written(entry: IO[bytes], stdin: bytes) -> bytes:
    try:
        return stdin[os.write(entry.fileno(), stdin[:4096]) :]
    except BrokenPipeError:  # as subprocess does: who doesn't read it, need not
        return b""


def _serve(control: socket.socket) -> None:
    """Fork for each request; returns in the forks alone."""
    while True:
        request, ancillary, _, _ = control.recvmsg(_REQUEST, socket.CMSG_SPACE(16))
        if not request:
            os._exit(0)
        rights = array.array("i")
        for _, _, data in ancillary:
            rights.frombytes(data)
        if os.fork() == 0:
            return _begin(json.loads(request), *rights)
        for descriptor in rights:
            os.close(descriptor)


def _begin(request: Any, *descriptors: int) -> None:
    """Fork once more: one of the two watches over the other's end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child:
        told = descriptors[3]
        os.closerange(0, told)
        os.closerange(told + 1, 64)
        os.write(told, b"%d " % child)
        os.write(told, b"%d" % os.waitpid(child, 0)[1])
        os._exit(0)
    arguments, cwd, env = request
    for number in range(3):
        os.dup2(descriptors[number], number)
    os.closerange(3, 64)
    for name in ("stdin", "stdout", "stderr"):
        stream = _opened(name, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.path[0] = cwd
    sys.argv = ["", *arguments]


def _opened(name: str, old: Any) -> io.TextIOWrapper:
    """A standard stream as an unbuffered interpreter makes it."""
    number = ("stdin", "stdout", "stderr").index(name)
    raw: Any = io.FileIO(number, "wb" if number else "rb", closefd=False)
    buffer = raw if number else io.BufferedReader(raw)
    return io.TextIOWrapper(buffer, old.encoding, old.errors, write_through=bool(number))


def _main(descriptor: int) -> None:
    for name in _LOADED:
        import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _serve(socket.socket(fileno=descriptor))
    runpy.run_module("tasq_tui", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
