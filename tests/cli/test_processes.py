"""tasq work --processes and --metrics: real processes, killed and told to stop."""

import json
import os
import signal
import socket
import urllib.request
from contextlib import suppress

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tasq_core.filters import Filter, parse
from tasq_core.task import TaskStatus
from tests.support.builders import make_task, make_tasks
from tests.support.wait import wait_until

pytestmark = pytest.mark.slow

JOBS = """
import os, pathlib, time
def email(task):
    pathlib.Path("done.log").open("a").write(f"{os.getpid()}\\n")
def naps(task):
    pathlib.Path("began.log").open("a").write(f"{os.getpid()}\\n")
    time.sleep(float(os.environ.get("NAP", "60")))
def dies(task):
    os._exit(int(os.environ.get("CODE", "9")))
def fails(task):
    raise ValueError("no")
handlers = {"email": email, "naps": naps, "dies": dies, "fails": fails}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def start(tasq, client):
    """Starts `tasq work jobs`; what still runs at the end is killed, its processes first."""
    (tasq.folder / "jobs.py").write_text(JOBS)
    started = []

    def start(*arguments, **env):
        process = tasq.start("work", "jobs", *arguments, **env)
        started.append(process)
        return process

    yield start
    for process in started:
        family = []
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(process.pid).children(recursive=True)
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        process.close()


def fleet(client):
    """The consumers that haven't vanished, by name."""
    return {c.name: c for c in client.new_inspector().consumers() if not c.vanished}


def running(client, *names, other_than=()):
    """Wait until these run, in processes other than those; their process ids, by name."""

    def found():
        pids = {
            c.name: c.pid for c in client.new_inspector().consumers()
            if not c.vanished and c.pid not in other_than
        }  # fmt: skip
        return pids if pids.keys() >= set(names) else None

    return wait_until(found, 40, lambda: str(fleet(client)), interval=0.1)


def scrape(port, name, **labels):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


@pytest.mark.slow
def test_a_killed_process_is_replaced_and_reported_and_its_counts_stay(start, client, repository):
    """One crash in the night would leave a quarter of the workers, and nobody would know."""
    port = free_port()
    work = start("--processes", "2", "--name", "mailer", "--metrics", f":{port}")
    before = running(client, "mailer-1", "mailer-2")
    repository.submit_tasks(make_tasks(20))
    wait_until(lambda: scrape(port, "tasq_consumer_attempts_total", outcome="succeeded") == 20, 30)

    os.kill(before["mailer-2"], signal.SIGKILL)

    after = running(client, "mailer-2", other_than=before.values())
    assert "mailer-2 (pid" in work.stderr
    assert "was killed by SIGKILL; another starts in 1 s" in work.stderr
    assert fleet(client)["mailer-1"].pid == before["mailer-1"]
    assert after["mailer-2"] != before["mailer-2"]
    assert scrape(port, "tasq_consumer_process_crashes_total", consumer="mailer-2") == 1
    assert scrape(port, "tasq_consumer_processes") == 2
    assert scrape(port, "tasq_consumer_attempts_total", outcome="succeeded") == 20
    work.signal(signal.SIGTERM)
    assert work.wait(30) == 0, work.stderr


def test_a_signal_lets_every_process_finish_what_runs(start, client, repository, tasq):
    work = start("--processes", "2", "--workers", "1", "--name", "w", NAP="2")
    pids = running(client, "w-1", "w-2")
    repository.submit_tasks(make_tasks(2, type="naps"))
    log = tasq.folder / "began.log"
    wait_until(lambda: log.exists() and len(log.read_text().splitlines()) == 2, 30)
    assert {int(line) for line in log.read_text().splitlines()} == set(pids.values())

    work.signal(signal.SIGINT)

    assert work.wait(30) == 0, work.stderr
    assert repository.count(Filter.of((TaskStatus.SUCCESSFUL,))) == 2
    assert not any(map(psutil.pid_exists, pids.values()))


def test_a_second_signal_kills_them_all(start, client, repository, tasq):
    work = start("--processes", "2", "--workers", "1", "--name", "w")
    pids = running(client, "w-1", "w-2")
    repository.submit_tasks(make_tasks(2, type="naps"))
    log = tasq.folder / "began.log"
    wait_until(lambda: log.exists() and len(log.read_text().splitlines()) == 2, 30)

    work.signal(signal.SIGTERM)
    wait_until(lambda: {c.state for c in fleet(client).values()} == {"stopping"}, 20)
    work.signal(signal.SIGTERM)

    assert work.wait(30) == -signal.SIGTERM  # as of a single one
    assert not any(map(psutil.pid_exists, pids.values()))


