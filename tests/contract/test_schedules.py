"""Schedules on each database: declared, fired once a tick, steered by hand."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core.consumer.firing import Firing
from tasq_core.errors import InvalidInputError, ScheduleNotFoundError, TableMissingError
from tests.support.threads import in_threads
from tests.support.wait import wait_until


def nightly(client, **changes):
    return client.schedule(
        **{"name": "nightly", "cron": "0 3 * * *", "type": "report", "args": {"day": 1}} | changes
    )


def overdue(database, tick):
    """Set the next tick of every schedule, as if nothing had fired since."""
    zone = {"postgres": "+00"}.get(database.backend, "")
    value = (
        int(tick.timestamp() * 1e6) if database.backend == "sqlite" else f"{tick:%F %T.%f}{zone}"
    )
    database.execute(
        f"UPDATE {database.prefix}_tasq_schedules SET next_at = {database.placeholder}", [value]
    )


def fire(client):
    schedules = client.schedules()
    return [task for one in schedules.due() if one[1] <= one[2] for task in schedules.fire(*one)]


def test_a_schedule_is_listed_as_it_was_declared(client):
    declared = nightly(
        client, time_zone="Europe/Berlin", queue="mail", priority=-3, max_receives=4, missed="all"
    )

    [listed] = client.new_inspector().schedules()
    assert listed == declared
    assert (listed.name, listed.cron, listed.time_zone) == ("nightly", "0 3 * * *", "Europe/Berlin")
    assert (listed.type, listed.queue, listed.args) == ("report", "mail", b'{"day":1}')
    assert (listed.priority, listed.max_receives, listed.missed) == (-3, 4, "all")
    assert not listed.paused
    assert listed.last_at is None
    assert timedelta() < listed.next_at - client.repository.now() <= timedelta(days=1)


def test_declaring_it_again_changes_nothing_not_even_a_tick_that_is_due(database, client):
    """Every start of a program declares its schedules; a missed tick must survive that."""
    nightly(client)
    tick = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
    overdue(database, tick)
    before = client.new_inspector().schedules()

    nightly(client)
    database.client().schedule("nightly", "0 3 * * *", "report", {"day": 1})

    assert client.new_inspector().schedules() == before
    assert before[0].next_at == tick


def test_the_last_deployed_declaration_wins_and_a_pause_survives_it(client, database, caplog):
    nightly(client)
    client.schedules().pause("nightly")

    with caplog.at_level(logging.INFO, "tasq_core.schedules"):
        nightly(database.client(), cron="0 4 * * *", args={"day": 2})

    [found] = client.new_inspector().schedules()
    assert (found.cron, found.args, found.paused) == ("0 4 * * *", b'{"day":2}', True)
    assert found.next_at.hour == 4
    assert "'nightly' changed: cron, args" in caplog.text


def test_one_program_may_not_use_a_name_for_two_things(client):
    """Two modules that both say "nightly" would replace each other at every start."""
    nightly(client)

    with pytest.raises(InvalidInputError, match=r"declared twice .* different type"):
        nightly(client, type="cleanup")
    assert client.unschedule("nightly")
    assert nightly(client, type="cleanup").type == "cleanup"


def test_removal_is_explicit(client):
    nightly(client)

    assert client.unschedule("nightly")
    assert not client.unschedule("nightly")
    assert client.new_inspector().schedules() == []


@pytest.mark.parametrize(("missed", "count"), [("latest", 1), ("all", 150), ("none", 0)])
def test_missed_ticks_follow_the_policy(database, client, missed, count):
    nightly(client, cron="*/2 * * * *", missed=missed, queue="q", priority=7)
    now = client.repository.now().replace(second=0, microsecond=0)
    latest = now.replace(minute=now.minute - now.minute % 2) - timedelta(minutes=10)
    first = latest - timedelta(minutes=298)
    overdue(database, first)
    schedules = client.schedules()
    fired = []
    for _ in range(2):  # a hundred at a time
        [(name, tick, _)] = schedules.due()
        fired += schedules.fire(name, tick, latest + timedelta(seconds=61))

    tasks = client.new_inspector().scan(limit=1000)
    assert sorted(task.id for task in tasks) == sorted(task.id for task in fired)
    assert len(tasks) == count
    assert [task.created_at for task in tasks] == sorted({task.created_at for task in tasks})
    assert all((task.type, task.queue, task.priority, task.args) == ("report", "q", 7, b'{"day":1}') for task in tasks)  # fmt: skip
    [row] = schedules.all()
    assert row.next_at == latest + timedelta(minutes=2)
    if tasks:
        assert tasks[-1].created_at == row.last_at == latest
        assert tasks[-1].id == row.last_task_id


def test_a_tick_in_time_is_fired_where_missed_ones_are_not(database, client):
    nightly(client, missed="none")
    tick = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
    overdue(database, tick)

    assert len(client.schedules().fire("nightly", tick, tick + timedelta(seconds=2))) == 1


def test_of_many_who_saw_a_tick_one_submits_it(database, client):
    """Ten consumers would send ten reports."""
    nightly(client)
    tick = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
    overdue(database, tick)
    others = [database.client().schedules() for _ in range(5)]
    fired = []

    def race(schedules):
        fired.extend(schedules.fire("nightly", tick, tick + timedelta(seconds=1)))

    in_threads(*(lambda schedules=schedules: race(schedules) for schedules in others))

    assert len(fired) == 1
    assert client.new_inspector().count() == 1


def test_a_paused_schedule_is_silent_and_goes_on_from_now(database, client):
    """Resumed, a schedule that made up for its pause would do at once what was held back."""
    nightly(client, missed="all")
    assert client.schedules().pause("nightly")
    assert not client.schedules().pause("nightly")
    tick = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
    overdue(database, tick)

    assert fire(client) == []
    assert client.schedules().fire("nightly", tick, client.repository.now()) == []
    assert client.schedules().resume("nightly")
    assert not client.schedules().resume("nightly")
    assert client.schedules().get("nightly").next_at > client.repository.now()
    assert client.new_inspector().count() == 0


def test_running_one_now_leaves_its_ticks_alone(client):
    before = nightly(client)

    task = client.schedules().run_now("nightly")

    assert client.new_inspector().get(task.id).args == b'{"day":1}'
    assert client.schedules().get("nightly") == before


@pytest.mark.slow
def test_a_running_consumer_fires_and_runs_them(client):
    ran = []
    consumer = client.new_consumer(poll_interval=0.2)
    consumer.learn("beat", lambda task: ran.append(task.created_at))
    client.schedule("beat", "* * * * * *", "beat", missed="all")

    with consumer:
        for _ in range(3):
            consumer.channel().take()()
    assert len(set(ran)) == 3
    assert all(tick.microsecond == 0 for tick in ran)


@pytest.mark.slow
def test_one_that_cannot_be_read_here_is_logged_once_and_holds_up_no_other(
    database, client, caplog
):
    """A newer program may have declared what this consumer doesn't understand."""
    client.schedule("beat", "* * * * * *", "beat")
    client.schedule("odd", "0 3 * * *", "odd")
    database.execute(
        f"UPDATE {database.prefix}_tasq_schedules SET cron = '0 3 * * MOON' WHERE name = 'odd'"
    )
    overdue(database, datetime(2026, 1, 5, tzinfo=UTC))

    with client.new_consumer(poll_interval=0.2):
        wait_until(lambda: client.new_inspector().count(types="beat") >= 3, 20)

    said = [record for record in caplog.records if "'odd' can't be fired" in record.message]
    assert len(said) == 1
    assert client.new_inspector().count(types="odd") == 0


