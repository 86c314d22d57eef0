"""How idle consumers on PostgreSQL are woken: by our submits, and by a trigger that is asked for."""

import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tasq_core import Client, Repository
from tasq_core.repository import postgres_notify
from tasq_core.repository.protocol import Wakeup
from tasq_core.repository.schema_check import missing_schema, structure
from tests.contract.rows import insert_row, make_go_table
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database
from tests.support.processes import Process

pytestmark = pytest.mark.parametrize("backend", ["postgres"], indirect=True)


@pytest.fixture
def listening(database: Database) -> Iterator[Callable[[], Wakeup]]:
    """Opens wake-ups in a repository of their own, and closes them."""
    opened: list[Wakeup] = []

    def listen() -> Wakeup:
        wakeup = database.open().open_wakeup()
        assert wakeup is not None
        opened.append(wakeup)
        return wakeup

    yield listen
    for wakeup in opened:
        wakeup.close()
        wakeup.wait(1)


def trigger(repository: Repository) -> bool | None:
    return structure(repository).notify_trigger


def test_our_own_writes_wake_without_a_trigger(
    repository: Repository, listening: Callable[[], Wakeup]
):
    """Else an idle consumer finds a task only at its next poll, 5 s by default."""
    assert trigger(repository) is False
    assert missing_schema(repository) == []
    wakeup = listening()
    task = make_task()
    for write in (
        lambda: repository.submit_task(task),
        lambda: repository.submit_tasks(make_tasks(3)),
        lambda: repository.requeue_tasks([task.id]),
        lambda: repository.restore_tasks([make_task()]),
    ):
        write()
        assert wakeup.wait(30)
        while wakeup.wait(0.05):
            pass


def test_a_program_that_ends_after_a_submit_has_notified(
    client: Client,
    database: Database,
    listening: Callable[[], Wakeup],
    start_process: Callable[..., Process],
):
    """The notice is sent by a thread, which an exit would cut off."""
    wakeup = listening()
    program = (
        "import sys, tasq_core as tasq;"
        "tasq.connect(sys.argv[1], prefix=sys.argv[2]).new_producer().submit('a', 1)"
    )
    ended = start_process(sys.executable, "-c", program, database.url, database.prefix)
    assert (ended.wait(30), ended.stderr) == (0, "")
    assert wakeup.wait(30)


def test_many_submits_share_a_notice(repository: Repository, database: Database):
    """NOTIFY takes a lock of the whole cluster: one for each submit would hold writers back."""
    connection = database.connect(autocommit=True)
    connection.execute(f'LISTEN "{database.table}_tasq"')
    begin = time.monotonic()
    for _ in range(300):
        repository.submit_task(make_task())
    took = time.monotonic() - begin
    repository.close()  # sends what is left
    heard = sum(1 for _ in connection.notifies(timeout=0.5))
    assert 1 <= heard <= took / 0.005 + 2


def test_a_closed_repository_leaves_no_thread_behind(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    """A program that then forks, or counts its threads, would find one more."""
    monkeypatch.setattr(postgres_notify, "_GAP", 5.0)
    before = {*threading.enumerate()}
    repository.submit_task(make_task())
    assert {*threading.enumerate()} > before
    repository.close()
    assert {*threading.enumerate()} <= before


def test_a_delayed_task_wakes_nobody(client: Client, listening: Callable[[], Wakeup]):
    wakeup = listening()
    client.new_producer().submit("a", 1, delay=60)
    assert not wakeup.wait(0.3)


def test_tasks_of_the_callers_transaction_wake_when_the_caller_says(
    client: Client, database: Database, listening: Callable[[], Wakeup]
):
    """A NOTIFY in it would hold a cluster-wide lock over the caller's commit, unasked."""
    wakeup, producer, connection = listening(), client.new_producer(), database.connect()
    producer.submit("a", 1, connection=connection)
    connection.commit()
    assert not wakeup.wait(0.3)
    producer.notify()
    assert wakeup.wait(30)


def test_the_trigger_is_made_kept_and_dropped_as_asked(
    client: Client, database: Database, listening: Callable[[], Wakeup]
):
    """It wakes for inserts of other programs, and costs writers three quarters of their rate."""
    repository = client.repository
    client.migrate(notify=True)
    assert trigger(repository) is True
    wakeup = listening()
    insert_row(database, id=make_task().id)
    assert wakeup.wait(30)
    repository.migrate()
    assert trigger(repository) is True
    repository.migrate_with_trigger(False)
    assert trigger(repository) is False
    functions = "SELECT count(*) FROM pg_proc WHERE proname = %s"
    assert database.execute(functions, [f"{database.table}_tasq_notify"]) == [(0,)]
    insert_row(database, id=make_task().id)
    assert not wakeup.wait(0.3)
    repository.migrate()
    assert trigger(repository) is False


def test_a_table_that_go_made_gets_the_trigger_when_it_is_adopted(database: Database):
    """Go's producers don't notify; without it their tasks wait for a poll."""
    make_go_table(database)
    insert_row(database, id=make_task().id)
    repository = database.open()
    assert "notify_trigger" in dict(missing_schema(repository))
    repository.migrate()
    assert trigger(repository) is True
    assert missing_schema(repository) == []
    repository.migrate_with_trigger(False)
    repository.migrate()
    assert trigger(repository) is False
