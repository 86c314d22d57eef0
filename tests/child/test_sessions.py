"""A child consumes a real table, freely and step by step."""

import time
from contextlib import closing

import pytest

from tasq_core.client import Client
from tasq_core.repository import open_repository
from tasq_core.task import Task
from tasq_tui.child.pool import ChildPool
from tasq_tui.child.protocol import (
    Abandoned,
    Awaiting,
    Claimed,
    Decide,
    Decision,
    Died,
    DryRun,
    Ending,
    Error,
    Finished,
    Idle,
    LeaseLost,
    Load,
    Loaded,
    Output,
    Pinged,
    Released,
    Running,
    Start,
    Started,
    Stop,
    Stopped,
)
from tests.child.listening import HANDLERS
from tests.support.wait import wait_until

pytestmark = pytest.mark.usefixtures("forked_children")

STEP = Start(step=True, poll_interval=0.05)
FREE = Start(poll_interval=0.05, visibility_timeout=5, concurrency=2)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
def repository(url):
    with closing(open_repository(url)) as repository:
        Client(repository).migrate()
        yield repository


@pytest.fixture
def submit(repository):
    return lambda type_, **fields: repository.submit_task(Task.new(type_, {"n": 1}, **fields)).id


@pytest.fixture
def row(repository):
    """Reads a task as it stands."""
    return lambda task_id: repository.get_tasks([task_id])[0]


@pytest.fixture
def shop(repository, child, ear, tmp_path, url):
    """A child with HANDLERS loaded, on the table."""
    (tmp_path / "shop_jobs.py").write_text(HANDLERS)
    child.send(Load("shop_jobs", str(tmp_path), url))
    ear.wait(Loaded)
    return child


def decide(child, ear, count, decision, **fields):
    task_id = ear.wait(Awaiting, count).task_id
    child.send(Decide(task_id, decision, **fields))
    return task_id


# -- freely ----------------------------------------------------------------------------------


def test_tasks_are_claimed_run_and_recorded(shop, ear, submit, row):
    good, later, bad = submit("prints"), submit("later"), submit("fails", max_receives=1)
    shop.send(FREE)
    for task_id in (good, later, bad):
        ear.wait(Finished, task_id=task_id)
    ear.wait(Idle)
    shop.send(Stop())
    ear.wait(Stopped)

    assert ear.wait(Running).step is False
    assert {task.id for event in ear.of(Claimed) for task in event.tasks} == {good, later, bad}
    assert len(ear.of(Started, dry=False)) == 3
    assert ear.wait(Finished, task_id=bad).ending is Ending.FAILED
    assert ear.wait(Output, task_id=good).text == "hello prints"
    assert ear.wait(Output, task_id=later).text == "later later"
    assert [row(task_id).status for task_id in (good, later, bad)] == ["SUCCESSFUL"] * 2 + [
        "FAILED"
    ]
    assert row(bad).last_error.startswith("ValueError: no such address")


def test_only_the_types_asked_for_are_claimed(shop, ear, submit, row):
    left, taken = submit("fails"), submit("prints")
    shop.send(Start(types=("prints",), poll_interval=0.05))
    ear.wait(Finished, task_id=taken)
    ear.wait(Idle)

    assert row(left).receive_count == 0


def test_only_the_queues_asked_for_are_claimed(shop, ear, submit, row):
    left, taken = submit("prints"), submit("prints", queue="mail")
    shop.send(Start(queues=("mail",), poll_interval=0.05))
    ear.wait(Finished, task_id=taken)
    ear.wait(Idle)

    assert row(left).receive_count == 0


def test_every_queue_may_be_asked_for(shop, ear, submit):
    ids = [submit("prints"), submit("prints", queue="mail")]
    shop.send(Start(queues=None, poll_interval=0.05))

    for task_id in ids:
        ear.wait(Finished, task_id=task_id)


@pytest.mark.serial
def test_closing_with_a_blocked_handler_gives_back_what_did_not_start(shop, ear, submit, row):
    blocked = submit("blocks")
    waiting = [submit("prints") for _ in range(3)]
    shop.send(Start(poll_interval=0.05))
    ear.wait(Output, text="blocking")
    begun = time.monotonic()
    shop.close()

    assert time.monotonic() - begun < 3  # and one for a busy machine
    ear.wait(Died)
    assert ear.of(Abandoned) == [Abandoned([blocked])]
    assert [(row(t).status, row(t).receive_count) for t in waiting] == [("NEW", 0)] * 3


