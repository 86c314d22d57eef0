"""A terminal is left as it was found, whatever ends the app."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading

import pytest

from tasq_core.client import connect
from tasq_core.task import TaskStatus
from tests.support.builders import make_task
from tests.support.processes import ROOT, clean_environment
from tests.support.wait import wait_until

pytestmark = [pytest.mark.pty]

LEFT = {
    "alternate screen": b"\x1b[?1049l",
    "mouse clicks": b"\x1b[?1000l",
    "mouse movement": b"\x1b[?1003l",
    "bracketed paste": b"\x1b[?2004l",
}


class RawTerminal:
    """The app on a pseudo-terminal of ours; `output` is every byte it wrote."""

    def __init__(self, *arguments: str, term: str = "xterm-256color") -> None:
        self.ours, self._theirs = pty.openpty()
        self.output = b""
        self.before = termios.tcgetattr(self._theirs)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tasq_tui", *arguments],
            cwd=ROOT,
            env={**clean_environment(), "TERM": term, "COLUMNS": "80", "LINES": "24"},
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while data := os.read(self.ours, 65536):
                self.output += data
        except OSError:
            return

    @property
    def attributes(self) -> list:
        """The terminal's modes now: echo, line by line or raw."""
        return termios.tcgetattr(self._theirs)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._theirs)
        os.close(self.ours)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_no_alternate_screen_no_mouse_and_no_raw_mode(tmp_path, number):
    url = f"sqlite:///{tmp_path}/shop.db"
    with connect(url) as client:
        client.migrate()
    terminal = RawTerminal("--url", url)
    try:
        wait_until(lambda: b"Overview" in terminal.output, 20)
        assert terminal.attributes != terminal.before
        entered = len(terminal.output)
        terminal.process.send_signal(number)

        assert terminal.process.wait(30) == 128 + number
        wait_until(lambda: LEFT["alternate screen"] in terminal.output[entered:], 5)
        left = terminal.output[entered:]
        assert [name for name, code in LEFT.items() if code not in left] == []
        assert terminal.attributes == terminal.before
    finally:
        terminal.close()


def test_the_app_ends_with_a_terminal_that_goes_without_a_signal(tmp_path):
    """It burned half a core for as long as the container lived."""
    url = f"sqlite:///{tmp_path}/shop.db"
    with connect(url) as client:
        client.migrate()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tasq_tui", "--url", url],
        cwd=ROOT, env={**clean_environment(), "TERM": "xterm-256color"},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    try:
        os.close(theirs)
        output = b""
        while b"Overview" not in output:
            output += os.read(ours, 65536)
        os.close(ours)

        assert process.wait(30) == 128 + signal.SIGHUP
    finally:
        process.kill()
        process.wait()


def test_the_app_refuses_to_draw_into_a_file(tmp_path):
    """`tasq 2>log` showed nothing, and filled the log with escape sequences."""
    ours, theirs = pty.openpty()
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "tasq_tui", "--url", f"sqlite:///{tmp_path}/shop.db"],
            cwd=ROOT, env=clean_environment(), timeout=60, check=False, text=True,
            stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
        )  # fmt: skip
    finally:
        os.close(theirs)
        os.close(ours)

    assert ran.returncode == 2
    assert "draws on standard error" in ran.stderr
    assert "\x1b" not in ran.stderr


def test_in_16_colours_the_failed_are_written_in_red(tmp_path):
    url = f"sqlite:///{tmp_path}/shop.db"
    with connect(url) as client:
        client.migrate()
        client.repository.restore_tasks([make_task(status=TaskStatus.FAILED, last_error="no")])
    terminal = RawTerminal("--url", url, term="xterm")
    try:
        wait_until(lambda: b"Overview" in terminal.output, 20)
        os.write(terminal.ours, b"2")
        wait_until(
            lambda: re.search(rb"\x1b\[[0-9;]*\b91\b[0-9;]*m\s*\xc3\x97", terminal.output), 20
        )
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(30) == 128 + signal.SIGTERM
    finally:
        terminal.close()
