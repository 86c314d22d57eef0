"""Each attempt that didn't succeed is kept: when, where, how it ended, and its error."""

import threading

import pytest

import tasq_core as tasq
from tasq_core.fleet.attempts import Attempts
from tasq_core.repository.side_tables import SideTables
from tests.support.consuming import consuming
from tests.support.wait import wait_until


def _attempts(client, task):
    return client.new_inspector().attempts(task.id)


def _ended(client, task):
    wait_until(lambda: client.new_inspector().get(task.id).finished_at, 20)


def test_a_task_that_failed_three_ways_has_three_attempts(client):
    """`last_error` shows the last one only: the cause is often the first."""
    ways = iter([ValueError("first"), tasq.Retry(0, "second"), tasq.Discard("third")])

    def fail(_task):
        raise next(ways)

    task = client.new_producer().submit("bad", 1, max_receives=9)
    with consuming(client, name="here") as consumer:
        consumer.learn("bad", fail)
        wait_until(lambda: len(_attempts(client, task)) == 3)

    found = _attempts(client, task)
    assert [attempt.outcome for attempt in found] == ["retried", "retried", "failed"]
    assert [attempt.receive_count for attempt in found] == [1, 2, 3]
    assert [(attempt.error or "").split("\n")[0] for attempt in found] == [
        "ValueError: first", "second", "third",
    ]  # fmt: skip
    assert {attempt.consumer for attempt in found} == {"here"}
    assert all(attempt.host and attempt.started_at <= attempt.ended_at for attempt in found)


@pytest.mark.slow
def test_a_snooze_and_a_timeout_are_called_so(client):
    def handler(task):
        if not client.new_inspector().attempts(task.id):
            raise tasq.Snooze(0)
        threading.Event().wait(20)

    task = client.new_producer().submit("slow", 1, max_receives=1)
    with consuming(client, job_timeout=0.5) as consumer:
        consumer.learn("slow", handler)
        _ended(client, task)

    assert [attempt.outcome for attempt in _attempts(client, task)] == ["snoozed", "timed out"]
    assert _attempts(client, task)[0].error is None


def test_a_success_writes_nothing(client, database):
    tasks = [client.new_producer().submit("ok", n) for n in range(20)]
    with consuming(client) as consumer:
        consumer.learn("ok", lambda _: None)
        for task in tasks:
            _ended(client, task)

    lead = SideTables(client.repository).lead
    assert database.execute(f"SELECT count(*) FROM {lead}_attempts") == [(0,)]


@pytest.mark.parametrize("pairs", [1, 20])
@pytest.mark.parametrize("started", [False, True])
def test_whoever_claims_a_lapsed_task_notes_the_crash(client, started, pairs):
    """A killed consumer writes nothing: its attempt would be missing from the history."""
    task = client.new_producer().submit("t0", 1)
    fresh = client.new_producer().submit("t0", 1)
    (first,) = list(client.repository.poll_tasks("t0", None, 0.3, limit=1))
    if started:
        client.repository.register_start(first)
    types = [f"t{n}" for n in range(pairs)]

    def claim():
        return client.repository.poll_tasks(types, "", 30, note_crashes=True)

    claimed = []
    wait_until(lambda: claimed.extend(claim()) or len(claimed) == 2)

    (attempt,) = _attempts(client, first)
    assert (attempt.outcome, attempt.receive_count, attempt.consumer) == ("crashed", 1, "")
    assert (attempt.started_at is not None) == started
    assert "lease lapsed" in (attempt.error or "")
    assert abs((attempt.ended_at - first.visible_at).total_seconds()) < 0.001
    other = fresh if first.id == task.id else task
    assert _attempts(client, other) == []


def test_whoever_ends_an_exhausted_task_notes_the_crash(client):
    task = client.new_producer().submit("kills", 1, max_receives=1)
    assert client.repository.poll_tasks("kills", None, 0.2)

    def ended():
        client.repository.poll_tasks("kills", None, 30, note_crashes=True)
        return client.new_inspector().get(task.id).status is tasq.TaskStatus.FAILED

    wait_until(ended)
    (attempt,) = _attempts(client, task)
    assert (attempt.outcome, attempt.receive_count) == ("crashed", 1)


def test_a_task_that_was_only_delayed_or_retried_didnt_crash(client):
    producer = client.new_producer()
    producer.submit("t", 1, delay=0.1)
    (task,) = wait_until(lambda: client.repository.poll_tasks("t", None, 30, note_crashes=True))
    client.repository.record_outcomes(
        [tasq.Outcome(tasq.Lease.of(task), tasq.TaskStatus.NEW, 1.0, 2.0, "x", 0.1)]
    )
    wait_until(lambda: client.repository.poll_tasks("t", None, 30, note_crashes=True))

    assert _attempts(client, task) == []


def test_an_outcome_whose_lease_is_lost_leaves_no_attempt(client):
    """The attempt and the outcome are one transaction: neither stands without the other."""
    from tasq_core.reports import AttemptNote

    client.new_producer().submit("t", 1)
    (task,) = client.repository.poll_tasks("t", None, 30)
    lost = tasq.Lease(task.id, 7, 7)
    note = AttemptNote("failed", "x", 2.0, "me", "here")
    written = client.repository.record_outcomes(
        [tasq.Outcome(lost, tasq.TaskStatus.FAILED, 1.0, 2.0, "x", attempt=note)]
    )

    assert written == set()
    assert _attempts(client, task) == []


