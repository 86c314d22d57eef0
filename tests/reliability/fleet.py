"""Worker processes on one table, and the table as the test sees it."""

import json
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any
from uuid import UUID

from tasq_core.task import Task
from tests.support.builders import make_task
from tests.support.databases import Database
from tests.support.processes import Process
from tests.support.wait import wait_until

Event = dict[str, Any]


class Worker:
    """A process of `tests.reliability.workers`; its events are the JSON lines it prints."""

    def __init__(self, process: Process) -> None:
        self.process = process

    @property
    def pid(self) -> int:
        return self.process.pid

    def events(self, name: str | None = None) -> list[Event]:
        """What it has said so far, of one kind or all; a line cut short by a kill is left out."""
        lines = self.process.stdout.split("\n")[:-1]
        events = [json.loads(line) for line in lines if line.startswith("{")]
        return [event for event in events if name in (None, event["event"])]

    def wait_for(self, name: str, count: int = 1, timeout: float = 30.0) -> list[Event]:
        """Wait until it has said `name` so often; those events."""

        def said_or_over() -> bool:
            return len(self.events(name)) >= count or self.process.returncode is not None

        try:
            wait_until(said_or_over, timeout, lambda: f"{count} x {name!r} from {self.process}")
        except AssertionError as error:
            self._show_threads()
            raise AssertionError(f"{error}\n{self.process.stderr}") from None
        events = self.events(name)
        assert len(events) >= count, f"ended without {count} x {name!r}: {self.process}"
        return events

    def signal(self, number: signal.Signals) -> None:
        self.process.signal(number)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()

    def stop(self, timeout: float = 30.0) -> None:
        """SIGTERM, and an orderly end."""
        self.signal(signal.SIGTERM)
        self.wait(timeout)

    def wait(self, timeout: float = 30.0) -> None:
        """Wait for an orderly end; one that hangs shows where its threads stand."""
        try:
            returned = self.process.wait(timeout)
        except AssertionError:
            self._show_threads()
            raise AssertionError(f"still running: {self.process}") from None
        assert returned == 0, str(self.process)

    def _show_threads(self) -> None:
        """Let it write to standard error where its threads stand."""
        self.signal(signal.SIGUSR1)
        with suppress(AssertionError):  # one that is stopped can't
            wait_until(lambda: "most recent call first" in self.process.stderr, 5)


class Fleet:
    """Starts workers on one table, submits to it, and looks at its rows."""

    def __init__(self, database: Database, start_worker: Callable[..., Process]) -> None:
        self.database = database
        self.worker_url = database.url
        self._start_worker = start_worker
        self.workers: list[Worker] = []
        self.repository = database.open()
        self.repository.migrate()

    def disconnect(self) -> None:
        """Close our own connections; the next look opens new ones."""
        self.repository.close()
        self.repository = self.database.open()

    @property
    def backend(self) -> str:
        return self.database.backend

    def submit(self, do: str = "nothing", *, fields: dict[str, Any] | None = None, **how: Any):
        """A task for a worker to `do`; `how` are its arguments, `fields` the row's."""
        args = json.dumps({"do": do, **how}).encode()
        return self.repository.submit_task(make_task(**self._row(args, fields)))

    def submit_many(
        self, count: int, do: str = "nothing", fields: dict[str, Any] | None = None, **how: Any
    ) -> list[Task]:
        args = json.dumps({"do": do, **how}).encode()
        tasks = [make_task(**self._row(args, fields)) for _ in range(count)]
        self.repository.submit_tasks(tasks)
        return tasks

    def _row(self, args: bytes, fields: dict[str, Any] | None) -> dict[str, Any]:
        return {"type": "work", "queue": "", "args": args} | (fields or {})

    def start(
        self, program: str = "consume", *, env: dict[str, str] | None = None, **config: Any
    ) -> Worker:
        """A worker; `config` as in `tests.reliability.workers.Config`. It is up when this returns."""
        config = {"url": self.worker_url, "prefix": self.database.prefix} | config
        worker = Worker(self._start_worker(program, json.dumps(config), env=env))
        self.workers.append(worker)
        worker.wait_for("ready")
        return worker

    def freeze(self, worker: Worker) -> None:
        """SIGSTOP, but not within a write to SQLite: its lock would be frozen with it."""
        while True:
            worker.signal(signal.SIGSTOP)
            if self.backend != "sqlite" or self._can_write():
                return
            worker.signal(signal.SIGCONT)

    def _can_write(self) -> bool:
        path = self.database.url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            connection.execute("ROLLBACK")
            return True

    def row(self, task: Task | UUID) -> Task | None:
        id = task.id if isinstance(task, Task) else task
        found = self.repository.get_tasks([id])
        return found[0] if found else None

    def count(self, *statuses: str) -> int:
        return self.repository.count_tasks(list(statuses) or None, None, None)

    def wait_for(self, task: Task, status: str, timeout: float = 30.0) -> Task:
        """Wait until the row has that status; the row."""

        def row() -> Task | None:
            found = self.row(task)
            return found if found is not None and found.status == status else None

        return wait_until(row, timeout, lambda: f"{status}: {self.row(task)} {self.said()}")

    def wait_for_count(self, count: int, *statuses: str, timeout: float = 60.0) -> None:
        wait_until(
            lambda: self.count(*statuses) == count,
            timeout,
            lambda: f"{count} {statuses}, but {self.count(*statuses)} {self.said()}",
            interval=0.05,
        )

    def said(self) -> str:
        """What the workers wrote to their logs, cut to its end."""
        return "\n".join(f"[{w.pid}] {w.process.stderr[-2000:]}" for w in self.workers)

    def events(self, name: str | None = None) -> list[Event]:
        """The events of all workers."""
        return [event for worker in self.workers for event in worker.events(name)]

    def runs_of(self, task: Task) -> list[Event]:
        """Each begin of the task's handler, whichever worker."""
        return [event for event in self.events("began") if event["task"] == str(task.id)]
