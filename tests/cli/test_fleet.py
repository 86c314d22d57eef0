"""tasq fleet, pause and resume, and what show tells of holders and attempts; real consumers."""

import json
import signal

import pytest

from tasq_core import TaskStatus
from tests.support.databases import BACKENDS
from tests.support.processes import ROOT
from tests.support.wait import wait_until

JOBS = """
import os, signal, time
def stands_here(task):
    time.sleep(60)
def bad(task):
    raise ValueError(f"attempt {task.receive_count}")
def three_ways(task):
    if task.receive_count == 1:
        raise ValueError("no such address")
    if task.receive_count == 2:
        time.sleep(60)
    time.sleep(7)  # a heartbeat names what it holds: then one knows who has crashed
    os.kill(os.getpid(), signal.SIGKILL)
handlers = {"slow": stands_here, "bad": bad, "three": three_ways}
"""


@pytest.fixture
def work(tasq, client):
    """Starts `tasq work`; what still runs at the end is killed."""
    (tasq.folder / "jobs.py").write_text(JOBS)
    started = []

    def start(name, *options):
        process = tasq.start(
            "work", "jobs:handlers", "--name", name, "--retry-backoff", "0.1s",
            *options, PYTHONPATH=f"{ROOT}:{tasq.folder}",
        )  # fmt: skip
        started.append(process)
        wait_until(
            lambda: name in [c.name for c in client.new_inspector().consumers()],
            20,
            lambda: str(process),
        )
        return process

    yield start
    for process in started:
        process.close()


def _fleet(tasq):
    return {found["name"]: found for found in json.loads(tasq("fleet", "--json").out)}


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS, indirect=True)
def test_a_killed_consumer_is_shown_vanished_within_15_s_with_the_tasks_it_held(tasq, client, work):
    """Otherwise one sees tasks that don't move, and not which machine to look at."""
    processes = {name: work(name) for name in ("doomed", "other")}
    task = client.new_producer().submit("slow", 1)
    holder = wait_until(
        lambda: next((n for n, c in _fleet(tasq).items() if c["in_flight"]), None), 20
    )
    assert _fleet(tasq)[holder]["in_flight"][0]["task_id"] == str(task.id)
    assert f"held by {holder}" in tasq("show", str(task.id)).out

    processes[holder].kill()
    wait_until(lambda: _fleet(tasq)[holder]["state"] == "vanished", 17, interval=0.5)

    shown = tasq("fleet").out
    assert f"{holder} vanished" in shown
    assert str(task.id) in shown
    assert _fleet(tasq)[({"doomed", "other"} - {holder}).pop()]["state"] == "running"
    refused = tasq("fleet", "stop", holder)
    assert refused.code == 2
    assert "has vanished" in refused.err

    def crashed():
        [found] = json.loads(tasq("show", str(task.id), "--json").out)
        return found["attempts"]

    (attempt,) = wait_until(crashed, 30, interval=0.5)
    assert (attempt["outcome"], attempt["consumer"]) == ("crashed", holder)


@pytest.mark.slow
def test_stacks_quiet_resume_and_stop_reach_the_consumer(tasq, client, work):
    process = work("one")
    client.new_producer().submit("slow", 1)
    wait_until(lambda: _fleet(tasq)["one"]["counts"]["claimed"], 20)

    stacks = tasq("fleet", "stacks", "one")
    assert "in stands_here" in stacks.out
    assert "time.sleep(60)" in stacks.out
    as_json = json.loads(tasq("fleet", "stacks", "one", "--json").out)
    assert as_json["stacks"][0]["type"] == "slow"

    assert "claims nothing more; 1 running" in tasq("fleet", "quiet", "one").err
    assert _fleet(tasq)["one"]["state"] == "quiet"
    assert "claims again" in tasq("fleet", "resume", "one").err
    by_id = _fleet(tasq)["one"]["id"][:8]
    assert "stops; 1 running" in tasq("fleet", "stop", by_id).err
    wait_until(lambda: _fleet(tasq)["one"]["state"] == "stopping", 10)
    assert process.returncode is None  # its handler still runs


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["stacks", "nobody"], 3, "no consumer 'nobody'"),
        (["dance", "one"], 2, "use one of quiet, resume, stacks, stop"),
        (["stop"], 2, "needs the name"),
    ],
)
def test_a_wrong_command_says_what_is_right(tasq, client, words, code, says):
    result = tasq("fleet", *words)

    assert (result.code, result.out) == (code, "")
    assert says in result.err


def test_a_name_used_twice_needs_an_id(tasq, client, work):
    work("same")
    work("same")
    wait_until(lambda: len(json.loads(tasq("fleet", "--json").out)) == 2, 20)

    result = tasq("fleet", "quiet", "same")

    assert result.code == 2
    assert "2 consumers are called 'same'" in result.err


