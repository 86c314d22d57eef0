"""Tasks that are made while earlier ones are on their way into the table."""

from collections.abc import Iterator

import pytest

from tasq_core import Client, InvalidInputError, RepositoryError, Task
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
