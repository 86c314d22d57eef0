"""The inspector edits, cancels, spreads and waits; what it can't do is counted or refused."""

import itertools
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core import (
    Client,
    InvalidInputError,
    LeaseLostError,
    MutationResult,
    TaskNotFoundError,
    TaskStatus,
    WaitTimeoutError,
)
from tasq_core.args import gob
from tasq_core.task import IMMEDIATELY
from tests.contract.rows import lapse
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database

LATER = datetime(2199, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def inspector(client: Client):
    return client.new_inspector()


def one(client: Client, id: uuid.UUID):
    return client.repository.get_tasks([id])[0]


def test_an_edit_changes_what_it_names_and_nothing_else(client: Client, inspector):
    task = make_task(priority=3)
    client.repository.submit_task(task)

    edited = inspector.update(
        task, queue="bulk", priority=-32768, max_receives=5, type="e2", args=[1], visible_at=LATER
    )

    assert edited == MutationResult(1, 0)
    found = one(client, task.id)
    assert (found.queue, found.priority, found.max_receives) == ("bulk", -32768, 5)
    assert (found.type, found.args, found.visible_at) == ("e2", b"[1]", LATER)
    assert inspector.update(task.id, priority=1) == MutationResult(1, 0)
    assert one(client, task.id).queue == "bulk"


def test_a_delay_counts_from_the_databases_clock_and_zero_is_now(client: Client, inspector):
    task = client.repository.submit_task(make_task())
    before = client.repository.now()

    inspector.update(task, delay=timedelta(hours=2))
    found = one(client, task.id)
    assert timedelta() <= found.visible_at - before - timedelta(hours=2) < timedelta(minutes=1)
    assert client.repository.poll_tasks("email", "mail", 30) == []

    inspector.update(task, delay=0)
    assert one(client, task.id).visible_at == IMMEDIATELY


def test_args_stay_in_the_encoding_the_handler_reads(client: Client, inspector):
    """A Go consumer whose struct came back as a map, or as JSON, would fail on it."""
    data = gob.encode({"ID": 1, "Name": "a"}, go_type="struct{ID int; Name string}")
    struct, plain, odd = make_task(args=data), make_task(args=b"1"), make_task(args=b"\xff\x00!")
    client.repository.submit_tasks([struct, plain, odd])

    assert inspector.update(struct, plain, odd, args={"ID": 2, "Name": "b"}).done == 3

    assert gob.type_of(one(client, struct.id).args) == "struct{ID int; Name string}"
    assert one(client, struct.id).unmarshal_args() == {"ID": 2, "Name": "b"}
    assert one(client, plain.id).args == b'{"ID":2,"Name":"b"}'
    assert one(client, odd.id).args == b'{"ID":2,"Name":"b"}'


def test_leased_finished_and_missing_tasks_are_skipped_and_counted(
    client: Client, inspector, database: Database
):
    done = make_task(status=TaskStatus.FAILED)
    client.repository.restore_tasks([done])
    client.repository.submit_tasks(make_tasks(2))
    leased, lapsed = client.repository.poll_tasks("email", "mail", 30)
    lapse(database, [lapsed])
    ids = (done.id, leased.id, lapsed.id, uuid.uuid4())

    assert inspector.update(*ids, queue="bulk") == MutationResult(1, 3)
    assert one(client, leased.id) == leased
    assert one(client, lapsed.id).queue == "bulk"
    assert inspector.update(lapsed, queue="bulk") == MutationResult(0, 1), "so already"


def test_a_lapsed_task_that_is_postponed_doesnt_look_leased(
    client: Client, inspector, database: Database
):
    client.repository.submit_task(make_task())
    (lapsed,) = client.repository.poll_tasks("email", "mail", 30)
    lapse(database, [lapsed])

    inspector.update(lapsed, visible_at=LATER)

    assert one(client, lapsed.id).status is TaskStatus.NEW
    assert inspector.summary().health.delayed == 1


def test_an_edit_by_filter_takes_all_that_match(client: Client, inspector):
    client.repository.submit_tasks([*make_tasks(1200), *make_tasks(3, queue="other")])

    assert inspector.update(where="queue:mail", queue="bulk").done == 1200
    assert inspector.count(queues="bulk") == 1200


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "nothing to edit"),
        ({"priority": 32768}, "priority 32768 is out of range"),
        ({"max_receives": -1}, "max_receives -1 is out of range"),
        ({"queue": "a\0"}, "queue .* NUL"),
        ({"type": 5}, "type must be text"),
        ({"delay": -1}, "delay -1 can't be used"),
        ({"delay": 1, "visible_at": LATER}, "delay and visible_at are both given"),
        ({"visible_at": datetime(2026, 1, 1)}, "has no time zone"),  # noqa: DTZ001 - the point
    ],
)
def test_an_edit_that_cant_be_made_is_refused_and_changes_nothing(
    client: Client, inspector, values, says
):
    task = client.repository.submit_task(make_task())
    with pytest.raises(InvalidInputError, match=says):
        inspector.update(task, **values)
    with pytest.raises(InvalidInputError, match="both given"):
        inspector.update(task, where="status:new", queue="x")
    with pytest.raises(InvalidInputError, match="every task"):
        inspector.update(where="", queue="x")
    assert one(client, task.id) == task


