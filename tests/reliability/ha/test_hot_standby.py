"""A hot standby: the command and the app read it, changes and consumers are refused with the reason."""

import pytest

from tasq_core import connect
from tasq_tui.admin.settings import Settings
from tasq_tui.ui.dialogs.confirm import ConfirmDialog
from tests.cli.conftest import Tasq
from tests.support import require
from tests.support.builders import make_tasks
from tests.support.databases import Database
from tests.support.servers import ServerUnavailableError
from tests.support.standby import execute, streaming_pair
from tests.support.wait import wait_until
from tests.tui.conftest import cockpit, press, screen_text, settled, toasts, until

READING = [
    ("list",), ("list", "--where", "status:failed", "-o", "ndjson"), ("count",), ("stats",),
    ("stats", "--by", "type", "--timings"), ("errors",), ("export", "--all"), ("fleet",),
    ("schedules",), ("doctor",), ("metrics",),
]  # fmt: skip
CHANGING = [
    ("submit", "email"), ("requeue", "--all", "--yes"), ("delete", "--all", "--yes"),
    ("purge", "--all", "--yes"), ("clean", "--age", "0s", "--yes"), ("cancel", "--all", "--yes"),
    ("edit", "--all", "--priority", "5", "--yes"), ("pause", "--queue", "mail"),
]  # fmt: skip


@pytest.fixture(scope="module")
def _pair():
    try:
        with streaming_pair() as pair:
            yield pair
    except ServerUnavailableError as error:
        require.missing("postgres", str(error))


@pytest.fixture
def standby(_pair):
    """A standby with ten tasks, one of them failed."""
    primary, standby = _pair
    with connect(primary.url, prefix="hot") as client:
        client.migrate()
        if not client.new_inspector().count():
            client.repository.submit_tasks(make_tasks(10))
            (task,) = client.repository.poll_tasks("email", "mail", 30, limit=1)
            client.repository.register_error(task, "refused")
            client.repository.register_finish(task, "FAILED")
    wait_until(lambda: execute(standby, "SELECT to_regclass('hot_tasks')") != [(None,)])
    wait_until(lambda: execute(standby, "SELECT count(*) FROM hot_tasks") == [(10,)])
    return Database("postgres", standby.url, "hot")


@pytest.fixture
def tasq(standby, tmp_path):
    return Tasq(standby, tmp_path)


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_the_command_reads_it(tasq, arguments):
    result = tasq(*arguments)
    assert result.code == 0, (result.out, result.err)
    assert "Traceback" not in result.err


def test_its_health_says_what_it_is(tasq):
    result = tasq("health", "--max-wait", "1d")
    assert result.code == 8, (result.out, result.err)
    assert "takes no writes (a standby)" in result.out


@pytest.mark.parametrize("arguments", CHANGING, ids=" ".join)
def test_a_change_is_refused_with_the_reason(tasq, arguments):
    result = tasq(*arguments)
    assert result.code == 7, (result.out, result.err)
    assert "read-only" in result.err
    assert "Traceback" not in result.err


def test_working_on_it_is_refused_with_the_reason(tasq):
    """The consumer tried again for ever, and its log spoke of an UPDATE."""
    (tasq.folder / "jobs.py").write_text("def email(task): pass\nhandlers = {'email': email}\n")
    result = tasq("work", "jobs:handlers", timeout=30)
    assert result.code == 7, result.err
    assert "standby" in result.err


async def test_the_app_reads_it_and_refuses_changes(standby):
    settings = Settings(url=standby.url, prefix="hot")
    async with cockpit(settings, size=(140, 45)) as (app, pilot):
        await until(pilot, lambda: "10 tasks" in screen_text(app))
        for key, shown in (("2", "email"), ("3", "mail"), ("4", "refused")):
            await press(pilot, key)
            await until(pilot, lambda shown=shown: shown in screen_text(app))
        for key in ("5", "7"):
            await press(pilot, key)
            await settled(pilot)
        await press(pilot, "2")
        await settled(pilot)
        await press(pilot, "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: any("read-only" in text for text in toasts(app)))
        await settled(pilot)
        assert "10" in screen_text(app)
