"""A selection stays what it was when it was shown."""

from datetime import timedelta
from uuid import UUID

import pytest

from tasq_core.errors import InvalidInputError, TaskNotFoundError
from tasq_core.filters import Filter, parse
from tasq_core.task import TaskStatus
from tasq_tui.admin.changes import DELETE, PURGE, REQUEUE
from tasq_tui.admin.preview import Confirmation, preview
from tasq_tui.admin.selection import frozen, select_ids, select_where
from tasq_tui.admin.settings import Settings
from tests.support.builders import make_task, make_tasks

SETTINGS = Settings(url="sqlite://")


def ids_of(selection, repository, size=1000):
    return [id for batch in selection.batches(repository, size) for id in batch]


def test_a_filter_walks_each_task_once_whatever_the_batch(repository):
    tasks = make_tasks(25)
    repository.submit_tasks(tasks)
    selection = select_where(repository, parse("status:new"))

    assert (
        ids_of(selection, repository, 7) == ids_of(selection, repository) == [t.id for t in tasks]
    )


def test_tasks_created_after_the_freeze_are_not_in_it(repository):
    early = make_tasks(3)
    repository.submit_tasks(early)
    selection = select_where(repository, Filter())
    repository.submit_tasks(make_tasks(3, created_at=selection.until + timedelta(microseconds=1)))

    assert set(ids_of(selection, repository)) == {task.id for task in early}
    assert preview(repository, DELETE, selection, SETTINGS).count == 3


def test_ages_are_fixed_when_frozen(repository):
    now = repository.now()

    fixed = frozen(parse("created:>2h finished:1h..3h -started:<5m prio:>3"), now)

    text = str(fixed)
    assert "2h" not in text
    assert str(parse(text)) == text
    assert repository.count(fixed) == 0


def test_the_beginning_of_an_id_will_do_where_it_is_unique(repository):
    one, two = UUID("abcd0000-0000-4000-8000-000000000001"), UUID(int=7)
    repository.restore_tasks([make_task(id=one), make_task(id=two)])

    assert select_ids(repository, ["abcd", str(two)]).ids == (one, two)
    assert select_ids(repository, [one.hex.upper(), "ABCD-0000"]).ids == (one,)


@pytest.mark.parametrize("text", ["", "xyz", "ab cd", "0" * 33, "-", "\x1b"])
def test_what_is_no_id_is_refused(repository, text):
    with pytest.raises(InvalidInputError, match="is not a task id"):
        select_ids(repository, [text])


def test_a_beginning_that_no_id_has_is_not_found(repository):
    repository.restore_tasks([make_task(id=UUID(int=1))])

    with pytest.raises(TaskNotFoundError) as refused:
        select_ids(repository, ["ffff"])

    assert refused.value.task_ids == ("ffff",)


def test_a_preview_counts_by_status_and_what_would_be_skipped(repository):
    repository.restore_tasks(
        [*make_tasks(4), *make_tasks(3, status=TaskStatus.FAILED), make_task(queue="other")]
    )
    [held] = repository.poll_tasks(None, "other", 600)
    selection = select_where(repository, parse("-status:successful"))

    seen = preview(repository, PURGE, selection, SETTINGS)
    by_id = preview(repository, PURGE, select_ids(repository, [held.id, UUID(int=5)]), SETTINGS)

    assert seen.by_status == {TaskStatus.NEW: 4, TaskStatus.ENQUEUED: 1, TaskStatus.FAILED: 3}
    assert (seen.count, seen.leased, seen.gone, len(seen.sample)) == (8, 1, 0, 5)
    assert (by_id.count, by_id.leased, by_id.gone) == (1, 1, 1)


def test_tasks_from_the_future_are_told_of_and_left_alone(repository):
    ahead = repository.now() + timedelta(hours=5)
    repository.restore_tasks([*make_tasks(2), *make_tasks(3, created_at=ahead)])

    seen = preview(repository, PURGE, select_where(repository, Filter()), SETTINGS)

    assert (seen.count, seen.later) == (2, 3)


@pytest.mark.parametrize(
    ("verb", "tasks", "asked", "confirmation"),
    [
        (REQUEUE, 1, "queue:mail", Confirmation.NONE),
        (REQUEUE, 2, "queue:mail", Confirmation.YES_NO),
        (DELETE, 1, "queue:mail", Confirmation.YES_NO),
        (DELETE, 11, "queue:mail", Confirmation.DIALOG),
        (DELETE, 1000, "queue:mail", Confirmation.TYPE_TO_CONFIRM),
        (REQUEUE, 1, "", Confirmation.TYPE_TO_CONFIRM),
        (PURGE, 1, "queue:mail", Confirmation.TYPE_TO_CONFIRM),
        (PURGE, 0, "queue:mail", Confirmation.NONE),
    ],
)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_change_is_asked_about_by_its_size_and_risk(repository, verb, tasks, asked, confirmation):
    repository.submit_tasks(make_tasks(tasks))
    selection = select_where(repository, parse(asked))

    seen = preview(repository, verb, selection, SETTINGS)

    assert seen.confirmation is confirmation
    assert seen.word == str(tasks)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_profile_can_have_every_change_asked_and_its_name_typed(repository):
    repository.submit_tasks(make_tasks(1))
    careful = Settings(url="sqlite://", profile="prod", confirm=True)
    selection = select_where(repository, parse("queue:mail"))

    seen = preview(repository, REQUEUE, selection, careful)

    assert (seen.confirmation, seen.word) == (Confirmation.YES_NO, "prod")
