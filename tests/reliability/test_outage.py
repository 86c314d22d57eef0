"""The database or the way to it goes away: consumers wait, come back, and lose nothing."""

import re
import signal
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from tasq_core.errors import RepositoryError
from tests.support.wait import wait_until

FAST = {"visibility_timeout": 3, "poll_interval": 0.2}


def test_a_server_killed_and_restarted_under_load_loses_nothing(broken_fleet, outcome):
    fleet = broken_fleet
    total = 300
    fleet.submit_many(total, "sleep", seconds=0.05)
    workers = [fleet.start(threads=4, options=FAST) for _ in range(2)]
    wait_until(lambda: len(fleet.events("ended")) >= 50, 30)
    fleet.disconnect()
    fleet.database.server.kill()
    down = time.monotonic()
    for worker in workers:
        wait_until(lambda worker=worker: "trying again" in worker.process.stderr, 30)
    fleet.database.server.start()
    away = time.monotonic() - down
    fleet.wait_for_count(total, "SUCCESSFUL", timeout=90)
    runs = len(fleet.events("began"))
    for worker in workers:
        assert worker.process.returncode is None
        worker.stop()
    assert "again" in workers[0].process.stderr
    outcome(f"away for {away:.1f} s: {total} of {total} done, {runs - total} ran twice, both alive")


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="reads /proc")
def test_connections_killed_twice_a_second_cost_nothing(served_fleet, outcome):
    fleet = served_fleet
    total = 600
    fleet.submit_many(total, "sleep", seconds=0.1)
    worker = fleet.start(threads=8, options=FAST, connect={"pool_size": 4})
    killed = 0
    deadline = time.monotonic() + 60
    while fleet.count("SUCCESSFUL") < total:
        assert time.monotonic() < deadline, fleet.said()
        killed += _kill_connections(fleet)
        threading.Event().wait(0.5)
    rows = fleet.repository.scan_tasks(None, None, None, limit=total)
    again = sum(row.receive_count > 1 for row in rows)
    assert worker.process.returncode is None
    wait_until(lambda: len(_connections(fleet)) <= 5, 10, lambda: str(_connections(fleet)))
    worker.stop()
    assert worker.process.stderr.count("not recorded") <= again, worker.process.stderr
    outcome(
        f"{killed} connections killed, {total} tasks done, {again} delivered again, pool of 4 kept"
    )


def _connections(fleet) -> list[int]:
    """The server's ids of the last worker's connections, found by their ports."""
    if fleet.backend == "postgres":
        sql = "SELECT pid, client_port::text FROM pg_stat_activity WHERE client_port > 0"
    else:
        sql = "SELECT id, substring_index(host, ':', -1) FROM information_schema.processlist"
    ports = _ports_of(fleet.workers[-1].pid)
    return [id for id, port in fleet.database.execute(sql) if port in ports]


