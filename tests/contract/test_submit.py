"""Submitting: once per id, in the caller's transaction or its own, stored as given."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core import Client, InvalidInputError, Repository, Task, TaskStatus
from tasq_core.task import IMMEDIATELY
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database

EDGES = {
    "empty": {"type": "", "queue": "", "args": b""},
    "text of all planes": {"type": "é世🦜", "queue": "世\t\n'\"`\\%_"},
    "bytes": {"args": bytes(range(256)) * 5},
    "least": {"priority": -32768},
    "most": {"priority": 32767, "max_receives": 2**31 - 1},
    "microseconds": {"created_at": datetime(2020, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)},
    "later": {"visible_at": datetime(2199, 1, 1, 0, 0, 0, 1, tzinfo=UTC)},
}


@pytest.mark.parametrize("fields", EDGES.values(), ids=EDGES.keys())
def test_a_task_comes_back_as_it_was_submitted(repository: Repository, fields: dict[str, object]):
    task = make_task(**fields)
    assert repository.submit_task(task) == task
    assert repository.get_tasks([task.id]) == [task]


@pytest.mark.parametrize("fields", EDGES.values(), ids=EDGES.keys())
def test_many_come_back_as_they_were_submitted(repository: Repository, fields: dict[str, object]):
    tasks = make_tasks(3, **fields)
    assert repository.submit_tasks(tasks) == 3
    assert repository.get_tasks([task.id for task in tasks]) == tasks


def test_a_visible_task_is_stored_in_year_one(repository: Repository, database: Database):
    repository.submit_task(make_task())
    repository.submit_tasks(make_tasks(1))
    stored = database.execute(f"SELECT CAST(visible_at AS CHAR(26)) FROM {database.table}")
    expected = "-62135596800000000" if database.backend == "sqlite" else "0001-01-01 00:00:00"
    assert all(str(value).startswith(expected) for (value,) in stored)


def test_submitting_an_id_again_returns_the_stored_task(repository: Repository):
    first = repository.submit_task(make_task(type="first"))
    again = repository.submit_task(make_task(id=first.id, type="second", priority=9))
    assert again == first
    assert repository.count_tasks(None, None, None) == 1


def test_submitting_an_id_again_returns_what_became_of_it(repository: Repository):
    task = repository.submit_task(make_task())
    (claimed,) = repository.poll_tasks("email", "mail", 30)
    assert repository.submit_task(task) == claimed


def test_many_skip_ids_that_exist_and_repeats_among_themselves(repository: Repository):
    old, new = make_task(type="old"), make_task(type="new")
    repository.submit_task(old)
    copy = make_task(id=old.id, type="changed")
    twice = make_task(id=new.id, type="twice")
    assert repository.submit_tasks([copy, new, twice]) == 1
    assert [task.type for task in repository.get_tasks([old.id, new.id])] == ["old", "new"]


def test_many_take_any_iterable_and_none_is_fine(repository: Repository):
    assert repository.submit_tasks(task for task in make_tasks(2500)) == 2500
    assert repository.submit_tasks([]) == 0
    assert repository.count_tasks(None, None, None) == 2500


def test_a_submitted_task_is_new_whatever_it_was(repository: Repository):
    now = datetime.now(UTC)
    spent = make_task(
        status=TaskStatus.FAILED,
        receive_count=3,
        last_error="boom",
        started_at=now,
        finished_at=now,
    )
    stored = repository.submit_task(spent)
    assert (stored.status, stored.receive_count, stored.last_error) == (TaskStatus.NEW, 0, None)
    assert (stored.started_at, stored.finished_at) == (None, None)
    assert repository.get_tasks([spent.id]) == [stored]
    assert spent.status is TaskStatus.FAILED, "the caller's object is left alone"


def test_one_bad_task_keeps_all_of_a_batch_out(repository: Repository):
    with pytest.raises(InvalidInputError, match="priority"):
        repository.submit_tasks([make_task(), make_task(priority=40_000)])
    assert repository.count_tasks(None, None, None) == 0


# -- the producer --------------------------------------------------------------------------


def test_the_producer_encodes_and_numbers_in_order(client: Client):
    producer = client.new_producer()
    sent = [
        producer.submit("a", {"n": n}, queue="q", priority=2, max_receives=3) for n in range(20)
    ]
    found = client.repository.poll_tasks("a", "q", 30, limit=20)
    assert [task.id for task in found] == [task.id for task in sent]
    assert [task.unmarshal_args()["n"] for task in found] == list(range(20))
    assert {(task.priority, task.max_receives) for task in found} == {(2, 3)}


def test_the_producer_writes_gob_when_asked(database: Database):
    client = database.client(codec="gob")
    client.migrate()
    task = client.new_producer().submit("a", {"n": 1})
    assert task.args[:1] != b"{"
    assert client.new_inspector().get(task.id).unmarshal_args() == {"n": 1}


def test_a_delayed_task_isnt_claimed_before_its_time(client: Client):
    task = client.new_producer().submit("a", 1, delay=timedelta(hours=1))
    assert timedelta(minutes=59) < task.visible_at - client.repository.now() <= timedelta(hours=1)
    assert client.repository.poll_tasks("a", "", 30) == []
    assert client.repository.open_counts()[1].delayed == 1


def test_no_delay_is_visible_at_once(client: Client):
    assert client.new_producer().submit("a", 1, delay=0).visible_at == IMMEDIATELY
    assert len(client.repository.poll_tasks("a", "", 30)) == 1


def test_visible_at_takes_any_zone(client: Client):
    zone = datetime.now(UTC).astimezone().tzinfo
    past = datetime.now(zone) - timedelta(hours=1)
    task = client.new_producer().submit("a", 1, visible_at=past)
    assert client.new_inspector().get(task.id).visible_at == past
    assert len(client.repository.poll_tasks("a", "", 30)) == 1


def test_an_id_chosen_by_the_caller_is_kept(client: Client):
    id = uuid.uuid5(uuid.NAMESPACE_URL, "order/1")
    producer = client.new_producer()
    first = producer.submit("a", {"n": 1}, id=id)
    assert producer.submit("a", {"n": 2}, id=str(id)) == first
    assert client.new_inspector().count() == 1


def test_submit_many_counts_what_was_new(client: Client):
    producer = client.new_producer()
    tasks = [Task.new("a", n) for n in range(3)]
    assert producer.submit_many(tasks) == 3
    assert producer.submit_many(tasks) == 0
    assert producer.submit_task(tasks[0]).id == tasks[0].id


# -- the caller's transaction --------------------------------------------------------------


@pytest.mark.parametrize("many", [False, True])
def test_a_submit_in_the_callers_transaction_is_there_when_it_commits(
    client: Client, database: Database, many: bool
):
    connection = database.connect()
    _submit(client, connection, many)
    assert client.new_inspector().count() == 0
    connection.commit()
    assert client.new_inspector().count() == 1


@pytest.mark.parametrize("many", [False, True])
def test_a_submit_in_the_callers_transaction_is_gone_when_it_rolls_back(
    client: Client, database: Database, many: bool
):
    connection = database.connect()
    _submit(client, connection, many)
    connection.rollback()
    assert client.new_inspector().count() == 0


@pytest.mark.parametrize("many", [False, True])
def test_a_duplicate_doesnt_end_the_callers_transaction(
    client: Client, database: Database, many: bool
):
    stored = client.new_producer().submit("a", 1)
    connection = database.connect()
    _submit(client, connection, many)
    if many:
        assert client.new_producer().submit_many([stored], connection=connection) == 0
    else:
        assert client.new_producer().submit_task(stored, connection=connection) == stored
    connection.commit()
    assert client.new_inspector().count() == 2


def _submit(client: Client, connection: object, many: bool) -> None:
    producer = client.new_producer()
    if many:
        assert producer.submit_many([Task.new("a", 1)], connection=connection) == 1
    else:
        producer.submit("a", 1, connection=connection)


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_listeners_hear_of_a_task_only_when_its_transaction_commits(
    client: Client, database: Database
):
    wakeup = client.repository.open_wakeup()
    assert wakeup is not None
    connection = database.connect()
    producer = client.new_producer()
    producer.submit("a", 1, connection=connection)
    producer.notify(connection=connection)
    assert not wakeup.wait(0.2)
    connection.commit()
    assert wakeup.wait(30)
    wakeup.close()
    wakeup.wait(1)
