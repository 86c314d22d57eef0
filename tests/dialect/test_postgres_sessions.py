"""PostgreSQL sessions that went stale: altered tables, and rests that the server doesn't allow."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from threading import Event
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg
import pytest

from tasq_core import Lease, Outcome, PostgresRepository, Repository, TaskStatus
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database
from tests.support.threads import in_threads
from tests.support.wait import wait_until

pytestmark = pytest.mark.parametrize("backend", ["postgres"], indirect=True)

ALTERED = "ALTER TABLE {0} ALTER COLUMN receive_count TYPE bigint"
CONNECTIONS = 3


def every_call(table: Repository) -> None:
    """Submit, claim, start, end, requeue, look and delete, and see that each did it."""
    task = table.submit_task(make_task(queue="q", type="t"))
    assert table.submit_tasks(make_tasks(2, queue="q", type="t")) == 2
    claimed = table.poll_tasks("t", "q", 30, limit=3)
    assert len(claimed) == 3
    leases = [Lease.of(found) for found in claimed]
    assert table.ping_leases(leases, 60) == set(leases)
    started = [Outcome(lease, TaskStatus.IN_PROGRESS) for lease in leases]
    assert table.record_outcomes(started) == set(leases)
    assert [found.id for found in table.get_tasks([task.id])] == [task.id]
    assert table.count_tasks("IN_PROGRESS", "t", "q") == 3
    assert table.delete_tasks([found.id for found in claimed], False).done == 3


def on_each_connection(table: PostgresRepository, work: Callable[[], None]) -> None:
    """Do `work` on every connection of the pool in turn."""
    for held in range(CONNECTIONS):
        with ExitStack() as others:
            for _ in range(held):
                others.enter_context(table._driver.write())
            work()


def prepared(database: Database) -> PostgresRepository:
    table = database.open(pool_size=CONNECTIONS)
    assert isinstance(table, PostgresRepository)
    table.migrate()
    for _ in range(7):  # psycopg prepares at the sixth
        on_each_connection(table, lambda: every_call(table))
    return table


def test_an_altered_column_costs_no_call(database: Database):
    """Claims failed with "cached plan must not change result type" until the process ended."""
    table = prepared(database)
    database.execute(ALTERED.format(database.table))

    on_each_connection(table, lambda: every_call(table))


def test_a_table_dropped_and_made_anew_costs_no_call(database: Database):
    """Outcomes failed with "cache lookup failed for type" until the process ended."""
    table = prepared(database)
    database.execute(f"DROP TABLE {database.table}")
    database.execute(f"DROP TYPE {database.prefix}_task_status")
    database.open().migrate()

    on_each_connection(table, lambda: every_call(table))


def test_a_claims_plan_is_kept_and_keeps_to_the_indexes_as_the_table_grows(database: Database):
    """To plan a claim takes eight times as long as to run it.

    A plan made for the empty table that reads all rows would make each claim of a backlog slow.
    """
    table = database.open(pool_size=1)
    assert isinstance(table, PostgresRepository)
    table.migrate()

    def claim() -> object:
        return table.poll_tasks("email", "mail", 30, limit=2)

    def walks() -> tuple[int, int]:
        ((rows, walks),) = database.execute(
            "SELECT seq_tup_read, idx_scan FROM pg_stat_user_tables WHERE relname = %s",
            [f"{database.prefix}_tasks"],
        )
        return rows, walks

    for _ in range(8):
        claim()
    kept = (
        "SELECT to_jsonb(kept) FROM pg_prepared_statements AS kept WHERE statement LIKE %(claim)s"
    )
    params = {"claim": "%candidate%"}
    ((told,),) = table._run(lambda session: session.rows(kept, params), "read")
    if "generic_plans" in told:  # PostgreSQL 14
        assert told["generic_plans"] > 0
        assert told["custom_plans"] == 0
    table.submit_tasks(make_tasks(5000, type="email", queue="mail"))
    read_before, walks_before = walks()

    def is_counted() -> bool:
        assert claim()
        return walks()[1] >= walks_before + 20

    wait_until(is_counted, 30)
    assert walks()[0] == read_before


@pytest.mark.parametrize("autocommit", [False, True])
def test_a_connection_of_the_callers_gets_over_an_altered_column(
    database: Database, autocommit: bool
):
    table = PostgresRepository(database.connect(autocommit=autocommit), database.prefix)
    table.migrate()
    for _ in range(7):
        every_call(table)
    database.execute(ALTERED.format(database.table))

    every_call(table)


def test_the_first_call_after_a_rest_works_where_idle_sessions_are_ended(database: Database):
    """`idle_session_timeout` failed the first call of each quiet hour with 57P05."""
    if not database.execute("SELECT 1 FROM pg_settings WHERE name = 'idle_session_timeout'"):
        pytest.skip("PostgreSQL 13 ends no idle sessions")
    url = f"{database.url}?options=-cidle_session_timeout%3D300"
    table = PostgresRepository(url, database.prefix)
    table.migrate()
    calls: list[Callable[[], object]] = [
        lambda: table.submit_task(make_task()),
        lambda: table.submit_tasks(make_tasks(3)),
        lambda: table.count_tasks(None, None, None),
        # Last: after a pipeline, which ends with a flush, the server's timer isn't running.
        lambda: table.poll_tasks("email", "mail", 30, limit=2),
    ]
    try:
        for call in calls:
            wait_until(lambda: not sessions(database), 10)
            assert call()
    finally:
        table.close()


def sessions(database: Database) -> list[tuple[object, ...]]:
    """Sessions whose last statement names our table."""
    return database.execute(
        "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE %s",
        [f"%{database.table}%"],
    )


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_racing_consumers_claim_each_task_once_whatever_the_default_isolation(
    database: Database, level: str
):
    """Some servers' default: statements that meet fail with 40001 and are tried again unseen."""
    database.open().migrate()
    database.open().submit_tasks(make_tasks(300))
    option = quote("-cdefault_transaction_isolation=" + level.replace(" ", r"\ "))
    url = f"{database.url}?options={option}"
    tables = [PostgresRepository(url, database.prefix) for _ in range(3)]
    done: list[UUID] = []

    def consume(table: PostgresRepository) -> None:
        while tasks := table.poll_tasks("email", "mail", 60, limit=10):
            outcomes = [Outcome(Lease.of(task), TaskStatus.SUCCESSFUL) for task in tasks]
            done.extend(lease.task_id for lease in table.record_outcomes(outcomes))

    in_threads(*[partial(consume, table) for table in tables])
    shown = tables[0]._run(lambda session: session.rows("SHOW transaction_isolation", {}), "read")
    for table in tables:
        table.close()
    assert shown == [(level,)]
    assert len(done) == len(set(done)) == 300


