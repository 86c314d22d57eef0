"""Rows of the side tables that a newer tasq, or a hand with SQL, wrote: one hides no other."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tasq_core import Client
from tasq_core.consumer.firing import Firing
from tasq_core.errors import InvalidInputError
from tasq_core.fleet.registry import Registry
from tasq_core.repository.side_tables import SideTables
from tests.support.databases import Database

SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

DEEP = "[" * 20_000
JSON: list[tuple[str, str]] = [
    ("queues", DEEP),
    ("types", "null"),
    ("counts", json.dumps({"succeeded": 10**400})),
    ("counts", "[1]"),
    ("in_flight", DEEP),
    ("in_flight", '{"running": [[null, null, null, null, null]], "waiting": []}'),
]
TYPES: list[tuple[str, Any]] = [
    ("id", b"short"), ("format", "next"), ("pid", "many"), ("workers", b"\x00"),
    ("heartbeat_seconds", float("inf")), ("heartbeat_at", "never"), ("started_at", b"\x00"),
]  # fmt: skip


def add(client: Client, name: str = "seen", **columns: Any) -> None:
    """A consumer's row, with `columns` as they are given."""
    row: dict[str, Any] = {
        "name": name, "host": "h", "pid": 1, "version": "1", "release_name": "", "queues": "null",
        "types": "[]", "workers": 1, "state": "running", "counts": "{}",
        "in_flight": '{"running": [], "waiting": []}', "last_error": None, "started_ago": 5.0,
        "heartbeat_seconds": 5.0,
    }  # fmt: skip
    known = {key: value for key, value in columns.items() if key in row}
    Registry(SideTables(client.repository)).write(uuid4(), row | known)


def spoil(database: Database, client: Client, table: str, column: str, value: Any) -> None:
    name = f"{SideTables(client.repository).lead}_{table}"
    database.execute(f"UPDATE {name} SET {column} = ?", (value,))


@pytest.mark.parametrize(("column", "text"), JSON)
def test_json_of_a_consumer_that_cant_be_read_hides_no_other(
    client: Client, column: str, text: str
):
    """Otherwise one row ends `fleet`, `health`, `show` and the app in a traceback."""
    add(client, "odd", **{column: text})
    add(client)

    found = {consumer.name: consumer for consumer in client.new_inspector().consumers()}

    assert found["odd"].problem == f"its row can't be read: {column}"
    assert found["seen"].problem is None
    assert client.health().taken_at


@SQLITE
@pytest.mark.parametrize(("column", "value"), TYPES)
def test_a_consumers_column_of_another_type_hides_no_other(
    client: Client, database: Database, column: str, value: Any
):
    add(client, "odd")
    spoil(database, client, "consumers", column, value)
    add(client)

    found = {consumer.name: consumer for consumer in client.new_inspector().consumers()}

    assert found["odd"].problem == f"its row can't be read: {column}"
    assert found["seen"].problem is None
    assert client.health().taken_at


def test_an_answer_that_cant_be_read_is_said_to_be_so(client: Client, database: Database):
    add(client)
    registry = Registry(SideTables(client.repository))
    (consumer,) = registry.all()
    sent = registry.send(consumer.id, "stacks")
    assert sent is not None
    command = registry.pending(consumer.id)
    assert command is not None
    registry.answer(consumer.id, command, {})
    name = f"{SideTables(client.repository).lead}_consumers"
    database.execute(f"UPDATE {name} SET answer = '{DEEP}'")

    assert registry.answer_to(consumer.id, sent) == {"text": "its answer can't be read"}


@SQLITE
@pytest.mark.parametrize(
    ("column", "value"),
    [("receive_count", "x"), ("started_at", "never"), ("ended_at", b"\x00"), ("error", b"\xff")],
)
def test_an_odd_attempt_is_shown_with_the_others(
    client: Client, database: Database, column: str, value: Any
):
    task = client.new_producer().submit("a", 1)
    table = f"{SideTables(client.repository).lead}_attempts"
    for number in (1, 2):
        database.execute(
            f"INSERT INTO {table} (task_id, receive_count, consumer, host, ended_at, outcome)"
            " VALUES (?, ?, '', '', 1, 'failed')",
            (task.id.bytes, number),
        )
    database.execute(f"UPDATE {table} SET {column} = ? WHERE receive_count = 2", (value,))

    found = client.new_inspector().attempts(task.id)

    assert len(found) == 2
    assert found[0].error is None
    assert column == "error" or found[1].error == f"its row can't be read: {column}"


