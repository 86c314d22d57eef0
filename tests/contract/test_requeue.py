"""Requeueing by hand: NEW and visible now; the receives stay, or begin anew."""

import uuid
from datetime import UTC, datetime

import pytest

from tasq_core import (
    Client,
    LeaseLostError,
    MutationResult,
    Repository,
    TaskNotFoundError,
    TaskStatus,
)
from tasq_core.task import IMMEDIATELY, MAX_INT32
from tests.contract.rows import lapse
from tests.support.builders import make_task
from tests.support.databases import Database

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def failed(**fields: object) -> dict[str, object]:
    return {
        "status": TaskStatus.FAILED, "receive_count": 2, "last_error": "boom",
        "started_at": NOW, "finished_at": NOW, "visible_at": NOW, **fields,
    }  # fmt: skip


@pytest.mark.parametrize("status", [TaskStatus.FAILED, TaskStatus.SUCCESSFUL, TaskStatus.NEW])
def test_a_requeued_task_is_new_and_claimable_and_keeps_its_receives(
    repository: Repository, status: TaskStatus
):
    later = datetime(2199, 1, 1, tzinfo=UTC)
    task = make_task(**failed(status=status, visible_at=later))
    repository.restore_tasks([task])
    back = repository.requeue_task(task)
    assert (back.status, back.visible_at) == (TaskStatus.NEW, IMMEDIATELY)
    assert (back.receive_count, back.max_receives) == (2, 0)
    assert [task.receive_count for task in repository.poll_tasks("email", "mail", 30)] == [3]


@pytest.mark.parametrize(
    ("received", "allowed", "expected"),
    [(2, 0, 0), (2, 5, 5), (2, 3, 3), (3, 3, 4), (7, 3, 8), (MAX_INT32, MAX_INT32, MAX_INT32)],
)
def test_used_up_receives_get_exactly_one_more(
    repository: Repository, received: int, allowed: int, expected: int
):
    task = make_task(**failed(receive_count=received, max_receives=allowed))
    other = make_task(**failed(receive_count=received, max_receives=allowed))
    repository.restore_tasks([task, other])
    assert repository.requeue_task(task).max_receives == expected
    assert repository.requeue_tasks([other.id]) == MutationResult(1, 0)
    assert repository.get_tasks([other.id])[0].max_receives == expected


def test_one_more_receive_is_one_and_not_two(repository: Repository, database: Database):
    task = make_task(**failed(receive_count=1, max_receives=1))
    repository.restore_tasks([task])
    repository.requeue_task(task)
    (claimed,) = repository.poll_tasks("email", "mail", 30)
    assert claimed.is_last_receive()
    lapse(database, [claimed])
    assert repository.poll_tasks("email", "mail", 30) == []
    assert repository.get_tasks([task.id])[0].status is TaskStatus.FAILED


def test_a_reset_forgets_receives_error_and_end(repository: Repository):
    task = make_task(**failed(max_receives=2))
    repository.restore_tasks([task])
    assert repository.requeue_tasks([task.id], reset=True) == MutationResult(1, 0)
    (back,) = repository.get_tasks([task.id])
    assert (back.status, back.receive_count, back.max_receives) == (TaskStatus.NEW, 0, 2)
    assert (back.last_error, back.finished_at, back.visible_at) == (None, None, IMMEDIATELY)


def test_the_holder_may_requeue_its_own_task(repository: Repository):
    repository.submit_task(make_task())
    (claimed,) = repository.poll_tasks("email", "mail", 30)
    assert repository.requeue_task(claimed).status is TaskStatus.NEW
    assert repository.requeue_task(claimed).status is TaskStatus.NEW, "twice is once"


def test_a_task_leased_by_another_isnt_requeued(repository: Repository):
    task = repository.submit_task(make_task())
    (claimed,) = repository.poll_tasks("email", "mail", 30)
    with pytest.raises(LeaseLostError, match=str(task.id)):
        repository.requeue_task(task)
    assert repository.get_tasks([task.id]) == [claimed]


def test_a_lapsed_lease_doesnt_keep_a_task_from_being_requeued(
    repository: Repository, database: Database
):
    task = repository.submit_task(make_task())
    lapse(database, repository.poll_tasks("email", "mail", 30))
    assert repository.requeue_task(task).status is TaskStatus.NEW


def test_requeueing_what_isnt_there_says_so(repository: Repository):
    missing = make_task()
    with pytest.raises(TaskNotFoundError, match=str(missing.id)) as caught:
        repository.requeue_task(missing)
    assert caught.value.task_ids == (missing.id,)


@pytest.mark.parametrize("reset", [False, True])
def test_many_requeued_skip_the_leased_and_the_missing(repository: Repository, reset: bool):
    done = [make_task(**failed()) for _ in range(3)]
    repository.restore_tasks(done)
    repository.submit_task(make_task())
    (leased,) = repository.poll_tasks("email", "mail", 30)
    ids = [task.id for task in done] + [leased.id, uuid.uuid4(), done[0].id]
    assert repository.requeue_tasks(ids, reset) == MutationResult(3, 2)
    assert repository.get_tasks([leased.id]) == [leased]
    assert repository.requeue_tasks([]) == MutationResult(0, 0)


def test_the_inspector_takes_tasks_ids_and_text(client: Client):
    tasks = [make_task(**failed()) for _ in range(3)]
    client.repository.restore_tasks(tasks)
    inspector = client.new_inspector()
    asked = (tasks[0], tasks[1].id, str(tasks[2].id))
    assert inspector.requeue(*asked, reset=True) == MutationResult(3, 0)
    assert inspector.count("NEW") == 3
    assert inspector.requeue() == MutationResult(0, 0)
