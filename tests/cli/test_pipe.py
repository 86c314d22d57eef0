"""`list -o ids | requeue -`: what an operator types at three in the morning."""

import threading
from datetime import UTC, datetime

import pytest

import tasq_core
from tests.support.builders import make_task

TASKS = {"sqlite": 100_000, "postgres": 20_000, "mysql": 20_000}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_requeue_of_listed_failures_leaves_what_arrives_meanwhile_alone(
    tasq, repository, backend
):
    count = TASKS[backend]
    failed = [
        make_task(
            status=tasq_core.TaskStatus.FAILED,
            receive_count=1,
            last_error="timeout",
            finished_at=datetime.now(UTC),
        )
        for _ in range(count)
    ]
    for start in range(0, count, 10_000):
        repository.restore_tasks(failed[start : start + 10_000])
    over, late = threading.Event(), []

    def produce():
        while not over.is_set():
            task = make_task(
                status=tasq_core.TaskStatus.FAILED,
                receive_count=1,
                last_error="timeout",
                finished_at=datetime.now(UTC),
            )
            repository.restore_tasks([task])
            late.append(task.id)
            over.wait(0.02)

    listed = tasq("list", "--where", "status:failed error:timeout", "-o", "ids", timeout=240)
    producer = threading.Thread(target=produce)
    producer.start()
    try:
        requeued = tasq("requeue", "-", "--yes", stdin=listed.out, timeout=240)
    finally:
        over.set()
        producer.join()

    assert len(listed.lines) == count
    assert (requeued.code, requeued.out) == (0, "")
    assert f"requeued {count:,}" in requeued.err.splitlines()
    assert late
    assert {task.status for task in repository.get_tasks(late)} == {tasq_core.TaskStatus.FAILED}
    assert repository.count_tasks("NEW", None, None) == count
