"""The real `tasq` command on a real terminal, and what a session leaves behind."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tasq_tui.admin.settings import state_dir
from tests.support.processes import ROOT, clean_environment
from tests.support.terminal import Terminal

TASQ = (sys.executable, "-m", "tasq_tui")
ARTEFACTS = ROOT / "artefacts"
_QUESTION = re.compile(r"◆ waiting .* ([3-9]\d\dms|[\d.]+s) +\d+s ")
JOBS = """
import logging

def email(task):
    print("sending to", task.unmarshal_args()["to"])

def report(task):
    logging.getLogger("reports").warning("no template")
    raise ValueError("region 7 is unknown")

handlers = {"email": email, "report": report}
"""


class Cockpit(Terminal):
    """The app in a terminal; each `capture` is kept under artefacts/, numbered.

    There, transcript.txt has all of them, each with the keys that led to it.
    """

    def __init__(
        self, session: str, *arguments: str, columns: int = 120, rows: int = 40, **options
    ):
        self._captures = ARTEFACTS / session
        self._captures.mkdir(parents=True, exist_ok=True)
        for old in self._captures.glob("*.txt"):
            old.unlink()
        self._number = 0
        self._keys: list[str] = []
        super().__init__([*TASQ, *arguments], columns=columns, rows=rows, **options)

    def capture(self, name: str) -> str:
        """The screen, which is also kept as an artefact."""
        screen = self.screen()
        self._number += 1
        (self._captures / f"{self._number:02}-{name}.txt").write_text(screen)
        pressed, self._keys = " ".join(self._keys) or "none", []
        with (self._captures / "transcript.txt").open("a") as transcript:
            transcript.write(f"=== keys: {pressed}\n{screen.rstrip()}\n\n")
        return screen

    def send(self, *keys: str) -> None:
        """As every terminal; the transcript has the keys before the next screen."""
        self._keys += keys
        super().send(*keys)

    def type(self, text: str) -> None:
        """As every terminal; the transcript has the text before the next screen."""
        self._keys.append(repr(text))
        super().type(text)

    def press(self, *keys: str, until: str) -> str:
        """Press keys, wait for a text, capture."""
        self.send(*keys)
        self.wait_for(until)
        return self.capture(re.sub(r"\W+", "-", until).strip("-").lower())

    def enter(self, key: str, text: str) -> None:
        """Press the key that leads into a field, and type there.

        Keys that come in one piece all go where the first one went, so this waits for the key
        bar: in a field `?` is a letter, and help is on F1 alone.
        """
        self.send(key)
        self.wait_for("f1 Keys")
        self.type(text)
        self.wait_for(text)

    def leave(self) -> None:
        """Leave a field."""
        self.send("Escape")
        self.wait_for("? Keys")

    def wait_for_question(self) -> None:
        """Wait until a task has waited for a decision for a moment.

        A key sooner after the last decision is one that bounced.
        """
        self.wait_until_screen(lambda screen: _QUESTION.search(screen) is not None)

    def quit(self) -> None:
        """Leave by the key, with exit code 0."""
        self.send("q")
        assert self.wait() == 0, self.screen()


def journal() -> list[dict]:
    """The changes noted by the app, the first one first."""
    [log] = (state_dir() / "databases").glob("*/history.jsonl")
    lines = log.read_text().splitlines()
    return [json.loads(line) for line in lines]


def run_command(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a `tasq …` command line of the log, in a shell's reading of it."""
    words = shlex.split(line, comments=True)
    assert words[0] == "tasq"
    return subprocess.run(
        [*TASQ, *words[1:]],
        cwd=cwd,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
