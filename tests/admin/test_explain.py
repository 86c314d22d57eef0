"""Why a task isn't running, said in one line."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tasq_core.fleet.registry import Registry
from tasq_core.repository.side_tables import SideTables
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


def test_a_ready_task_is_seen_among_the_others(database):
    """Without side tables nothing but the tasks tells."""
    client = database.client()
    client.migrate(side_tables=False)
    repository = client.repository
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


def test_what_a_ready_task_waits_for_is_what_the_side_tables_say(client):
    """A pause or a quiet consumer read "is one running?": whoever looked started a second one."""
    repository = client.repository
    now = repository.now()
    task = make_task(created_at=now - timedelta(hours=1))
    repository.submit_tasks([task])

    def told():
        return explain_in_place(repository, task, now)

    assert "no registered consumer takes type 'email' in queue 'mail' (0 alive; Go's" in told()
    _register(client, "mailer-1", state="quiet")
    assert "mailer-1, which would take it, claims nothing: quiet" in told()
    _register(client, "mailer-2")
    assert "mailer-2 and 1 more will take it" in told()
    client.pause(type="email", reason="relay down", until=timedelta(hours=2))
    assert "type 'email' is paused by " in told()
    assert "(relay down), ends in " in told()


def _register(client, name, state="running"):
    row = {
        "name": name, "host": "h", "pid": 1, "version": "1", "release_name": "",
        "queues": '["mail"]', "types": '["email"]', "workers": 4, "state": state, "counts": "{}",
        "in_flight": '{"running": [], "waiting": []}', "last_error": None, "started_ago": 5.0,
        "heartbeat_seconds": 50.0,
    }  # fmt: skip
    Registry(SideTables(client.repository)).write(uuid4(), row)
