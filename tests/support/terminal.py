"""A program in a real terminal: keys in, the screen out. tmux is the terminal."""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.support import require
from tests.support.processes import ROOT, clean_environment
from tests.support.wait import wait_until

_SETTINGS = """\
set -g default-terminal screen-256color
set -g status off
set -g escape-time 0
set -g remain-on-exit on
set -g history-limit 0
set -g mouse off
set -g set-clipboard off
"""

# tmux tells a program's end now and then without its status, so a shell notes it; and it may drop
# the last lines of a pane that ends, so the pane stays.
_RUN = """\
trap : INT QUIT TERM HUP
sh -c 'echo $$ > "$0/pid"; exec "$@"' "$0" "$@"
echo $? > "$0/status"
exec sleep 600
"""


class Terminal:
    """One program on a screen of `columns` by `rows`. Close it, or use it as a context manager."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start `command`; skip the test where there is no tmux.

        Args:
            command: the program and its arguments.
            columns: the screen's width.
            rows: the screen's height.
            env: added to `clean_environment()`.
            cwd: where it runs; the checkout, if not given.
        """
        self._tmux = require.program("tmux")
        self._folder = Path(tempfile.mkdtemp(prefix="tasq-terminal-"))
        settings = self._folder / "tmux.conf"
        settings.write_text(_SETTINGS)
        self._server = ["-S", f"{self._folder}/{uuid.uuid4().hex[:8]}", "-f", str(settings)]
        variables = [f"{name}={value}" for name, value in clean_environment(**(env or {})).items()]
        inside = ["env", "-i", "TERM=screen-256color", "COLORTERM=truecolor", *variables, *command]
        size = ("-x", str(columns), "-y", str(rows))
        place = ("-c", str(cwd or ROOT))
        self._run(
            "new-session",
            "-d",
            *size,
            *place,
            shlex.join(["sh", "-c", _RUN, str(self._folder), *inside]),
        )

    def screen(self, *, colours: bool = False) -> str:
        """What stands on the screen, line by line; with `colours`, its escape sequences too."""
        return self._run("capture-pane", "-p", *(["-e"] if colours else []))

    def send(self, *keys: str) -> None:
        """Press keys by tmux's names: "a", "Enter", "Escape", "C-c", "M-x", "Up", "F1", "Space"."""
        self._run("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type `text` as it stands."""
        self._run("send-keys", "-l", "--", text)

    def resize(self, columns: int, rows: int) -> None:
        """Change the screen's size, as a window manager would."""
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def wait_for(self, text: str, timeout: float = 20.0) -> str:
        """The screen, once `text` stands on it.

        Raises:
            AssertionError: it didn't within `timeout` seconds; shows the screen.
        """
        return self.wait_until_screen(lambda screen: text in screen, timeout, repr(text))

    def wait_until_gone(self, text: str, timeout: float = 20.0) -> str:
        """The screen, once `text` no longer stands on it.

        Raises:
            AssertionError: it still did after `timeout` seconds; shows the screen.
        """
        return self.wait_until_screen(lambda screen: text not in screen, timeout, f"no {text!r}")

    def wait_until_screen(
        self, holds: Callable[[str], bool], timeout: float = 20.0, message: str = "a match"
    ) -> str:
        """The screen, once `holds(screen)` is true.

        Raises:
            AssertionError: it wasn't within `timeout` seconds; shows the screen.
        """
        last = ""

        def matches() -> bool:
            nonlocal last
            last = self.screen()
            return holds(last)

        wait_until(matches, timeout, lambda: f"{message} on the screen:\n{last}", interval=0.02)
        return last

    @property
    def returncode(self) -> int | None:
        """How the program ended (128 + the signal that killed it); None while it runs."""
        status = self._noted("status")
        return int(status) if status else None

    @property
    def pid(self) -> int:
        """The program's process id."""
        return int(wait_until(lambda: self._noted("pid")))

    def wait(self, timeout: float = 20.0) -> int:
        """The program's return code, within `timeout` seconds.

        Raises:
            AssertionError: it still runs; shows the screen.
        """
        return int(
            wait_until(
                lambda: self._noted("status"),
                timeout,
                lambda: f"the program's end; its screen:\n{self.screen()}",
            )
        )

    def close(self) -> None:
        """End the program and its terminal."""
        self._hang_up()
        subprocess.run([self._tmux, *self._server, "kill-server"], capture_output=True, check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _hang_up(self) -> None:
        """Tell the program that its terminal goes: the shell in between would keep it from it."""
        noted = self._noted("pid")
        if not noted or self._noted("status"):
            return
        for number in (signal.SIGHUP, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(int(noted), number)
            with suppress(AssertionError):
                wait_until(lambda: self._noted("status") != "", timeout=3, message="its end")
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _noted(self, name: str) -> str:
        path = self._folder / name
        return path.read_text().strip() if path.exists() else ""

    def _run(self, *arguments: str) -> str:
        command = [self._tmux, *self._server, *arguments]
        environment = clean_environment(LC_ALL="C.UTF-8", TERM="screen-256color")
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=False, env=environment
        )
        if answer.returncode:
            raise AssertionError(f"tmux {arguments[0]} failed: {answer.stderr.strip()}")
        return answer.stdout
