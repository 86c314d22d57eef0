"""Every change can be taken back where its rows still are as it left them, and nowhere else."""

import json
import stat
from datetime import timedelta

import pytest

from tasq_core.errors import InvalidInputError, TasqError
from tasq_core.filters import Filter, parse
from tasq_core.task import IMMEDIATELY, TaskStatus
from tasq_core.transfer import to_line
from tasq_tui.admin import changes
from tasq_tui.admin.edits import Wanted
from tasq_tui.admin.errors import ChangeNotFoundError
from tasq_tui.admin.operation import prepare
from tasq_tui.admin.selection import select_where
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.trash import Trash
from tasq_tui.admin.undo import find_change
from tests.support.builders import make_task, make_tasks


@pytest.fixture
def settings(database):
    return Settings(url=database.url, prefix=database.prefix)


@pytest.fixture
def run(repository, settings):
    """Runs a change to its end; its outcome, which met no error."""

    def run(change):
        outcome = prepare(repository, settings, change).run(lambda _: True)
        assert outcome.error is None
        return outcome

    return run


@pytest.fixture
def undo(repository, settings, run):
    def undo(id=None):
        trash = Trash()
        return run(changes.undo(trash, find_change(trash, settings, repository.table, id)))

    return undo


def select(text="status:all"):
    return lambda repository: select_where(repository, parse(text))


def table_of(repository):
    return repository.page(Filter(), limit=5000)


def filled(repository):
    """A table with a task of every kind that nobody holds."""
    now = repository.now()
    repository.restore_tasks(
        [
            make_task(status=TaskStatus.FAILED, last_error="a\nb\u2028", finished_at=now,
                      receive_count=3, max_receives=3, visible_at=now, started_at=now),
            make_task(args=bytes(range(256)), type="søk", queue="", priority=-5),
            make_task(visible_at=now + timedelta(hours=1)),
            make_task(status=TaskStatus.SUCCESSFUL, finished_at=now),
        ]
    )  # fmt: skip
    return table_of(repository)


CHANGES = {
    "requeue": lambda: changes.requeue(select()),
    "reset": lambda: changes.requeue(select(), reset=True),
    "spread": lambda: changes.requeue(select(), spread=timedelta(minutes=5)),
    "edit": lambda: edit(queue="bulk", priority=9, max_receives=7, args={"a": 1}),
    "cancel": lambda: changes.cancel(select(), "no more"),
    "delete": lambda: changes.delete(select()),
    "purge": lambda: changes.delete(select(), changes.PURGE),
    "clean": lambda: changes.clean(parse("status:finished"), ("--age", "0s")),
}


def edit(**values):
    wanted = Wanted(**values)
    return changes.edit(select(), wanted.values, wanted.flags)


@pytest.mark.parametrize("name", CHANGES)
def test_undone_the_table_equals_the_original(repository, run, undo, name):
    """A column that came back otherwise would be found by nobody until a handler met it."""
    before = filled(repository)
    done = run(CHANGES[name]())
    assert done.result.done
    assert table_of(repository) != before

    undone = undo()

    assert undone.text.startswith(f"put back {done.result.done}")
    assert table_of(repository) == before


def test_an_import_is_undone_by_deleting_what_it_inserted_and_is_still_so(repository, run, undo):
    there = make_task()
    repository.submit_task(there)
    new = make_tasks(3)
    run(changes.restore([to_line(task) for task in [there, *new]], 4, ("x.ndjson",)))
    (claimed,) = repository.poll_tasks("email", "mail", 600, limit=1)
    assert claimed.id == there.id

    assert undo().text == "put back 3"

    assert [task.id for task in table_of(repository)] == [there.id]


def test_rows_that_went_on_or_are_held_are_skipped_and_counted(repository, run, undo):
    tasks = make_tasks(4, status=TaskStatus.FAILED)
    repository.restore_tasks(tasks)
    outcome = run(changes.requeue(select()))
    held, ended, *_ = repository.poll_tasks("email", "mail", 600, limit=2)
    repository.register_finish(ended, TaskStatus.SUCCESSFUL)

    undone = undo()

    assert undone.text == "put back 2, skipped 2 (changed since, or held by a consumer)"
    rows = {task.id: task.status for task in table_of(repository)}
    assert rows[held.id] is TaskStatus.ENQUEUED
    assert rows[ended.id] is TaskStatus.SUCCESSFUL
    assert sorted(rows.values()).count(TaskStatus.FAILED) == 2
    assert outcome.change_id


def test_a_cancelled_run_comes_back_as_ready_and_not_as_held(repository, run, undo):
    """Its lease back would be a task that waits for a holder who was told to drop it."""
    repository.submit_task(make_task(max_receives=1))
    (claimed,) = repository.poll_tasks("email", "mail", 600)
    run(changes.cancel(select()))

    undo()

    (row,) = table_of(repository)
    assert (row.status, row.visible_at) == (TaskStatus.NEW, IMMEDIATELY)
    assert (row.last_error, row.finished_at) == (None, None)
    assert [task.id for task in repository.poll_tasks("email", "mail", 30)] == [claimed.id]


