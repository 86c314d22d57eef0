"""A consumer whose claims get no answer: it releases what they brought, and probes with one."""

from typing import Any

import pytest

from tasq_core import ClaimUnansweredError, Lease, TaskStatus
from tests.core.consumer.faults import FaultyRepository, times, unavailable
from tests.support.wait import wait_until


class Unheard(FaultyRepository):
    """Loses the answers of claims: they were made, or rolled back."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.silent = True
        self.committed = True
        self.limits: list[int] = []

    def with_response_timeout(self, timeout: float) -> "Unheard":
        return self

    def poll_tasks(self, *args: Any) -> Any:
        self.limits.append(args[-1])
        tasks = self._inner.poll_tasks(*args)
        if not (self.silent and tasks):
            return tasks
        leases = [Lease.of(task) for task in tasks]
        if not self.committed:
            self._inner.release_leases(leases)
        raise ClaimUnansweredError("no answer, says the test", leases)


@pytest.fixture
def unheard(store) -> Unheard:
    return Unheard(store)


@pytest.mark.parametrize("committed", [True, False])
def test_what_an_unanswered_claim_brought_is_released_and_then_run(
    start, submit, unheard, store, committed
):
    """Each of them ended FAILED without a run: the claim had used up its one receive."""
    for _ in range(30):
        submit(max_receives=1)
    unheard.committed = committed
    start(lambda task: None, unheard)
    wait_until(lambda: len(unheard.limits) >= 4, message="some claims without an answer")
    unheard.silent = False
    wait_until(lambda: store.count_tasks("SUCCESSFUL", None, None) == 30)
    assert store.count_tasks("FAILED", None, None) == 0


def test_until_an_answer_comes_one_task_at_a_time_is_claimed(start, submit, unheard, store):
    """Batch after batch was claimed and given up."""
    for _ in range(30):
        submit()
    start(lambda task: None, unheard)
    wait_until(lambda: len(unheard.limits) >= 5)
    unheard.silent = False
    wait_until(lambda: store.count_tasks("SUCCESSFUL", None, None) == 30)
    first, *probes = unheard.limits[:5]
    assert first > 1
    assert set(probes) == {1}
    assert max(unheard.limits[5:]) > 1


@pytest.mark.slow
def test_nothing_is_claimed_while_a_claim_is_in_doubt(start, submit, unheard, store):
    submit()
    unheard.before("release_leases", unavailable)
    start(lambda task: None, unheard)
    wait_until(lambda: unheard.calls["release_leases"] >= 4)
    assert len(unheard.limits) == 1
    unheard.silent = False
    unheard.heal()
    wait_until(lambda: store.count_tasks("SUCCESSFUL", None, None) == 1)


@pytest.mark.slow
def test_a_stall_is_one_line_in_the_log_not_one_a_task(start, submit, unheard, store, caplog):
    for _ in range(30):
        submit()
    unheard.before("release_leases", times(3, unavailable))
    start(lambda task: None, unheard)
    wait_until(lambda: len(unheard.limits) >= 4)
    unheard.silent = False
    wait_until(lambda: store.count_tasks("SUCCESSFUL", None, None) == 30)
    (line,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "no answer to a claim of" in line.getMessage()


def test_a_stop_releases_what_is_in_doubt(start, submit, unheard, store):
    task = submit(max_receives=1)
    unheard.before("release_leases", times(2, unavailable))
    consumer = start(lambda task: None, unheard)
    wait_until(lambda: unheard.limits)
    consumer.stop()
    assert consumer.wait(30)
    (row,) = store.get_tasks([task.id])
    assert (row.status, row.receive_count) in {(TaskStatus.NEW, 0), (TaskStatus.ENQUEUED, 1)}


def test_a_task_whose_lease_ended_before_it_began_is_released(
    new_consumer, submit, wait_for_status
):
    """Dropped, it used up a receive: with max_receives=1 it ended FAILED without a run."""
    task = submit(max_receives=1)
    consumer = new_consumer()
    consumer.learn("email", lambda task: None)
    consumer.start()
    job = next(consumer.channel())
    job.expires = 0.0
    job()
    next(consumer.channel())()
    assert wait_for_status(task, TaskStatus.SUCCESSFUL).receive_count == 1
