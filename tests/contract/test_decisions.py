"""What a handler decides by raising: Snooze, Retry and Discard, on every database."""

import time
from datetime import timedelta
from typing import Any

import pytest

import tasq_core as tasq
from tasq_core import Consumer, Lease, Outcome, Repository, TaskStatus
from tasq_core.task import IMMEDIATELY
from tests.support.builders import make_task
from tests.support.wait import wait_until


def ended(repository: Repository, error: BaseException, **fields: Any) -> tasq.Task:
    """The row of a task whose handler raised `error` once, as that left it."""
    task = repository.submit_task(make_task(**fields))
    consumer = Consumer(repository, queues="mail", poll_interval=0.1, visibility_timeout=20)
    raised = []

    @consumer.handler("email")
    def handler(task: tasq.Task) -> None:
        raised.append(task)
        consumer.stop()
        raise error

    consumer.start()
    next(consumer.channel())()
    assert consumer.wait(30)
    assert len(raised) == 1
    (row,) = repository.get_tasks([task.id])
    return row


def seconds_hidden(repository: Repository, row: tasq.Task) -> float:
    return (row.visible_at - repository.now()).total_seconds()


def test_a_snoozed_task_waits_and_its_receive_is_not_counted(repository: Repository):
    """A task that only waits for its turn would use up its receives and end FAILED unrun."""
    row = ended(repository, tasq.Snooze(3600), max_receives=1)
    assert (row.status, row.receive_count, row.last_error) == (TaskStatus.NEW, 0, None)
    assert row.finished_at is None
    assert 3500 < seconds_hidden(repository, row) <= 3600


def test_a_task_snoozed_for_no_time_is_visible_at_once(repository: Repository):
    row = ended(repository, tasq.Snooze(0))
    assert (row.visible_at, row.receive_count) == (IMMEDIATELY, 0)


def test_a_retry_counts_and_waits_as_long_as_it_says(repository: Repository):
    row = ended(repository, tasq.Retry(timedelta(hours=1), "the printer is busy"), max_receives=2)
    assert (row.status, row.receive_count) == (TaskStatus.NEW, 1)
    assert row.last_error == "the printer is busy"
    assert 3500 < seconds_hidden(repository, row) <= 3600


def test_a_retry_of_the_last_receive_is_final(repository: Repository):
    row = ended(repository, tasq.Retry(0, "again"), max_receives=1)
    assert (row.status, row.receive_count, row.last_error) == (TaskStatus.FAILED, 1, "again")


def test_a_retry_keeps_the_error_that_it_was_raised_from(repository: Repository):
    error = tasq.Retry(5, "later")
    error.__cause__ = ValueError("why")
    row = ended(repository, error)
    assert row.last_error == "later\n\nValueError: why"


def test_a_discarded_task_ends_failed_at_once_with_its_reason(repository: Repository):
    row = ended(repository, tasq.Discard("no such customer é\0"), max_receives=9)
    assert (row.status, row.receive_count) == (TaskStatus.FAILED, 1)
    assert row.last_error == "no such customer é\\x00"
    assert row.finished_at is not None


def test_a_batch_gives_back_the_receives_of_the_snoozed_only(repository: Repository):
    """Outcomes of all kinds travel in one statement."""
    repository.submit_tasks([make_task() for _ in range(4)])
    leases = [Lease.of(task) for task in repository.poll_tasks("email", "mail", 30)]
    now = time.monotonic()
    outcomes = [
        Outcome(leases[0], TaskStatus.NEW, now, None, None, 60, counted=False),
        Outcome(leases[1], TaskStatus.NEW, now, now, "bad", 60),
        Outcome(leases[2], TaskStatus.SUCCESSFUL, now, now),
        Outcome(leases[3], TaskStatus.NEW, now, None, None, 0, counted=False),
    ]
    assert repository.record_outcomes(outcomes) == set(leases)
    rows = repository.get_tasks([lease.task_id for lease in leases])
    assert [row.receive_count for row in rows] == [0, 1, 1, 0]


def test_a_snooze_under_a_lost_lease_changes_nothing(repository: Repository):
    repository.submit_tasks([make_task()])
    (task,) = repository.poll_tasks("email", "mail", 30)
    lease = Lease.of(task)
    outcome = Outcome(lease._replace(receive_count=7), TaskStatus.NEW, counted=False)
    assert repository.record_outcomes([outcome]) == set()
    assert repository.get_tasks([task.id])[0].receive_count == 1


def test_a_snooze_whose_commit_was_not_heard_of_is_no_lost_lease(
    repository: Repository, caplog: pytest.LogCaptureFixture
):
    """The row it left has a receive less: that is its own write, not another consumer's."""
    from tests.core.consumer.faults import FaultyRepository, times, unavailable

    faulty = FaultyRepository(repository)
    faulty.after("record_outcomes", times(1, unavailable))
    task = repository.submit_task(make_task())
    consumer = Consumer(faulty, queues="mail", poll_interval=0.1, visibility_timeout=20)  # type: ignore[arg-type]

    @consumer.handler("email")
    def handler(task: tasq.Task) -> None:
        consumer.stop()
        raise tasq.Snooze(60)

    consumer.start()
    next(consumer.channel())()
    wait_until(lambda: consumer.wait(0), 10)
    assert repository.get_tasks([task.id])[0].receive_count == 0
    assert "not recorded" not in caplog.text


@pytest.mark.parametrize("delay", [-1, float("nan"), "soon", None, True])
@pytest.mark.parametrize("kind", [tasq.Snooze, tasq.Retry])
def test_a_delay_that_cannot_be_used_says_so(kind: Any, delay: Any):
    with pytest.raises(tasq.InvalidInputError, match=f"{kind.__name__}'s delay"):
        kind(delay)


@pytest.mark.parametrize("make", [tasq.Discard, lambda reason: tasq.Retry(1, reason)])
def test_a_reason_is_text(make: Any):
    with pytest.raises(tasq.InvalidTypeError, match="reason must be text"):
        make(5)
