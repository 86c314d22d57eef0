"""The real command in a process of its own, on the database of the test.

The command has no dialect code: its tests run on SQLite, those that name another backend there
too. `test_servers.py` holds that every verb reaches each server.
"""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import Database
from tests.support.forked import ForkedProcess, Forker, can_run, shared_forker
from tests.support.processes import Process, clean_environment, python


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Tasq:
    """Runs `tasq`, its state and configuration in the test's own folder.

    Without a `forker` each time in a new interpreter.
    """

    def __init__(
        self, database: Database | None, folder: Path, forker: Forker | None = None
    ) -> None:
        self._forker = forker
        self.folder = folder
        self.state = folder / "state"
        self.env = {
            "TASQ_STATE_DIR": str(self.state),
            "TASQ_CONFIG": str(folder / "config.toml"),
        }
        if database is not None:
            self.env |= {"TASQ_URL": database.url, "TASQ_PREFIX": database.prefix}

    def __call__(
        self, *arguments: str, stdin: str | bytes = b"", timeout: float = 60, **env: str | None
    ) -> Result:
        """Run it to its end: in a fork, or in a new interpreter where `env` speaks to that."""
        settings = {name: value for name, value in (self.env | env).items() if value is not None}
        given = stdin.encode() if isinstance(stdin, str) else stdin
        environment = clean_environment(**settings)
        if self._forker is not None and can_run(settings):
            done = self._forker.run(
                "tasq_tui",
                *arguments,
                stdin=given,
                timeout=timeout,
                cwd=self.folder,
                env=environment,
            )
        else:
            done = subprocess.run(
                python("-m", "tasq_tui", *arguments), input=given, capture_output=True,
                timeout=timeout, check=False, cwd=self.folder, env=environment,
            )  # fmt: skip
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def at_terminal(self, *arguments: str, question: str = "", answer: str = "") -> Result:
        """Run it to its end on a terminal of its own; type the answer where it asks."""
        assert self._forker is not None
        done = self._forker.run_at_terminal(
            "tasq_tui", *arguments, question=question, answer=answer, timeout=60, cwd=self.folder,
            env=clean_environment(TERM="xterm-256color", **self.env),
        )  # fmt: skip
        return Result(done.returncode, done.stdout.decode(), "")

    def start(self, *arguments: str, **env: str) -> Process:
        """Begin to run it: in a fork, or in a new interpreter where `env` speaks to that."""
        settings = self.env | env
        if self._forker is not None and can_run(settings):
            return ForkedProcess(
                self._forker, "tasq_tui", *arguments, env=settings, cwd=self.folder
            )
        return Process(python("-m", "tasq_tui", *arguments), env=settings, cwd=self.folder)

    @property
    def trash(self) -> list[Path]:
        return sorted((self.state / "trash").glob("*.ndjson"))


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """The database of a test that names none."""
    return request.param


@pytest.fixture(scope="session")
def forker() -> Forker:
    """Runs the command without the price of its libraries' imports."""
    return shared_forker()


@pytest.fixture
def tasq(forker: Forker, database: Database, tmp_path: Path) -> Tasq:
    """The command on the test's database, not yet migrated."""
    return Tasq(database, tmp_path, forker)


@pytest.fixture
def bare(forker: Forker, tmp_path: Path) -> Tasq:
    """The command without a database."""
    return Tasq(None, tmp_path, forker)


@pytest.fixture
def table(repository: Any) -> Callable[..., list[Any]]:
    """Fills the migrated table with tasks, every column as given; returns them."""

    def fill(*tasks: Any) -> list[Any]:
        repository.restore_tasks(list(tasks))
        return list(tasks)

    return fill