def test_no_answer_is_a_timeout(tasq, client, work):
    process = work("frozen")
    process.signal(signal.SIGSTOP)

    result = tasq("fleet", "stacks", "frozen", "--within", "0.5s")

    process.signal(signal.SIGCONT)
    assert result.code == 4
    assert "no answer from frozen within 0.5 s" in result.err


def test_pauses_are_shown_and_ended(tasq, client):
    done = tasq("pause", "--queue", "mail", "--for", "1h", "--reason", "the relay\x1b[2J is down")
    assert done.code == 0
    assert "queue 'mail' is paused for 1h" in done.err
    assert "Go's consumers don't know" in done.err

    shown = tasq("fleet").out
    assert "queue mail is paused" in shown
    assert "\x1b" not in shown
    assert "Go's consumers don't know" in shown

    assert tasq("resume", "--queue", "mail").code == 0
    again = tasq("resume", "--queue", "mail")
    assert (again.code, "isn't paused" in again.err) == (3, True)
    assert "paused" not in tasq("fleet").out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["pause"], 2, "--queue NAME or --type NAME"),
        (["pause", "--queue", "a", "--type", "b"], 2, "--queue NAME or --type NAME"),
        (["pause", "--queue", "a", "--for", "soon"], 2, "--for"),
        (["pause", "--queue", "a", "--read-only"], 7, "read-only"),
        (["resume"], 2, "--queue NAME or --type NAME"),
        (["resume", "--queue", "a", "--read-only"], 7, "read-only"),
    ],
)
def test_what_cant_be_paused_is_refused(tasq, client, words, code, says):
    result = tasq(*words)

    assert result.code == code
    assert says in result.err
    assert client.new_inspector().pauses() == []


def test_without_side_tables_the_remedy_is_named(tasq, repository):
    result = tasq("pause", "--queue", "mail")

    assert result.code == 1
    assert "tasq migrate" in result.err
    assert tasq("fleet").code == 0


@pytest.mark.parametrize(("words", "code"), [((), 0), (("quiet", "mailer-1"), 1)])
def test_a_fleet_that_cannot_register_is_not_called_empty(tasq, repository, words, code):
    """Or who looks for a consumer concludes that none runs."""
    result = tasq("fleet", *words)

    assert (result.code, result.out) == (code, "")
    assert "can't register here" in result.err
    assert "`tasq migrate`" in result.err
    assert "registered: none" not in result.err


@pytest.mark.slow
def test_an_error_a_timeout_and_a_crash_are_three_attempts_with_host_times_and_errors(
    tasq, client, work
):
    """Who looks at the last one alone looks for one cause, and there are three."""
    options = ("--job-timeout", "10s", "--visibility-timeout", "5s", "--poll-interval", "1s")
    work("first", *options)
    task = client.new_producer().submit("three", 1, max_receives=3)
    wait_until(lambda: client.new_inspector().get(task.id).receive_count == 3, 30)
    work("second", *options)
    wait_until(lambda: client.new_inspector().get(task.id).status is TaskStatus.FAILED, 90)

    [record] = json.loads(tasq("show", str(task.id), "--json").out)
    shown = tasq("show", str(task.id)).out

    found = record["attempts"]
    assert [a["receive_count"] for a in found] == [1, 2, 3]
    assert [a["outcome"] for a in found] == ["retried", "timed out", "crashed"]
    assert {a["consumer"] for a in found} == {"first"}
    assert len({a["host"] for a in found}) == 1
    assert all(a["host"] and a["started_at"] < a["ended_at"] for a in found)
    assert found[0]["error"].startswith("ValueError: no such address")
    for attempt in found:
        assert f"{attempt['receive_count']}  {attempt['ended_at'][:10]}" in shown
        assert attempt["error"].partition("\n")[0] in shown
        assert f"first on {attempt['host']}" in shown


def test_show_lists_the_attempts_of_a_task_that_failed_three_ways(tasq, client, work):
    work("one")
    task = client.new_producer().submit("bad", 1, max_receives=3)
    wait_until(lambda: client.new_inspector().get(task.id).status is TaskStatus.FAILED, 20)

    shown = tasq("show", str(task.id)).out
    [record] = json.loads(tasq("show", str(task.id), "--json").out)

    for number in (1, 2, 3):
        assert f"ValueError: attempt {number}" in shown
    assert [a["outcome"] for a in record["attempts"]] == ["retried", "retried", "failed"]
    assert {a["consumer"] for a in record["attempts"]} == {"one"}
    lines = tasq("show", str(task.id), "-o", "ndjson").out
    client.repository.delete_tasks([task.id], safe_delete=False)
    assert tasq("import", "-", stdin=lines).code == 0
