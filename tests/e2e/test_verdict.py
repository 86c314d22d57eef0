"""From the Overview's verdict to the cause, to the fix and back: by keyboard, on 80 columns.

What an operator does who is woken at night. Its keys and screens are kept, in order, in
artefacts/verdict/transcript.txt.
"""

from datetime import UTC, datetime, timedelta

import pytest

from tasq_core.task import TaskStatus
from tests.e2e.cockpit import TASQ, Cockpit
from tests.support.builders import make_task
from tests.support.wait import wait_until

pytestmark = [pytest.mark.pty, pytest.mark.slow, pytest.mark.timeout(300)]

NOW = datetime.now(UTC)
JOBS = """
def email(task):
    pass

def deliver(task):
    pass

mail = {"mail.send": email}
hooks = {"webhook.deliver": deliver}
"""
ERROR = """HTTPError: 503 Service Unavailable for /v2/events/{n}

Traceback (most recent call last):
  File "/srv/shop/jobs/hooks.py", line 55, in deliver
    client.post(url, json=event, timeout=10)
  File "/srv/shop/lib/http.py", line 186, in post
    raise_for_status(response)
HTTPError: 503 Service Unavailable for /v2/events/{n}
"""
HOOK = {"type": "webhook.deliver", "queue": "webhooks", "args": b'{"event": "order.paid"}'}


def tasks():
    """14 deliveries that failed lately, 20 that wait for ten minutes."""
    for number in range(14):
        ended = NOW - timedelta(minutes=2, seconds=number)
        yield make_task(
            status=TaskStatus.FAILED,
            receive_count=3,
            max_receives=3,
            last_error=ERROR.format(n=67_000 + number),
            created_at=ended - timedelta(minutes=1),
            started_at=ended - timedelta(seconds=2),
            finished_at=ended,
            **HOOK,
        )
    for number in range(20):
        yield make_task(created_at=NOW - timedelta(minutes=10, seconds=number), **HOOK)


@pytest.fixture
def fleet(database, tmp_path, start_process):
    """Three consumers at work; of the webhooks' queue they take nothing: it is paused."""
    (tmp_path / "shop_jobs.py").write_text(JOBS)
    client = database.client()
    client.migrate()
    client.pause(queue="webhooks", reason="the gateway answers 503")
    client.repository.restore_tasks([*tasks()])
    for name, handlers in (("mailer-1", "mail"), ("hooks-1", "hooks"), ("hooks-2", "hooks")):
        queue = {"mail": "mail", "hooks": "webhooks"}[handlers]
        start_process(
            *TASQ, "work", f"shop_jobs:{handlers}", "--name", name, "--queue", queue,
            "--workers", "2", "--url", database.url, "--prefix", database.prefix, cwd=tmp_path,
        )  # fmt: skip
    client.new_producer().submit_many(make_task(type="mail.send") for _ in range(40))
    inspector = client.new_inspector()
    wait_until(lambda: len(inspector.consumers()) == 3, 60)
    wait_until(lambda: inspector.count(types="mail.send", statuses="successful") == 40, 60)
    return inspector


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_the_verdict_leads_to_the_cause_and_the_fix_and_says_so(fleet, database, tmp_path):
    arguments = ("--url", database.url, "--prefix", database.prefix)
    with Cockpit("verdict", *arguments, columns=80, rows=24, cwd=tmp_path) as cockpit:
        cockpit.wait_for("queue webhooks: 20 tasks are ready")
        cockpit.wait_for("type webhook.deliver: 100% of 14")
        cockpit.capture("what-is-wrong")

        cockpit.press("Tab", until="► ▲ queue webhooks")
        cockpit.press("Down", until="► ▲ type webhook.deliver")
        errors = cockpit.press("Enter", until="Newest example")
        assert "HTTPError: <n> Service Unavailable" in errors
        cockpit.press("Enter", until="14 match")
        cause = cockpit.press("Enter", until="/srv/shop/jobs/hooks.py:55 in deliver")
        assert "attempt 3 of 3" in cause
        cockpit.press("Escape", until="14 match")
        cockpit.press("C-a", until="14 marked")
        cockpit.press("R", until="Requeue 14 tasks from zero?")
        cockpit.press("y", until="requeued 14")

        cockpit.press("1", until="queue webhooks: 34 tasks are ready")
        cockpit.press("Enter", until="p Pause")
        cockpit.press("p", until="resumed queue webhooks")
        wait_until(lambda: fleet.count(types="webhook.deliver", statuses="successful") == 34, 60)

        cockpit.press("1", until="all well")
        last = cockpit.screen()
        assert "nothing needs you" in last
        cockpit.press("5", until="hooks-1")
        cockpit.quit()
