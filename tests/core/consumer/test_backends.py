from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasq_core import Consumer, ReadOnlyError, TaskStatus
from tests.support.builders import make_task
from tests.support.wait import wait_until

FINISHED = [TaskStatus.SUCCESSFUL, TaskStatus.FAILED]


@pytest.mark.slow
def test_a_mixed_load_ends_as_it_should_on_every_database(repository):
    """300 tasks: a third succeeds, a third fails for good, a third succeeds at its second try."""
    tasks = [make_task(args=b"%d" % number, max_receives=2) for number in range(300)]
    repository.submit_tasks(tasks)
    runs: Counter[bytes] = Counter()
    consumer = Consumer(repository, queues="mail", poll_interval=0.2, visibility_timeout=20)

    @consumer.handler("email")
    def handler(task):
        runs[task.args] += 1
        kind = int(task.args) % 3
        if kind == 1 or (kind == 2 and task.receive_count == 1):
            raise ValueError(f"kind {kind} \0")

    with ThreadPoolExecutor(8) as pool, consumer:
        feeding = pool.submit(lambda: [pool.submit(job) for job in consumer.channel()])
        wait_until(lambda: repository.count_tasks(FINISHED, None, None) == 300, 60)
        consumer.stop()
        feeding.result(30)
    rows = repository.get_tasks([task.id for task in tasks])
    assert Counter(row.status for row in rows) == {
        TaskStatus.SUCCESSFUL: 200,
        TaskStatus.FAILED: 100,
    }
    assert sum(runs.values()) == 500
    assert all(row.receive_count == runs[row.args] for row in rows)
    assert all(row.started_at <= row.finished_at for row in rows)
    assert all("kind 1 \\x00" in row.last_error for row in rows if row.status == "FAILED")


def test_a_drain_by_run_leaves_nothing_behind_on_any_database(repository):
    repository.submit_tasks([make_task() for _ in range(2000)])
    consumer = Consumer(
        repository, queues="mail", poll_interval=0.2, visibility_timeout=20,
        auto_delete_on_success=True,
    )  # fmt: skip
    left = Counter({"tasks": 2000})

    @consumer.handler("email")
    def handler(task):
        left.subtract(["tasks"])
        if not left["tasks"]:
            consumer.stop()

    consumer.run(workers=1)
    assert repository.count_tasks(None, None, None) == 0


def test_a_stop_gives_back_what_it_claimed_on_every_database(repository):
    repository.submit_tasks([make_task() for _ in range(20)])
    consumer = Consumer(repository, queues="mail", channel_size=5, max_active_tasks=5)
    consumer.learn("email", print)
    with consumer:
        wait_until(lambda: repository.count_tasks("ENQUEUED", None, None) == 5)
    rows = repository.scan_tasks(None, None, None, limit=20)
    assert {(row.status, row.receive_count) for row in rows} == {(TaskStatus.NEW, 0)}


def test_a_read_only_client_makes_no_consumer_on_any_database(database, repository):
    """It tried to claim for ever."""
    task = repository.submit_task(make_task())
    consumer = Consumer(database.open(read_only=True), queues="mail")
    consumer.learn("email", print)
    with pytest.raises(ReadOnlyError, match="read-only"):
        consumer.run(workers=1)
    assert not consumer.running
    assert repository.get_tasks([task.id]) == [task]
