"""Each cause of trouble is made for real; health names it, and nothing else.

A verdict that names the wrong cause sends people the wrong way at night.
"""

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from tasq_core import Client, InvalidInputError, RepositoryError, TaskStatus
from tasq_core.consumer import presence
from tasq_core.fleet import examination
from tests.contract.rows import raw_id
from tests.support.builders import make_task, make_tasks
from tests.support.connections import connect
from tests.support.consuming import consuming
from tests.support.databases import Database
from tests.support.processes import clean_environment, python
from tests.support.wait import wait_until

DONE, FAILED, RUNNING = TaskStatus.SUCCESSFUL, TaskStatus.FAILED, TaskStatus.IN_PROGRESS
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

KILLED = """
import sys, time
import tasq_core
from tasq_core.consumer import presence
presence.HEARTBEAT_SECONDS = 0.2
client = tasq_core.connect(sys.argv[1], prefix=sys.argv[2])
consumer = client.new_consumer(name="mailer-1").with_queues("mail")
@consumer.handler("email")
def handle(task):
    print("started", flush=True)
    time.sleep(600)
consumer.run(workers=1)
"""


@pytest.fixture(autouse=True)
def _quick_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "HEARTBEAT_SECONDS", 0.2)


def fill(client: Client, tasks):
    client.repository.restore_tasks(list(tasks))


def ended(client: Client, count: int, ago: timedelta, run: float = 1, status=DONE, **fields):
    end = client.repository.now() - ago
    times = {"created_at": end - run * SECOND, "started_at": end - run * SECOND}
    fill(client, make_tasks(count, status=status, finished_at=end, **times, **fields))


def the_finding(client: Client, **limits):
    """The only finding there is."""
    found = client.health(**limits).findings
    assert len(found) == 1, found
    return found[0]


@contextmanager
def busy_worker(client: Client) -> Iterator[None]:
    """A registered consumer of mail whose one worker runs a task."""
    go_on = threading.Event()
    client.new_producer().submit("email", 1, queue="mail", priority=9)
    with consuming(client, workers=1, name="mailer", queues=("mail",), channel_size=1) as consumer:  # fmt: skip
        consumer.learn("email", lambda _: go_on.wait(30))
        wait_until(lambda: any(one.in_flight for one in client.new_inspector().consumers()))
        try:
            yield
        finally:
            go_on.set()


def test_an_empty_table_and_one_that_works_are_healthy(client: Client):
    assert client.health().healthy
    ended(client, 100, MINUTE)
    ended(client, 1, MINUTE, status=FAILED, last_error="ValueError: x")
    fill(client, [make_task(), make_task(visible_at=client.repository.now() + HOUR)])
    verdict = client.health()
    assert (verdict.findings, verdict.unknown) == ((), ())


def test_a_queue_and_type_that_nobody_consumes(client: Client):
    fill(client, make_tasks(3, created_at=client.repository.now() - 10 * MINUTE))
    found = the_finding(client)
    assert (found.rule, found.subject) == ("unconsumed", "queue mail, type email")
    assert found.text.startswith("3 tasks are ready, the first for 10 min")
    assert found.command == "tasq work MODULE:ATTR --queue mail"
    assert client.health(max_wait=HOUR).healthy
    assert client.health(queue="other").healthy


def test_a_pause_is_named_with_who_why_and_until_when(client: Client):
    fill(client, make_tasks(2, created_at=client.repository.now() - 10 * MINUTE))
    client.pause(queue="mail", reason="the relay is down")
    found = the_finding(client)
    assert (found.rule, found.subject) == ("paused", "queue mail")
    assert "the relay is down" in found.cause
    assert found.command == "tasq resume --queue mail"
    client.resume(queue="mail")
    assert the_finding(client).rule == "unconsumed"


def test_a_killed_consumer_is_named_until_another_takes_its_place(
    client: Client, database: Database
):
    client.new_producer().submit("email", 1, queue="mail")
    script = python("-c", KILLED, database.url, database.prefix)
    with subprocess.Popen(script, stdout=subprocess.PIPE, env=clean_environment()) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n"
            wait_until(lambda: any(one.in_flight for one in client.new_inspector().consumers()))
            assert client.health().healthy
        finally:
            process.send_signal(signal.SIGKILL)
    wait_until(lambda: all(one.vanished for one in client.new_inspector().consumers()))
    found = the_finding(client)
    assert (found.rule, found.subject) == ("vanished", "consumer mailer-1")
    assert f"pid {process.pid} on" in found.text
    assert "held 1 task" in found.text
    with consuming(client, queues=("mail",)) as consumer:
        consumer.learn("email", lambda _: None)
        wait_until(lambda: client.health().healthy)


