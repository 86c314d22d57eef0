"""What a claim on MySQL and MariaDB locks, beside a consumer of Go's."""

import pytest

from tasq_core import Ordering, Repository, Task
from tasq_core.repository.mysql import MySQLRepository
from tasq_core.repository.mysql_claim import MySQLClaims
from tests.support.builders import make_tasks
from tests.support.databases import Database
from tests.support.wait import wait_until

pytestmark = pytest.mark.parametrize("backend", ["mysql"], indirect=True)


def test_a_claim_of_lapsed_tasks_keeps_nobody_from_writing_to_those_it_skips(
    repository: Repository, database: Database
):
    """Go's start of a task whose lease just lapsed waited for it, and died of the deadlock."""
    assert isinstance(repository, MySQLRepository)
    repository.submit_tasks(make_tasks(10))
    tasks = repository.poll_tasks("email", "mail", 0.1, limit=10)
    wait_until(lambda: repository.now() > tasks[0].visible_at)
    held = tasks[0].id.bytes
    theirs = database.connect()
    cursor = theirs.cursor()
    cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
    cursor.execute(f"SELECT id FROM {database.table} WHERE id = %s FOR UPDATE", [held])
    written: list[object] = []

    def read(row: tuple[object, ...]) -> Task:
        if not written:  # the claim's transaction is open: now Go writes its start
            written.append(
                cursor.execute(
                    f"UPDATE {database.table} SET status = 'IN_PROGRESS' WHERE id = %s", [held]
                )
            )
        return repository._task(row)

    claims = MySQLClaims(repository._sql, repository._rows, repository._look(), read)
    work = claims.prepare([("mail", "email")], 30, Ordering.CREATED_AT_FIRST, 20)
    found = repository._run(work, "transaction").tasks
    theirs.rollback()

    assert {task.id for task in found} == {task.id for task in tasks[1:]}
    assert written == [1]
