"""Claiming: which tasks, in which order, for how long, and what ends them."""

import random
from datetime import timedelta
from typing import Any

import pytest

from tasq_core import InvalidInputError, Lease, Repository, TaskStatus
from tasq_core.task import Ordering, Task
from tests.contract.rows import lapse
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database
from tests.support.wait import wait_until

ORDERINGS = list(Ordering)


def test_a_claim_is_enqueued_counted_and_leased_by_the_databases_clock(repository: Repository):
    task = repository.submit_task(make_task())
    before = repository.now()
    (claimed,) = repository.poll_tasks("email", "mail", timedelta(seconds=30))
    assert (claimed.id, claimed.args) == (task.id, task.args)
    assert (claimed.status, claimed.receive_count) == (TaskStatus.ENQUEUED, 1)
    assert before + timedelta(seconds=30) <= claimed.visible_at
    assert claimed.visible_at <= repository.now() + timedelta(seconds=30)
    assert repository.get_tasks([task.id]) == [claimed]


def test_a_claimed_task_isnt_claimed_again_while_its_lease_runs(repository: Repository):
    repository.submit_task(make_task())
    assert len(repository.poll_tasks("email", "mail", 30)) == 1
    assert repository.poll_tasks("email", "mail", 30) == []


def test_a_lapsed_lease_is_claimed_again_with_a_higher_count(
    repository: Repository, database: Database
):
    repository.submit_task(make_task())
    for count in (1, 2, 3):
        (claimed,) = repository.poll_tasks("email", "mail", 30)
        assert claimed.receive_count == count
        lapse(database, [claimed])


def test_a_lease_lapses_by_itself(repository: Repository):
    repository.submit_task(make_task())
    assert len(repository.poll_tasks("email", "mail", 0.05)) == 1
    (again,) = wait_until(lambda: repository.poll_tasks("email", "mail", 30))
    assert again.receive_count == 2


@pytest.mark.parametrize("status", ["NEW", "ENQUEUED", "IN_PROGRESS"])
def test_every_open_status_is_claimable_once_visible(repository: Repository, status: str):
    task = make_task(status=TaskStatus(status), receive_count=4)
    repository.restore_tasks([task])
    assert [found.receive_count for found in repository.poll_tasks("email", "mail", 30)] == [5]


def test_finished_and_invisible_tasks_arent_claimed(repository: Repository):
    later = repository.now() + timedelta(hours=1)
    repository.restore_tasks(
        [make_task(status=TaskStatus.SUCCESSFUL), make_task(status=TaskStatus.FAILED)]
        + [make_task(status=status, visible_at=later) for status in list(TaskStatus)[:3]]
    )
    assert repository.poll_tasks("email", "mail", 30) == []


# -- order ---------------------------------------------------------------------------------


def shuffled(repository: Repository, seed: int = 7) -> list[Task]:
    """Tasks of two queues and types whose times and priorities repeat and cross."""
    chance = random.Random(seed)
    start = repository.now() - timedelta(hours=1)
    tasks = [
        make_task(
            type=chance.choice("ab"),
            queue=chance.choice("xy"),
            priority=chance.randrange(-2, 3),
            created_at=start + timedelta(seconds=chance.randrange(8)),
        )
        for _ in range(60)
    ]
    repository.submit_tasks(tasks)
    return tasks


def key(ordering: Ordering) -> Any:
    if ordering is Ordering.PRIORITY_FIRST:
        return lambda task: (-task.priority, task.created_at)
    return lambda task: (task.created_at, -task.priority)


@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize("kinds", [("a", "x"), (["a", "b"], ["y", "x"]), (None, None), ("b", None)])
def test_claims_come_in_the_order_asked_for(
    repository: Repository, ordering: Ordering, kinds: tuple[Any, Any]
):
    types, queues = kinds
    expected = [
        key(ordering)(task)
        for task in sorted(shuffled(repository), key=key(ordering))
        if (types is None or task.type in types) and (queues is None or task.queue in queues)
    ]
    got: list[Task] = []
    while batch := repository.poll_tasks(types, queues, 30, ordering, 7):  # type: ignore[arg-type]
        got += batch
    assert list(map(key(ordering), got)) == expected
    assert len({task.id for task in got}) == len(expected)


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_a_claim_is_no_larger_than_its_limit(repository: Repository, ordering: Ordering):
    repository.submit_tasks(make_tasks(5))
    assert len(repository.poll_tasks("email", "mail", 30, ordering, 3)) == 3
    assert len(repository.poll_tasks("email", "mail", 30, ordering, 3)) == 2


@pytest.mark.parametrize("limit", [0, -1])
def test_no_room_claims_nothing(repository: Repository, limit: int):
    repository.submit_task(make_task())
    assert repository.poll_tasks("email", "mail", 30, limit=limit) == []


# -- types and queues ----------------------------------------------------------------------


@pytest.mark.parametrize(("types", "queues"), [([], ["mail"]), (["email"], []), ((), None)])
def test_an_empty_sequence_claims_nothing(
    repository: Repository, types: list[str] | None, queues: list[str] | None
):
    repository.submit_task(make_task())
    assert repository.poll_tasks(types, queues, 30) == []
    assert repository.get_tasks([]) == []


def test_none_is_no_restriction_and_a_str_is_one_element(repository: Repository):
    repository.submit_tasks([make_task(type="ab", queue="xy"), make_task(type="a", queue="x")])
    assert [task.type for task in repository.poll_tasks("ab", None, 30)] == ["ab"]
    assert [task.queue for task in repository.poll_tasks(None, "x", 30)] == ["x"]


