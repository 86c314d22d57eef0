"""Deleting: by id, by condition, by age; a safe deletion never touches a live lease."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from tasq_core import (
    Client,
    InvalidInputError,
    InvalidTypeError,
    MutationResult,
    Repository,
    TaskStatus,
)
from tests.contract.rows import lapse
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database


def every_status(repository: Repository, **fields: object) -> dict[str, uuid.UUID]:
    """One task per status, all invisible for an hour: two of them are live leases."""
    later = repository.now() + timedelta(hours=1)
    tasks = {
        status.value: make_task(status=status, visible_at=later, **fields) for status in TaskStatus
    }
    repository.restore_tasks(list(tasks.values()))
    return {name: task.id for name, task in tasks.items()}


def left(repository: Repository) -> set[str]:
    return {task.status.value for task in repository.scan_tasks(None, None, None, limit=100)}


ALL = {status.value for status in TaskStatus}
LEASED = {"ENQUEUED", "IN_PROGRESS"}


@pytest.mark.parametrize("safe", [False, True])
def test_deleting_by_id_spares_live_leases_only_when_safe(repository: Repository, safe: bool):
    ids = every_status(repository)
    asked = [*ids.values(), uuid.uuid4(), ids["NEW"]]
    expected = MutationResult(3, 3) if safe else MutationResult(5, 1)
    assert repository.delete_tasks(asked, safe) == expected
    assert left(repository) == (LEASED if safe else set())
    assert repository.delete_tasks([], safe) == MutationResult(0, 0)


@pytest.mark.parametrize("safe", [False, True])
def test_gos_delete_takes_a_task_and_minds_no_missing_row(repository: Repository, safe: bool):
    repository.submit_task(make_task())
    (leased,) = repository.poll_tasks("email", "mail", 30)
    repository.delete_task(leased, safe)
    assert repository.count_tasks(None, None, None) == int(safe)
    repository.delete_task(make_task(), safe)


def test_a_lapsed_lease_is_safe_to_delete(repository: Repository, database: Database):
    repository.submit_task(make_task())
    claimed = repository.poll_tasks("email", "mail", 30)
    lapse(database, claimed)
    assert repository.delete_tasks([claimed[0].id], True) == MutationResult(1, 0)


@pytest.mark.parametrize("safe", [False, True])
def test_a_purge_without_restriction_takes_all_but_live_leases_when_safe(
    repository: Repository, safe: bool
):
    every_status(repository)
    assert repository.purge_tasks(None, None, None, safe) == (3 if safe else 5)
    assert left(repository) == (LEASED if safe else set())


def test_a_purge_takes_what_matches_and_nothing_else(repository: Repository):
    every_status(repository)
    every_status(repository, type="other")
    every_status(repository, queue="other")
    every_status(repository, type="EMAIL")
    assert repository.purge_tasks(["FAILED", "successful"], "email", ["mail"], False) == 2
    assert repository.purge_tasks(None, ["other"], None, True) == 3
    assert repository.purge_tasks("FAILED", None, "other", True) == 1
    assert repository.purge_tasks("FAILED", "nobody", None, False) == 0
    assert repository.count_tasks(None, None, None) == 20 - 2 - 3 - 1


def test_a_purge_goes_in_batches_to_the_end(repository: Repository):
    start = repository.now()
    repository.submit_tasks(make_tasks(2300, created_at=start))
    leased = repository.poll_tasks("email", "mail", 30, limit=7)
    assert repository.purge_tasks(None, None, None, True) == 2293
    assert {task.id for task in repository.scan_tasks(None, None, None, limit=10)} == {
        task.id for task in leased
    }


def test_cleaning_takes_finished_tasks_by_the_age_of_their_creation(repository: Repository):
    now = repository.now()
    ages = {"old": timedelta(minutes=16), "young": timedelta(minutes=14)}
    for name, age in ages.items():
        every_status(repository, type=name, created_at=now - age)
    assert repository.clean_tasks(timedelta(minutes=15)) == 2
    assert repository.count_tasks(None, "old", None) == 3
    assert repository.count_tasks(None, "young", None) == 5
    assert repository.clean_tasks(15 * 60) == 0
    assert repository.clean_tasks(0) == 2
    assert left(repository) == {"NEW", "ENQUEUED", "IN_PROGRESS"}


def test_the_cleaner_keeps_fifteen_minutes_unless_told_otherwise(client: Client):
    now = client.repository.now()
    for minutes in (1, 14, 16, 60):
        task = make_task(status=TaskStatus.FAILED, created_at=now - timedelta(minutes=minutes))
        client.repository.restore_tasks([task])
    cleaner = client.new_cleaner()
    assert cleaner.clean() == 2
    assert cleaner.with_task_age(timedelta(minutes=10)).clean() == 1
    assert cleaner.with_task_age(30).clean() == 1


@pytest.mark.parametrize("age", [-1, float("nan"), "old"])
def test_an_age_that_is_none_is_refused(client: Client, age: object):
    with pytest.raises(InvalidInputError, match="age"):
        client.new_cleaner().with_task_age(age)  # type: ignore[arg-type]


# -- the inspector, and what it refuses ----------------------------------------------------


def test_the_inspector_deletes_and_purges(client: Client):
    tasks = make_tasks(4)
    client.repository.submit_tasks(tasks)
    inspector = client.new_inspector()
    assert inspector.delete(True, tasks[0], tasks[1].id, str(tasks[2].id)) == MutationResult(3, 0)
    assert inspector.delete(False, tasks[0]) == MutationResult(0, 1)
    assert inspector.delete(True) == MutationResult(0, 0)
    assert inspector.purge(True, "NEW", "email", "mail") == 1


@pytest.mark.parametrize("safe", [1, 0, None, "yes", ["FAILED"], TaskStatus.FAILED])
def test_a_safe_delete_that_is_no_bool_deletes_nothing(client: Client, safe: object):
    task = client.repository.submit_task(make_task())
    inspector, repository = client.new_inspector(), client.repository
    calls = [
        lambda: inspector.purge(safe),  # type: ignore[arg-type]
        lambda: inspector.delete(safe, task),  # type: ignore[arg-type]
        lambda: repository.purge_tasks(None, None, None, safe),  # type: ignore[arg-type]
        lambda: repository.delete_tasks([task.id], safe),  # type: ignore[arg-type]
        lambda: repository.delete_task(task, safe),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(InvalidTypeError, match="safe_delete"):
            call()
    assert inspector.count() == 1


EMPTY: list[tuple[Any, Any, Any]] = [
    ([], None, None),
    (None, (), None),
    (None, None, []),
    ([], [], []),
]


@pytest.mark.parametrize("restriction", EMPTY)
def test_an_empty_restriction_never_means_everything(client: Client, restriction: tuple[object]):
    client.repository.submit_task(make_task())
    inspector, repository = client.new_inspector(), client.repository
    calls = [
        lambda: inspector.purge(False, *restriction),  # type: ignore[arg-type]
        lambda: inspector.count(*restriction),  # type: ignore[arg-type]
        lambda: inspector.scan(*restriction),  # type: ignore[arg-type]
        lambda: repository.purge_tasks(*restriction, False),  # type: ignore[arg-type, call-arg]
    ]
    for call in calls:
        with pytest.raises(InvalidInputError, match="is empty; pass None"):
            call()
    assert inspector.count() == 1
