"""Tasks that are made while earlier ones are on their way into the table."""

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from errno import ENOSPC

import pytest

from tasq_core import Client, InvalidInputError, RepositoryError, Task
from tasq_core.repository import replayed
from tests.support.databases import Database


def _then_raise(error: Exception) -> Iterator[Task]:
    for number in range(3):
        yield Task.new("a", number)
    raise error


def test_a_source_that_fails_leaves_nothing_and_its_error_as_it_is(
    client: Client, database: Database
):
    producer = client.new_producer()

    with pytest.raises(ZeroDivisionError):
        producer.submit_many(_then_raise(ZeroDivisionError()))

    assert client.new_inspector().count() == 0


def test_a_source_that_fails_as_a_lost_connection_does_is_not_taken_for_one(client: Client):
    driver_error = client.repository._driver.errors[0]  # type: ignore[attr-defined]

    with pytest.raises(driver_error) as raised:
        client.new_producer().submit_many(_then_raise(driver_error("the source's own")))

    assert not isinstance(raised.value, RepositoryError)
    assert client.new_inspector().count() == 0


def test_a_bad_task_among_many_leaves_nothing(client: Client):
    def tasks() -> Iterator[Task]:
        yield Task.new("a", 1)
        bad = Task.new("a", 2)
        bad.priority = 2**20
        yield bad

    with pytest.raises(InvalidInputError, match="priority"):
        client.new_producer().submit_many(tasks())

    assert client.new_inspector().count() == 0


def test_ids_that_exist_are_skipped_whether_they_come_first_or_last(client: Client):
    producer, stored = client.new_producer(), Task.new("a", 0)
    producer.submit_task(stored)

    done = producer.submit_many(iter([Task.new("a", 1), stored, Task.new("a", 2)]))

    assert done == 2
    assert client.new_inspector().count() == 3


class _Text(str):
    __slots__ = ()


def _many(count: int) -> Iterator[Task]:
    for number in range(count):
        task = Task.new(_Text("a"), "x" * 500, "ü" * (number % 3), number % 7 - 3, number)
        task.set_visibility(datetime(1, 1, 1 + number % 3, tzinfo=UTC))
        yield task


def test_a_long_generators_tasks_are_stored_as_they_were_made(
    client: Client, monkeypatch: pytest.MonkeyPatch
):
    """They go through a file, from which a second try reads them: one id exists already."""
    monkeypatch.setattr(replayed, "_KEPT_BYTES", 2_000)
    monkeypatch.setattr(replayed, "_BLOCK_BYTES", 3_000)
    made = list(_many(50))
    client.new_producer().submit_task(made[40])

    done = client.new_producer().submit_many(iter(made))

    assert done == 49
    stored = {task.id: task for task in client.new_inspector().scan(limit=100)}
    assert stored == {task.id: task for task in made}


@pytest.mark.slow
def test_a_long_generator_takes_no_memory(client: Client, monkeypatch: pytest.MonkeyPatch):
    """A million tasks took half a gigabyte, and the program with them."""
    monkeypatch.setattr(replayed, "_KEPT_BYTES", 1_000_000)
    client.new_producer().submit_many(_many(10))
    tracemalloc.start()
    try:
        client.new_producer().submit_many(_many(20_000))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert most < 10_000_000, "the tasks themselves take twenty million bytes"


def test_a_full_disk_for_the_tasks_of_a_generator_is_named_and_leaves_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
):
    """Taken for the database's own error it read as a lost connection, and was tried again."""

    def full() -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(replayed, "_KEPT_BYTES", 1000)
    monkeypatch.setattr(replayed, "TemporaryFile", full)

    with pytest.raises(OSError, match="No space left"):
        client.new_producer().submit_many(Task.new("a", number) for number in range(100))

    assert client.new_inspector().count() == 0
