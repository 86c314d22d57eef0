"""Counts: exact, by status, by what holds the open tasks, by queue and type, by minute."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core import Client, Filter, InvalidInputError, Repository, TaskStatus
from tests.support.builders import make_task, make_tasks

FAILED, SUCCESSFUL = TaskStatus.FAILED, TaskStatus.SUCCESSFUL


def health_cases(repository: Repository) -> datetime:
    """One task for each thing that can hold an open one; the oldest ready one's creation."""
    now = repository.now()
    later, earlier = now + timedelta(hours=1), now - timedelta(hours=1)
    oldest = now - timedelta(days=2)
    spent = {"max_receives": 2, "receive_count": 2}
    repository.restore_tasks(
        [
            make_task(created_at=oldest),
            make_task(created_at=now),
            make_task(visible_at=later, created_at=oldest - timedelta(days=1)),
            make_task(status=TaskStatus.ENQUEUED, visible_at=later),
            make_task(status=TaskStatus.IN_PROGRESS, visible_at=later, **spent),
            make_task(status=TaskStatus.ENQUEUED, visible_at=earlier),
            make_task(status=TaskStatus.IN_PROGRESS, visible_at=earlier, **spent),
            make_task(visible_at=earlier, created_at=oldest - timedelta(days=9), **spent),
            make_task(status=FAILED),
            make_task(status=SUCCESSFUL),
            make_task(status=SUCCESSFUL),
        ]
    )
    return oldest


def test_open_tasks_are_counted_by_what_holds_them(repository: Repository):
    oldest = health_cases(repository)
    counts, health = repository.open_counts()
    assert counts == {"NEW": 4, "ENQUEUED": 2, "IN_PROGRESS": 2}
    assert (health.ready, health.delayed, health.leased) == (3, 1, 2)
    assert (health.stale, health.exhausted) == (2, 2)
    assert health.oldest_ready == oldest
    assert repository.finished_counts() == {SUCCESSFUL: 2, FAILED: 1}


def test_the_words_of_the_filter_agree_with_the_counts(repository: Repository, client: Client):
    health_cases(repository)
    _, health = repository.open_counts()
    found = {
        word: len(client.new_inspector().page(f"is:{word}").tasks)
        for word in ("ready", "delayed", "leased", "exhausted")
    }
    assert found == {
        "ready": health.ready, "delayed": health.delayed, "leased": health.leased,
        "exhausted": health.exhausted,
    }  # fmt: skip


def test_an_empty_table_counts_nothing(client: Client):
    repository, inspector = client.repository, client.new_inspector()
    summary = inspector.summary()
    assert (summary.open, summary.finished, summary.total) == (0, 0, 0)
    assert set(summary.counts) == set(TaskStatus)
    assert summary.health.oldest_ready is None
    assert inspector.breakdown("queue") == inspector.errors() == []
    assert repository.activity(repository.now()) == []


def test_a_summary_says_how_old_its_finished_counts_are(client: Client):
    client.repository.restore_tasks([make_task(status=FAILED), make_task()])
    inspector = client.new_inspector()
    first = inspector.summary()
    assert (first.open, first.finished, first.total) == (1, 1, 2)
    assert first.finished_at == first.taken_at
    client.repository.restore_tasks([make_task(status=FAILED), make_task()])
    cached = inspector.summary(max_age=3600)
    assert (cached.open, cached.finished) == (2, 1)
    assert cached.finished_at == first.finished_at < cached.taken_at
    assert inspector.summary().finished == 2


def test_counts_by_gos_three_arguments(client: Client):
    tasks = [
        make_task(type=type, queue=queue, status=status)
        for type in ("a", "A") for queue in ("x", "y ") for status in TaskStatus
    ]  # fmt: skip
    client.repository.restore_tasks(tasks)
    inspector = client.new_inspector()
    assert inspector.count() == 20
    assert inspector.count("failed") == 4
    assert inspector.count([FAILED, "NEW"], ["a"], None) == 4
    assert inspector.count(None, "A", "y ") == 5
    assert inspector.count(None, None, "y") == 0
    assert inspector.count(types=["a", "A", "a"], queues=["x"]) == 10


@pytest.mark.parametrize("limit", [None, 0, 3, 10, 11])
def test_counting_stops_at_a_limit(repository: Repository, limit: int | None):
    repository.submit_tasks(make_tasks(10))
    expected = 10 if limit is None else min(10, limit)
    assert repository.count(Filter(), limit) == expected


@pytest.mark.parametrize("by", ["queue", "type"])
def test_a_breakdown_tells_lookalike_names_apart(client: Client, by: str):
    names = ["mail", "MAIL", "mail ", "é", "e", ""]
    client.repository.restore_tasks(
        [
            make_task(**{by: name, "status": status})
            for name in names
            for status in (FAILED, FAILED, TaskStatus.NEW)
        ]
    )
    rows = client.new_inspector().breakdown(by)
    assert [row.name for row in rows] == sorted(names)
    assert all(row.counts == {FAILED: 2, TaskStatus.NEW: 1} for row in rows)
    assert all(row.total == 3 for row in rows)


def test_a_breakdown_by_something_else_is_refused(client: Client):
    with pytest.raises(InvalidInputError, match=r"colour.*queue"):
        client.new_inspector().breakdown("colour")


def test_activity_counts_by_the_minute(repository: Repository):
    minute = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    at = minute + timedelta(seconds=59, microseconds=999_999)
    ends = [
        (SUCCESSFUL, at),
        (SUCCESSFUL, minute),
        (FAILED, at),
        (FAILED, at + timedelta(minutes=2)),
    ]
    repository.restore_tasks(
        [make_task(status=status, finished_at=end) for status, end in ends]
        + [make_task(status=FAILED, finished_at=minute - timedelta(microseconds=1))]
        + [make_task(finished_at=at)]
    )
    assert sorted(repository.activity(minute)) == [
        (minute, FAILED, 1), (minute, SUCCESSFUL, 2), (minute + timedelta(minutes=2), FAILED, 1),
    ]  # fmt: skip


def test_now_is_utc_and_moves(repository: Repository):
    first = repository.now()
    assert first.tzinfo is UTC
    assert abs(first.timestamp() - time.time()) < 60
    assert repository.now() > first


def test_errors_are_grouped_by_what_they_say(client: Client):
    at = datetime(2026, 1, 2, tzinfo=UTC)
    said = [
        "timeout after 30 s",
        "timeout after 5 s",
        "no such user 'a'",
        "no such user 'b c'",
        None,
    ]
    tasks = [
        make_task(status=FAILED, last_error=error, type=f"t{n % 2}", finished_at=at + timedelta(n))
        for n, error in enumerate(said)
    ]
    client.repository.restore_tasks([*tasks, make_task(last_error="timeout after 1 s")])
    groups = {group.message: group for group in client.new_inspector().errors()}
    assert {message: group.count for message, group in groups.items()} == {
        "timeout after <n> s": 2, "no such user <text>": 2, "(no message)": 1,
    }  # fmt: skip
    group = groups["timeout after <n> s"]
    assert (group.first_seen, group.last_seen) == (at, at + timedelta(1))
    assert group.types == ("t0", "t1")
    assert group.task_ids == (tasks[1].id, tasks[0].id)
    assert group.sample_id == tasks[1].id
    assert len(client.new_inspector().errors("type:t0")) == 3
