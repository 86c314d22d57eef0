"""A whole session in a terminal, as a user has it, and its log of commands run again."""

import shlex
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core.filters import Filter
from tasq_core.repository import open_repository
from tasq_core.task import TaskStatus
from tests.e2e.cockpit import JOBS, Cockpit, journal, run_command
from tests.support.builders import make_task

pytestmark = [pytest.mark.pty, pytest.mark.slow, pytest.mark.timeout(240)]

NOW = datetime.now(UTC)
ERROR = "SMTPError: mailbox full\n\nTraceback (most recent call last):\nSMTPError: mailbox full"


def tasks():
    """12 failed and 8 successful in mail, 5 of another queue, 3 ready to be stepped through."""
    ended = {"receive_count": 3, "max_receives": 3, "finished_at": NOW - timedelta(minutes=4)}
    ended["started_at"] = NOW - timedelta(minutes=5)
    failed = {"status": TaskStatus.FAILED, "last_error": ERROR} | ended
    done = {"status": TaskStatus.SUCCESSFUL} | ended

    def at(number, **fields):
        return make_task(created_at=NOW - timedelta(minutes=10, seconds=number), **fields)

    yield from (at(n, type="mail.send", **failed) for n in range(12))
    yield from (at(n, type="mail.send", **done) for n in range(20, 28))
    yield from (at(n, type="other", queue="bulk", **failed) for n in range(30, 35))
    yield at(40, type="report", queue="step", max_receives=1)
    yield from (at(n, type="email", queue="step") for n in (41, 42))


@pytest.fixture
def shop(tmp_path):
    """A folder with a filled table and a module of handlers."""
    (tmp_path / "shop_jobs.py").write_text(JOBS)
    with closing(open_repository(f"sqlite:///{tmp_path}/shop.db")) as repository:
        repository.migrate()
        repository.restore_tasks([*tasks()])
    return tmp_path


def rows(path):
    with closing(open_repository(f"sqlite:///{path}")) as repository:
        return {task.id: task for task in repository.page(Filter(), limit=1000)}


def facts(task):
    """What a change by hand leaves behind; not the moment it happened."""
    return (task.status, task.receive_count, task.max_receives, task.last_error, task.args)


def test_a_session_filters_changes_undoes_steps_and_its_log_does_the_same_again(shop):
    database = shop / "shop.db"
    with Cockpit("session", "--url", f"sqlite:///{database}", cwd=shop) as cockpit:
        cockpit.wait_for("28 tasks")
        cockpit.press("2", until="28 tasks")
        cockpit.enter("/", "status:failed queue:mail")
        cockpit.press("Enter", until="12 match")

        cockpit.press("Space", "Space", "Space", until="3 marked")
        cockpit.press("r", until="Requeue 3 tasks")
        cockpit.press("y", until="requeued 3")
        cockpit.wait_for("9 match")

        cockpit.press("d", until="Delete 1 task")
        cockpit.press("y", until="deleted 1")
        cockpit.wait_for("8 match")
        cockpit.press("U", until="put back 1")
        cockpit.wait_for("9 match")
        cockpit.press("d", until="Delete 1 task")
        cockpit.press("y", until="8 match")

        cockpit.resize(80, 24)
        cockpit.wait_until_screen(lambda screen: len(screen.splitlines()) <= 24)
        cockpit.press("1", until="Ended per")
        cockpit.press("6", until="no handlers yet")
        cockpit.resize(120, 40)
        cockpit.wait_until_screen(lambda screen: "Lease 15s" in screen.splitlines()[3])
        cockpit.enter("l", "shop_jobs")
        cockpit.press("Enter", until="handles email, report")
        cockpit.enter("o", "step")
        cockpit.leave()
        cockpit.press("w", until="waits: e run")
        cockpit.press("e", until="sending to a@example.org")
        cockpit.wait_for("✓ succeeded")
        cockpit.wait_for_question()
        cockpit.send("e")
        cockpit.wait_until_screen(lambda screen: screen.count("✓ succeeded") == 2)
        cockpit.press("S", until="ready · 2 succeeded")

        log = cockpit.press("7", until="tasq work")
        for verb in ("tasq requeue", "tasq delete", "tasq undo"):
            assert verb in log
        cockpit.quit()

    stepped = {id for id, task in rows(database).items() if task.queue == "step"}
    assert [rows(database)[id].status for id in stepped].count(TaskStatus.SUCCESSFUL) == 2
    commands = [entry["command"] for entry in journal()]
    verbs = [shlex.split(command, comments=True)[1] for command in commands]
    assert verbs == ["requeue", "delete", "undo", "delete", "work"]


def test_the_logged_commands_do_the_same_on_a_copy(shop):
    database, copy = shop / "shop.db", shop / "copy.db"
    shutil.copy(database, copy)
    with Cockpit("again", "--url", f"sqlite:///{database}", cwd=shop) as cockpit:
        cockpit.wait_for("28 tasks")
        cockpit.press("2", until="28 tasks")
        cockpit.enter("/", "queue:bulk")
        cockpit.press("Enter", until="5 match")
        cockpit.press("Space", "Space", until="2 marked")
        cockpit.press("R", until="Requeue 2 tasks from zero")
        cockpit.press("y", until="requeued 2")
        cockpit.send("G")
        cockpit.press("d", until="Delete 1 task")
        cockpit.press("y", until="deleted 1")
        cockpit.quit()

    for entry in journal():
        ran = run_command(entry["command"].replace(str(database), str(copy)), shop)
        assert ran.returncode == 0, ran.stderr
    before, after = rows(database), rows(copy)
    assert {id: facts(task) for id, task in before.items()} == {
        id: facts(task) for id, task in after.items()
    }
    assert len(before) == 27
