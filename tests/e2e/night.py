"""A shell in a terminal, with `tasq` in it, and a queue that is alive: for a scripted night."""

import re
import shlex
import sys
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from tasq_core.task import TaskStatus
from tests.e2e.cockpit import ARTEFACTS
from tests.support.builders import make_task
from tests.support.processes import Process, python
from tests.support.terminal import Terminal

JOBS = """
import asyncio, pathlib, time

HERE = pathlib.Path(__file__).parent

def note(file, text):
    with open(HERE / file, "a") as lines:
        lines.write(f"{text}\\n")

def email(task):
    note("ran", task.id)
    if (HERE / "cause").exists():
        raise ConnectionError("smtp: connection refused")
    time.sleep(0.1)

async def slow(task):
    note("started", task.id)
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        note("stopped", time.time())
        raise

def tick(task):
    pass

handlers = {"email": email, "slow": slow, "tick": tick}
"""
PRODUCER = """
import pathlib, sys, time
import tasq_core

url, prefix, folder = sys.argv[1:]
with tasq_core.connect(url, prefix=prefix) as client:
    producer, made = client.new_producer(), 0
    while not (pathlib.Path(folder) / "enough").exists():
        producer.submit("tick", made, queue="live")
        made += 1
        time.sleep(0.05)
print(made)
"""
FAILED, WAITING = 2000, 500
SLOW = uuid.UUID(int=7)
_QUESTION = re.compile(r"type (\S+) to \w+ them: *$|(go on\? \[y/N\]) *$")
_DONE = re.compile(r"\[(\d+)\] \$ *$")


def tasks_of_the_night():
    """2,000 that failed for good, 500 that nobody takes, one that will run for long."""
    then = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)

    def at(number, **fields):
        return make_task(created_at=then + timedelta(seconds=number), **fields)

    ended = {
        "status": TaskStatus.FAILED, "receive_count": 3, "max_receives": 3,
        "started_at": then + timedelta(hours=1), "finished_at": then + timedelta(hours=1),
        "last_error": "ConnectionError: smtp: connection refused",
    }  # fmt: skip
    yield from (at(n, type="email", queue="mail", **ended) for n in range(FAILED))
    yield from (at(n, type="bulk", queue="bulk", priority=n % 7) for n in range(WAITING))
    yield at(0, id=SLOW, type="slow", queue="live")


class Queue:
    """A migrated table with the night's tasks, a live producer, and consumers in processes."""

    def __init__(self, database, folder):
        self.database, self.folder = database, folder
        self.repository = database.open()
        self.repository.migrate()
        self.original = {task.id: task for task in tasks_of_the_night()}
        self.repository.restore_tasks(list(self.original.values()))
        folder.mkdir(exist_ok=True)
        (folder / "jobs.py").write_text(JOBS)
        (folder / "cause").touch()
        self.env = {
            "TASQ_URL": database.url, "TASQ_PREFIX": database.prefix,
            "TASQ_STATE_DIR": str(folder / "state"), "TASQ_CONFIG": str(folder / "none.toml"),
        }  # fmt: skip
        self._running = ExitStack()

    def __enter__(self):
        for queue in ("mail", "live"):
            self._start(*self._work(queue))
        arguments = (self.database.url, self.database.prefix, str(self.folder))
        self.producer = self._start(sys.executable, "-c", PRODUCER, *arguments)
        return self

    def __exit__(self, *_):
        self._running.close()

    def _work(self, queue):
        return python(
            "-m", "tasq_tui", "work", "jobs", "--queue", queue, "--workers", "2",
            "--name", f"{queue}-1", "--log", "error", "--poll-interval", "1s",
        )  # fmt: skip

    def _start(self, *command):
        process = Process(command, env=self.env, cwd=self.folder)
        self._running.callback(process.close)
        return process

    def lines(self, file):
        """What the handlers have noted in a file."""
        path = self.folder / file
        return path.read_text().split() if path.exists() else []

    def rows(self):
        """The night's tasks as they are now."""
        return {task.id: task for task in self.repository.get_tasks(list(self.original))}


class Shell:
    """A shell in a terminal of 100 by 30; each screen that a command leaves is kept."""

    def __init__(self, queue, name):
        self._captures = ARTEFACTS / name
        self._captures.mkdir(parents=True, exist_ok=True)
        for old in self._captures.glob("*.txt"):
            old.unlink()
        self._number = 0
        env = queue.env | {"PS1": "[$?] $ "}
        self.terminal = Terminal(["sh"], columns=100, rows=30, env=env, cwd=queue.folder)
        self._wait()
        program = shlex.join(python("-m", "tasq_tui"))
        self.terminal.type(f'tasq() {{ {program} "$@"; }}')
        self.terminal.send("Enter")
        self._wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.terminal.close()

    def capture(self, name):
        """Keep the screen as it is."""
        self._number += 1
        screen = self.terminal.screen()
        (self._captures / f"{self._number:02}-{name}.txt").write_text(screen)
        return screen

    def run(self, line, name, *, meanwhile=""):
        """Type a command, agree where it asks; its exit code and its screen.

        Args:
            line: as it is typed.
            name: of the captures.
            meanwhile: a text that appears while it works; captured.
        """
        self.terminal.type("printf '\\033[2J\\033[H'")
        self.terminal.send("Enter")
        self.terminal.wait_until_screen(lambda screen: screen.count("[") == 1)
        self.terminal.type(line)
        self.terminal.send("Enter")
        asked = self.terminal.wait_until_screen(
            lambda screen: (
                _ends(_QUESTION, screen) or (line in _joined(screen) and _ends(_DONE, screen))
            ),
            60,
        )
        if question := _ends(_QUESTION, asked):
            self.capture(f"{name}-asks")
            self.terminal.type(question[1] or "y")
            self.terminal.send("Enter")
        if meanwhile:
            self.terminal.wait_for(meanwhile, 60)
            self.capture(f"{name}-works")
        self._wait()
        screen = self.capture(name)
        return int(_ends(_DONE, screen)[1]), screen

    def _wait(self):
        self.terminal.wait_until_screen(lambda screen: _ends(_DONE, screen) is not None, 90)


def _ends(pattern, screen):
    return pattern.search(screen.rstrip("\n "))


def _joined(screen):
    """The screen's lines as one: a long command is broken over several."""
    return screen.replace("\n", "")
