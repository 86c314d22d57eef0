"""A row changes only where it still is as it was seen: the fence of every edit, cancel, undo."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core import InvalidInputError, Lease, LeaseLostError, Repository, Swap, TaskStatus
from tasq_core.filters import parse
from tasq_core.task import IMMEDIATELY
from tests.contract.rows import lapse
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def stored(repository: Repository, **fields: object):
    task = make_task(**fields)
    repository.restore_tasks([task])
    return repository.get_tasks([task.id])[0]


def test_every_column_but_id_creation_and_start_is_written(repository: Repository):
    """An undo that left one column out would restore a row that never was."""
    before = stored(repository, max_receives=2, args=b'{"a": 1}', visible_at=NOW)
    after = replace(
        before, type='søk "\\\u2028', args=bytes(range(256)), queue="", priority=-7,
        status=TaskStatus.FAILED, receive_count=3, max_receives=0, last_error="a\nb\t'%s",
        finished_at=NOW, visible_at=IMMEDIATELY,
    )  # fmt: skip

    assert repository.swap_tasks([Swap(before, after)]) == {before.id}
    assert repository.get_tasks([before.id]) == [after]
    assert repository.swap_tasks([Swap(after, before)]) == {before.id}
    assert repository.get_tasks([before.id]) == [before]


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"queue": "other"}, {"type": "other"}, {"priority": 1}, {"max_receives": 9},
        {"visible_at": NOW}, {"args": b"2"}, {"last_error": "x"}, {"finished_at": NOW},
        {"status": TaskStatus.FAILED}, {"receive_count": 1},
    ],
    ids=lambda fields: next(iter(fields)),
)  # fmt: skip
def test_a_row_that_differs_in_any_column_is_left_alone(repository: Repository, meanwhile):
    seen = stored(repository)
    there = replace(seen, **meanwhile)
    assert repository.swap_tasks([Swap(seen, there)]) == {seen.id}

    assert repository.swap_tasks([Swap(seen, replace(seen, priority=5))]) == set()
    assert repository.swap_tasks([Swap(seen, None)]) == set()
    assert repository.get_tasks([seen.id]) == [there]


def test_many_swap_at_once_each_with_its_own_values(repository: Repository):
    tasks = make_tasks(300, args=b"x" * 9000)
    repository.submit_tasks(tasks)
    swaps = [
        Swap(task, replace(task, priority=place, args=b"y" * 9000 if place % 2 else task.args))
        for place, task in enumerate(tasks)
    ]

    done = repository.swap_tasks(swaps)

    assert done == {task.id for task in tasks}
    assert repository.get_tasks([task.id for task in tasks]) == [swap.after for swap in swaps]


def test_a_leased_row_is_changed_only_by_who_breaks_its_lease(repository: Repository):
    repository.submit_task(make_task())
    (claimed,) = repository.poll_tasks("email", "mail", 30)
    after = replace(claimed, status=TaskStatus.FAILED, last_error="cancelled")

    assert repository.swap_tasks([Swap(claimed, after)]) == set()
    repository.ping_leases([Lease.of(claimed)], 60)
    started = repository.register_start(claimed)
    assert repository.live_leases([Lease.of(claimed)]) == {Lease.of(claimed)}
    assert repository.swap_tasks([Swap(claimed, after)], break_leases=True) == {claimed.id}

    assert repository.live_leases([Lease.of(claimed)]) == set()
    for write in (repository.register_start, lambda task: repository.register_error(task, "x")):
        with pytest.raises(LeaseLostError):
            write(started)
    with pytest.raises(LeaseLostError):
        repository.register_finish(started, "SUCCESSFUL")
    assert repository.ping_leases([Lease.of(claimed)], 30) == set()
    (row,) = repository.get_tasks([claimed.id])
    assert (row.status, row.last_error) == (TaskStatus.FAILED, "cancelled")
    assert row.started_at is not None, "its start was written after we looked"


def test_a_lease_that_passed_on_isnt_broken_by_who_saw_the_earlier_one(
    repository: Repository, database: Database
):
    repository.submit_task(make_task())
    (first,) = repository.poll_tasks("email", "mail", 30)
    lapse(database, [first])
    (second,) = repository.poll_tasks("email", "mail", 30)

    after = replace(first, status=TaskStatus.FAILED)
    assert repository.swap_tasks([Swap(first, after)], break_leases=True) == set()
    assert repository.get_tasks([second.id]) == [second]


def test_deleting_swaps_delete_and_missing_rows_are_left_out(repository: Repository):
    kept, doomed, gone = stored(repository), stored(repository), make_task()

    assert repository.swap_tasks([Swap(doomed, None), Swap(gone, None)]) == {doomed.id}
    assert repository.get_tasks([kept.id, doomed.id]) == [kept]
    assert repository.swap_tasks([]) == set()


def test_a_value_that_no_table_holds_is_refused_before_anything_is_written(repository: Repository):
    good, bad = stored(repository), stored(repository)

    with pytest.raises(InvalidInputError, match="priority 40000 is out of range"):
        repository.swap_tasks(
            [Swap(good, replace(good, priority=1)), Swap(bad, replace(bad, priority=40000))]
        )
    assert repository.get_tasks([good.id]) == [good]


def test_statuses_are_those_of_the_tasks_that_exist(repository: Repository):
    new, failed = stored(repository), stored(repository, status=TaskStatus.FAILED)

    found = repository.statuses([new.id, failed.id, make_task().id])

    assert found == {new.id: TaskStatus.NEW, failed.id: TaskStatus.FAILED}
    assert repository.statuses([]) == {}


def test_what_ended_since_a_time_comes_in_the_order_of_its_ends(repository: Repository):
    """`tasq tail` would show an end late, twice or never."""
    ended = [NOW + timedelta(seconds=place) for place in (2, 0, 1)]
    tasks = [
        make_task(status=TaskStatus.FAILED, finished_at=at, queue="other" if place == 2 else "mail")
        for place, at in enumerate(ended)
    ]
    repository.restore_tasks([*tasks, make_task()])

    def found(text: str, since: datetime, limit: int = 10) -> list[object]:
        return [task.id for task in repository.ended_since(parse(text), since, limit)]

    assert found("status:all", NOW) == [tasks[1].id, tasks[2].id, tasks[0].id]
    assert found("queue:mail", NOW + timedelta(microseconds=1)) == [tasks[0].id]
    assert found("status:all", NOW, 1) == [tasks[1].id]
    with pytest.raises(InvalidInputError, match="can't be followed"):
        found("args.a:1", NOW)
