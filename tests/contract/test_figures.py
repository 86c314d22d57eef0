"""Timings, activity, rates and open pairs: what an operator decides by, so they must be exact."""

from datetime import datetime, timedelta

import pytest

from tasq_core import Client, InvalidInputError, InvalidTypeError, Spread, TaskStatus
from tasq_core.repository.figures_sql import FigureReader
from tasq_core.timings import read_activity, read_timings
from tests.support.builders import make_task

DONE, FAILED = TaskStatus.SUCCESSFUL, TaskStatus.FAILED
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def ended(now: datetime, wait: float, run: float, status: TaskStatus = DONE, **fields):
    """A task that ended ten seconds ago."""
    end = fields.pop("end", now - 10 * SECOND)
    started = end - run * SECOND
    return make_task(
        status=status, created_at=started - wait * SECOND, started_at=started, finished_at=end,
        **fields,
    )  # fmt: skip


def fill(client: Client, tasks):
    client.repository.restore_tasks(list(tasks))


def test_percentiles_are_those_of_the_tasks_that_ended_in_the_window(client: Client):
    """A wrong percentile sends an operator after the wrong type."""
    now = client.repository.now()
    fill(client, (ended(now, wait=n, run=n / 10) for n in range(1, 101)))
    fill(client, [ended(now, 5, 50, FAILED, type="report", queue="bulk")])
    fill(client, [ended(now, 900, 900, end=now - timedelta(hours=2))])

    email, report = client.new_inspector().timings(by="type").rows
    assert (email.name, email.done, email.failed) == ("email", 100, 0)
    assert email.wait == Spread(50, 95, 100)
    assert email.run == Spread(5.0, 9.5, 10.0)
    assert (report.name, report.failed, report.failed_share) == ("report", 1, 1.0)
    assert report.wait == Spread(5, 5, 5)
    assert report.run == Spread(50, 50, 50)

    queues = client.new_inspector().timings(by="queue").rows
    assert [(row.name, row.done + row.failed) for row in queues] == [("bulk", 1), ("mail", 100)]
    (whole,) = client.new_inspector().timings(by=None, since=timedelta(hours=3)).rows
    assert (whole.done, whole.failed) == (101, 1)


def test_tasks_that_never_started_count_but_have_no_times(client: Client):
    now = client.repository.now()
    fill(client, [make_task(status=FAILED, created_at=now - MINUTE, finished_at=now - SECOND)])
    (row,) = client.new_inspector().timings().rows
    assert (row.failed, row.wait, row.run) == (1, None, None)
    fill(client, [ended(now, 2, 1)])
    (row,) = client.new_inspector().timings().rows
    assert (row.done, row.failed, row.wait) == (1, 1, Spread(2, 2, 2))


def test_a_task_made_new_again_is_not_among_those_that_ended(client: Client):
    now = client.repository.now()
    fill(client, [make_task(created_at=now - MINUTE, finished_at=now - SECOND)])
    assert client.new_inspector().timings().rows == ()


def test_names_that_differ_in_case_or_hold_anything_are_told_apart(client: Client):
    now = client.repository.now()
    names = ["Email", "email", "", "émail", "%(x)s {by}", "x" * 3000]
    fill(client, (ended(now, 1, 1, type=name) for name in names))
    assert sorted(row.name for row in client.new_inspector().timings().rows) == sorted(names)
    counted = client.new_inspector().activity(by="type").buckets
    assert {bucket.name for bucket in counted} == set(names)


def test_where_more_ended_than_is_read_the_result_says_since_when(client: Client):
    """Figures of a part that look like those of the whole mislead."""
    repository = client.repository
    now = repository.now()
    fill(client, (ended(now, 1, 1, end=now - n * MINUTE) for n in range(1, 11)))
    reader, begin = FigureReader(repository), now - timedelta(hours=1)

    whole = read_timings(reader, "type", begin, now, 11)
    assert (whole.read, whole.sampled) == (10, False)
    part = read_timings(reader, "type", begin, now, 4)
    assert (part.read, part.sampled, part.sampled_since) == (4, True, now - 4 * MINUTE)

    activity = read_activity(reader, None, begin, now, MINUTE, 4)
    assert sum(bucket.done for bucket in activity.buckets) == 4
    assert activity.sampled_since == now - 4 * MINUTE


