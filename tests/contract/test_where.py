"""Every verb of the inspector takes ids or a filter, and groups stand wherever statuses do."""

from datetime import UTC, datetime, timedelta

import pytest

from tasq_core import (
    Client,
    Filter,
    FilterSyntaxError,
    InvalidInputError,
    MutationResult,
    Repository,
    TaskStatus,
    TaskStatusGroup,
)
from tests.support.builders import make_task, make_tasks


@pytest.fixture
def filled(repository: Repository) -> Client:
    repository.submit_tasks(make_tasks(5, type="email", queue="mail"))
    repository.restore_tasks(
        [make_task(status=TaskStatus.FAILED, type="email", queue="other") for _ in range(3)]
    )
    return Client(repository)


@pytest.mark.parametrize("where", ["status:failed", Filter.parse("status:failed")])
def test_counts_and_scans_take_a_filter_or_its_text(filled: Client, where: Filter | str):
    inspector = filled.new_inspector()

    assert inspector.count(where=where) == 3
    assert inspector.count(types="email", where="queue:mail") == 5
    assert inspector.count(TaskStatusGroup.OPEN, where=where) == 0
    assert [task.status for task in inspector.scan(where=where)] == [TaskStatus.FAILED] * 3
    assert len(inspector.scan("new", where="queue:mail", limit=2)) == 2


def test_changes_take_a_filter_and_leave_the_rest(filled: Client):
    inspector = filled.new_inspector()
    (held,) = filled.repository.poll_tasks("email", "mail", 60, limit=1)

    assert inspector.requeue(where="status:failed") == MutationResult(3, 0)
    assert inspector.count(where="is:ready queue:other") == 3
    assert inspector.delete(True, where="queue:mail") == MutationResult(4, 1)
    assert inspector.get(held.id).status is TaskStatus.ENQUEUED
    assert inspector.purge(True, where="queue:other") == 3
    assert inspector.count() == 1


@pytest.mark.parametrize("where", ["", "   ", Filter()])
def test_a_filter_that_came_out_empty_changes_nothing(filled: Client, where: Filter | str):
    """A variable that happened to be empty would delete the table."""
    inspector = filled.new_inspector()
    for change in (
        lambda: inspector.delete(True, where=where),
        lambda: inspector.requeue(where=where),
        lambda: inspector.purge(True, where=where),
    ):
        with pytest.raises(InvalidInputError, match="every task"):
            change()
    assert inspector.count() == 8
    assert inspector.requeue() == inspector.delete(True) == MutationResult(0, 0)


def test_ids_and_a_filter_together_are_refused(filled: Client):
    inspector = filled.new_inspector()
    (task,) = inspector.scan(limit=1)

    with pytest.raises(InvalidInputError, match="pass one of them"):
        inspector.requeue(task, where="status:failed")
    with pytest.raises(FilterSyntaxError, match="write status:failed"):
        inspector.delete(True, where="status=failed")
    with pytest.raises(InvalidInputError, match="order of creation"):
        inspector.scan(ordering="PRIORITY_FIRST", where="status:failed")


@pytest.mark.parametrize(
    ("statuses", "count"),
    [
        (TaskStatusGroup.OPEN, 5),
        ("open", 5),
        ([TaskStatusGroup.FINISHED], 3),
        ([TaskStatusGroup.FINISHED, TaskStatus.NEW, "failed"], 8),
        (TaskStatusGroup.ALL, 8),
    ],
)
def test_groups_stand_wherever_statuses_do(filled: Client, statuses, count: int):
    inspector = filled.new_inspector()

    assert inspector.count(statuses) == count
    assert len(inspector.scan(statuses)) == count
    assert filled.repository.purge_tasks(statuses, None, None, True) == count


def test_filters_are_made_without_text(filled: Client):
    inspector = filled.new_inspector()

    assert Filter.in_state("ready", "stale") == Filter.parse("is:ready,stale")
    assert Filter.created_before(timedelta(days=7)) == Filter.parse("created:>7d")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert Filter.created_before(at) == Filter.parse("created:<2026-01-01T00:00Z")
    assert inspector.count(where=Filter.in_state("ready")) == 5
    for wrong in (
        lambda: Filter.in_state("done"),
        Filter.in_state,
        lambda: Filter.created_before(datetime(2026, 1, 1)),  # noqa: DTZ001
        lambda: Filter.created_before(timedelta(-1)),
    ):
        with pytest.raises(InvalidInputError):
            wrong()
