"""What a consumer of any queue finds of new queues and types, where their list is kept for long."""

from datetime import timedelta
from uuid import UUID

import pytest

from tasq_core import Lease, Repository
from tasq_core.repository import claiming
from tests.support.builders import make_task
from tests.support.databases import Database
from tests.support.wait import wait_until


@pytest.fixture
def kept(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """One that has listed what there is: nothing, and makes no list for the next minutes."""
    monkeypatch.setattr(claiming, "_QUICK", -1.0)
    monkeypatch.setattr(claiming, "_IDLE", (1e-9, 300.0))
    monkeypatch.setattr(claiming, "_BUSY", (1e-9, 300.0))
    monkeypatch.setattr(claiming, "_LOOKS", 1e9)
    for _ in range(3):
        assert claim(repository) == []
    return repository


def claim(repository: Repository) -> list[UUID]:
    return [task.id for task in repository.poll_tasks(["a", "b"], None, 60)]


def test_the_first_task_of_a_queue_is_claimed_at_the_next_poll(kept: Repository):
    """It would wait for minutes."""
    tasks = [make_task(queue=f"queue {n}", type="ab"[n % 2]) for n in range(6)]
    kept.submit_tasks([*tasks, make_task(type="other")])

    assert set(claim(kept)) == {task.id for task in tasks}


@pytest.mark.slow
def test_a_delayed_task_of_a_new_queue_is_claimed_when_it_is_due(kept: Repository):
    """It is no longer among the newest by then."""
    delayed = make_task(type="a", visible_at=kept.now() + timedelta(seconds=2))
    kept.submit_task(delayed)
    assert claim(kept) == []
    kept.submit_tasks(make_task(type="other") for _ in range(claiming.NEWEST))

    wait_until(lambda: claim(kept) == [delayed.id], 20)


def test_a_retry_is_claimed_when_it_is_due(kept: Repository):
    """Its queue was emptied, and an old task is not among the newest."""
    task = kept.submit_task(make_task(type="a", created_at=kept.now() - timedelta(days=1)))
    (held,) = kept.poll_tasks("a", None, 60)
    kept.submit_tasks(make_task(type="other") for _ in range(claiming.NEWEST))
    assert claim(kept) == []
    assert kept.release_leases([Lease.of(held)])

    assert claim(kept) == [task.id]


def test_a_task_visible_since_ever_is_claimed(kept: Repository, database: Database):
    """Dates that no clock reaches can't be told from now by subtraction."""
    task = kept.submit_task(make_task(type="a"))
    if database.backend == "postgres":
        database.execute(f"UPDATE {database.table} SET visible_at = '-infinity'")
    if database.backend == "mysql":
        database.execute("SET SESSION sql_mode = ''")
        database.execute(f"UPDATE {database.table} SET visible_at = '0000-00-00 00:00:00'")

    assert claim(kept) == [task.id]