def test_a_crash_names_the_tasks_it_leaves_behind(shop, ear, submit):
    task_id = submit("segfaults")
    shop.send(Start(poll_interval=0.05))
    ear.wait(Died)

    assert ear.of(Abandoned) == [Abandoned([task_id])]


def test_consuming_starts_again_after_a_stop(shop, ear, submit):
    shop.send(FREE)
    ear.wait(Running)
    shop.send(Stop())
    shop.send(Stop())
    ear.wait(Stopped)
    shop.send(FREE)
    task_id = submit("prints")

    ear.wait(Finished, task_id=task_id)


def test_a_start_that_fails_is_an_error_and_stops(shop, ear):
    shop.send(Start(poll_interval=5, visibility_timeout=1))

    assert "visibility" in ear.wait(Error).text
    ear.wait(Stopped)


def test_a_second_start_is_refused(shop, ear):
    shop.send(FREE)
    shop.send(FREE)

    ear.wait(Error, text="already consuming; stop first")
    assert not ear.of(Stopped)


def test_a_read_only_child_refuses_to_consume(repository, child, ear, tmp_path, url):
    (tmp_path / "shop_jobs.py").write_text(HANDLERS)
    child.send(Load("shop_jobs", str(tmp_path), url, read_only=True))
    child.send(STEP)

    assert "read-only" in ear.wait(Error).text


def test_reload_goes_on_consuming_with_the_new_code(repository, ear, tmp_path, url, submit):
    module = tmp_path / "live_jobs.py"
    module.write_text("handlers = {'x': lambda task: print('old')}")
    pool = ChildPool(ear)
    try:
        pool.load(Load("live_jobs", str(tmp_path), url))
        ear.wait(Loaded)
        pool.send(FREE)
        submit("x")
        ear.wait(Output, text="old")
        module.write_text("handlers = {'x': lambda task: print('brand new')}")
        pool.reload()
        ear.wait(Running, 2)
        submit("x")
        wait_until(
            lambda: len(ear.of(Finished)) == 2 or (submit("x") and ear.of(Output, text="brand new"))
        )

        assert not ear.of(Stopped)
    finally:
        pool.close(0)


# -- step by step ----------------------------------------------------------------------------


def test_step_shows_one_task_and_runs_it_when_told(shop, ear, submit, row):
    first, second = submit("prints"), submit("prints")
    shop.send(STEP)
    ear.wait(Awaiting, task_id=first)
    assert not ear.of(Started)
    assert row(second).receive_count == 0

    decide(shop, ear, 1, Decision.RUN)
    ear.wait(Awaiting, task_id=second)

    assert ear.of(Finished)[0].ending is Ending.SUCCEEDED
    assert row(first).status == "SUCCESSFUL"
    assert row(first).started_at <= row(first).finished_at


def test_step_records_a_failure_as_a_consumer_would(shop, ear, submit, row):
    retried, final = submit("fails"), submit("exits", max_receives=1)
    shop.send(STEP)
    decide(shop, ear, 1, Decision.RUN)
    decide(shop, ear, 2, Decision.RUN)
    ear.wait(Finished, 2)
    wait_until(lambda: row(final).status == "FAILED")

    assert [event.ending for event in ear.of(Finished)] == [Ending.RETRYING, Ending.FAILED]
    assert row(retried).last_error.startswith("ValueError")
    assert row(final).last_error.startswith("SystemExit")


def test_skip_gives_the_claim_back_and_goes_on_to_the_next(shop, ear, submit, row):
    ids = [submit("prints") for _ in range(3)]
    shop.send(STEP)
    shown = [decide(shop, ear, count, Decision.SKIP) for count in range(1, 7)]
    ear.wait(Awaiting, 7)
    shop.send(Stop())
    ear.wait(Stopped)

    assert shown == ids * 2
    assert [(row(t).status, row(t).receive_count) for t in ids] == [("NEW", 0)] * 3


def test_fail_ends_the_task_with_the_reason(shop, ear, submit, row):
    task_id = submit("prints")
    shop.send(STEP)
    decide(shop, ear, 1, Decision.FAIL, reason="bad \0address")

    assert ear.wait(Finished).ending is Ending.FAILED
    assert row(task_id).status == "FAILED"
    assert row(task_id).last_error == "bad \\x00address"
    assert not ear.of(Started)


def test_requeue_makes_the_task_new_and_counts_the_receive(shop, ear, submit, row):
    task_id = submit("prints")
    shop.send(STEP)
    decide(shop, ear, 1, Decision.REQUEUE, delay=60.0)

    assert ear.wait(Finished).ending is Ending.REQUEUED
    ear.wait(Idle)
    assert (row(task_id).status, row(task_id).receive_count) == ("NEW", 1)