def test_a_cancel_ends_waiting_and_running_tasks_and_refuses_the_holder(client: Client, inspector):
    done = make_task(status=TaskStatus.SUCCESSFUL)
    client.repository.restore_tasks([done])
    client.repository.submit_tasks(make_tasks(2))
    (leased,) = client.repository.poll_tasks("email", "mail", 30, limit=1)
    before = client.repository.now()

    result = inspector.cancel(where="status:all", reason="wrong address")

    assert result == MutationResult(2, 1)
    row = one(client, leased.id)
    assert (row.status, row.last_error) == (TaskStatus.FAILED, "cancelled: wrong address")
    assert row.finished_at is not None
    assert before <= row.finished_at <= client.repository.now()
    with pytest.raises(LeaseLostError):
        client.repository.register_finish(leased, "SUCCESSFUL")
    assert one(client, done.id) == done
    assert inspector.cancel(leased) == MutationResult(0, 1), "it has ended already"


def test_a_cancel_without_a_reason_says_cancelled(client: Client, inspector):
    task = client.repository.submit_task(make_task())
    inspector.cancel(task)
    assert one(client, task.id).last_error == "cancelled"
    with pytest.raises(InvalidInputError, match="reason"):
        inspector.cancel(task, reason="a\0")


def test_a_cancelled_task_that_is_requeued_isnt_its_old_holders(client: Client, inspector):
    """A late finish of the cancelled run would end a run that just began."""
    client.repository.submit_task(make_task())
    (first,) = client.repository.poll_tasks("email", "mail", 30)
    inspector.cancel(first)
    inspector.requeue(first)
    (second,) = client.repository.poll_tasks("email", "mail", 30)

    with pytest.raises(LeaseLostError):
        client.repository.register_finish(first, "SUCCESSFUL")
    assert one(client, second.id) == second


@pytest.mark.parametrize("by_filter", [False, True])
def test_spread_tasks_fall_due_evenly_in_order_and_the_last_at_the_end(
    client: Client, inspector, by_filter
):
    created = datetime(2026, 1, 1, tzinfo=UTC)
    tasks = [
        make_task(status=TaskStatus.FAILED, created_at=created + timedelta(seconds=place))
        for place in range(5)
    ]
    client.repository.restore_tasks(tasks)
    begun = client.repository.now()

    which = {"where": "status:failed"} if by_filter else {}
    result = inspector.requeue(*([] if by_filter else tasks), spread=600, **which)

    assert result == MutationResult(5, 0)
    due = [one(client, task.id).visible_at for task in tasks]
    steps = [b - a for a, b in itertools.pairwise(due)]
    assert steps == [timedelta(seconds=120)] * 4
    assert timedelta() <= due[-1] - begun - timedelta(seconds=600) < timedelta(seconds=30)


@pytest.mark.parametrize("spread", [0, -5, timedelta()])
def test_a_spread_over_no_time_is_refused(client: Client, inspector, spread):
    task = make_task(status=TaskStatus.FAILED)
    client.repository.restore_tasks([task])
    with pytest.raises(InvalidInputError, match="spread"):
        inspector.requeue(task, spread=spread)
    assert one(client, task.id).status is TaskStatus.FAILED


def test_wait_returns_when_all_have_ended(client: Client, inspector):
    first, second = (client.repository.submit_task(make_task()) for _ in range(2))

    def work() -> None:
        for task in client.repository.poll_tasks("email", "mail", 30):
            client.repository.register_finish(
                task, "FAILED" if task.id == second.id else "SUCCESSFUL"
            )

    thread = threading.Timer(0.1, work)
    thread.start()
    found = inspector.wait(second, str(first.id), timeout=30)
    thread.join()

    assert [task.id for task in found] == [second.id, first.id]
    assert [task.status for task in found] == [TaskStatus.FAILED, TaskStatus.SUCCESSFUL]
    assert inspector.wait() == []


def test_wait_gives_up_and_names_what_is_open(client: Client, inspector):
    task = client.repository.submit_task(make_task())
    with pytest.raises(WaitTimeoutError, match=f"not ended after 0 s: {task.id}") as caught:
        inspector.wait(task, timeout=0)
    assert caught.value.task_ids == (task.id,)
    assert isinstance(caught.value, TimeoutError)


def test_wait_for_what_isnt_there_says_so(client: Client, inspector):
    task, missing = client.repository.submit_task(make_task()), uuid.uuid4()
    with pytest.raises(TaskNotFoundError, match=f"no task {missing}"):
        inspector.wait(task, missing)

    thread = threading.Timer(0.1, client.repository.delete_tasks, [[task.id], True])
    thread.start()
    with pytest.raises(TaskNotFoundError, match="deleted while it was waited for"):
        inspector.wait(task, timeout=30)
    thread.join()