def test_tasks_that_start_while_they_are_cancelled_are_one_task_each(
    repository, run, undo, monkeypatch
):
    """Each is kept twice, as it was and as it is: an undo would count 8 and leave 4."""
    repository.submit_tasks(make_tasks(4))
    swap = repository.swap_tasks

    def swap_late(swaps, **how):
        monkeypatch.setattr(repository, "swap_tasks", swap)
        repository.poll_tasks("email", "mail", 600, limit=4)
        return swap(swaps, **how)

    monkeypatch.setattr(repository, "swap_tasks", swap_late)
    assert run(changes.cancel(select())).result.done == 4

    undone = undo()

    assert (undone.text, undone.seen.total) == ("put back 4", 4)


def test_without_an_id_it_is_the_last_change_that_isnt_undone(repository, run, undo):
    repository.submit_task(make_task(queue="a"))
    run(edit(queue="b"))
    run(edit(queue="c"))
    queues = []
    for _ in range(2):
        undo()
        queues.append(table_of(repository)[0].queue)

    assert queues == ["b", "a"]
    with pytest.raises(ChangeNotFoundError, match="nothing to undo"):
        undo()


def test_an_undo_of_an_undo_does_the_change_again(repository, run, undo):
    repository.submit_tasks(make_tasks(3, queue="a"))
    first = run(edit(queue="b"))
    back = undo(first.change_id)
    with pytest.raises(TasqError, match=f"undone already, by change {back.change_id}"):
        undo(first.change_id)

    undo(back.change_id)

    assert {task.queue for task in table_of(repository)} == {"b"}


def test_an_undone_deletion_can_be_deleted_again_by_its_undo(repository, run, undo):
    repository.submit_tasks(make_tasks(3))
    run(changes.delete(select()))
    back = undo()
    assert repository.count(Filter()) == 3

    assert undo(back.change_id).result.done == 3
    assert repository.count(Filter()) == 0


def test_a_change_of_another_database_or_table_is_refused(repository, run, settings, tmp_path):
    repository.submit_task(make_task())
    outcome = run(edit(queue="b"))
    elsewhere = Settings(url=f"sqlite:///{tmp_path}/other.db")

    with pytest.raises(InvalidInputError, match=f"change {outcome.change_id} was made on"):
        find_change(Trash(), elsewhere, "tasks", outcome.change_id)
    with pytest.raises(InvalidInputError, match="table 'other_tasks'"):
        find_change(Trash(), settings, "other_tasks", outcome.change_id)
    with pytest.raises(ChangeNotFoundError, match="nothing to undo"):
        find_change(Trash(), elsewhere, "tasks", None)


@pytest.mark.parametrize("id", ["ffffffff", "", "x"])
def test_a_change_that_isnt_there_is_not_found(repository, settings, id):
    with pytest.raises(ChangeNotFoundError, match="tasq history"):
        find_change(Trash(), settings, repository.table, id)


@pytest.mark.parametrize("newer", [{"format": 99}, {"kind": "merged"}, {"format": 2, "kind": "x"}])
def test_a_file_of_a_newer_version_is_refused(repository, run, settings, newer):
    """After a downgrade history and undo would end in a traceback, for older changes too."""
    repository.submit_task(make_task())
    earlier = run(edit(queue="a"))
    outcome = run(edit(queue="b"))
    facts = outcome.trash.with_suffix(".json")
    facts.write_text(json.dumps({**json.loads(facts.read_text()), **newer}))

    for asked in (outcome.change_id, None):
        with pytest.raises(TasqError, match=f"{outcome.change_id} was written by a newer tasq"):
            find_change(Trash(), settings, repository.table, asked)
    assert find_change(Trash(), settings, repository.table, earlier.change_id).rows == 1


def test_files_are_private_and_the_rows_can_be_imported(repository, run):
    repository.submit_task(make_task())
    outcome = run(edit(queue="b"))

    files = sorted(outcome.trash.parent.iterdir())

    assert {path.suffix for path in files} == {".ndjson", ".changes", ".json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    repository.purge_tasks(None, None, None, False)
    lines = list(Trash().lines(outcome.trash))
    assert run(changes.restore(lines, 1, ("x",))).result.done == 1
    assert table_of(repository)[0].queue == "mail"


def test_a_change_that_was_stopped_is_undone_as_far_as_it_went(
    repository, settings, undo, monkeypatch
):
    monkeypatch.setattr("tasq_tui.admin.mutations.BATCH", 100)
    repository.submit_tasks(make_tasks(250, queue="a"))

    outcome = prepare(repository, settings, edit(queue="b")).run(lambda p: p.done < 200)

    assert (outcome.interrupted, outcome.result.done) == (True, 200)
    assert undo().result.done == 200
    assert {task.queue for task in table_of(repository)} == {"a"}