def test_the_lease_is_kept_while_a_decision_is_awaited(shop, ear, submit, row):
    task_id = submit("prints")
    shop.send(Start(step=True, poll_interval=0.05, visibility_timeout=0.6))
    ear.wait(Pinged, 4)
    decide(shop, ear, 1, Decision.RUN)
    ear.wait(Finished)
    wait_until(lambda: row(task_id).status == "SUCCESSFUL")

    assert row(task_id).receive_count == 1


def test_a_task_deleted_while_awaited_is_lost_and_the_next_shown(shop, ear, submit, repository):
    gone, other = submit("prints"), submit("prints")
    shop.send(Start(step=True, poll_interval=0.05, visibility_timeout=0.6))
    ear.wait(Awaiting, task_id=gone)
    repository.delete_tasks([gone], safe_delete=False)

    ear.wait(LeaseLost, task_ids=[gone])
    ear.wait(Awaiting, task_id=other)


def test_stopping_gives_back_the_task_that_waits(shop, ear, submit, row):
    task_id = submit("prints")
    shop.send(STEP)
    ear.wait(Awaiting)
    shop.send(Stop())
    ear.wait(Stopped)

    ear.wait(Released, task_ids=[task_id])
    assert (row(task_id).status, row(task_id).receive_count) == ("NEW", 0)


def test_closing_gives_back_the_task_that_waits(shop, ear, submit, row):
    task_id = submit("prints")
    shop.send(STEP)
    ear.wait(Awaiting)
    shop.close()

    assert ear.wait(Died).returncode == 0
    assert (row(task_id).status, row(task_id).receive_count) == ("NEW", 0)


def test_a_decision_on_another_task_is_refused(shop, ear, submit):
    other, shown = submit("prints", queue="elsewhere"), submit("prints")
    shop.send(STEP)
    ear.wait(Awaiting, task_id=shown)
    shop.send(Decide(other, Decision.RUN))

    assert str(other) in ear.wait(Error).text
    assert not ear.of(Started)


@pytest.mark.parametrize("paused", [{"queue": "mail"}, {"type": "prints"}])
def test_step_offers_nothing_that_is_paused_until_it_is_resumed(
    shop, ear, submit, repository, *, row, paused
):
    """Who paused a queue is told that no Python consumer takes of it: the app is one."""
    client = Client(repository)
    client.pause(**paused)
    held = submit("prints", queue="mail")
    other = submit("fails", queue="other", max_receives=1)
    shop.send(Start(step=True, poll_interval=0.05, queues=None))

    assert decide(shop, ear, 1, Decision.SKIP) == other
    assert decide(shop, ear, 2, Decision.RUN) == other  # and is over: it isn't offered again
    assert row(held).receive_count == 0
    client.resume(**paused)
    ear.wait(Awaiting, task_id=held)


@pytest.mark.parametrize(
    ("type", "status", "receives", "outcome"),
    [("fails", "NEW", 1, "retried"), ("snoozes", "NEW", 0, "snoozed"),
     ("discards", "FAILED", 1, "failed")],
)  # fmt: skip
def test_step_decides_and_notes_a_failed_attempt_as_a_consumer_does(
    shop, ear, submit, repository, *, row, type, status, receives, outcome
):
    """A snoozed task lost a receive and ran at once, a discarded one ran again; no attempt stood
    in `tasq show`."""
    task_id = submit(type, max_receives=5)
    shop.send(STEP)
    decide(shop, ear, 1, Decision.RUN)
    ear.wait(Finished)
    inspector = Client(repository).new_inspector()
    [attempt] = wait_until(lambda: inspector.attempts(task_id))
    shop.send(Stop())
    ear.wait(Stopped)

    assert attempt.outcome == outcome
    assert (row(task_id).status, row(task_id).receive_count) == (status, receives)


# -- dry ---------------------------------------------------------------------------------------


def test_a_dry_run_by_id_leaves_the_row_as_it_is(shop, ear, submit, row):
    task_id = submit("fails")
    before = row(task_id)
    shop.send(DryRun(task_id))

    assert ear.wait(Finished, task_id=task_id, dry=True).ending is Ending.FAILED
    assert row(task_id) == before


def test_a_dry_run_of_a_missing_task_says_so(shop, ear, submit, repository):
    task_id = submit("prints")
    repository.delete_tasks([task_id], safe_delete=False)
    shop.send(DryRun(task_id))

    assert str(task_id) in ear.wait(Error).text
