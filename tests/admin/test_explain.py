"""Why a task isn't running, said in one line."""

from datetime import UTC, datetime, timedelta

import pytest

from tasq_core.task import IMMEDIATELY, TaskStatus
from tasq_tui.admin.explain import explain, explain_in_place
from tasq_tui.admin.wording import ago, span
from tests.support.builders import make_task

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)


def at(**offset):
    return NOW + timedelta(**offset)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"created_at": at(minutes=-5)}, "ready for 5m, and not claimed yet"),
        ({"visible_at": at(hours=2)}, "delayed: not before 2026-05-06 14:00:00Z (in 2h)"),
        ({"visible_at": at(seconds=30), "receive_count": 1}, "to be tried again: not before"),
        (
            {"status": TaskStatus.ENQUEUED, "visible_at": at(seconds=9)},
            "claimed it and not started it; its lease ends in 9s",
        ),
        (
            {"status": TaskStatus.IN_PROGRESS, "visible_at": at(seconds=9), "started_at": at(hours=-1)},
            "it is running, for 1h; its lease ends in 9s",
        ),
        (
            {"status": TaskStatus.IN_PROGRESS, "visible_at": at(minutes=-3)},
            "stopped extending the lease 3m ago",
        ),
        ({"receive_count": 3, "max_receives": 3, "visible_at": at(hours=-1)}, "used up its 3 attempts"),
        ({"status": TaskStatus.SUCCESSFUL, "finished_at": at(days=-2)}, "it succeeded 2d ago"),
        (
            {"status": TaskStatus.FAILED, "receive_count": 3, "max_receives": 3},
            "it failed after 3 of 3 attempts; requeue it",
        ),
    ],
)  # fmt: skip
def test_the_row_tells_what_holds_it(fields, told):
    fields = {"created_at": at(days=-3), "visible_at": IMMEDIATELY} | fields

    assert told in explain(make_task(**fields), NOW)


def test_a_ready_task_is_seen_among_the_others(repository):
    now = repository.now()
    old, young = make_task(created_at=now - timedelta(hours=1)), make_task(created_at=now)
    alone = make_task(type="other", created_at=now)
    repository.submit_tasks([old, young, alone])

    assert "is one running?; 1 older one is before it" in explain_in_place(repository, young, now)
    assert "no consumer holds a task of type 'other'" in explain_in_place(repository, alone, now)
    repository.poll_tasks("email", "mail", 600, limit=1)
    assert "it is the oldest of its type and queue" in explain_in_place(repository, young, now)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.9, "59s"), (60, "1m"), (3725, "1h 2m"), (86400, "1d"), (90061, "1d 1h"), (-5, "5s")],
)  # fmt: skip
def test_a_span_has_two_units_at_most(seconds, text):
    assert span(seconds) == text
    assert span(timedelta(seconds=seconds)) == text


def test_ago_looks_both_ways():
    assert [ago(at(minutes=-3), NOW), ago(at(hours=2), NOW), ago(NOW, NOW)] == [
        "3m ago", "in 2h", "now",
    ]  # fmt: skip