def test_handlers_slower_than_before_with_all_workers_busy(client: Client):
    ended(client, 20, 2 * HOUR, run=0.5)
    ended(client, 20, MINUTE, run=4)
    with busy_worker(client):
        fill(client, make_tasks(5))
        found = the_finding(client)
    assert (found.rule, found.subject) == ("slower", "type email")
    assert "take 4 s" in found.text
    assert "8.0 times the 0.5 s" in found.text
    assert "1 of 1 worker busy" in found.text


def test_more_arrives_than_ends(client: Client):
    now = client.repository.now()
    with busy_worker(client):
        fill(client, make_tasks(50, created_at=now - 6 * MINUTE))
        ended(client, 10, MINUTE)
        found = the_finding(client)
    assert (found.rule, found.subject) == ("overloaded", "queue mail")
    assert "never empty" in found.text
    assert "1.0 end" in found.text


def test_a_spike_of_failures_names_its_group_and_the_rate_before(client: Client):
    ended(client, 98, 2 * HOUR)
    ended(client, 2, 2 * HOUR, status=FAILED, last_error="ValueError: rare")
    ended(client, 12, MINUTE)
    for n in range(8):
        ended(client, 1, MINUTE, status=FAILED, last_error=f"TimeoutError: after {n} s")
    found = the_finding(client)
    assert (found.rule, found.subject) == ("failing", "type email")
    assert "40% of 20 tasks" in found.text
    assert "2% did in the day before" in found.text
    assert found.cause.startswith("8 times since ")
    assert "TimeoutError: after <n> s" in found.cause
    assert client.health(max_failing=0.5).healthy


def test_a_storm_of_retries(client: Client):
    later = client.repository.now() + HOUR
    fill(client, make_tasks(30, visible_at=later, receive_count=2, last_error="ValueError: x"))
    fill(client, make_tasks(10))
    found = the_finding(client)
    assert found.rule == "retrying"
    assert found.text.startswith("30 of 40 open tasks")


def test_leases_that_lapsed_and_tasks_without_attempts_left(client: Client):
    now = client.repository.now()
    held = {"status": RUNNING, "visible_at": now - 2 * MINUTE, "created_at": now - HOUR}
    fill(client, make_tasks(3, receive_count=1, **held))
    found = the_finding(client)
    assert found.rule == "lapsed"
    assert "the leases of 3 tasks have ended, the first 2 min ago" in found.text

    client.repository.purge_tasks(None, None, None, False)
    fill(client, make_tasks(2, receive_count=1, max_receives=1, **held))
    found = the_finding(client)
    assert (found.rule, found.text[:7]) == ("exhausted", "2 tasks")


def test_without_a_registry_it_says_what_cant_be_known(database: Database):
    with Client(database.open()) as client:
        client.migrate(side_tables=False)
        fill(client, make_tasks(1, created_at=client.repository.now() - HOUR))
        verdict = client.health()
    (found,) = verdict.findings
    assert (found.rule, found.severity) == ("waiting", "warning")
    assert "can't be known" in found.cause
    assert "no side tables" in verdict.unknown[0]


def test_go_consumers_are_thought_of(client: Client):
    """A Go consumer isn't registered: tasks of its kind that end are the sign of it."""
    ended(client, 10, MINUTE)
    fill(client, [make_task(created_at=client.repository.now() - HOUR, queue="mail")])
    found = the_finding(client)
    assert found.rule in {"overloaded", "waiting"}


