"""A table and rows as Go makes them: by hand, as it stands or adopted, in any session's zone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasq_core import (
    Lease,
    LeaseLostError,
    MutationResult,
    MySQLRepository,
    Outcome,
    PostgresRepository,
    Repository,
    Task,
    TaskStatus,
)
from tasq_core.task import IMMEDIATELY
from tests.contract.rows import go_rows, insert_row, lapse, load_go_row, make_go_table, raw_id
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database

pytestmark = pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)


@pytest.fixture(params=["by hand", "adopted"])
def table(request: pytest.FixtureRequest, database: Database) -> Repository:
    """A repository on a table that Go's DDL made, before and after `migrate` adopts it."""
    make_go_table(database)
    repository = database.open()
    if request.param == "adopted":
        repository.migrate()
    return repository


def new_row(database: Database, **values: Any) -> Task:
    """A row by hand, and the task it stands for."""
    task = make_task(
        args=b"\x03\x04\x00\x0e",
        created_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        **values,
    )
    insert_row(database, id=task.id, **values)
    return task


def test_gos_row_is_claimed_run_and_finished(table: Repository, database: Database):
    task = new_row(database, priority=-7, max_receives=3)
    assert table.get_tasks([task.id]) == [task]
    (claimed,) = table.poll_tasks("email", "mail", 30)
    assert (claimed.id, claimed.receive_count, claimed.unmarshal_args()) == (task.id, 1, 7)
    assert table.ping_leases([Lease.of(claimed)], 60) == {Lease.of(claimed)}
    started = table.register_start(claimed)
    failed = table.register_error(started, "boom")
    assert table.register_finish(failed, "FAILED").finished_at is not None
    assert table.requeue_task(failed).status is TaskStatus.NEW


def test_gos_rows_come_in_order_and_are_counted(table: Repository, database: Database):
    tasks = [new_row(database, priority=priority) for priority in (1, 9, 3, 7, 5, 2, 8)]
    found = table.poll_tasks("email", "mail", 30, "PRIORITY_FIRST", 3)
    assert [task.priority for task in found] == [9, 8, 7]
    assert table.count_tasks(["NEW"], "email", None) == 4
    assert table.open_counts()[1].leased == 3
    assert len(table.scan_tasks(None, None, "mail", limit=99)) == len(tasks)
    assert [row.name for row in table.breakdown("queue")] == ["mail"]


def test_submits_batches_deletions_and_cleaning_work(table: Repository, database: Database):
    new_row(database)
    assert table.submit_tasks(make_tasks(20)) == 20
    leases = [Lease.of(task) for task in table.poll_tasks("email", "mail", 30, limit=21)]
    assert len(leases) == 21
    assert table.release_leases(leases[:1]) == set(leases[:1])
    ends = [Outcome(lease, TaskStatus.SUCCESSFUL) for lease in leases[1:]]
    assert table.record_outcomes(ends) == set(leases[1:])
    assert table.delete_tasks([leases[2].task_id], True) == MutationResult(1, 0)
    assert table.clean_tasks(0) == 19
    assert table.purge_tasks(None, None, None, True) == 1


def test_what_we_submit_is_what_go_would_insert(table: Repository, database: Database):
    by_go = new_row(database, priority=5, max_receives=2)
    ours = make_task(args=by_go.args, created_at=by_go.created_at, priority=5, max_receives=2)
    many = make_task(args=by_go.args, created_at=by_go.created_at, priority=5, max_receives=2)
    table.submit_task(ours)
    table.submit_tasks([many])
    rows = database.execute(
        "SELECT type, args, queue, priority, status, receive_count, max_receives, last_error,"
        " CAST(created_at AS CHAR(40)), started_at, finished_at, CAST(visible_at AS CHAR(40))"
        f" FROM {database.table}"
    )
    assert len(rows) == 3
    assert rows[0] == rows[1] == rows[2]


