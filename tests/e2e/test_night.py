"""A night against PostgreSQL with live producers and consumers, and its history on a copy."""

import json
import shlex
import subprocess

import pytest

from tasq_core.filters import Filter, parse
from tasq_core.task import TaskStatus
from tests.e2e.night import FAILED, SLOW, WAITING, Queue, Shell
from tests.support.databases import Database
from tests.support.processes import clean_environment, python
from tests.support.wait import wait_until

pytestmark = [pytest.mark.pty, pytest.mark.slow, pytest.mark.timeout(500)]

REQUEUE = "tasq requeue --where 'status:failed type:email' --canary 20 --stop-if-failed 10%"
EDIT = "tasq edit --where 'status:new queue:bulk' --queue archive"
CANCEL = f"tasq cancel {SLOW} --reason 'wrong address'"


@pytest.fixture(params=["postgres"])
def backend(request):
    """The night's database."""
    return request.param


@pytest.fixture
def queue(database, tmp_path):
    with Queue(database, tmp_path / "night") as queue:
        yield queue


@pytest.fixture
def copy(database, tmp_path):
    """The same tasks in another table, with consumers of their own."""
    other = Database("postgres", database.url, server=database.server)
    try:
        with Queue(other, tmp_path / "copy") as queue:
            yield queue
    finally:
        other.close()


def history(queue):
    """The changes, the first one first."""
    done = tasq(queue, "history", "--limit", "100", "-o", "ndjson")
    return [json.loads(line) for line in done.stdout.splitlines()][::-1]


def tasq(queue, *words):
    return subprocess.run(
        python("-m", "tasq_tui", *words), cwd=queue.folder, env=clean_environment(**queue.env),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def runs(queue):
    """Wait until the long task runs."""
    wait_until(lambda: queue.lines("started"), 30, "the coroutine")


def tried_have_ended(queue):
    """Wait until those that were requeued while the cause persisted have failed again."""
    mail = parse("queue:mail status:open")
    wait_until(lambda: not queue.repository.count(mail), 30, "the end of the first twenty")


def check_after_the_change(queue, step):
    """What each change leaves, whoever made it: by hand, or from the history."""
    count = queue.repository.count
    match step:
        case 0:
            tried_have_ended(queue)
            assert len(queue.lines("ran")) == 20
            assert count(parse("status:failed type:email")) == FAILED
            (queue.folder / "cause").unlink()
        case 1:
            assert count(parse("type:email status:failed")) == 0
        case 2:
            assert count(parse("status:new queue:archive type:bulk")) == WAITING
            assert count(parse("queue:bulk")) == 0
            runs(queue)
        case 3:
            row = queue.rows()[SLOW]
            assert (row.status, row.last_error) == (TaskStatus.FAILED, "cancelled: wrong address")
            (stopped,) = wait_until(lambda: queue.lines("stopped"), 5)
            assert float(stopped) - row.finished_at.timestamp() < 1


def check_at_the_end(queue):
    """The table is the original where nothing had run, and the live traffic was never held up."""
    (queue.folder / "enough").touch()
    assert queue.producer.wait() == 0, queue.producer.stderr
    open_ones = parse("queue:mail,live type:email,tick status:open")
    wait_until(lambda: not queue.repository.count(open_ones), 60, "what had been claimed")
    rows, ran = queue.rows(), set(queue.lines("ran"))
    assert rows.keys() == queue.original.keys()
    idle = [id for id in queue.original if str(id) not in ran and id != SLOW]
    assert [rows[id] for id in idle] == [queue.original[id] for id in idle]
    assert WAITING < len(idle) < WAITING + FAILED - 20
    ticks = queue.repository.count(parse("type:tick status:successful"))
    assert ticks == int(queue.producer.stdout) > 0
    assert queue.repository.count(Filter()) == len(queue.original) + ticks


def test_a_night_is_steered_and_undone_and_its_history_does_the_same_on_a_copy(queue, copy):
    """What an operator does at three in the morning with two thousand failures."""
    with Shell(queue, "night") as shell:
        code, screen = shell.run(REQUEUE, "requeue-stops")
        assert code == 6
        assert "of the 20 tasks requeued first failed, more than 10%" in screen
        check_after_the_change(queue, 0)

        code, screen = shell.run(REQUEUE, "requeue-goes-on", meanwhile="first 20:")
        assert (code, "requeued 2,000" in screen) == (0, True)
        check_after_the_change(queue, 1)

        code, screen = shell.run(EDIT, "edit")
        assert (code, "edited 500" in screen) == (0, True)
        check_after_the_change(queue, 2)

        code, screen = shell.run(CANCEL, "cancel")
        assert (code, "cancelled 1" in screen) == (0, True)
        check_after_the_change(queue, 3)

        changes = history(queue)
        assert [change["verb"] for change in changes] == ["requeue", "requeue", "edit", "cancel"]
        for change in changes[::-1]:
            code, screen = shell.run(f"tasq undo {change['change']}", f"undo-{change['verb']}")
            assert code in ((0,) if change["verb"] in ("edit", "cancel") else (0, 1, 6)), screen
        _, screen = shell.run("tasq history", "history")
        for verb in ("requeue", "edit", "cancel", "undo"):
            assert verb in screen
    check_at_the_end(queue)

    replay(queue, copy)


def replay(queue, copy):
    """Run the commands of one history on another table; a change's id is the copy's own."""
    ids = {}
    for step, change in enumerate(history(queue)):
        words = shlex.split(change["command"])
        assert words[:2] == ["tasq", change["verb"]]
        words[words.index("--prefix") + 1] = copy.database.prefix
        done = tasq(copy, *(ids.get(word, word) for word in words[1:]), "--json")
        made = json.loads(done.stdout)
        ids[change["change"]] = made["change"]
        assert made["verb"] == change["verb"]
        if change["verb"] in ("edit", "cancel") or step in (0, 1):
            assert (made["done"], made["skipped"]) == (change["done"], change["skipped"]), step
        check_after_the_change(copy, step)
    check_at_the_end(copy)