@pytest.mark.parametrize("answers", ["apart", "at once"])
def test_a_claim_whose_commit_the_server_refuses_is_made_again(
    repository: Repository, database: Database, answers: str, monkeypatch: pytest.MonkeyPatch
):
    """Both answers at once ended the claim, and with it the consumer, in an IndexError."""
    repository.submit_tasks(make_tasks(5))
    name = database.prefix
    database.execute(f"CREATE SEQUENCE {name}_commits OWNED BY {database.table}.id")
    database.execute(
        f"CREATE FUNCTION {name}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF nextval('{name}_commits') = 1 THEN"
        " RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END IF;"
        " RETURN NULL; END $$"
    )
    database.execute(
        f"CREATE CONSTRAINT TRIGGER {name}_late AFTER UPDATE ON {database.table}"
        f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {name}_refuse()"
    )

    def ask_for_the_end(pipeline: Any) -> None:
        def ask() -> None:
            pipeline.pgconn.pipeline_sync()
            Event().wait(0.2)  # both answers stand there when they are looked for

        pipeline.command_queue.append(ask)
        pipeline.result_queue.append(None)

    if answers == "at once":
        monkeypatch.setattr(psycopg.Pipeline, "_enqueue_sync", ask_for_the_end)

    assert len(repository.poll_tasks("email", "mail", 60, limit=5)) == 5
    assert database.execute(f"SELECT last_value > 5 FROM {name}_commits") == [(True,)]
