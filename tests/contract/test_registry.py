"""Running consumers are seen: who they are, what they run, whether they live."""

import json
import logging
import threading

import pytest

from tasq_core.consumer import presence
from tasq_core.fleet.registry import Registry
from tasq_core.repository.side_tables import SideTables
from tests.support.consuming import consuming
from tests.support.wait import wait_until

HELD = {"running": [["0" * 32, 1, "a", "", 0.5]], "waiting": []}
"""What the row of a consumer says that runs one task."""
HOSTILE = "\x1b[31mred\x1b[0m [bold]x[/] =1+1 \u202e"


@pytest.fixture(autouse=True)
def _quick_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "HEARTBEAT_SECONDS", 0.2)


@pytest.fixture
def leaves_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer that ends leaves its row, as one that is killed does."""
    monkeypatch.setattr(presence.Presence, "_leave", lambda _self: None)


def _only(client):
    return wait_until(lambda: client.new_inspector().consumers())[0]


def test_a_running_consumer_is_listed_with_what_it_runs(client):
    """Otherwise nobody can tell who holds a task that hangs."""
    go_on = threading.Event()
    task = client.new_producer().submit("slow", 1, queue="mail")
    with consuming(client, name="mailer", release="7.1", queues=("mail", "")) as consumer:
        consumer.learn("slow", lambda _: go_on.wait(20))
        found = wait_until(
            lambda: next((c for c in client.new_inspector().consumers() if c.in_flight), None)
        )
        go_on.set()

    assert (found.name, found.release, found.state, found.workers) == (
        "mailer",
        "7.1",
        "running",
        4,
    )
    assert (found.queues, found.types) == (("mail", ""), ("slow",))
    assert not found.vanished
    assert found.problem is None
    (held,) = found.in_flight
    assert (held.task_id, held.receive_count, held.type, held.queue) == (task.id, 1, "slow", "mail")
    assert abs((held.started_at - found.taken_at).total_seconds()) < 30
    assert found.counts["claimed"] == 1


def test_counts_tell_what_became_of_its_tasks(client):
    producer = client.new_producer()
    for number in range(5):
        producer.submit("ok", number)
    producer.submit("bad", 1, max_receives=2)
    with consuming(client) as consumer:
        consumer.learn("ok", lambda _: None)
        consumer.learn("bad", lambda _: 1 / 0)

        def counts():
            return _only(client).counts

        wait_until(lambda: counts()["succeeded"] == 5 and counts()["failed"] == 1)
        assert counts()["retried"] == 1


def test_a_consumer_that_stopped_leaves_the_registry(client):
    """Otherwise every deployment leaves a consumer behind that looks vanished."""
    with consuming(client) as consumer:
        consumer.learn("a", print)
        _only(client)

    assert client.new_inspector().consumers() == []


def test_one_without_heartbeats_has_vanished_and_is_forgotten_after_a_day(
    client, database, leaves_its_row
):
    side = SideTables(client.repository)
    with consuming(client) as consumer:
        consumer.learn("a", print)
        _only(client)
    wait_until(lambda: client.new_inspector().consumers()[0].vanished)

    Registry(side).prune()
    assert len(client.new_inspector().consumers()) == 1
    age = {
        "sqlite": "heartbeat_at - 90000 * 1000000",
        "postgres": "heartbeat_at - interval '25 hours'",
        "mysql": "heartbeat_at - INTERVAL 25 HOUR",
    }[database.backend]
    database.execute(f"UPDATE {side.lead}_consumers SET heartbeat_at = {age}")
    Registry(side).prune()
    assert client.new_inspector().consumers() == []


def test_a_crash_loop_leaves_the_last_row_and_those_that_held_tasks(
    client, database, leaves_its_row, monkeypatch
):
    """Else a process that crashes at its start fills the fleet with rows for a day."""
    side = SideTables(client.repository)

    def leave_row(name, **kept):
        with consuming(client, name=name) as consumer:
            consumer.learn("a", print)
            wait_until(lambda: len(client.new_inspector().consumers()) == kept["rows"])

    def names():
        Registry(side).prune()
        return [consumer.name for consumer in client.new_inspector().consumers()]

    leave_row("other", rows=1)
    with monkeypatch.context() as held:
        held.setattr(presence, "in_flight_text", lambda *_: json.dumps(HELD))
        leave_row("mailer-1", rows=2)
    for rows in (3, 4, 5):
        leave_row("mailer-1", rows=rows)
    assert names() == ["mailer-1"] * 4 + ["other"]
    newest = client.new_inspector().consumers()[3].id
    age = {
        "sqlite": "heartbeat_at - 700 * 1000000",
        "postgres": "heartbeat_at - interval '700 seconds'",
        "mysql": "heartbeat_at - INTERVAL 700 SECOND",
    }[database.backend]

    database.execute(f"UPDATE {side.lead}_consumers SET heartbeat_at = {age}")

    assert names() == ["mailer-1", "mailer-1", "other"]
    holding, last, _ = client.new_inspector().consumers()
    assert len(holding.in_flight) == 1
    assert last.id == newest


def test_a_name_used_twice_shows_two_consumers(client):
    """Otherwise one hides the other, and a command reaches whichever."""
    with consuming(client, name="same") as one, consuming(client, name="same") as two:
        one.learn("a", print)
        two.learn("a", print)
        found = wait_until(lambda: (f := client.new_inspector().consumers()) and len(f) == 2 and f)

    assert {c.name for c in found} == {"same"}
    assert len({c.id for c in found}) == 2


def test_a_row_of_a_newer_tasq_is_shown_as_such(client, database, leaves_its_row):
    """Otherwise one upgraded consumer breaks the view of all."""
    with consuming(client, name="newer") as consumer:
        consumer.learn("a", print)
        _only(client)
    table = f"{SideTables(client.repository).lead}_consumers"

    database.execute(f"UPDATE {table} SET format = 99, in_flight = 'what is this'")
    found = _only(client)
    assert found.name == "newer"
    assert "newer tasq" in (found.problem or "")

    database.execute(f"UPDATE {table} SET format = 1")
    assert "can't be read" in (_only(client).problem or "")


def test_hostile_names_come_back_as_they_are(client):
    go_on = threading.Event()
    client.new_producer().submit(HOSTILE, 1, queue=HOSTILE)
    with consuming(client, name=HOSTILE, release=HOSTILE, queues=(HOSTILE,)) as consumer:
        consumer.learn(HOSTILE, lambda _: go_on.wait(20))
        found = wait_until(
            lambda: next((c for c in client.new_inspector().consumers() if c.in_flight), None)
        )
        go_on.set()

    assert (found.name, found.release, found.types) == (HOSTILE, HOSTILE, (HOSTILE,))
    assert found.in_flight[0].queue == HOSTILE


def test_without_side_tables_it_works_and_says_so_once(database, caplog):
    """A database that was migrated by Go only, or by a user without rights."""
    caplog.set_level(logging.INFO, "tasq_core.consumer")
    client = database.client()
    client.migrate(side_tables=False)
    task = client.new_producer().submit("a", 1)
    bad = client.new_producer().submit("bad", 1, max_receives=1)
    with consuming(client) as consumer:
        consumer.learn("a", lambda _: None)
        consumer.learn("bad", lambda _: 1 / 0)
        inspector = client.new_inspector()
        wait_until(lambda: inspector.get(task.id).finished_at and inspector.get(bad.id).finished_at)
        wait_until(lambda: "isn't shown in the fleet" in caplog.text)
        consumer._run._presence.beat_soon()
        assert (inspector.consumers(), inspector.pauses(), inspector.attempts(bad.id)) == (
            [],
            [],
            [],
        )

    assert caplog.text.count("isn't shown in the fleet") == 1


def test_a_heartbeat_that_cant_be_written_is_logged_once_and_work_goes_on(client, database, caplog):
    with consuming(client) as consumer:
        consumer.learn("a", lambda _: None)
        _only(client)
        database.execute(f"DROP TABLE {SideTables(client.repository).lead}_consumers")
        wait_until(lambda: "could not write the heartbeat" in caplog.text)
        task = client.new_producer().submit("a", 1)
        wait_until(lambda: client.new_inspector().get(task.id).finished_at)
        tries = threading.Event()
        for _ in range(3):
            consumer._run._presence.beat_soon()
            tries.wait(0.3)

    assert caplog.text.count("could not write the heartbeat") == 1


@pytest.mark.slow
def test_commands_are_obeyed_and_answered(client):
    """quiet, resume, stacks and stop, as `tasq fleet` sends them."""
    go_on = threading.Event()

    def stands_here(_task):
        go_on.wait(20)

    registry = Registry(SideTables(client.repository))
    client.new_producer().submit("slow", 1)

    def ask(command):
        sent = registry.send(me.id, command)
        return wait_until(lambda: registry.answer_to(me.id, sent))

    with consuming(client) as consumer:
        consumer.learn("slow", stands_here)
        me = wait_until(
            lambda: next((c for c in client.new_inspector().consumers() if c.in_flight), None)
        )
        (stack,) = ask("stacks")["stacks"]
        assert stack["type"] == "slow"
        assert "stands_here" in stack["stack"]
        assert "go_on.wait(20)" in stack["stack"]
        assert "consumer/job.py" not in stack["stack"]

        assert "claims nothing more" in ask("quiet")["text"]
        waiting = client.new_producer().submit("slow", 2)
        wait_until(lambda: _only(client).state == "quiet")
        assert client.new_inspector().get(waiting.id).receive_count == 0
        ask("resume")
        wait_until(lambda: client.new_inspector().get(waiting.id).receive_count == 1)
        assert ask("dance")["unknown"]

        go_on.set()
        registry.send(me.id, "stop")
        assert consumer.wait(30)
    with pytest.raises(LookupError, match="stopped"):
        registry.answer_to(me.id, me.id)


def test_the_stack_of_a_coroutine_tells_what_it_awaits(client):
    import asyncio

    async def inner(hold):
        await hold.wait()

    async def handler(_task):
        await inner(asyncio.Event())

    registry = Registry(SideTables(client.repository))
    client.new_producer().submit("slow", 1)
    with consuming(client) as consumer:
        consumer.learn("slow", handler)
        me = wait_until(
            lambda: next((c for c in client.new_inspector().consumers() if c.in_flight), None)
        )
        sent = registry.send(me.id, "stacks")
        (stack,) = wait_until(lambda: registry.answer_to(me.id, sent))["stacks"]

    assert stack["stack"].index("in handler") < stack["stack"].index("in inner")