LOOKALIKES = [
    "mail",
    "MAIL",
    "Mail",
    "mail ",
    " mail",
    "maïl",
    "mail\t",
    "mai",
    "mail" * 40,
    "mail" * 40 + "!",
    "%",
    "_",
    "",
]


def test_types_and_queues_compare_byte_for_byte(repository: Repository):
    repository.submit_tasks(make_task(type=name, queue=name) for name in LOOKALIKES)
    for name in LOOKALIKES:
        found = repository.poll_tasks(name, name, 30)
        assert [(task.type, task.queue) for task in found] == [(name, name)]


def test_only_the_types_and_queues_asked_for_are_claimed(repository: Repository):
    repository.submit_tasks(make_task(type=type, queue=queue) for type in "abc" for queue in "xyz")
    found = repository.poll_tasks(["a", "c", "a"], ["z", "x"], 30, limit=50)
    assert {(task.type, task.queue) for task in found} == {
        (type, queue) for type in "ac" for queue in "xz"
    }


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_forty_types_in_five_queues_are_claimed_in_order(
    repository: Repository, ordering: Ordering
):
    chance = random.Random(3)
    start = repository.now() - timedelta(hours=1)
    types, queues = [f"type {n}" for n in range(40)], [f"queue {n}" for n in range(5)]
    tasks = [
        make_task(
            type=chance.choice(types), queue=chance.choice(queues),
            priority=chance.randrange(3), created_at=start + timedelta(seconds=n // 2),
        )
        for n in range(400)
    ]  # fmt: skip
    repository.submit_tasks(tasks)
    got: list[Task] = []
    while batch := repository.poll_tasks(types, queues, 60, ordering, 90):
        got += batch
    assert list(map(key(ordering), got)) == sorted(map(key(ordering), tasks))


# -- receives ------------------------------------------------------------------------------


def test_zero_max_receives_is_no_limit(repository: Repository, database: Database):
    repository.submit_task(make_task(max_receives=0))
    for _ in range(5):
        (claimed,) = repository.poll_tasks("email", "mail", 30)
        assert not claimed.is_last_receive()
        lapse(database, [claimed])


@pytest.mark.parametrize("limit", [1, 3])
def test_a_task_that_used_up_its_receives_ends_failed(
    repository: Repository, database: Database, limit: int
):
    task = repository.submit_task(make_task(max_receives=limit))
    for count in range(1, limit + 1):
        (claimed,) = repository.poll_tasks("email", "mail", 30)
        assert claimed.is_last_receive() == (count == limit)
        lapse(database, [claimed])
    assert repository.poll_tasks("email", "mail", 30) == []
    (ended,) = repository.get_tasks([task.id])
    assert (ended.status, ended.receive_count) == (TaskStatus.FAILED, limit)
    assert "attempts used up" in (ended.last_error or "")
    assert ended.finished_at is not None
    assert repository.poll_tasks("email", "mail", 30) == []


def test_a_last_receive_that_still_runs_isnt_failed(repository: Repository):
    task = repository.submit_task(make_task(max_receives=1))
    (claimed,) = repository.poll_tasks("email", "mail", 30)
    assert repository.poll_tasks("email", "mail", 30) == []
    assert repository.get_tasks([task.id]) == [claimed]


def test_only_exhausted_tasks_of_the_types_and_queues_asked_for_are_failed(repository: Repository):
    spent = {"max_receives": 1, "receive_count": 1, "status": TaskStatus.ENQUEUED}
    mine, others = (
        make_task(**spent),
        [make_task(type="EMAIL", **spent), make_task(queue="x", **spent)],
    )
    repository.restore_tasks([mine, *others])
    assert repository.poll_tasks("email", "mail", 30) == []
    assert repository.get_tasks([mine.id])[0].status is TaskStatus.FAILED
    assert repository.get_tasks([task.id for task in others]) == others


def test_an_exhausted_task_keeps_what_its_last_error_said(repository: Repository):
    task = make_task(
        max_receives=1, receive_count=1, last_error="ValueError: é", status=TaskStatus.IN_PROGRESS
    )
    repository.restore_tasks([task])
    repository.poll_tasks("email", "mail", 30)
    error = repository.get_tasks([task.id])[0].last_error or ""
    assert error.startswith("attempts used up")
    assert error.endswith("ValueError: é")


def test_exhausted_tasks_dont_stand_in_the_way_of_others(repository: Repository):
    start = repository.now() - timedelta(hours=1)
    spent = [
        make_task(max_receives=2, receive_count=2, status=TaskStatus.ENQUEUED, created_at=start)
        for _ in range(30)
    ]
    good = make_tasks(3)
    repository.restore_tasks(spent + good)
    found = repository.poll_tasks("email", "mail", 30, limit=10)
    assert {task.id for task in found} == {task.id for task in good}


# -- refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 1e12, "5", None, True])
def test_a_lease_needs_a_sane_length(repository: Repository, timeout: object):
    with pytest.raises(InvalidInputError, match="visibility_timeout"):
        repository.poll_tasks("email", "mail", timeout)  # type: ignore[arg-type]


def test_an_unknown_ordering_is_refused_with_what_would_do(repository: Repository):
    with pytest.raises(InvalidInputError, match=r"sideways.*CREATED_AT_FIRST"):
        repository.poll_tasks("email", "mail", 30, "sideways")


def test_a_lease_names_the_claim_it_came_from(repository: Repository):
    task = repository.submit_task(make_task())
    (claimed,) = repository.poll_tasks("email", "mail", 30)
    assert Lease.of(claimed) == (task.id, 1, claimed.visible_at.microsecond % 1000)
