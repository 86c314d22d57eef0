"""PgBouncer between us and PostgreSQL: shared sessions, dropped settings, other programs."""

import os
import threading
from collections.abc import Callable

import pytest

from tasq_core import ReadOnlyError, RepositoryUnavailableError
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database
from tests.support.processes import Process, python
from tests.support.threads import in_threads
from tests.support.wait import wait_until

pytestmark = [pytest.mark.ha, pytest.mark.parametrize("backend", ["postgres"], indirect=True)]
in_both_modes = pytest.mark.parametrize("pooled", ["transaction", "session"], indirect=True)

SUBMITS = int(os.environ.get("TASQ_TEST_POOLED_SUBMITS", "1500"))

PROGRAM = """
import sys, threading
import tasq_core as tasq
url, prefix, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = tasq.connect(url, prefix=prefix, pool_size=2)
client.migrate()
producer = client.new_producer()
def submit():
    for n in range(count // 2):
        producer.submit(prefix, n, queue=prefix)
threads = [threading.Thread(target=submit) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
done = 0
while batch := client.repository.poll_tasks(prefix, None, 60, limit=20):
    for task in batch[:5]:
        client.repository.register_start(task)
    done += len(client.repository.record_outcomes(
        [tasq.Outcome(tasq.Lease.of(task), tasq.TaskStatus.SUCCESSFUL) for task in batch]
    ))
print(done)
client.close()
"""


@pytest.mark.slow
def test_two_programs_behind_a_pooler_keep_to_their_own_tables(
    database: Database, pooled: Database, start_process: Callable[..., Process]
):
    """Half of each one's tasks landed in the other's table, without an error."""
    other = Database("postgres", database.url)
    try:
        programs = [
            start_process(*python("-c", PROGRAM, pooled.url, place.prefix, str(SUBMITS)))
            for place in (database, other)
        ]
        ended = [(program.wait(300), program.stdout, program.stderr) for program in programs]
        assert ended == [(0, f"{SUBMITS}\n", "")] * 2
        for place in (database, other):
            rows = f"SELECT type, queue, status::text, count(*) FROM {place.table} GROUP BY 1, 2, 3"
            assert place.execute(rows) == [(place.prefix, place.prefix, "SUCCESSFUL", SUBMITS)]
    finally:
        other.close()


@in_both_modes
def test_read_only_holds_behind_a_pooler_and_for_nobody_else(database: Database, pooled: Database):
    """The start-up option was dropped: a read-only client wrote a row."""
    database.open().migrate()
    looking = pooled.open(read_only=True, pool_size=3)
    writing = pooled.open(pool_size=3)
    for _ in range(8):
        with pytest.raises(ReadOnlyError):
            looking.submit_task(make_task())
        with pytest.raises(ReadOnlyError):
            looking.submit_tasks(make_tasks(2))
        writing.submit_task(make_task())
        looking.poll_tasks("nothing", "nobody", 30, limit=0)
        with pytest.raises(ReadOnlyError):
            looking.poll_tasks("email", "mail", 30)
    assert looking.count_tasks(None, None, None) == 8


@in_both_modes
def test_a_statement_timeout_holds_behind_a_pooler_and_for_nobody_else(
    database: Database, pooled: Database
):
    """The start-up option was dropped: a statement could hang a screen for ever."""
    database.open().migrate()
    hasty, patient = pooled.open(statement_timeout=0.2), pooled.open()
    for mode in ("read", "transaction"):
        with pytest.raises(RepositoryUnavailableError, match="cancel"):
            hasty._run(lambda session: session.rows("SELECT pg_sleep(30)", {}), mode)
    assert hasty.submit_tasks(make_tasks(3)) == 3
    shown: list[str] = []

    def look() -> None:
        shown.extend(
            patient._run(lambda session: session.rows("SHOW statement_timeout", {}), "read")[0]
        )

    in_threads(*[look] * 6)
    assert shown == ["0"] * 6


@in_both_modes
def test_consumers_and_producers_work_behind_a_pooler(database: Database, pooled: Database):
    client = pooled.client()
    client.migrate()
    consumer = client.new_consumer(queues=["mail"], poll_interval=0.2, visibility_timeout=5)
    done: list[object] = []
    consumer.learn("email", lambda task: done.append(task.id))
    client.new_producer().submit_many(make_tasks(50))
    running = threading.Thread(target=lambda: consumer.run(workers=2), daemon=True)
    running.start()
    wait_until(lambda: len(done) == 50, 20)
    consumer.stop()
    running.join(30)
    assert not running.is_alive()
    assert client.new_inspector().count(statuses="SUCCESSFUL") == 50


@pytest.mark.parametrize(
    ("pooled", "arrive"), [("transaction", False), ("session", True)], indirect=["pooled"]
)
def test_wake_ups_are_used_only_where_the_pooler_lets_them_through(
    database: Database, pooled: Database, arrive: bool
):
    """A LISTEN in a shared session hears nothing, and its notices go to other clients."""
    table = pooled.open()
    table.migrate()
    wakeup = table.open_wakeup()
    assert (wakeup is not None) == arrive
    if wakeup is not None:
        table.submit_task(make_task())
        assert wakeup.wait(30)
        wakeup.close()
        wakeup.wait(1)
    listening = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND query LIKE %s"
    assert arrive or database.execute(listening, [f"%{database.table}%"]) == []


@in_both_modes
def test_migrating_behind_a_pooler_leaves_no_lock_behind(database: Database, pooled: Database):
    """A session lock stayed in the pooler's session: the next migration waited an hour."""
    database.open().migrate()
    database.open().submit_tasks(make_tasks(10))
    for _ in range(4):
        database.execute(f'DROP INDEX "{database.table}_tasq_status"')
        in_threads(*[lambda: pooled.open().migrate()] * 2)
    held = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND"
        f" (classid::bigint << 32) | objid::bigint = hashtext('tasq migrate {database.table}')"
    )
    assert database.execute(held) == [(0,)]
