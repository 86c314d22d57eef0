"""work, demo, metrics and serve: the verbs that run for a while."""

import json
import os
import signal
import socket
import urllib.request
from datetime import timedelta

import pytest

from tasq_core.filters import Filter, parse
from tasq_core.task import TaskStatus
from tasq_tui.admin.settings import Settings
from tasq_tui.cli.commands.serve import child_environment
from tests.support.builders import make_task, make_tasks
from tests.support.wait import wait_until

pytestmark = pytest.mark.slow

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


def test_a_drain_waits_for_pending_retries_and_tells_what_failed_for_good(tasq, jobs, repository):
    """A drain that left a retry behind ended with 0: the next step of a script ran too soon."""
    repository.submit_tasks(make_tasks(1) + make_tasks(1, type="broken", max_receives=2))

    drained = tasq("work", "jobs:register", "--drain", "--retry-backoff", "1s", "--log", "error")

    assert drained.code == 6, drained.err
    assert "1 task failed for good" in drained.err
    [failed] = repository.page(Filter.of((TaskStatus.FAILED,)))
    assert failed.receive_count == 2
    again = tasq("work", "jobs:register", "--drain")
    assert again.code == 0, again.err


def test_a_drain_waits_for_delayed_tasks_that_are_due_within_its_limit_only(tasq, jobs, repository):
    soon, late = (repository.now() + timedelta(seconds=seconds) for seconds in (2, 3600))
    repository.submit_tasks([make_task(visible_at=soon), make_task(visible_at=late)])

    drained = tasq("work", "jobs:register", "--drain", "--within", "20s")

    assert drained.code == 0, drained.err
    assert repository.count(Filter.of((TaskStatus.SUCCESSFUL,))) == 1
    assert repository.count(Filter.of((TaskStatus.NEW,))) == 1


@pytest.mark.parametrize("way", ["--once", "--drain"])
@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt"])
def test_no_exit_code_is_a_handlers(tasq, repository, *, way, error):
    """A handler's sys.exit(0) made a failed run look well, and sys.exit(3) like "not found"."""
    (tasq.folder / "leaving.py").write_text(
        f"def leave(task):\n    raise {error}\nhandlers = {{'email': leave}}\n"
    )
    repository.submit_tasks(make_tasks(1, max_receives=1))

    result = tasq("work", "leaving", way, "--log", "error")

    assert result.code == (1 if way == "--once" else 6), result.err
    [task] = repository.page(Filter())
    assert task.status is TaskStatus.FAILED


def test_a_handler_that_never_ends_is_left_after_the_stop_timeout(tasq, repository):
    (tasq.folder / "stuck.py").write_text(
        "import pathlib, threading\n"
        "def stuck(task):\n"
        "    pathlib.Path('stuck.log').touch()\n"
        "    threading.Event().wait(60)\n"
        "handlers = {'email': stuck}\n"
    )
    repository.submit_tasks(make_tasks(1))

    for way in ([], ["--once"]):
        (tasq.folder / "stuck.log").unlink(missing_ok=True)
        repository.requeue_tasks([task.id for task in repository.page(Filter())], True)
        running = tasq.start("work", "stuck", "--stop-timeout", "1s", *way)
        try:
            wait_until((tasq.folder / "stuck.log").exists, 20)
            running.signal(signal.SIGTERM)
            assert running.wait(30) in (0, 1), way
        finally:
            running.close()
        wait_until(lambda: not repository.count(parse("is:leased")), 30)


def test_a_handler_that_takes_longer_than_the_job_timeout_has_failed(tasq, jobs, repository):
    repository.submit_tasks(make_tasks(1, type="slow", max_receives=1))

    result = tasq("work", "jobs:register", "--drain", "--job-timeout", "1s", "--log", "error")
    assert result.code == 6, result.err


def test_the_log_as_json_is_an_object_a_line_with_fields_and_traceback(tasq, jobs, repository):
    [task] = tasks = make_tasks(1, type="broken", max_receives=1)
    repository.submit_tasks(tasks)

    result = tasq(
        "work",
        "jobs:register",
        "--drain",
        "--log-format",
        "json",
        "--name",
        "night",
        "--log",
        "error",
    )

    entries = [json.loads(line) for line in result.err.splitlines()]
    [entry] = [entry for entry in entries if "task_id" in entry]
    assert (entry["level"], entry["name"], entry["task_id"]) == ("error", "night", str(task.id))
    assert (entry["task_type"], entry["final"]) == ("broken", True)
    assert "ValueError" in entry["traceback"]
    assert "\x1b" not in result.err
    assert tasq("work", "jobs:register", "--log-format", "xml").code == 2


def test_with_a_log_of_json_all_that_is_said_is_json(tasq, jobs, repository):
    """A log collector drops, or chokes on, the one line that is not an object."""
    repository.submit_tasks(make_tasks(1, type="broken", max_receives=1))
    form = ("--log-format", "json", "--name", "night")

    drained = tasq("work", "jobs:register", "--drain", "--metrics", ":0", *form)
    once = tasq("work", "jobs:register", "--once", *form)
    processes = tasq("work", "jobs:register", "--drain", "--processes", "2", *form)
    refused = tasq("work", "nowhere", *form)
    wrong = tasq("work", "jobs:register", "--once", "--drain", *form)

    said = []
    for result in (drained, once, processes, refused, wrong):
        entries = [json.loads(line) for line in result.err.splitlines()]
        assert all(entry["name"].startswith("night") for entry in entries), result.err
        said.append([(entry["level"], entry["message"]) for entry in entries])
    assert said[0][0][1].startswith("metrics on http")
    assert said[0][1][1].startswith("working on")
    assert said[0][-1] == ("info", "1 task failed for good; `tasq errors` groups them")
    assert said[1] == [("info", "no task is ready")]
    assert said[2][0][1].startswith("working on")
    assert [level for level, _ in said[3] + said[4]] == ["error", "error"]


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
    settings = Settings(
        url="postgresql://a@db/x", prefix="p", profile="prod", time_zone="Asia/Tokyo"
    )
    environment = {
        "PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "PGPASSWORD": "y", "MYSQL_PWD": "z",
        "HOME": "/h",
    }  # fmt: skip

    given = child_environment(settings, environment, read_only=True)

    assert given == {
        "PATH": "/bin", "HOME": "/h", "TASQ_URL": "postgresql://a@db/x", "TASQ_PREFIX": "p",
        "TASQ_PROFILE": "prod", "TASQ_READ_ONLY": "1", "TASQ_TIME_ZONE": "Asia/Tokyo",
        "PGPASSWORD": "y",
    }  # fmt: skip
    assert os.environ.get("TASQ_READ_ONLY") is None
