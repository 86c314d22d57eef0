"""What only PostgreSQL does: the submit that is prepared once, and the connection kept for it."""

import re
import signal

import pytest

from tasq_core import RepositoryUnavailableError
from tests.support.builders import make_task
from tests.support.databases import Database
from tests.support.processes import Process, python
from tests.support.threads import in_threads
from tests.support.wait import wait_until

pytestmark = pytest.mark.parametrize("backend", ["postgres"], indirect=True)


def test_a_submit_survives_that_its_prepared_statement_is_gone(database: Database):
    table = database.open(pool_size=1)
    table.migrate()
    first, second, third = (make_task() for _ in range(3))
    table.submit_task(first)
    table._run(lambda session: session.raw.execute("DEALLOCATE ALL"), "write")
    table.submit_task(second)
    table.submit_task(third)

    assert {t.id for t in table.get_tasks([first.id, second.id, third.id])} == {
        first.id, second.id, third.id
    }  # fmt: skip


def test_a_submit_goes_to_the_table_that_took_the_place_of_a_dropped_one(database: Database):
    table = database.open(pool_size=1)
    table.migrate()
    table.submit_task(make_task())
    database.execute(f"DROP TABLE {database.table}")
    table.migrate()
    task = table.submit_task(make_task())

    assert table.get_tasks([task.id]) == [task]


@pytest.mark.parametrize("size", [0, 3, 5_000_000])
def test_a_prepared_submit_stores_arguments_of_any_size(database: Database, size: int):
    table = database.open()
    table.migrate()
    for _ in range(2):
        task = table.submit_task(make_task(args=b"\x00\xff'" * (size // 3)))
        assert table.get_tasks([task.id]) == [task]
        assert table.submit_task(task) == task


def test_threads_that_share_one_connection_all_get_their_turn(database: Database):
    table = database.open(pool_size=1, connect_timeout=20)
    table.migrate()

    def submit() -> None:
        for _ in range(50):
            table.submit_task(make_task())

    in_threads(*[submit] * 6)

    assert table.count_tasks(None, None, None) == 300


def test_a_full_pool_is_told_though_a_connection_is_kept_beside_it(database: Database):
    table = database.open(pool_size=1, connect_timeout=0.3)
    table.migrate()
    table.submit_task(make_task())
    with table._driver.write(), pytest.raises(RepositoryUnavailableError):
        table.submit_task(make_task())
    table.submit_task(make_task())

    assert table.count_tasks(None, None, None) == 2


_SUBMIT = """
import sys, tasq_core
with tasq_core.connect(sys.argv[1], prefix=sys.argv[2]) as client:
    while True:
        client.new_producer().submit("email", {})
        print("stored", flush=True)
"""


def test_ctrl_c_ends_a_submit_that_waits_for_a_lock(database: Database):
    database.open().migrate()
    locker = database.connect()
    program = Process(python("-c", _SUBMIT, database.url, database.prefix))
    try:
        program.wait_for_output("stored")
        locker.execute(f"LOCK TABLE {database.table} IN ACCESS EXCLUSIVE MODE")
        waiting = (
            f"SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '{database.table}'::regclass"
        )
        wait_until(lambda: database.execute(waiting), 10)
        program.signal(signal.SIGINT)
        program.wait(30)

        assert "KeyboardInterrupt" in program.stderr
    finally:
        program.close()
        locker.rollback()


@pytest.mark.parametrize(
    "name", ["record_outcomes", "delete_leases", "ping_leases", "release_leases"]
)
def test_a_cached_plan_of_a_batch_compares_no_pairs(database: Database, name: str):
    """On a table not yet analysed, 1000 outcomes took 200 ms instead of 15."""
    table = database.open()
    table.migrate()
    table.submit_tasks([make_task() for _ in range(5000)])
    names = list[str]()

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    statement = re.sub(r"%\((\w+)\)s", number, getattr(table._sql, name)).replace("%%", "%")
    values = ", ".join("1" if name == "timeout" else "'{}'" for name in names)

    def plan(session) -> str:
        session.raw.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        session.raw.execute(f"PREPARE batch AS {statement}")
        rows = session.raw.execute(f"EXPLAIN EXECUTE batch({values})").fetchall()
        session.raw.execute("DEALLOCATE batch")
        return "\n".join(row[0] for row in rows)

    assert "Join Filter" not in table._run(plan, "transaction")
