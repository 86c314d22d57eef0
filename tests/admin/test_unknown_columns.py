"""A table with columns of someone else: a deletion that no undo could take back is refused."""

import pytest

from tasq_core.errors import TasqError
from tasq_core.filters import Filter
from tasq_tui.admin import changes
from tasq_tui.admin.edits import Wanted
from tasq_tui.admin.operation import prepare
from tasq_tui.admin.selection import select_ids
from tasq_tui.admin.settings import Settings
from tasq_tui.admin.trash import Trash
from tasq_tui.admin.undo import find_change
from tests.support.builders import make_task


@pytest.fixture
def settings(database):
    return Settings(url=database.url, prefix=database.prefix)


def add_column(database, repository) -> None:
    quote = "`" if database.backend == "mysql" else '"'
    database.execute(f"ALTER TABLE {quote}{repository.table}{quote} ADD COLUMN tenant VARCHAR(20)")


def test_a_deletion_is_refused_before_anything_is_touched(database, repository, settings):
    task = make_task()
    repository.submit_tasks([task])
    add_column(database, repository)

    def change(**options):
        return changes.delete(lambda r: select_ids(r, [task.id]), **options)

    with pytest.raises(TasqError, match=r"tenant.*--no-trash"):
        prepare(repository, settings, change())
    assert repository.count(Filter()) == 1
    assert not Trash().entries()

    assert prepare(repository, settings, change(keep=False)).run(lambda _: True).result.done == 1


def test_an_undo_is_refused_rather_than_done_without_them(database, repository, settings):
    task = make_task()
    repository.submit_tasks([task])
    delete = changes.delete(lambda r: select_ids(r, [task.id]))
    outcome = prepare(repository, settings, delete).run(lambda _: True)
    add_column(database, repository)

    found = find_change(Trash(), settings, repository.table, outcome.change_id)
    with pytest.raises(TasqError, match=r"trash doesn't know \(tenant\)"):
        prepare(repository, settings, changes.undo(Trash(), found))
    assert repository.count(Filter()) == 0


def test_what_changes_rows_in_place_keeps_the_columns_of_others(database, repository, settings):
    """An edit and its undo write none of them, and so need not be refused."""
    task = make_task()
    repository.submit_tasks([task])
    add_column(database, repository)
    database.execute(f"UPDATE {repository.table} SET tenant = 'acme'")
    wanted = Wanted(queue="bulk")
    edit = changes.edit(lambda r: select_ids(r, [task.id]), wanted.values, wanted.flags)

    outcome = prepare(repository, settings, edit).run(lambda _: True)
    found = find_change(Trash(), settings, repository.table, outcome.change_id)
    prepare(repository, settings, changes.undo(Trash(), found)).run(lambda _: True)

    assert database.execute(f"SELECT tenant, queue FROM {repository.table}") == [("acme", "mail")]
