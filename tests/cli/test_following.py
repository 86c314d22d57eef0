"""wait, submit --wait, tail and requeue --canary: what they wait for, say, and end with."""

import json
import signal
import uuid
from contextlib import ExitStack

import pytest

from tasq_core.filters import Filter
from tasq_core.task import TaskStatus
from tests.support.builders import make_task, make_tasks
from tests.support.wait import wait_until


@pytest.fixture
def start(tasq):
    """Starts commands, which don't outlive the test."""
    with ExitStack() as started:

        def start(*words):
            process = tasq.start(*words)
            started.callback(process.close)
            return process

        yield start


def end(repository, status=TaskStatus.SUCCESSFUL, limit=10):
    """Claims and ends what is ready; how many that were."""
    tasks = repository.poll_tasks(None, None, 60, limit=limit)
    for task in tasks:
        repository.register_start(task)
        repository.register_error(task, "boom")
        repository.register_finish(task, status)
    return len(tasks)


def statuses(repository):
    return sorted(task.status.value for task in repository.page(Filter(), limit=1000))


@pytest.mark.parametrize(("status", "code"), [(TaskStatus.SUCCESSFUL, 0), (TaskStatus.FAILED, 1)])
def test_wait_ends_with_how_the_tasks_ended(start, table, repository, status, code):
    [task] = table(make_task())
    waiting = start("wait", str(task.id)[:9], "--timeout", "60")

    assert end(repository, status) == 1

    assert waiting.wait(30) == code
    assert f"{task.id}  {status.value}" in waiting.stdout


def test_wait_gives_up_refuses_and_misses_in_words(tasq, table):
    [task] = table(make_task())

    late = tasq("wait", str(task.id), "--timeout", "0.2s")
    missing = tasq("wait", str(uuid.uuid4()))

    assert (late.code, f"not ended after 0.2 s: {task.id}" in late.err) == (4, True)
    assert (missing.code, "no task" in missing.err) == (3, True)
    assert tasq("wait", str(task.id), "--timeout", "soon").code == 2
    assert tasq("submit", "a", "--count", "2", "--wait").code == 2


def test_submit_waits_for_the_end_of_its_task(start, repository):
    waiting = start("submit", "email", "--wait", "--json")
    wait_until(lambda: end(repository), 30)

    assert waiting.wait(30) == 0
    assert json.loads(waiting.stdout.splitlines()[-1])["status"] == "SUCCESSFUL"


@pytest.mark.slow
def test_tail_prints_each_event_once_until_it_is_interrupted(start, table, repository):
    table(make_task(type="earlier"))
    following = start("tail", "--queue", "mail", "-o", "ndjson")
    seen = []

    def events():
        found = [json.loads(line) for line in following.stdout.splitlines() if line[:1] == "{"]
        seen[:] = [(event["event"], event["type"]) for event in found]
        return seen

    def created():
        repository.submit_task(make_task(type="t"))
        return events()

    wait_until(created, 30, interval=0.5)
    repository.submit_task(make_task(type="other", queue="elsewhere"))
    total = repository.count(Filter()) - 1
    assert end(repository, TaskStatus.FAILED, 100) == total + 1
    wait_until(lambda: [what for what, _ in events()].count("ended") == total, 30)

    following.signal(signal.SIGINT)
    assert following.wait(20) == 130
    assert "Traceback" not in following.stderr
    assert len(seen) == len([s for s in seen if s != ("created", "earlier")])
    assert {kind for _, kind in seen} == {"t", "earlier"}
    assert [what for what, _ in seen].count("started") == total


def test_a_canary_that_fails_again_stops_the_rest(start, table, repository):
    """2,000 tasks against a cause that persists would be 2,000 failures more."""
    table(*make_tasks(30, status=TaskStatus.FAILED))
    going = start("requeue", "--all", "--canary", "5", "--stop-if-failed", "20%", "--yes")
    wait_until(lambda: end(repository, TaskStatus.FAILED, 2), 30)
    wait_until(lambda: repository.count(Filter.of((TaskStatus.NEW,))) == 3)

    assert going.wait(30) == 6
    assert "2 of the 5 tasks requeued first failed, more than 20%" in going.stderr
    assert "the other 25 weren't requeued" in going.stderr
    assert statuses(repository).count("FAILED") == 27


def test_a_canary_that_succeeds_lets_the_rest_go_on(start, table, repository):
    table(*make_tasks(30, status=TaskStatus.FAILED))
    going = start("requeue", "--all", "--canary", "5", "--yes")
    wait_until(lambda: repository.count(Filter.of((TaskStatus.NEW,))) == 5, 30)

    assert end(repository) == 5

    assert going.wait(30) == 0
    assert "requeued 30" in going.stderr
    assert statuses(repository).count("NEW") == 25


def test_an_interrupted_canary_leaves_what_it_requeued_and_says_so(start, table, repository):
    table(*make_tasks(30, status=TaskStatus.FAILED))
    going = start("requeue", "--all", "--canary", "5", "--yes")
    wait_until(lambda: repository.count(Filter.of((TaskStatus.NEW,))) == 5, 30)

    going.signal(signal.SIGINT)

    assert going.wait(30) == 130
    assert "requeued 5; stopped, 25 left" in going.stderr
    assert statuses(repository).count("NEW") == 5


@pytest.mark.parametrize(
    "words",
    [
        ["--canary", "0"],
        ["--stop-if-failed", "10%"],
        ["--canary", "5", "--stop-if-failed", "200%"],
        ["--canary", "5", "--stop-if-failed", "a few"],
    ],
)
def test_a_canary_that_cant_be_is_refused(tasq, table, repository, words):
    table(make_task(status=TaskStatus.FAILED))
    assert tasq("requeue", "--all", *words, "--yes").code == 2
    assert statuses(repository) == ["FAILED"]