def test_the_newest_arrivals_are_read_whatever_became_of_them(client: Client):
    """Those of one status alone would look like a change of the rate."""
    now = client.repository.now()
    statuses = list(TaskStatus) * 3
    fill(
        client,
        [
            make_task(created_at=now - n * MINUTE, status=status, type=status.value)
            for n, status in enumerate(statuses, start=1)
        ],
    )
    reader = FigureReader(client.repository)
    for by in (None, "type"):
        read = reader.arrived(by, now - timedelta(hours=1), now, MINUTE, 7)
        assert sum(row.number for row in read) == 7
        assert min(row.first for row in read) == now - 7 * MINUTE
    names = {row.name for row in read}
    assert names == {status.value for status in statuses[:7]}
    assert 10_000 <= reader.most_rows <= 50_000


def test_activity_counts_what_arrived_and_ended_by_bucket(client: Client):
    now = client.repository.now()
    edge = now.replace(minute=now.minute // 10 * 10, second=0, microsecond=0)
    before = edge - timedelta(minutes=10)
    fill(
        client,
        [
            ended(now, 60, 60, end=edge - MINUTE),  # made and ended within the bucket before
            ended(now, 60, 60, FAILED, end=edge - 2 * MINUTE),
            make_task(created_at=edge - SECOND, queue="bulk"),
            make_task(created_at=edge - timedelta(days=1)),
        ],
    )
    activity = client.new_inspector().activity(since=edge - timedelta(minutes=30), bucket=600)
    assert [(b.start, b.arrived, b.done, b.failed) for b in activity.buckets] == [(before, 3, 1, 1)]
    by_queue = client.new_inspector().activity(since=timedelta(hours=1), bucket=600, by="queue")
    assert [(b.name, b.arrived, b.done) for b in by_queue.buckets] == [
        ("bulk", 1, 0), ("mail", 2, 1),
    ]  # fmt: skip
    assert not activity.sampled


def test_rates_say_when_the_backlog_is_gone_or_that_it_never_is(client: Client):
    now = client.repository.now()
    ancient = now - timedelta(days=1)
    end = now - MINUTE
    fill(client, (ended(now, 86400, 1, end=end) for _ in range(20)))
    fill(client, (make_task(created_at=ancient) for _ in range(40)))
    fill(client, (make_task(created_at=now - MINUTE, queue="bulk") for _ in range(10)))
    fill(client, [ended(now, 86400, 1, queue="idle", end=end)])

    bulk, idle, mail = client.new_inspector().rates(by="queue", since=600).rows
    assert (mail.name, mail.waiting, mail.arrived_per_minute) == ("mail", 40, 0)
    assert mail.ended_per_minute == pytest.approx(2)
    assert mail.empty_in == pytest.approx(20 * 60)
    assert (bulk.name, bulk.waiting, bulk.empty_in) == ("bulk", 10, None)
    assert bulk.arrived_per_minute == pytest.approx(1)
    assert (idle.name, idle.waiting, idle.empty_in) == ("idle", 0, 0)


def test_open_tasks_are_counted_by_queue_and_type_with_since_when_they_wait(client: Client):
    now = client.repository.now()
    hour = timedelta(hours=1)
    fill(
        client,
        [
            make_task(created_at=now - 2 * hour),
            make_task(created_at=now - 9 * hour, visible_at=now - hour),  # was delayed
            make_task(visible_at=now + hour, receive_count=1, last_error="no", created_at=now),
            make_task(status=TaskStatus.IN_PROGRESS, visible_at=now + hour, created_at=now),
            make_task(status=TaskStatus.IN_PROGRESS, visible_at=now - hour, type="b"),
            make_task(status=TaskStatus.ENQUEUED, visible_at=now - 3 * hour, receive_count=1,
                      max_receives=1, type="b"),
            make_task(status=DONE, type="c"),
        ],
    )  # fmt: skip
    b, email = FigureReader(client.repository).open_pairs()
    assert (email.queue, email.type) == ("mail", "email")
    assert (email.ready, email.delayed, email.leased, email.retrying) == (2, 1, 1, 1)
    assert (email.lapsed, email.ready_since) == (0, now - 2 * hour)
    assert (b.type, b.ready, b.lapsed, b.exhausted) == ("b", 1, 2, 1)
    assert b.lapsed_since == now - 3 * hour


def test_what_has_no_meaning_is_refused(client: Client):
    inspector = client.new_inspector()
    with pytest.raises(InvalidInputError, match="can't group by 'status'"):
        inspector.timings(by="status")
    with pytest.raises(InvalidInputError, match="needs a time zone"):
        inspector.timings(since=datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake
    with pytest.raises(InvalidInputError, match="the window is empty"):
        inspector.activity(since=60, until=3600)
    with pytest.raises(InvalidTypeError):
        inspector.rates(since="1h")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="take longer ones"):
        inspector.activity(since=86400, bucket=0.001)
    with pytest.raises(InvalidInputError):
        inspector.activity(bucket=0)
