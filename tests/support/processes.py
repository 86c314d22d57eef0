"""Programs under test in processes of their own: start, signal, wait with a deadline, read."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

_INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "TZ", "XDG_CONFIG_HOME", "XDG_STATE_HOME")


def clean_environment(**extra: str) -> dict[str, str]:
    """An environment without a word about terminals, colours or tasq; `extra` is added."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)} | extra


class Process:
    """A running program in a session of its own, with its output in files."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: bytes | None = None,
    ) -> None:
        """Start `command`.

        Args:
            command: the program and its arguments.
            env: added to `clean_environment()`.
            cwd: where it runs; the checkout, if not given.
            stdin: what it reads; None is an empty input.
        """
        self.command = list(command)
        self._stdout = tempfile.TemporaryFile()  # noqa: SIM115 - until close()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - until close()
        with tempfile.TemporaryFile() as source:
            source.write(stdin or b"")
            source.seek(0)
            streams = [file.fileno() for file in (source, self._stdout, self._stderr)]
            self._child = self._start(streams, clean_environment(**(env or {})), cwd or ROOT)

    def _start(self, streams: Sequence[int], env: Mapping[str, str], cwd: Path) -> Any:
        """The child: a `Popen` or what is like one."""
        stdin, stdout, stderr = streams
        return subprocess.Popen(
            self.command, stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd,
            start_new_session=True,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """Its process id, and its process group's."""
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """How it ended (minus the signal that killed it); None while it runs."""
        return self._child.poll()

    @property
    def stdout(self) -> str:
        """What it has written to its standard output."""
        return _content(self._stdout.fileno())

    @property
    def stderr(self) -> str:
        """What it has written to its standard error."""
        return _content(self._stderr.fileno())

    def wait(self, timeout: float = 20.0) -> int:
        """Its return code, within `timeout` seconds.

        Raises:
            AssertionError: it still runs; shows what it wrote.
        """
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout:g} s: {self}") from None

    def wait_for_output(self, text: str, timeout: float = 20.0) -> None:
        """Wait until `text` stands in its output.

        Raises:
            AssertionError: it ended, or `timeout` seconds passed, without it.
        """

        def written_or_over() -> bool:
            over = self.returncode is not None
            return self._has_written(text) or over

        wait_until(written_or_over, timeout, lambda: f"{text!r} from {self}")
        assert self._has_written(text), f"ended without {text!r}: {self}"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        self._child.send_signal(number)

    def kill(self) -> None:
        """SIGKILL to it and all of its process group, and wait for it to be gone."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait(10)

    def close(self) -> None:
        """Kill what still runs and free its files."""
        self.kill()
        self._stdout.close()
        self._stderr.close()

    def __str__(self) -> str:
        state = "running" if self.returncode is None else f"exit {self.returncode}"
        output = f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"
        return f"{' '.join(self.command)} ({state})\n{output}"

    def _has_written(self, text: str) -> bool:
        return text in self.stdout or text in self.stderr


def python(*arguments: str) -> list[str]:
    """The command that runs this interpreter with `arguments`."""
    return [sys.executable, *arguments]


def _content(descriptor: int) -> str:
    """All of an open file, without moving the position its writer shares with us."""
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).decode(errors="replace")
