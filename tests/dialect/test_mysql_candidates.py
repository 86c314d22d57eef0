"""Which tasks a claim of many queues and types finds on MySQL and MariaDB, and in which order."""

import pytest

from tasq_core import Ordering, Repository
from tests.support.builders import make_task
from tests.support.databases import Database

pytestmark = pytest.mark.parametrize("backend", ["mysql"], indirect=True)

QUEUES = [f"queue {n}" for n in range(5)]
TYPES = [f"type {n}" for n in range(6)]


@pytest.mark.parametrize("ordering", list(Ordering))
def test_a_task_without_a_date_is_due_among_many_pairs_too(
    repository: Repository, database: Database, ordering: Ordering
):
    """One written by hand with a zero date would wait until nobody asks for a second type."""
    task = repository.submit_task(make_task(queue=QUEUES[2], type=TYPES[3]))
    database.execute("SET SESSION sql_mode = ''")
    database.execute(f"UPDATE {database.table} SET visible_at = '0000-00-00 00:00:00'")

    found = repository.poll_tasks(TYPES, QUEUES, 30, ordering)

    assert [one.id for one in found] == [task.id]
