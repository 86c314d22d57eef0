"""Leases: extended, released and fenced, so that only their holder's writes count."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest

from tasq_core import InvalidInputError, Lease, LeaseLostError, Repository, Task, TaskStatus
from tasq_core.reports import Outcome
from tasq_core.task import IMMEDIATELY
from tests.contract.rows import lapse
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database

Write = Callable[[Repository, Task], object]


def claim(repository: Repository, timeout: float = 30, limit: int = 10) -> list[Task]:
    return repository.poll_tasks("email", "mail", timeout, limit=limit)


def claim_one(repository: Repository, **fields: object) -> Task:
    repository.submit_task(make_task(**fields))
    (claimed,) = claim(repository)
    return claimed


def ended(lease: Lease) -> Outcome:
    return Outcome(lease, TaskStatus.SUCCESSFUL)


# -- pings ---------------------------------------------------------------------------------


def test_a_ping_really_extends_the_lease(repository: Repository):
    task = claim_one(repository)
    lease = Lease.of(task)
    before = repository.now()
    assert repository.ping_leases([lease], 600) == {lease}
    (pinged,) = repository.get_tasks([task.id])
    assert abs(pinged.visible_at - before - timedelta(seconds=600)) < timedelta(seconds=5)
    assert pinged.status is TaskStatus.ENQUEUED


def test_a_ping_may_shorten_a_lease(repository: Repository):
    task = claim_one(repository)
    repository.ping_leases([Lease.of(task)], 1)
    assert repository.get_tasks([task.id])[0].visible_at < task.visible_at


@pytest.mark.parametrize("timeout", [0.0101, 0.05, 1, 33.333333, 86400.25])
def test_a_ping_keeps_the_lease_the_same_lease(repository: Repository, timeout: float):
    lease = Lease.of(claim_one(repository))
    for _ in range(3):
        assert repository.ping_leases([lease], timeout) == {lease}
        (task,) = repository.get_tasks([lease.task_id])
        assert Lease.of(task) == lease


def test_a_ping_of_many_tells_which_are_still_held(repository: Repository):
    repository.submit_tasks(make_tasks(6))
    leases = [Lease.of(task) for task in claim(repository)]
    repository.record_outcomes([ended(leases[1])])
    repository.delete_tasks([leases[2].task_id], False)
    gone = Lease(uuid.uuid4(), 1, 0)
    stale = leases[3]._replace(receive_count=2)
    asked = [leases[0], leases[1], leases[2], stale, gone, leases[5]]
    assert repository.ping_leases(asked, 60) == {leases[0], leases[5]}
    assert repository.ping_leases([], 60) == set()


def test_a_lapsed_lease_that_nobody_took_can_be_extended(
    repository: Repository, database: Database
):
    task = claim_one(repository)
    lapse(database, [task])
    lease = Lease.of(task)
    assert repository.ping_leases([lease], 60) == {lease}
    assert claim(repository) == []


def test_gos_ping_takes_ids_and_returns_the_open_tasks(repository: Repository):
    repository.submit_tasks(make_tasks(3))
    first, second, third = claim(repository)
    repository.register_finish(second, "SUCCESSFUL")
    ids = [third.id, second.id, uuid.uuid4(), first.id]
    pinged = repository.ping_tasks(ids, timedelta(minutes=10))
    assert [task.id for task in pinged] == [third.id, first.id]
    assert all(task.visible_at > first.visible_at + timedelta(minutes=9) for task in pinged)
    assert Lease.of(pinged[1]) == Lease.of(first)
    assert repository.ping_tasks([], 10) == []
    assert len(repository.ping_tasks({first.id}, 10)) == 1


@pytest.mark.parametrize("timeout", [0, -5, "1"])
def test_a_ping_needs_a_sane_length(repository: Repository, timeout: object):
    for ping in (repository.ping_tasks, repository.ping_leases):
        with pytest.raises(InvalidInputError, match="visibility_timeout"):
            ping([], timeout)  # type: ignore[arg-type, operator]


# -- releases ------------------------------------------------------------------------------


def test_a_released_claim_is_visible_now_and_not_counted(repository: Repository):
    task = claim_one(repository)
    lease = Lease.of(task)
    assert repository.release_leases([lease]) == {lease}
    (released,) = repository.get_tasks([task.id])
    assert (released.status, released.receive_count) == (TaskStatus.NEW, 0)
    assert released.visible_at == IMMEDIATELY
    assert [task.receive_count for task in claim(repository)] == [1]


def test_a_started_task_isnt_released(repository: Repository):
    task = claim_one(repository)
    started = repository.register_start(task)
    assert repository.release_leases([Lease.of(task)]) == set()
    assert repository.get_tasks([task.id]) == [started]


def test_a_release_of_many_tells_which_were_released(repository: Repository):
    repository.submit_tasks(make_tasks(5))
    leases = [Lease.of(task) for task in claim(repository)]
    repository.record_outcomes([ended(leases[0])])
    lost = leases[1]._replace(nonce=(leases[1].nonce + 1) % 1000)
    assert repository.release_leases([leases[0], lost, *leases[2:]]) == set(leases[2:])
    assert repository.release_leases([]) == set()


# -- fencing -------------------------------------------------------------------------------

WRITES: dict[str, Write] = {
    "start": lambda repository, task: repository.register_start(task),
    "error": lambda repository, task: repository.register_error(task, "boom"),
    "finish": lambda repository, task: repository.register_finish(task, "FAILED"),
}
BATCHES: dict[str, Write] = {
    "ping": lambda repository, task: repository.ping_leases([Lease.of(task)], 99),
    "release": lambda repository, task: repository.release_leases([Lease.of(task)]),
    "outcome": lambda repository, task: repository.record_outcomes([ended(Lease.of(task))]),
    "retry": lambda repository, task: repository.record_outcomes(
        [Outcome(Lease.of(task), TaskStatus.NEW, error="boom")]
    ),
    "auto delete": lambda repository, task: repository.record_outcomes(
        [ended(Lease.of(task))._replace(delete=True)]
    ),
}


def passed_on(repository: Repository, database: Database, zombie: Task) -> Task:
    """Another consumer's claim of the same task, after the first one's lease lapsed."""
    lapse(database, [zombie])
    (held,) = claim(repository)
    return held


def other_mark(repository: Repository, old: Task) -> Task:
    """Claim until the nonce differs: one claim in a thousand has the nonce of another."""
    while (found := claim(repository)[0]).visible_at.microsecond % 1000 == Lease.of(old).nonce:
        repository.release_leases([Lease.of(found)])
    return found


def after_release(repository: Repository, database: Database, zombie: Task) -> Task:
    repository.release_leases([Lease.of(zombie)])
    return other_mark(repository, zombie)


def after_reset(repository: Repository, database: Database, zombie: Task) -> Task:
    lapse(database, [zombie])
    repository.requeue_tasks([zombie.id], reset=True)
    return other_mark(repository, zombie)


def after_deletion(repository: Repository, database: Database, zombie: Task) -> None:
    repository.delete_tasks([zombie.id], False)


def after_success(repository: Repository, database: Database, zombie: Task) -> Task:
    return repository.register_finish(passed_on(repository, database, zombie), "SUCCESSFUL")


LOSSES = [passed_on, after_release, after_reset, after_deletion, after_success]
"""Ways to lose a lease; after a release and a reset the receive count repeats."""


@pytest.mark.parametrize("lose", LOSSES)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_write_under_a_lost_lease_changes_nothing_and_says_so(
    repository: Repository, database: Database, lose: Callable[..., Task | None], write: Write
):
    zombie = claim_one(repository)
    lose(repository, database, zombie)
    before = repository.get_tasks([zombie.id])
    with pytest.raises(LeaseLostError, match=str(zombie.id)) as caught:
        write(repository, zombie)
    assert caught.value.task_id == zombie.id
    assert repository.get_tasks([zombie.id]) == before


@pytest.mark.parametrize("lose", LOSSES)
@pytest.mark.parametrize("write", BATCHES.values(), ids=BATCHES.keys())
def test_a_batch_under_a_lost_lease_changes_nothing_and_returns_nothing(
    repository: Repository, database: Database, lose: Callable[..., Task | None], write: Write
):
    zombie = claim_one(repository)
    lose(repository, database, zombie)
    before = repository.get_tasks([zombie.id])
    assert write(repository, zombie) == set()
    assert repository.get_tasks([zombie.id]) == before


@pytest.mark.parametrize("repeats", [after_release, after_reset])
def test_a_receive_count_that_repeats_is_told_apart_by_its_mark(
    repository: Repository, database: Database, repeats: Callable[..., Task]
):
    zombie = claim_one(repository)
    held = repeats(repository, database, zombie)
    assert held.receive_count == zombie.receive_count
    assert repository.record_outcomes([ended(Lease.of(zombie))]) == set()
    assert repository.record_outcomes([ended(Lease.of(held))]) == {Lease.of(held)}


def test_the_new_holder_isnt_disturbed_by_a_zombie(repository: Repository, database: Database):
    zombie = claim_one(repository)
    held = passed_on(repository, database, zombie)
    assert repository.ping_leases([Lease.of(zombie), Lease.of(held)], 60) == {Lease.of(held)}
    assert repository.register_finish(held, "SUCCESSFUL").status is TaskStatus.SUCCESSFUL


def test_a_requeue_doesnt_take_a_task_from_its_new_holder(
    repository: Repository, database: Database
):
    zombie = claim_one(repository)
    held = passed_on(repository, database, zombie)
    with pytest.raises(LeaseLostError):
        repository.requeue_task(zombie)
    assert repository.get_tasks([zombie.id]) == [held]
