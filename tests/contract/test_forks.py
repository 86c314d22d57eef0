"""Forks: connections that aren't shared, and threads that are busy at that moment."""

import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

import pytest

from tasq_core import Repository, RepositoryError
from tasq_core.repository import fork_guard
from tests.support.builders import make_task
from tests.support.databases import Database
from tests.support.processes import ROOT, clean_environment
from tests.support.wait import wait_until

FORK = """
import os, sys, threading
import tasq_core
client = tasq_core.connect(sys.argv[1], prefix=sys.argv[2])
producer, inspector = client.new_producer(), client.new_inspector()
producer.submit("a", 0)
pid = os.fork()
for n in range(20):
    producer.submit("a", n)
    inspector.count()
if pid:
    assert os.waitpid(pid, 0)[1] == 0
    print(inspector.count())
    client.close()
else:
    os._exit(0)
"""

BUSY = """
import os, signal, sys, threading
import tasq_core
client = tasq_core.connect(sys.argv[1], prefix=sys.argv[2])
producer, inspector = client.new_producer(), client.new_inspector()
wakeup = client.repository.open_wakeup()
over, failures, submitted = threading.Event(), [], []

def submit():
    while not over.is_set():
        try:
            producer.submit("busy", 0)
            submitted.append(1)
        except Exception as error:
            failures.append(error)

def look():
    while not over.is_set():
        try:
            inspector.count()
            wakeup.wait(0.01)
        except Exception as error:
            failures.append(error)

threads = [threading.Thread(target=target) for target in (submit, submit, submit, look)]
[thread.start() for thread in threads]
for _ in range(25):
    pid = os.fork()
    if not pid:
        signal.alarm(25)
        for n in range(3):
            producer.submit("child", n)
        assert client.repository.poll_tasks("child", None, 60, limit=1)
        assert inspector.count() > 0
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    assert status == 0, f"a child ended with {status}"
over.set()
[thread.join() for thread in threads]
assert not failures, failures[:3]
assert inspector.count(types="child") == 75
assert inspector.count(types="busy") == len(submitted)
print("done")
os._exit(0)
"""


def run(program: str, database: Database) -> tuple[int, str, str]:
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, database.url, database.prefix],
        capture_output=True, text=True, timeout=120, check=False, cwd=ROOT, env=clean_environment(),
    )  # fmt: skip
    return answer.returncode, answer.stdout, answer.stderr


def test_connections_arent_shared_across_a_fork(repository: Repository, database: Database):
    assert run(FORK, database) == (0, "41\n", "")


@pytest.mark.slow
def test_children_forked_beside_busy_threads_work_and_the_parent_goes_on(
    repository: Repository, database: Database
):
    """SQLite's children hung, or blamed another writer for a lock their own process had copied."""
    assert run(BUSY, database) == (0, "done\n", "")


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_child_whose_call_was_cut_in_two_is_told_so(
    repository: Repository, database: Database, monkeypatch: pytest.MonkeyPatch
):
    """It would hang on a lock of a thread that it doesn't have."""
    driver: Any = repository._driver  # type: ignore[attr-defined]
    driver.after_fork(torn=True)
    with pytest.raises(RepositoryError, match="forked while another thread"):
        repository.submit_task(make_task())
    with pytest.raises(RepositoryError, match="spawn"):
        repository.count_tasks(None, None, None)
    assert fork_guard.guard._calls == {}


@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
def test_a_fork_waits_for_connections_that_are_being_made(
    repository: Repository, backend: str, monkeypatch: pytest.MonkeyPatch
):
    """OpenSSL's locks stay taken in the child, whose first connection then waits for ever."""
    begun, go_on, forked = threading.Event(), threading.Event(), threading.Event()

    def connect(*_: Any, **__: Any) -> None:
        begun.set()
        go_on.wait(30)
        raise ConnectionError

    connections = {
        "mysql": "mysql_hosts._Connection",
        "postgres": "postgres_driver.BoundedConnection.connect",
    }
    monkeypatch.setattr(f"tasq_core.repository.{connections[backend]}", connect)
    driver: Any = repository._driver  # type: ignore[attr-defined]
    guard = fork_guard.ForkGuard()
    for module in ("mysql_hosts", "postgres_driver"):
        monkeypatch.setattr(f"tasq_core.repository.{module}.guard", guard)

    def connecting() -> None:
        with suppress(ConnectionError):
            driver.connect()

    def fork() -> None:
        guard.before()
        forked.set()

    threads = [threading.Thread(target=target, daemon=True) for target in (connecting, fork)]
    threads[0].start()
    assert begun.wait(30)
    threads[1].start()
    wait_until(lambda: guard._is_forking)
    assert not forked.is_set()
    go_on.set()
    assert forked.wait(30)
    guard.after_in_parent()
