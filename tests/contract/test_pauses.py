"""A pause holds back every Python consumer, and nothing else."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

import tasq_core as tasq
from tests.support.consuming import consuming
from tests.support.wait import wait_until


@pytest.fixture
def soon(backend: str, monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds within which a pause must be heeded; MySQL's is the heartbeat, shortened here."""
    if backend == "mysql":
        from tasq_core.consumer import presence

        monkeypatch.setattr(presence, "HEARTBEAT_SECONDS", 0.5)
    return 1.0


@pytest.mark.slow
@pytest.mark.parametrize("queues", [("mail", "other"), None])
def test_a_paused_queue_isnt_claimed_under_load_and_a_resumed_one_is(client, soon, queues):
    """An operator pauses a queue because its tasks do harm: each later claim does more."""
    claimed, stop = [], threading.Event()
    producer = client.new_producer()

    def load():
        while not stop.wait(0.005):
            producer.submit("email", 1, queue="mail")
            producer.submit("email", 1, queue="other")

    loader = threading.Thread(target=load)
    loader.start()
    try:
        with consuming(client, queues=queues) as consumer:
            consumer.learn("email", lambda task: claimed.append((time.monotonic(), task.queue)))
            wait_until(lambda: len(claimed) > 20, 20)
            client.pause(queue="mail")
            paused = time.monotonic()
            wait_until(lambda: time.monotonic() > paused + soon + 1.0)
            before = list(claimed)
            assert [q for at, q in before if q == "mail" and at > paused + soon] == []
            assert [q for at, q in before if q == "other" and at > paused + soon]

            assert client.resume(queue="mail")
            resumed = time.monotonic()
            wait_until(lambda: claimed[-1][1] == "mail" or claimed[-2][1] == "mail", 10)
            assert time.monotonic() - resumed < soon + 1.0
    finally:
        stop.set()
        loader.join()


def test_a_paused_type_isnt_claimed_from_the_first_claim_on(client):
    """A consumer that starts during a pause heeds it."""
    client.pause(type="email", reason="the relay is down")
    held = client.new_producer().submit("email", 1)
    runs = client.new_producer().submit("report", 1)
    with consuming(client) as consumer:
        consumer.learn("email", lambda _: None)
        consumer.learn("report", lambda _: None)
        wait_until(lambda: client.new_inspector().get(runs.id).finished_at)
        assert client.new_inspector().get(held.id).receive_count == 0

    (pause,) = client.new_inspector().pauses()
    assert (pause.kind, pause.name, pause.reason) == ("type", "email", "the relay is down")
    assert "@" in pause.paused_by
    assert pause.until is None


def test_a_pause_lapses_by_itself(client):
    client.pause(queue="", until=timedelta(seconds=1))
    task = client.new_producer().submit("email", 1)
    with consuming(client, poll_interval=5) as consumer:
        consumer.learn("email", lambda _: None)
        wait_until(lambda: client.new_inspector().get(task.id).finished_at, 4)

    assert client.new_inspector().pauses() == []
    assert not client.resume(queue="")


def test_what_was_claimed_and_not_started_goes_back(client, soon):
    """Otherwise hundreds of prefetched tasks of a paused queue would still run."""
    ids = [client.new_producer().submit("slow", n).id for n in range(6)]
    inspector = client.new_inspector()
    with client.new_consumer(poll_interval=0.5) as consumer:
        consumer.learn("slow", lambda _: None)
        wait_until(lambda: all(inspector.get(id).receive_count for id in ids))
        client.pause(queue="")
        wait_until(lambda: not any(inspector.get(id).receive_count for id in ids), soon + 2)


def test_claims_of_others_than_our_consumers_arent_held_back(client):
    """Go's consumers claim as before, which both faces say."""
    client.pause(queue="mail")
    client.new_producer().submit("email", 1, queue="mail")

    assert client.repository.poll_tasks("email", "mail", 30)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ({}, "name one queue or one type"),
        ({"queue": "a", "type": "b"}, "name one queue or one type"),
        ({"queue": "x" * 513}, "513 characters"),
        ({"queue": "a", "until": datetime(2020, 1, 1, tzinfo=UTC)}, "has passed"),
        ({"queue": "a", "until": timedelta(0)}, "has passed"),
        ({"queue": "a", "until": datetime(2099, 1, 1)}, "until"),  # noqa: DTZ001 - the point
        ({"queue": 7}, "queue must be text"),
        ({"queue": "a", "reason": 7}, "reason must be text"),
    ],
)
def test_what_cant_be_paused_is_refused_and_nothing_is(client, names, says):
    with pytest.raises(tasq.InvalidInputError, match=says):
        client.pause(**names)
    assert client.new_inspector().pauses() == []


def test_a_second_pause_changes_the_first(client):
    client.pause(queue="mail", reason="one")
    client.pause(queue="mail", reason="two", until=timedelta(hours=1))

    (pause,) = client.new_inspector().pauses()
    assert pause.reason == "two"
    assert 3590 < (pause.until - pause.taken_at).total_seconds() <= 3600


def test_without_side_tables_a_pause_is_refused_with_the_remedy(database):
    client = database.client()
    client.migrate(side_tables=False)

    with pytest.raises(tasq.TableMissingError, match="tasq migrate"):
        client.pause(queue="mail")
