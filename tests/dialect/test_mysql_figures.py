"""Figures on MySQL and MariaDB: what they read, with today's indexes, older ones and none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tasq_core import Repository, TaskStatus
from tasq_core.repository.figures_sql import FigureReader
from tests.contract.rows import make_go_table
from tests.dialect.plans import NUMBERS
from tests.support.builders import make_task
from tests.support.databases import Database
from tests.support.servers import Server

on_mysql = pytest.mark.parametrize("backend", ["mysql"], indirect=True)

DONE = TaskStatus.SUCCESSFUL
COUNT = 3_000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=1)
LONG = "é" * 64
"""One character more than an index tells of a name."""
FIGURES: dict[str, Callable[[FigureReader], object]] = {
    "ended": lambda reader: reader.ended("queue", BEGIN, END, timedelta(minutes=1), 10_000),
    "arrived": lambda reader: reader.arrived("queue", BEGIN, END, timedelta(minutes=1), 10_000),
    "timings": lambda reader: reader.timings("type", BEGIN, END, 10_000),
    "timings of a queue": lambda reader: reader.timings("type", BEGIN, END, 10_000, "queue 1"),
    "open pairs": lambda reader: reader.open_pairs(),
}


ENDED = "IF(n % 10 = 0, 'FAILED', 'SUCCESSFUL')"


def fill(database: Database, args: str = "'1'", status: str = ENDED) -> None:
    """Tasks of five queues and types, one a second; of those that ended one in ten failed."""
    database.execute(
        f"INSERT INTO {database.table} (id, type, args, queue, priority, status, created_at,"
        f" started_at, finished_at, visible_at) SELECT UNHEX(LEFT(SHA2(CONCAT({status}, n), 224), 32)),"
        f" CONCAT('type ', n % 5), {args}, CONCAT('queue ', n % 5), 0, {status},"
        " '2026-01-01' + INTERVAL n SECOND, '2026-01-01' + INTERVAL n + 2 SECOND,"
        f" '2026-01-01' + INTERVAL n + 5 SECOND, '0001-01-01' FROM"
        f" {NUMBERS.format(count=COUNT)} AS numbers"
    )
    database.execute(f"ANALYZE TABLE {database.table}")


def pages_of_rows(database: Database) -> int:
    """How many pages of rows, not of indexes, the server has in memory."""
    ((count,),) = database.execute(
        "SELECT COUNT(*) FROM information_schema.innodb_buffer_page"
        " WHERE table_name LIKE %s AND index_name = 'PRIMARY'",
        [f"%{database.table}%"],
    )
    return int(count)


def test_names_and_times_come_from_the_indexes_not_from_the_rows(private_mysql: Server):
    """A row lies where its id says: activity of a large table took two seconds of page reads."""
    database = Database("mysql", private_mysql.url)
    try:
        database.open().migrate()
        fill(database, args="REPEAT('x', 4000)")
        fill(database, args="REPEAT('x', 4000)", status="'NEW'")
        for figure in FIGURES.values():
            database.execute("SET GLOBAL innodb_buffer_pool_dump_at_shutdown = OFF")
            database.close_connections()
            private_mysql.restart()
            assert figure(FigureReader(database.open()))
            assert pages_of_rows(database) < 50
        database.execute(f"SELECT SUM(LENGTH(args)) FROM {database.table}")
        assert pages_of_rows(database) > COUNT // 4, "reading the rows would have shown"
    finally:
        database.close()


@on_mysql
@pytest.mark.parametrize("indexes", ["today's", "older", "none"])
def test_figures_are_the_same_whatever_indexes_there_are(database: Database, indexes: str):
    """Before `migrate`, and on Go's own table, they are slower, not wrong."""
    make_go_table(database)
    repository = database.open()
    if indexes != "none":
        repository.migrate()
    if indexes == "older":
        name = f"`{database.table}_tasq_finished`"
        database.execute(
            f"ALTER TABLE {database.table} DROP INDEX {name}, ADD INDEX {name} (finished_at)"
        )
    fill(database)
    reader = FigureReader(repository)
    hour = timedelta(hours=1)
    ended = reader.ended("queue", BEGIN, END, hour, 1_000)
    assert {(row.name, row.status.value, row.number) for row in ended} == {
        ("queue 0", "SUCCESSFUL", 100), ("queue 0", "FAILED", 100),
        *((f"queue {n}", "SUCCESSFUL", 200) for n in range(1, 5)),
    }  # fmt: skip
    first = BEGIN + timedelta(seconds=COUNT - 1_000 + 1 + 5)
    assert min(row.first for row in ended) == first, "the newest are read"
    arrived = reader.arrived("type", BEGIN, END, hour, 10_000)
    assert [(row.name, row.number) for row in arrived] == [(f"type {n}", 600) for n in range(5)]
    (row,) = reader.timings("type", BEGIN, END, 10_000, "queue 1")
    assert (row.name, row.done, row.failed) == ("type 1", 600, 0)
    assert (row.wait, row.run) == ((2.0, 2.0, 2.0), (3.0, 3.0, 3.0))
    assert len(reader.ended(None, BEGIN, END, hour, 10_000)) == 2


@on_mysql
def test_names_longer_than_an_index_tells_are_told_apart(repository: Repository):
    """Cut to what the index holds, two queues would be counted as one."""
    ended = {"created_at": BEGIN, "started_at": BEGIN, "finished_at": BEGIN, "status": DONE}
    names = [LONG, LONG + "a", LONG + "b", LONG[1:]]
    repository.restore_tasks([make_task(**ended, queue=name, type=name) for name in names])
    reader = FigureReader(repository)
    minute = timedelta(minutes=1)
    for rows in (
        reader.ended("queue", BEGIN, END, minute, 100),
        reader.arrived("type", BEGIN, END, minute, 100),
        reader.timings("queue", BEGIN, END, 100),
    ):
        assert sorted(row.name for row in rows) == sorted(names)


@on_mysql
def test_a_task_that_ended_and_waits_again_has_not_ended(repository: Repository):
    """A requeue keeps the time of the end."""
    times = {"created_at": BEGIN, "started_at": BEGIN, "finished_at": BEGIN}
    repository.restore_tasks(
        [make_task(**times, status=status) for status in (TaskStatus.NEW, TaskStatus.FAILED)]
    )
    reader = FigureReader(repository)
    (row,) = reader.ended("queue", BEGIN, END, timedelta(minutes=1), 100)
    assert (row.status.value, row.number) == ("FAILED", 1)
    (timing,) = reader.timings("queue", BEGIN, END, 100)
    assert (timing.done, timing.failed) == (0, 1)
