"""Commits that stall: the synchronous standby of a PostgreSQL is gone for a while."""

import logging
import threading
import time
from collections import Counter

import pytest

from tasq_core import Consumer, TaskStatus
from tasq_core.repository import open_repository
from tests.support import require
from tests.support.builders import make_tasks
from tests.support.servers import ServerUnavailableError
from tests.support.standby import synchronous_pair
from tests.support.wait import wait_until

pytestmark = [pytest.mark.ha, pytest.mark.slow, pytest.mark.timeout(240)]

TASKS = 3000
AWAY = 25.0
"""Seconds without a standby: longer than a lease, and five times the response timeout."""


@pytest.fixture
def pair():
    try:
        with synchronous_pair() as pair:
            yield pair
    except ServerUnavailableError as error:
        require.missing("postgres", str(error))


def test_a_synchronous_standby_that_is_away_ends_no_task_unrun(pair, outcome, caplog):
    """2,938 tasks with max_receives=1 ended FAILED, and none of them had run."""
    primary, standby = pair
    caplog.set_level(logging.INFO, "tasq_core.consumer")
    repository = open_repository(primary.url, "pair")
    repository.migrate()
    repository.submit_tasks(make_tasks(TASKS, queue="", max_receives=1))
    runs: Counter[str] = Counter()
    moments: list[float] = []
    consumer = Consumer(repository)

    @consumer.handler("email")
    def handler(task):
        runs[task.id] += 1
        moments.append(time.monotonic())
        time.sleep(0.01)

    thread = threading.Thread(target=consumer.run, args=(4,))
    thread.start()
    try:
        wait_until(lambda: len(moments) > 100, 30)
        standby.stop()
        time.sleep(AWAY)
        stalled = len(moments)
        standby.start()
        back = wait_until(lambda: standby.streaming and time.monotonic(), 30)
        wait_until(lambda: moments[-1] > back, 30, "a task to run again")
        first = next(moment for moment in moments if moment > back) - back
        wait_until(
            lambda: repository.count_tasks(["SUCCESSFUL", "FAILED"], None, None) == TASKS, 120
        )
    finally:
        consumer.stop()
        thread.join(30)
    assert repository.count_tasks("FAILED", None, None) == 0
    assert set(runs.values()) == {1}
    assert len(runs) == TASKS
    rows = repository.scan_tasks(None, None, None, limit=TASKS)
    assert {(row.status, row.receive_count) for row in rows} == {(TaskStatus.SUCCESSFUL, 1)}
    about_claims = [r for r in caplog.records if "no answer to a claim" in r.getMessage()]
    assert len(about_claims) <= 1
    assert not [r for r in caplog.records if "no answer" in r.getMessage() and "task_id" in vars(r)]
    assert first < 2
    repository.close()
    outcome(
        f"away for {AWAY:g} s after {stalled} of {TASKS} tasks with max_receives=1: none FAILED,"
        f" each ran once, the first {first:.2f} s after its return"
    )