def test_a_claim_by_go_takes_the_lease_from_us(table: Repository, database: Database):
    new_row(database)
    (zombie,) = table.poll_tasks("email", "mail", 30)
    lapse(database, [zombie])
    database.execute(
        f"UPDATE {database.table} SET status = 'ENQUEUED', receive_count = receive_count + 1"
        " WHERE id = %s",
        [raw_id(database, zombie.id)],
    )
    with pytest.raises(LeaseLostError):
        table.register_finish(zombie, "SUCCESSFUL")


@pytest.mark.parametrize("name", ["new", "after"])
def test_rows_that_gos_library_wrote_read_as_they_were_dumped(
    table: Repository, database: Database, name: str
):
    tasks = [load_go_row(database, row) for row in go_rows(database.backend, name)]
    assert table.get_tasks([task.id for task in tasks]) == tasks
    assert table.count_tasks(None, None, None) == len(tasks)
    for task in tasks:
        task.unmarshal_args()


def test_open_rows_that_gos_library_wrote_are_claimed_and_finished(
    table: Repository, database: Database
):
    tasks = [load_go_row(database, row) for row in go_rows(database.backend, "new")]
    open_tasks = {task.id for task in tasks if task.status is TaskStatus.NEW}
    claimed = table.poll_tasks(None, None, 30, limit=100)
    assert {task.id for task in claimed} == open_tasks
    ends = [Outcome(Lease.of(task), TaskStatus.SUCCESSFUL) for task in claimed]
    assert len(table.record_outcomes(ends)) == len(claimed)


# -- the session's zone --------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_a_borrowed_connections_time_zone_changes_nothing(
    table: Repository, database: Database, zone: str
):
    by_hand = new_row(database)
    offsets = {"UTC": "+00:00", "America/New_York": "-05:00", "Asia/Tokyo": "+09:00"}
    connection = database.connect(autocommit=True)
    borrowed: Repository
    if database.backend == "postgres":
        connection.execute(f"SET TIME ZONE '{zone}'")
        borrowed = PostgresRepository(connection, database.prefix)
    else:
        connection.cursor().execute(f"SET time_zone = '{offsets[zone]}'")
        borrowed = MySQLRepository(connection, database.prefix)
    submitted = make_task(visible_at=datetime(2026, 1, 2, tzinfo=UTC))
    borrowed.submit_task(submitted)
    borrowed.submit_tasks([many := make_task()])
    ids = [by_hand.id, submitted.id, many.id]
    assert table.get_tasks(ids) == borrowed.get_tasks(ids) == [by_hand, submitted, many]
    claimed = borrowed.poll_tasks("email", "mail", 30)
    assert len(claimed) == 3
    assert table.get_tasks([task.id for task in claimed]) == claimed
    assert all(
        timedelta(20) > task.visible_at - table.now() > timedelta(seconds=20) for task in claimed
    )
    assert abs(borrowed.now() - table.now()) < timedelta(seconds=5)
    assert table.register_start(claimed[0]) == borrowed.get_tasks([claimed[0].id])[0]
    assert borrowed.requeue_task(claimed[0]).visible_at == IMMEDIATELY
    page = borrowed.page(_everything())
    assert len(page) == 3


def _everything() -> Any:
    from tasq_core import Filter

    return Filter()


def test_a_time_no_datetime_can_hold_doesnt_hide_the_table(table: Repository, database: Database):
    good = new_row(database)
    values = {"postgres": ("infinity", "-infinity", "0044-03-15 BC"), "mysql": ("0000-00-00",)}
    cursor = database.connect(autocommit=True).cursor()
    if database.backend == "mysql":
        cursor.execute("SET sql_mode = ''")
    for value in values[database.backend]:
        cursor.execute(
            f"UPDATE {database.table} SET visible_at = %s WHERE id = %s",
            [value, raw_id(database, good.id)],
        )
        assert [task.id for task in table.get_tasks([good.id])] == [good.id]
        assert [task.id for task in table.page(_everything())] == [good.id]
        assert len(table.poll_tasks("email", "mail", 30)) == (0 if value == "infinity" else 1)
