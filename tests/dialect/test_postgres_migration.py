"""Migrations of PostgreSQL: what they look at first, whose rights they need, whom they wait for."""

import logging
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tasq_core import RepositoryError, TableMissingError, open_repository
from tasq_core.repository import postgres_migration
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database
from tests.support.wait import wait_until

pytestmark = pytest.mark.parametrize("backend", ["postgres"], indirect=True)


@pytest.fixture
def worker(database: Database) -> Iterator[Database]:
    """The same database for a role that may read and write rows, and make nothing."""
    role = f"{database.prefix}_worker"
    database.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'pass'")
    parts = urlsplit(database.url)
    url = f"postgresql://{role}:pass@{parts.hostname}:{parts.port}{parts.path}"
    limited = Database("postgres", url, database.prefix)
    yield limited
    limited.close_connections()
    database.execute(f"DROP OWNED BY {role}")
    database.execute(f"DROP ROLE {role}")


def grant_rows(database: Database, worker: Database) -> None:
    role = urlsplit(worker.url).username
    database.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {database.table} TO {role}")


def objects(database: Database) -> list[tuple[object, ...]]:
    """Names of all that stands under the prefix."""
    like = [f"{database.prefix}%"]
    return database.execute(
        "SELECT relname FROM pg_class WHERE relname LIKE %s UNION ALL"
        " SELECT typname FROM pg_type WHERE typname LIKE %s AND typtype = 'e' UNION ALL"
        " SELECT proname FROM pg_proc WHERE proname LIKE %s ORDER BY 1",
        like * 3,
    )


@pytest.mark.parametrize(
    "kind", ["TABLE {} (id bigint PRIMARY KEY, title text)", "VIEW {} AS SELECT 1"]
)
def test_what_somebody_else_made_under_our_name_is_left_alone(database: Database, kind: str):
    """It left a function and an enum type behind, or added indexes to a stranger's table."""
    database.execute(f"CREATE {kind.format(database.table)}")
    before = objects(database)
    with pytest.raises(RepositoryError, match=r"isn't a task table.*another prefix"):
        database.open().migrate()
    assert objects(database) == before
    if kind.startswith("VIEW"):
        database.execute(f"DROP VIEW {database.table}")


def test_with_nothing_missing_no_right_to_create_is_needed(database: Database, worker: Database):
    """Programs that migrate at their start needed an owner's rights for ever."""
    database.open().migrate()
    grant_rows(database, worker)
    limited = worker.open()
    limited.migrate()
    task = limited.submit_task(make_task())
    assert [found.id for found in limited.poll_tasks("email", "mail", 30)] == [task.id]


def test_a_role_that_may_not_make_what_is_missing_is_told_what_and_how(
    database: Database, worker: Database
):
    database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")  # as from PostgreSQL 15 on
    with pytest.raises(RepositoryError, match=r"create table.*as the table's owner"):
        worker.open().migrate()
    database.open().migrate()
    grant_rows(database, worker)
    database.execute(f'DROP INDEX "{database.table}_tasq_status"')
    with pytest.raises(RepositoryError, match=r"index status\).*as the table's owner"):
        worker.open().migrate()


def test_a_prefix_in_another_case_is_hinted_at(database: Database):
    """Billing and billing are two tables; the error sent people to migrate a second one."""
    database.open().migrate()
    spelled = open_repository(database.url, database.prefix.upper())
    with pytest.raises(TableMissingError, match=f"there is '{database.table}', and case matters"):
        spelled.count_tasks(None, None, None)
    spelled.close()


def test_the_schema_is_made_whole_or_not_at_all(database: Database):
    """An error halfway left an enum type and a table without its indexes."""
    database.execute(f"CREATE TABLE {database.table}_tasq_status (id int)")  # an index's name
    before = objects(database)
    with pytest.raises(RepositoryError, match="already exists"):
        database.open().migrate()
    assert objects(database) == before


def test_waiting_for_another_migration_says_for_whom_and_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """It waited an hour in silence."""
    caplog.set_level(logging.WARNING, "tasq_core.repository")
    monkeypatch.setattr(postgres_migration, "_WORD_AFTER", 0.1)
    monkeypatch.setattr(postgres_migration, "LONGEST_WAIT", 0.5)
    other = database.connect()
    other.execute("SET application_name = 'the other one'")
    other.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"tasq migrate {database.table}"])
    holder = f"process {other.info.backend_pid} of user tasq (the other one, from "
    with pytest.raises(RepositoryError) as raised:
        database.open().migrate()
    assert holder in str(raised.value)
    assert [holder in record.getMessage() for record in caplog.records] == [True]
    other.rollback()
    database.open().migrate()


def test_a_migration_waits_for_another_and_finds_its_work_done(database: Database):
    database.open().migrate()
    database.open().submit_tasks(make_tasks(3))
    database.execute(f'DROP INDEX "{database.table}_tasq_status"')
    other = database.connect()
    other.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"tasq migrate {database.table}"])
    waiting = threading.Thread(target=database.open().migrate, daemon=True)
    waiting.start()
    wait_until(lambda: len(sessions(database)) >= 2)
    other.execute(
        f'CREATE INDEX "{database.table}_tasq_status" ON {database.table} (status, created_at, id)'
    )
    other.commit()
    waiting.join(20)
    assert not waiting.is_alive()


def sessions(database: Database) -> list[tuple[object, ...]]:
    return database.execute(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE '%%pg_try_advisory_xact_lock%%'"
        " OR query LIKE 'ROLLBACK%%' OR query LIKE 'COMMIT%%'"
    )