@SQLITE
def test_a_pause_whose_end_cant_be_read_holds_until_it_is_resumed(
    client: Client, database: Database
):
    client.pause(queue="mail")
    spoil(database, client, "pauses", "until_at", "never")
    client.pause(queue="slow", until=timedelta(hours=1))

    found = {pause.name: pause for pause in client.new_inspector().pauses()}

    assert found["mail"].until is None
    assert found["slow"].until is not None
    assert client.resume(queue="mail")


@SQLITE
@pytest.mark.parametrize(
    ("column", "value"),
    [("args", 10**12), ("next_at", "never"), ("priority", "high"), ("last_task_id", b"x")],
)
def test_a_schedule_that_cant_be_read_is_named_and_the_others_are_fired(
    client: Client, database: Database, column: str, value: Any, caplog: pytest.LogCaptureFixture
):
    """Otherwise one row stops every periodic task, or takes all memory: bytes(10**12)."""
    client.schedule("odd", "0 3 * * *", "report")
    past = int((datetime.now(UTC) - timedelta(seconds=5)).timestamp() * 1e6)
    spoil(database, client, "schedules", "next_at", past)
    spoil(database, client, "schedules", column, value)
    client.schedule("good", "0 3 * * *", "report")
    table = f"{SideTables(client.repository).lead}_schedules"
    database.execute(f"UPDATE {table} SET next_at = ? WHERE name = 'good'", (past,))

    Firing(client.repository, logging.getLogger("tasq_core.consumer"))()

    assert [task.type for task in client.new_inspector().scan()] == ["report"]
    assert f"its row can't be read: {column}; declare it anew, or remove it" in caplog.text
    found = {schedule.name: schedule for schedule in client.schedules().all()}
    assert found["odd"].problem == f"its row can't be read: {column}"
    assert found["good"].problem is None
    with pytest.raises(InvalidInputError, match="tasq schedules remove odd"):
        client.schedules().run_now("odd")
    client.schedules().remove("odd")
    assert [schedule.name for schedule in client.schedules().all()] == ["good"]


@SQLITE
def test_declaring_it_anew_mends_a_schedule_that_cant_be_read(client: Client, database: Database):
    client.schedule("nightly", "0 3 * * *", "report")
    spoil(database, client, "schedules", "next_at", "never")

    found = client.schedule("nightly", "0 3 * * *", "report")

    assert found.problem is None
    assert found.next_at > client.repository.now()


TIMES: dict[str, list[str]] = {
    "postgres": ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01"],
    "mysql": ["0000-00-00 00:00:00", "2026-00-10 00:00:00"],
}


@pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
def test_times_that_no_calendar_holds_hide_no_row(client: Client, database: Database):
    """Otherwise a pause until "infinity" ends every consumer, and `fleet` in a traceback."""
    inspector, lead = client.new_inspector(), SideTables(client.repository).lead
    if database.backend == "mysql":
        database.execute("SET SESSION sql_mode = ''")

    def set_to(value: str, table: str, *columns: str, where: str) -> None:
        for column in columns:
            database.execute(f"UPDATE {lead}_{table} SET {column} = %s WHERE {where}", (value,))

    for value in TIMES[database.backend]:
        add(client, "odd")
        add(client)
        task = client.new_producer().submit("a", 1)
        raw = task.id if database.backend == "postgres" else task.id.bytes
        for name in ("odd", "seen"):
            client.pause(queue=name, until=timedelta(hours=1))
            client.schedule(name, "0 3 * * *", "report")
            database.execute(
                f"INSERT INTO {lead}_attempts (task_id, receive_count, consumer, host, ended_at,"
                " outcome) VALUES (%s, 1, %s, '', '2026-01-01', 'failed')", (raw, name),
            )  # fmt: skip
        set_to(value, "consumers", "started_at", "heartbeat_at", where="name = 'odd'")
        set_to(value, "pauses", "paused_at", "until_at", where="name = 'odd'")
        set_to(value, "attempts", "started_at", "ended_at", where="consumer = 'odd'")
        set_to(value, "schedules", "next_at", "last_at", "created_at", where="name = 'odd'")

        assert {found.name for found in inspector.consumers()} == {"odd", "seen"}
        assert "seen" in {found.name for found in inspector.pauses()}
        assert len(inspector.attempts(task.id)) == 2
        assert {found.name for found in client.schedules().all()} == {"odd", "seen"}
        assert client.health().taken_at
        Firing(client.repository, logging.getLogger("tasq_core.consumer"))()
        client.schedules().remove("odd")
        client.resume(queue="odd")
