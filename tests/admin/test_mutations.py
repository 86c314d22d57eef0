"""Changes go batch by batch, stop where they are closed, and leave what must be left."""

import pytest

from tasq_core.errors import TasqError
from tasq_core.filters import Filter, parse
from tasq_core.reports import MutationResult
from tasq_core.steering import requeued
from tasq_core.task import TaskStatus
from tasq_tui.admin.mutations import BATCH, delete, restore, swap
from tasq_tui.admin.selection import select_ids, select_where
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.trash import Trash
from tests.support.builders import make_task, make_tasks

SETTINGS = Settings(url="postgresql://app:secret@db/x")
MANY = 2 * BATCH + 100


def finish(mutation):
    """All of its progress, and its result."""
    seen = []
    while True:
        try:
            seen.append(next(mutation))
        except StopIteration as end:
            return seen, end.value


def test_progress_tells_what_is_committed_after_each_batch(repository):
    repository.submit_tasks(make_tasks(MANY))
    selection = select_where(repository, parse("status:new"))

    seen, result = finish(delete(repository, selection, MANY, trash=None))

    assert [progress.done for progress in seen] == [BATCH, 2 * BATCH, MANY]
    assert {progress.total for progress in seen} == {MANY}
    assert result == MutationResult(MANY, 0)
    assert repository.count(Filter()) == 0


def test_a_change_that_is_closed_stops_behind_its_batch(repository, tmp_path):
    repository.submit_tasks(make_tasks(MANY))
    selection = select_where(repository, Filter())

    with Trash(tmp_path).open(SETTINGS, "tasks", "tasq purge") as trash:
        change = delete(repository, selection, MANY, trash=trash)
        first = next(change)
        change.close()

    assert first.done == BATCH
    assert repository.count(Filter()) == MANY - BATCH
    assert trash.rows == BATCH


def test_a_requeue_of_what_goes_on_matching_ends(repository):
    repository.submit_tasks(make_tasks(MANY))
    selection = select_where(repository, parse("is:ready"))

    _, result = finish(swap(repository, selection, MANY, requeued, trash=None))

    assert result == MutationResult(MANY, 0)


def test_leased_tasks_are_skipped_and_counted(repository, tmp_path):
    repository.submit_tasks(make_tasks(5))
    repository.poll_tasks(None, None, 600, limit=2)
    selection = select_where(repository, Filter())

    with Trash(tmp_path).open(SETTINGS, "tasks", "x") as trash:
        _, result = finish(delete(repository, selection, 5, trash=trash))

    assert result == MutationResult(3, 2)
    assert trash.rows == 3


def test_a_task_that_ceased_to_match_after_the_freeze_is_left_alone(repository, tmp_path):
    repository.restore_tasks(make_tasks(3, status=TaskStatus.FAILED))
    selection = select_where(repository, parse("status:failed"))
    [saved, *_] = repository.page(Filter(), limit=1)
    repository.requeue_tasks([saved.id])

    with Trash(tmp_path).open(SETTINGS, "tasks", "x") as trash:
        _, result = finish(delete(repository, selection, 3, trash=trash))

    assert result.done == 2
    assert [task.id for task in repository.page(Filter())] == [saved.id]


def test_ids_that_are_gone_are_skipped(repository):
    [here, gone] = make_tasks(2)
    repository.submit_task(here)
    selection = select_ids(repository, [here.id, gone.id])

    assert finish(swap(repository, selection, 2, requeued, trash=None))[1] == MutationResult(1, 1)


def test_what_was_discarded_can_be_restored(repository, tmp_path):
    tasks = [make_task(args=bytes(range(256)), last_error="x\ny"), *make_tasks(BATCH)]
    repository.restore_tasks(tasks)
    before = repository.page(Filter(), limit=2000)
    trash = Trash(tmp_path)
    with trash.open(SETTINGS, "tasks", "x") as file:
        finish(delete(repository, select_where(repository, Filter()), 0, trash=file))

    _, result = finish(restore(repository, trash.lines(file.path)))
    _, again = finish(restore(repository, trash.lines(file.path)))

    assert (result.done, again.skipped) == (len(tasks), len(tasks))
    assert repository.page(Filter(), limit=2000) == before


def test_rows_are_on_the_disk_before_they_are_deleted(repository, tmp_path):
    repository.submit_tasks(make_tasks(3))
    folder = tmp_path / "file"
    folder.write_text("no folder")

    with (
        Trash(folder / "trash").open(SETTINGS, "tasks", "x") as trash,
        pytest.raises((TasqError, OSError)),
    ):
        finish(delete(repository, select_where(repository, Filter()), 3, trash=trash))

    assert repository.count(Filter()) == 3