def test_outcomes_are_recorded_where_attempts_are_refused(client, database, caplog):
    """A side table that was dropped must not keep tasks from ending."""
    task = client.new_producer().submit("bad", 1, max_receives=1)
    go_on = threading.Event()
    with consuming(client) as consumer:
        consumer.learn("bad", lambda _: go_on.wait(20) and 1 / 0)
        wait_until(lambda: client.new_inspector().get(task.id).started_at)
        database.execute(f"DROP TABLE {SideTables(client.repository).lead}_attempts")
        go_on.set()
        _ended(client, task)
        again = client.new_producer().submit("bad", 1, max_receives=1)
        _ended(client, again)

    assert "ZeroDivisionError" in client.new_inspector().get(task.id).last_error
    assert caplog.text.count("attempts can't be noted") == 1


def test_old_attempts_are_pruned_and_young_ones_stay(client, database):
    ids = [client.new_producer().submit("bad", n, max_receives=1) for n in range(3)]
    with consuming(client) as consumer:
        consumer.learn("bad", lambda _: 1 / 0)
        for task in ids:
            _ended(client, task)
    side = SideTables(client.repository)
    Attempts(side).prune(60)
    assert all(_attempts(client, task) for task in ids)

    age = {
        "sqlite": "ended_at - 3600 * 1000000",
        "postgres": "ended_at - interval '1 hour'",
        "mysql": "ended_at - INTERVAL 1 HOUR",
    }[database.backend]
    mine = "number = (SELECT n FROM (SELECT min(number) AS n FROM {t}) AS x)"
    table = f"{side.lead}_attempts"
    database.execute(f"UPDATE {table} SET ended_at = {age} WHERE {mine.format(t=table)}")
    Attempts(side).prune(60)
    assert sum(bool(_attempts(client, task)) for task in ids) == 2


def test_hostile_errors_come_back_storable(client):
    task = client.new_producer().submit("bad", 1, max_receives=1)

    def fail(_task):
        raise ValueError("\x1b[2J\x00\ud800 'quoted' \"double\" \\ {json} Ünïcödé 🎈")

    with consuming(client) as consumer:
        consumer.learn("bad", fail)
        _ended(client, task)

    (attempt,) = _attempts(client, task)
    assert attempt.error == client.new_inspector().get(task.id).last_error
    assert "🎈" in (attempt.error or "")


@pytest.mark.slow
@pytest.mark.parametrize("registered", [True, False])
def test_a_cancelled_run_is_an_attempt_of_its_holder(client, registered):
    """Without it the history of a task that was stopped by hand says that it never ran."""
    inspector, go_on = client.new_inspector(), threading.Event()
    task = client.new_producer().submit("slow", 1)
    waiting = client.new_producer().submit("slow", 2, delay=600)
    if registered:
        with consuming(client, name="here") as consumer:
            consumer.learn("slow", lambda _: go_on.wait(20))
            wait_until(lambda: inspector.get(task.id).started_at)
            wait_until(lambda: inspector.holder(inspector.get(task.id)).consumer)
            inspector.cancel(task, waiting, reason="wrong address")
            go_on.set()
    else:
        client.repository.poll_tasks("slow", None, 30)
        inspector.cancel(task, waiting, reason="wrong address")

    (attempt,) = _attempts(client, task)
    assert (attempt.outcome, attempt.receive_count) == ("cancelled", 1)
    assert attempt.error == "cancelled: wrong address"
    assert attempt.consumer == ("here" if registered else "")
    assert (attempt.started_at is not None) == registered
    ended = inspector.get(task.id).finished_at
    assert abs((attempt.ended_at - ended).total_seconds()) < 2
    assert _attempts(client, waiting) == []


def test_a_cancel_of_a_lapsed_lease_notes_the_crash(client):
    task = client.new_producer().submit("kills", 1)
    (held,) = client.repository.poll_tasks("kills", None, 0.2)
    wait_until(lambda: client.repository.now() > held.visible_at)

    client.new_inspector().cancel(task)

    (attempt,) = _attempts(client, task)
    assert attempt.outcome == "crashed"
    assert "lease lapsed" in (attempt.error or "")
    assert abs((attempt.ended_at - held.visible_at).total_seconds()) < 1


def test_a_cancel_goes_on_where_attempts_are_refused(client, database):
    """A side table without a right to write must not keep a wrong task running."""
    task = client.new_producer().submit("slow", 1)
    client.repository.poll_tasks("slow", None, 30)
    table = f"{SideTables(client.repository).lead}_attempts"
    database.execute(f"ALTER TABLE {table} RENAME COLUMN outcome TO other")

    assert client.new_inspector().cancel(task) == tasq.MutationResult(1, 0)
    assert client.new_inspector().get(task.id).last_error == "cancelled"
    assert database.execute(f"SELECT count(*) FROM {table}") == [(0,)]
