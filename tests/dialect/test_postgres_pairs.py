"""How PostgreSQL lists the queues and types that have visible tasks, for a claim of any queue."""

import random
from datetime import timedelta

import pytest

from tasq_core.repository.claiming import Listed
from tasq_core.task import IMMEDIATELY
from tests.dialect.plans import work_of
from tests.support.builders import make_task
from tests.support.databases import Database

pytestmark = pytest.mark.parametrize("backend", ["postgres"], indirect=True)

NAMES = ["a", "B", "b", "Z", "_", "ä", "", "b!", "bb"]
"""Which "C" and ICU sort otherwise."""


def pairs(listed: list[Listed]) -> set[tuple[str, str]]:
    return {(pair.queue, pair.type) for pair in listed if not pair.wait}


@pytest.mark.parametrize("collation", ['"default"', '"C"', '"en-x-icu"'])
def test_the_list_of_few_types_is_that_of_all_without_others(database: Database, collation: str):
    """A type that the walk jumps over is never claimed, whatever its column is sorted by."""
    table = database.open()
    table.migrate()
    database.execute(f"ALTER TABLE {database.table} ALTER type TYPE text COLLATE {collation}")
    chance, now = random.Random(7), table.now()
    for _ in range(4):
        database.execute(f"TRUNCATE {database.table}")
        table.submit_tasks(
            make_task(
                queue=chance.choice(NAMES), type=chance.choice(NAMES),
                visible_at=chance.choice(
                    [IMMEDIATELY, now - timedelta(hours=1), now + timedelta(hours=1)]
                ),
            )
            for _ in range(60)
        )  # fmt: skip
        every = table._list_pairs(None)
        for count in (1, 2, 5, len(NAMES)):
            types = chance.sample(NAMES, count)
            expected = pairs(every) & {(queue, type) for queue in NAMES for type in types}
            assert pairs(table._list_pairs(types)) == expected


@pytest.mark.parametrize("delay", [0, 3600])
def test_an_idle_consumer_passes_the_queues_of_others_once_each(database: Database, delay: float):
    """Beside 50,000 pairs of others' an idle consumer kept a core 4 % busy."""
    table = database.open()
    table.migrate()
    table.submit_tasks(
        make_task(
            queue=f"queue {queue}", type=f"type {type}",
            visible_at=table.now() + timedelta(seconds=delay) if delay else IMMEDIATELY,
        )
        for queue in range(50)
        for type in range(40)
    )  # fmt: skip
    database.execute(f"ANALYZE {database.table}")

    def idle(repository) -> object:
        return repository.poll_tasks("other", None, 30)

    assert work_of(database, table, idle) <= 500