def test_processes_whose_supervisor_is_killed_stop_by_themselves(start, client):
    """They would go on for ever, beside those that the next start makes."""
    work = start("--processes", "2", "--name", "w")
    pids = running(client, "w-1", "w-2")

    os.kill(work.pid, signal.SIGKILL)

    wait_until(lambda: not any(map(psutil.pid_exists, pids.values())), 20)
    assert fleet(client) == {}  # in order: their rows are gone


def test_a_process_that_the_fleet_stops_is_not_replaced(tasq, start, client):
    """An operator who stops a consumer wants it stopped."""
    work = start("--processes", "2", "--name", "w")
    running(client, "w-1", "w-2")

    assert tasq("fleet", "stop", "w-1").code == 0
    wait_until(lambda: "w-1 has ended" in work.stderr, 20)
    assert fleet(client).keys() == {"w-2"}
    assert tasq("fleet", "stop", "w-2").code == 0
    assert work.wait(20) == 0
    assert "another starts" not in work.stderr


def test_a_drain_by_processes_ends_with_what_became_of_the_tasks(tasq, start, client, repository):
    repository.submit_tasks(make_tasks(50) + make_tasks(1, type="fails", max_receives=1))

    result = tasq("work", "jobs", "--drain", "--processes", "2", "--log", "error")

    assert result.code == 6, result.err
    assert "1 task failed for good" in result.err
    assert repository.count(parse("status:successful")) == 50


@pytest.mark.parametrize("code", [9, 0, 2, 3, 7])
def test_a_handler_that_kills_its_process_costs_a_task_and_no_more(start, client, repository, code):
    """With JSON logs the report is a record like the others, with the code to alert on.

    Codes that stand for the end of the work, or for what is wrong with all, ended the fleet
    without a word when a handler's `os._exit` used them.
    """
    work = start("--processes", "1", "--name", "w", "--log-format", "json",
                 "--visibility-timeout", "6s", CODE=str(code))  # fmt: skip
    before = running(client, "w-1")
    repository.submit_task(make_task(type="dies", max_receives=1))
    running(client, "w-1", other_than=before.values())

    entries = [json.loads(line) for line in work.stderr.splitlines()]
    [crash] = [entry for entry in entries if "exit_code" in entry]
    assert (crash["level"], crash["worker"], crash["exit_code"]) == ("error", "w-1", code)
    assert (crash["name"], crash["restart_in"], crash["pid"]) == ("w", 1.0, before["w-1"])


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nowhere"], 2, "nowhere"),
        (["jobs", "--log", "loud"], 2, "--log 'loud'"),
        (["jobs", "--once"], 2, "leave --processes out"),
        (["jobs", "--poll-interval", "20s"], 2, "must be longer than"),
        (["jobs", "--url", "sqlite:////nowhere/x.db"], 1, "there is no file"),
        (["jobs", "--read-only"], 7, "open read-only"),
    ],
)
def test_what_is_wrong_with_all_is_said_once_and_none_is_replaced(
    tasq, start, arguments, code, says
):
    result = tasq("work", *arguments, "--processes", "3")

    assert result.code == code, result.err
    assert result.err.count(says) == 1
    assert "Traceback" not in result.err
    assert "another starts" not in result.err


def test_one_process_tells_its_metrics_too_and_a_taken_port_before_any_claim(
    tasq, start, client, repository
):
    port = free_port()
    work = start("--metrics", f"127.0.0.1:{port}", "--name", "alone")
    running(client, "alone")
    repository.submit_tasks(make_tasks(3, queue='a"\n'))

    wait_until(lambda: scrape(port, "tasq_consumer_attempts_total", queue='a"\n') == 3, 20)
    assert scrape(port, "tasq_consumer_state", consumer="alone", state="running") == 1
    taken = tasq("work", "jobs", "--metrics", f":{port}")
    assert taken.code == 1
    assert f"can't listen on 127.0.0.1:{port}" in taken.err
    assert tasq("work", "jobs", "--metrics", "host:port").code == 2
    work.signal(signal.SIGTERM)
    assert work.wait(20) == 0
