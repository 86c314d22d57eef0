"""work, demo, metrics and serve: the verbs that run for a while."""

import os
import signal
import socket
import urllib.request

import pytest

from tasq_core.filters import Filter
from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tasq_tui.cli.commands.serve import child_environment
from tests.support.builders import make_task, make_tasks
from tests.support.wait import wait_until

SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

JOBS = """
import pathlib, threading
def email(task):
    pathlib.Path("done.log").open("a").write(f"{task.id}\\n")
def broken(task):
    raise ValueError("no \\x1b[31m")
def slow(task):
    pathlib.Path("slow.log").open("a").write(f"{task.id}\\n")
    threading.Event().wait(2)
def register(consumer):
    consumer.learn("email", email)
    consumer.learn("broken", broken)
    consumer.learn("slow", slow)
"""


@pytest.fixture
def jobs(tasq):
    (tasq.folder / "jobs.py").write_text(JOBS)
    return tasq.folder


def test_work_drains_the_queues_and_ends(tasq, jobs, repository):
    repository.submit_tasks(make_tasks(200) + make_tasks(5, queue="other"))

    one_queue = tasq("work", "jobs:register", "--queue", "mail", "--drain", "--log", "error")
    left = repository.count(Filter.of((TaskStatus.NEW,)))
    all_queues = tasq("work", "jobs:register", "--drain", "--log", "error")

    assert (one_queue.code, all_queues.code) == (0, 0), one_queue.err + all_queues.err
    assert left == 5
    assert len((jobs / "done.log").read_text().splitlines()) == 205
    assert repository.count(Filter.of((TaskStatus.SUCCESSFUL,))) == 205


def test_once_runs_one_task_and_its_code_tells_how_it_went(tasq, jobs, repository):
    repository.submit_tasks(make_tasks(2, queue="a") + make_tasks(1, queue="b", type="broken"))

    well = tasq("work", "jobs:register", "--once", "--queue", "a")
    badly = tasq("work", "jobs:register", "--once", "--queue", "b")
    idle = tasq("work", "jobs:register", "--once", "--queue", "c")

    assert (well.code, badly.code, idle.code) == (0, 1, 0)
    assert "SUCCESSFUL" in well.err
    assert "\x1b" not in badly.err
    assert "no task is ready" in idle.err
    assert len((jobs / "done.log").read_text().splitlines()) == 1


def test_work_stops_at_a_signal_once_what_runs_is_done(tasq, jobs, repository):
    repository.submit_tasks(make_tasks(3, type="slow"))

    running = tasq.start("work", "jobs:register", "--workers", "2")
    try:
        wait_until((jobs / "slow.log").exists, 20)
        running.signal(signal.SIGTERM)
        assert running.wait(20) == 0
    finally:
        running.close()

    counts = repository.open_counts()[0] | repository.finished_counts()
    started = len((jobs / "slow.log").read_text().splitlines())
    assert counts[TaskStatus.SUCCESSFUL] == started
    assert counts[TaskStatus.NEW] == 3 - started


@SQLITE
def test_the_first_contact_is_checked_before_working(tasq, jobs):
    result = tasq("work", "jobs:register")

    assert result.code == 1
    assert "tasq migrate" in result.err


def test_the_demo_runs_without_the_app_and_shows_that_work_was_done(bare):
    result = bare("demo", "--headless", "--seconds", "2", "--tasks", "500")

    assert result.code == 0, result.err
    rows = {line.split()[0]: line.split()[1:] for line in result.lines[1:]}
    before, after = (int(number.replace(",", "")) for number in rows["SUCCESSFUL"][:2])
    assert after > before > 300


def test_the_demo_leaves_nothing_behind(bare):
    bare("demo", "--headless", "--seconds", "0.5", "--tasks", "50", TMPDIR=str(bare.folder))

    assert [path for path in bare.folder.iterdir() if "demo" in path.name] == []


def test_metrics_tell_the_counts(tasq, table):
    table(*make_tasks(3, queue='a"\n\\'), make_task(queue="b", status=TaskStatus.FAILED))

    result = tasq("metrics")

    assert result.code == 0, result.err
    assert 'tasq_tasks{status="NEW"} 3.0' in result.lines
    assert 'tasq_queue_tasks{queue="a\\"\\n\\\\",status="NEW"} 3.0' in result.lines
    assert "tasq_tasks_ready 3.0" in result.lines
    assert result.lines[-1] == "# EOF"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@SQLITE
def test_metrics_are_served_until_a_signal(tasq, table):
    table(*make_tasks(2))
    port = free_port()

    running = tasq.start("metrics", "--serve", f":{port}")
    try:
        running.wait_for_output(f"http://127.0.0.1:{port}/metrics")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            body = answer.read().decode()
        running.signal(signal.SIGINT)
        code = running.wait()
    finally:
        running.close()

    assert code == 0
    assert "tasq_up 1.0" in body
    assert 'tasq_tasks{status="NEW"} 2.0' in body


@SQLITE
def test_a_port_in_use_is_told(tasq, repository):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = tasq("metrics", "--serve", str(taken.getsockname()[1]))

    assert result.code == 1
    assert "can't listen on 127.0.0.1" in result.err


@pytest.mark.slow
@SQLITE
def test_the_app_is_served_to_this_machine_and_read_only(tasq, repository):
    port = free_port()

    running = tasq.start("serve", "--listen", f":{port}")
    try:
        running.wait_for_output("read-only; Ctrl+C stops")

        def page():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    return answer.read().decode()
            except OSError:
                return ""

        assert "data-session-websocket-url" in wait_until(page, 20)
        running.signal(signal.SIGINT)
        assert running.wait() in (0, 130)
    finally:
        running.close()


def test_a_served_app_gets_no_environment_but_what_it_needs():
    settings = Settings(url="postgresql://a@db/x", prefix="p", profile="prod")
    environment = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "PGPASSWORD": "y", "HOME": "/h"}

    given = child_environment(settings, environment, read_only=True)

    assert given == {
        "PATH": "/bin", "HOME": "/h", "TASQ_URL": "postgresql://a@db/x", "TASQ_PREFIX": "p",
        "TASQ_PROFILE": "prod", "TASQ_READ_ONLY": "1",
    }  # fmt: skip
    assert os.environ.get("TASQ_READ_ONLY") is None
