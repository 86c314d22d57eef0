"""A long life: memory, descriptors and connections stay what they were; idling costs little."""

import os
import time
from pathlib import Path

import pytest

from tests.support.wait import wait_until

SOAK = int(os.environ.get("TASQ_TEST_SOAK_TASKS", "20000"))
_HAS_PROC = Path("/proc/self/statm").exists()

pytestmark = [
    pytest.mark.serial,
    pytest.mark.skipif(not _HAS_PROC, reason="reads /proc"),
]


def _kilobytes(pid: int) -> int:
    return (
        int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    )


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


@pytest.mark.timeout(900)
def test_many_tasks_leave_memory_and_descriptors_as_they_were(fleet, outcome):
    """The first tenth fills caches and pools; after that nothing may grow.

    A moment's work each: of tasks that take no time, up to ten thousand wait for their outcome
    to be written where the database is slow, and that is what would be measured.
    """
    worker = fleet.start(
        threads=4, options={"auto_delete_on_success": True, "visibility_timeout": 15}
    )
    done = 0
    batch = SOAK // 10
    measured = []
    while done < SOAK:
        fleet.submit_many(batch, seconds=0.001)
        fleet.wait_for_count(0, timeout=300)
        done += batch
        measured.append((_kilobytes(worker.pid), _descriptors(worker.pid), _threads(worker.pid)))
    worker.stop()
    (memory, descriptors, threads), last = measured[0], measured[-1]
    line = (
        f"{SOAK} tasks: {memory} kB after a tenth, {last[0]} kB in the end, {last[1]} descriptors"
    )
    outcome(line)
    assert last[0] <= memory * 1.1, measured
    assert last[1] <= descriptors + 2, measured
    assert last[2] <= threads + 2, measured


@pytest.mark.parametrize("private_backend", ["postgres"], indirect=True)
def test_an_idle_consumer_sends_one_statement_a_poll_interval(broken_fleet, outcome):
    """Counted by the server's own log, without the settings that travel with each claim."""
    fleet = broken_fleet
    run = fleet.database.execute
    interval, seconds = 0.5, float(os.environ.get("TASQ_TEST_IDLE_SECONDS", "5"))
    fleet.start(options={"poll_interval": interval, "visibility_timeout": 3})
    fleet.wait_for(fleet.submit(), "SUCCESSFUL")
    log = Path(fleet.database.server.folder) / "server.log"
    run("ALTER SYSTEM SET log_statement = 'all'")
    run("ALTER SYSTEM SET log_line_prefix = '%a|'")
    run("SELECT pg_reload_conf()")
    table = fleet.database.table
    wait_until(lambda: f"UPDATE {table}" in _log(log) or table in _log(log), 10)
    before = _statements(log)
    begin = time.monotonic()
    wait_until(lambda: time.monotonic() - begin >= seconds, seconds + 5)
    sent = _statements(log) - before
    run("ALTER SYSTEM RESET ALL")
    run("SELECT pg_reload_conf()")
    allowed = seconds / interval + 1
    outcome(f"{sent} statements in {seconds:g} s at a poll interval of {interval} s")
    assert 1 <= sent <= allowed


def _log(path: Path) -> str:
    return path.read_text(errors="replace")


def _statements(path: Path) -> int:
    """Statements of consumers; the test's own connection has no application name."""
    said = [line for line in _log(path).splitlines() if line.startswith("tasq|LOG:")]
    return sum("set_config('plan_cache_mode'" not in line for line in said)
