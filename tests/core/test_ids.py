"""Ids of tasks: unlike each other, and near those of their time."""

import uuid

import pytest

from tasq_core import ids


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """Sets the time that ids are made at, in seconds since 1970."""

    def set_time(seconds: float) -> None:
        monkeypatch.setattr(ids, "time", lambda: seconds)

    return set_time


def test_ids_of_one_minute_are_neighbours_in_the_index_and_unlike_each_other(at):
    at(64 * 1000)
    made = [ids.new_id() for _ in range(2000)]

    assert len({id.bytes[0] for id in made}) == 1
    assert len({id.hex[:8] for id in made}) > 1990


def test_ids_go_round_all_of_the_index(at):
    places = set()
    for minute in range(256):
        at(64 * minute)
        places.add(ids.new_id().bytes[0])

    assert len(places) == 256


def test_an_id_is_a_uuid_as_the_standard_has_it():
    made = ids.new_id()

    assert (made.version, made.variant) == (8, uuid.RFC_4122)
    assert uuid.UUID(str(made)) == ids.uuid_of(made.bytes) == made