def test_a_consumer_that_cannot_fire_it_says_so_once_not_at_each_tick(database, client, caplog):
    """One without the extra would fill the log, while others fire every tick."""
    client.schedule("odd", "0 3 * * *", "odd")
    database.execute(f"UPDATE {database.prefix}_tasq_schedules SET cron = '0 3 * * MOON'")
    firing = Firing(client.repository, logging.getLogger("tasq_core.consumer"))

    for day in (5, 6, 7):
        overdue(database, datetime(2026, 1, day, tzinfo=UTC))
        firing()

    assert caplog.text.count("'odd' can't be fired") == 1


def test_without_its_table_a_schedule_is_refused_and_a_consumer_works(database):
    client = database.client()
    client.migrate(side_tables=False)

    with pytest.raises(TableMissingError, match="_tasq_schedules' that this user may read"):
        nightly(client)
    with pytest.raises(TableMissingError):
        client.new_inspector().schedules()
    ran = []
    consumer = client.new_consumer(poll_interval=0.2)
    consumer.learn("email", ran.append)
    client.new_producer().submit("email", None)
    with consumer:
        consumer.channel().take()()
    assert len(ran) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "has 0 characters"),
        ({"name": "x" * 201}, "has 201 characters"),
        ({"missed": "some"}, "missed 'some' is not one of latest, all, none"),
        ({"cron": "0 25 * * *"}, r"'25' is not a hour"),
        ({"time_zone": "Mars/Base"}, "unknown time zone"),
        ({"priority": 40000}, "priority 40000 is out of range"),
        ({"type": "a\0b"}, "NUL"),
    ],
)
def test_what_cannot_be_declared_is_refused_and_stores_nothing(client, changes, said):
    with pytest.raises(InvalidInputError, match=said):
        nightly(client, **changes)
    assert client.new_inspector().schedules() == []


@pytest.mark.parametrize("verb", ["pause", "resume", "run_now", "get"])
def test_an_unknown_name_is_refused(client, verb):
    with pytest.raises(ScheduleNotFoundError, match="no schedule 'x'"):
        getattr(client.schedules(), verb)("x")