@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
def test_a_session_that_holds_a_lock_is_named(
    client: Client, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(examination, "LOCK_SECONDS", -1.0)
    task = client.new_producer().submit("email", 1, queue="mail")
    update = f"UPDATE {database.table} SET priority = 1 WHERE id = {database.placeholder}"
    holder, waiter = (connect(database.backend, database.url, False) for _ in range(2))
    try:
        holder.cursor().execute(update, [raw_id(database, task.id)])
        thread = threading.Thread(
            target=lambda: waiter.cursor().execute(update, [raw_id(database, task.id)])
        )
        thread.start()
        # MariaDB renews its list of transactions only if nobody read it for 0.1 s.
        found = wait_until(lambda: client.health().findings, interval=0.3)
        holder.rollback()
        thread.join(30)
    finally:
        holder.close()
        thread.join(30)
        waiter.rollback()
        waiter.close()
    assert [one.rule for one in found] == ["blocked"]
    assert "waits for a lock on the task table" in found[0].text
    assert wait_until(lambda: client.health().healthy, interval=0.3)


def _session_at_work(database: Database, client: Client, snapshot: bool):
    """A connection of another program that leaves a transaction open."""
    task = client.new_producer().submit("email", 1, queue="mail")
    other = connect(database.backend, database.url, False)
    cursor = other.cursor()
    if snapshot:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1" if database.backend == "postgres" else "SELECT 1 FROM t_other")
    else:
        update = f"UPDATE {database.table} SET priority = 1 WHERE id = {database.placeholder}"
        cursor.execute(update, [raw_id(database, task.id)])
    return other


def _with(findings, subject: str):
    """The findings once one is about `subject`: tests beside this one may leave some open too."""
    return findings if any(one.subject == subject for one in findings) else ()


@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
@pytest.mark.parametrize("snapshot", [False, True])
def test_a_transaction_left_open_is_named(
    client: Client, database: Database, monkeypatch: pytest.MonkeyPatch, snapshot: bool
):
    """What it has locked waits for it; and no dead row is cleaned up, so that all grows slower."""
    monkeypatch.setattr(examination, "LONG_SECONDS", 1.0)
    if snapshot and database.backend == "mysql":
        database.execute("CREATE TABLE IF NOT EXISTS t_other (n int)")
    other = _session_at_work(database, client, snapshot)
    session = other.info.backend_pid if database.backend == "postgres" else other.thread_id()
    subject = f"database, session {session}"
    try:
        found = wait_until(lambda: _with(client.health().findings, subject), interval=0.3)
    finally:
        other.rollback()
        other.close()
    assert {one.rule for one in found} == {"blocked"}
    (mine,) = [one for one in found if one.subject == subject]
    if snapshot:
        assert "has held a snapshot of the database open for" in mine.text
        assert "can't be cleaned up" in mine.cause
    else:
        assert "has held a transaction with locks open for" in mine.text
    assert wait_until(lambda: client.health().healthy, interval=0.3)


def test_of_one_queue_all_rules_judge_what_is_of_this_queue(client: Client):
    """Otherwise who watches one queue is woken for another team's."""
    now = client.repository.now()
    bulk: dict[str, Any] = {"queue": "bulk"}
    old = {"created_at": now - 10 * MINUTE, **bulk}
    held = {"status": RUNNING, "created_at": now - HOUR, "visible_at": now - 2 * MINUTE, **bulk}
    fill(client, make_tasks(3, type="report", **old))
    fill(client, make_tasks(2, type="slow", **old))
    fill(client, make_tasks(30, visible_at=now + HOUR, receive_count=2, last_error="x", **bulk))
    fill(client, make_tasks(1, receive_count=1, type="lapsed", **held))
    fill(client, make_tasks(1, receive_count=1, max_receives=1, type="used", **held))
    ended(client, 20, 2 * HOUR, **bulk)
    ended(client, 20, MINUTE, status=FAILED, last_error="ValueError: bulk", **bulk)
    ended(client, 40, MINUTE)
    client.pause(type="slow")

    rules = {one.rule for one in client.health(queue="bulk").findings}
    assert {"paused", "unconsumed", "failing", "retrying", "exhausted"} <= rules
    assert client.health(queue="mail").findings == ()
    ended(client, 40, MINUTE, status=FAILED, last_error="KeyError: mail")
    (found,) = client.health(queue="mail").findings
    assert found.rule == "failing"
    assert "50% of 80 tasks" in found.text
    assert "KeyError" in found.cause


def test_a_vanished_consumer_of_another_queue_is_not_this_ones(
    client: Client, monkeypatch: pytest.MonkeyPatch
):
    with consuming(client, name="bulk-1", queues=("bulk",)) as consumer:
        consumer.learn("email", lambda _: None)
        wait_until(lambda: client.new_inspector().consumers())
        # As one that hangs: its heartbeats end.
        assert consumer._run is not None
        monkeypatch.setattr(consumer._run._presence, "_row", _hang)
        wait_until(lambda: all(one.vanished for one in client.new_inspector().consumers()))
        assert client.health(queue="mail").healthy
        assert client.health(queue="bulk").findings[0].rule == "vanished"


def _hang() -> dict[str, object]:
    raise RepositoryError("no heartbeat")


def test_limits_without_meaning_are_refused(client: Client):
    with pytest.raises(InvalidInputError, match="max_failing"):
        client.health(max_failing=5)
    with pytest.raises(InvalidInputError):
        client.health(max_wait=-1)
