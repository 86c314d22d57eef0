"""The demo's tasks are the same for the same seed, believable, and kept moving."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from tasq_core.filters import Filter
from tasq_core.last_error import storable_error
from tasq_core.task import TaskStatus
from tasq_tui.admin.demo import Demo, WorkFailedError, demo_database, fill
from tasq_tui.admin.demo_data import JOB_TYPES, Shop
from tests.support.wait import wait_until

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)


def test_the_same_seed_and_time_make_the_same_tasks():
    assert list(Shop(7).tasks(NOW, 300)) == list(Shop(7).tasks(NOW, 300))
    assert list(Shop(7).tasks(NOW, 300)) != list(Shop(8).tasks(NOW, 300))


def test_every_status_queue_and_state_is_there():
    tasks = list(Shop().tasks(NOW))
    statuses = Counter(task.status for task in tasks)

    assert {task.queue for task in tasks} == {"mail", "media", "billing", "reports", "webhooks"}
    assert statuses[TaskStatus.SUCCESSFUL] > 3000
    assert min(statuses[TaskStatus.FAILED], statuses[TaskStatus.NEW]) > 100
    assert all(task.last_error for task in tasks if task.status is TaskStatus.FAILED)
    assert any(task.unmarshal_args()["url"] for task in tasks if task.queue == "webhooks")
    assert len({task.id for task in tasks}) == len(tasks)


def test_what_fails_meanwhile_joins_the_errors_of_the_history():
    """Errors showed a newcomer the name of a class of tasq's beside those of the shop."""
    shop = Shop()
    for error in (shop.error(kind) for kind in JOB_TYPES for _ in range(9)):
        told = storable_error(WorkFailedError.of(error))
        assert told.partition("\n")[0] == error.partition("\n")[0]


def test_it_fills_any_database(repository):
    fill(repository, 400)
    counts, health = repository.open_counts()

    assert repository.count(Filter()) == 400
    assert min(health.ready, health.delayed, health.leased, sum(counts.values())) > 0
    assert len(repository.activity(datetime(2000, 1, 1, tzinfo=UTC))) > 5


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_producer_and_consumer_start_stop_and_start_again(repository):
    with demo_database() as settings:
        demo = Demo(settings)
        demo.prepare(100)
        from tasq_core.repository import open_repository

        watching = open_repository(settings.url)
        for _ in range(2):
            before, done = watching.count(Filter()), watching.finished_counts()
            demo.start()
            wait_until(lambda: watching.count(Filter()) > before, 20)  # noqa: B023 - used at once
            wait_until(lambda: watching.finished_counts() != done, 20)  # noqa: B023
            demo.stop()
            still = watching.count(Filter())
            assert watching.count(Filter()) == still
        demo.stop()
        watching.close()
