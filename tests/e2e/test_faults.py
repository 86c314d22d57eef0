"""What a terminal app must survive: a database that dies, garbage keys, hostile rows."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest

from tasq_core.task import TaskStatus
from tests.e2e.cockpit import JOBS, Cockpit
from tests.support.builders import make_task
from tests.support.databases import Database

pytestmark = [pytest.mark.pty, pytest.mark.slow, pytest.mark.timeout(240)]

HOSTILE = (
    "[bold]x[/] [/nope] [@click=app.quit] \x1b]0;pwn\x07 \x1b[2J \x9b31m \u202e 日本👩\u200d🚀"
)
GARBAGE = "\x1b[200~[bold]\x07[/]; rm -rf /\x1b[201~"


@pytest.fixture
def database(tmp_path):
    """A table with three tasks."""
    database = Database("sqlite", f"sqlite:///{tmp_path}/shop.db", prefix="")
    database.client().migrate()
    repository = database.open()
    repository.restore_tasks([make_task() for _ in range(3)])
    yield database
    database.close()


@pytest.mark.parametrize("private_backend", ["postgres"])
def test_a_server_that_dies_is_told_and_the_app_goes_on_once_it_is_back(private_database, tmp_path):
    (tmp_path / "shop_jobs.py").write_text(JOBS)
    client = private_database.client()
    client.migrate()
    client.new_producer().submit("email", {"to": "ada@example.org"})
    private_database.close_connections()
    arguments = ("--url", private_database.url, "--prefix", private_database.prefix)
    with Cockpit("server-dies", *arguments, cwd=tmp_path) as cockpit:
        cockpit.press("2", until="1 task")
        cockpit.wait_for("● live")
        private_database.server.kill()
        screen = cockpit.press("F5", until="Database unavailable")
        assert "email" in screen
        cockpit.wait_for("next try in")
        cockpit.press("6", until="no handlers yet")
        cockpit.enter("l", "shop_jobs")
        cockpit.press("Enter", until="handles email, report")

        private_database.server.start()
        cockpit.send("2")
        cockpit.wait_until_gone("Database unavailable", timeout=60)
        cockpit.wait_for("● live")
        cockpit.capture("live-again")
        cockpit.send("6")
        cockpit.press("s", until="sending to ada@example.org")
        cockpit.wait_for("✓ succeeded")
        cockpit.quit()


@pytest.mark.parametrize("private_backend", ["postgres"])
def test_a_consumer_goes_on_by_itself_when_its_server_comes_back(private_database, tmp_path):
    (tmp_path / "shop_jobs.py").write_text(JOBS)
    private_database.client().migrate()
    private_database.close_connections()
    arguments = ("--url", private_database.url, "--prefix", private_database.prefix)
    with Cockpit("consumer-server-dies", *arguments, cwd=tmp_path) as cockpit:
        cockpit.press("6", until="no handlers yet")
        cockpit.enter("l", "shop_jobs")
        cockpit.press("Enter", until="handles email, report")
        cockpit.press("s", until="consuming")
        private_database.server.kill()
        cockpit.wait_for("Database unavailable", timeout=40)
        private_database.server.start()
        client = private_database.client()
        client.new_producer().submit("email", {"to": "bob@example.org"})
        cockpit.wait_for("sending to bob@example.org", timeout=60)
        cockpit.wait_until_gone("Database unavailable", timeout=60)
        cockpit.capture("consumed")
        cockpit.quit()


def test_hostile_rows_are_inert_on_every_screen(database):
    now = datetime.now(UTC)
    ended = {"status": TaskStatus.FAILED, "finished_at": now, "started_at": now}
    rows = [
        make_task(type=HOSTILE, queue=HOSTILE, last_error=f"Oh: {HOSTILE}", **ended),
        make_task(type="big", args=b'{"x": "' + b"y" * 30_000_000 + b'"}'),
    ]
    database.open().restore_tasks(rows)
    with Cockpit("hostile", "--url", database.url) as cockpit:
        cockpit.wait_for("Failing most")
        for key in "123452":
            cockpit.send(key)
            cockpit.wait_for("q Quit")
            cockpit.capture(f"screen-{key}")
        cockpit.wait_for("[bold]x[/] [/no")
        cockpit.press("g", until="►")
        cockpit.send("j", "j", "k", "Enter")
        cockpit.wait_for("5 tasks")
        cockpit.quit()


def _escape_until(cockpit, text):
    """Press Escape, a step back each time, until `text` is on the screen."""
    for _ in range(4):
        cockpit.send("Escape")
        with suppress(AssertionError):
            cockpit.wait_for(text, timeout=3)
            return
    raise AssertionError(f"Escape never led to {text!r}")


def test_garbage_pasted_and_typed_changes_nothing(database):
    with Cockpit("garbage", "--url", database.url) as cockpit:
        cockpit.press("2", until="3 tasks")
        cockpit.type(GARBAGE)
        cockpit.send("F12", "C-x", "F11", "IC", "PPage")
        cockpit.press("BTab", until="esc Leave")  # into the filter, where letters are text
        cockpit.press("Escape", until="q Quit")
        cockpit.press("2", until="s Order")
        cockpit.enter("/", "status:")
        cockpit.type("::,,\x07[[/")
        cockpit.send("Enter")
        cockpit.wait_for("^")
        cockpit.capture("a-filter-that-is-none")
        _escape_until(
            cockpit, "q Quit"
        )  # out of the prompt that \x07 opened, the completion, the line
        cockpit.quit()
    assert database.execute("SELECT count(*) FROM tasks") == [(3,)]