def _ports_of(pid: int) -> set[str]:
    """The local ports of a process's TCP connections."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            if match := re.match(r"socket:\[(\d+)\]", str(descriptor.readlink())):
                sockets.add(match[1])
    ports = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in sockets:
            ports.add(str(int(fields[1].split(":")[1], 16)))
    return ports


def _kill_connections(fleet) -> int:
    ids = _connections(fleet)
    end = "SELECT pg_terminate_backend(%s)" if fleet.backend == "postgres" else "KILL %s"
    for id in ids:
        with suppress(Exception):  # gone already
            fleet.database.execute(end, [id])
    return len(ids)


@pytest.mark.parametrize("during", ["poll", "ping", "finish"])
def test_a_connection_cut_in_the_middle_of_a_call_costs_nothing(
    served_fleet, proxy, outcome, during
):
    """The network is made slow, so that a cut hits the call that is on its way."""
    fleet = served_fleet
    options = {"visibility_timeout": 5, "poll_interval": 0.3}
    task = fleet.submit("sleep", seconds={"poll": 0.1, "ping": 7, "finish": 0.8}[during])
    if during == "poll":
        hidden = fleet.submit(fields={"visible_at": _soon(fleet, 2)})
    worker = fleet.start(options=options, connect={"wake_up": False})
    worker.wait_for("began")
    if during == "poll":
        fleet.wait_for(task, "SUCCESSFUL")
        task = hidden
    proxy.delay(0.02)
    cuts = 0
    while fleet.row(task).status != "SUCCESSFUL":
        assert cuts < 40, fleet.said()
        proxy.cut()
        cuts += 1
        threading.Event().wait(0.7 + 0.02 * cuts)
    assert fleet.row(task).receive_count == 1, fleet.said()
    proxy.resume()
    worker.stop()
    outcome(f"{cuts} cuts, delivered once, SUCCESSFUL")


def _soon(fleet, seconds):
    return fleet.repository.now() + timedelta(seconds=seconds)


def test_an_outcome_that_was_committed_but_not_heard_of_counts_once(fleet, outcome):
    task = fleet.submit("sleep", seconds=0.05)
    worker = fleet.start(outcome_fault="unheard")
    worker.wait_for("outcome", 2)
    row = fleet.wait_for(task, "SUCCESSFUL")
    worker.stop()
    assert row.receive_count == 1
    assert len(fleet.runs_of(task)) == 1
    assert "not recorded" not in worker.process.stderr
    outcome("written again under the same lease: one delivery, one SUCCESSFUL, nothing called lost")


def test_a_silent_network_is_given_up_and_the_lease_kept(served_fleet, proxy, outcome):
    """Half-open: what is connected stays so and says nothing any more; new connections work."""
    fleet = served_fleet
    task = fleet.submit("sleep", seconds=9)
    worker = fleet.start(options={"visibility_timeout": 7, "poll_interval": 0.5})
    worker.wait_for("began")
    fleet.wait_for(task, "IN_PROGRESS")
    silent = proxy.silence()
    row = fleet.wait_for(task, "SUCCESSFUL", timeout=40)
    assert silent >= 1
    assert row.receive_count == 1
    worker.stop()
    outcome(
        f"{silent} connections went silent; in their place new ones, delivered once, SUCCESSFUL"
    )


def test_a_row_that_others_keep_locked_piles_up_no_statements(served_fleet, outcome):
    """A call without an answer is cancelled before it is tried anew, not left to the server."""
    fleet = served_fleet
    task = fleet.submit("sleep", seconds=1)
    worker = fleet.start(options={"visibility_timeout": 6, "poll_interval": 0.2})
    fleet.wait_for(task, "IN_PROGRESS")
    other = fleet.database.connect()
    cursor = other.cursor()
    value = str(task.id) if fleet.backend == "postgres" else task.id.bytes
    cursor.execute(f"UPDATE {fleet.database.table} SET priority = 1 WHERE id = %s", (value,))
    worker.wait_for("ended")
    begin = time.monotonic()
    most = 0
    while time.monotonic() - begin < 4:
        most = max(most, _waiting_for_locks(fleet))
        threading.Event().wait(0.1)
    other.commit()
    row = fleet.wait_for(task, "SUCCESSFUL")
    assert row.receive_count == 1
    assert most >= 1
    if fleet.backend == "postgres":
        assert most <= 2  # a ping and an outcome
    worker.stop()
    outcome(f"locked for 5 s: at most {most} statements waited, then SUCCESSFUL, receive 1")


def _waiting_for_locks(fleet) -> int:
    if fleet.backend == "postgres":
        sql = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"
        )
    else:
        sql = "SELECT count(*) FROM information_schema.processlist WHERE command = 'Query' AND info LIKE %s"
    return fleet.database.execute(sql, [f"%UPDATE%{fleet.database.table}%"])[0][0]


def test_stop_works_while_the_network_is_silent(served_fleet, proxy, outcome):
    fleet = served_fleet
    fleet.submit_many(5, "sleep", seconds=0.2)
    worker = fleet.start(options={"visibility_timeout": 3, "poll_interval": 0.2})
    fleet.wait_for_count(5, "SUCCESSFUL")
    task = fleet.submit("sleep", seconds=1)
    worker.wait_for("began", 6)
    proxy.blackhole()
    begin = time.monotonic()
    worker.signal(signal.SIGTERM)
    worker.wait(40)
    seconds = time.monotonic() - begin
    assert fleet.row(task).status in ("ENQUEUED", "IN_PROGRESS")
    fleet.start(options=FAST, url=fleet.database.url)
    fleet.wait_for(task, "SUCCESSFUL")
    outcome(f"ended in {seconds:.1f} s without a word from the server; the task ran again")


def test_submitting_again_under_the_same_id_stores_one_row_whatever_was_cut(
    served_fleet, proxy, outcome
):
    fleet = served_fleet
    producer = fleet.start("produce", submit=300)
    cuts = 0
    while not producer.events("submitted"):
        assert cuts < 500, str(producer.process)
        proxy.cut()
        cuts += 1
        threading.Event().wait(0.05 + 0.01 * cuts)
    said = producer.events("submitted")[0]
    assert fleet.count() == 300
    outcome(f"{cuts} cuts, {said['tries']} tries of 300 submits: exactly 300 rows")


def test_consumers_outlive_a_pool_that_others_use_up(served_fleet, outcome):
    """One connection for claims, pings, starts and ends: slower, never stuck."""
    fleet = served_fleet
    tasks = fleet.submit_many(100, "sleep", seconds=0.3)
    options = {"visibility_timeout": 6, "poll_interval": 0.2}
    worker = fleet.start(threads=10, options=options, connect={"pool_size": 1})
    fleet.wait_for_count(len(tasks), "SUCCESSFUL")
    rows = fleet.repository.get_tasks([task.id for task in tasks])
    assert {row.receive_count for row in rows} == {1}
    worker.stop()
    outcome("pool_size 1, 10 threads: 100 tasks, each delivered once")


def test_a_consumer_waits_for_a_database_that_is_not_there_yet(broken_fleet, outcome):
    fleet = broken_fleet
    task = fleet.submit()
    fleet.disconnect()
    fleet.database.server.stop()
    worker = fleet.start()
    wait_until(lambda: "trying again" in worker.process.stderr, 30)
    fleet.database.server.start()
    with suppress(RepositoryError):
        fleet.row(task)
    fleet.wait_for(task, "SUCCESSFUL")
    worker.stop()
    outcome("started before its server: logged, waited, ran the task")
