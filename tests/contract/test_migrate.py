"""Migration: Go's columns and nothing else, idempotent, by several processes at once."""

import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tasq_core import InvalidInputError, Repository, Task, open_repository
from tasq_core.repository.schema_check import missing_schema
from tests.contract.rows import COLUMNS, insert_row, make_go_table
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database
from tests.support.processes import Process
from tests.support.threads import in_threads
from tests.support.wait import wait_until

on_servers = pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)
on_postgres = pytest.mark.parametrize("backend", ["postgres"], indirect=True)
on_mysql = pytest.mark.parametrize("backend", ["mysql"], indirect=True)
on_sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def columns(database: Database) -> list[tuple[Any, ...]]:
    """(name, type, nullable, default) of each column, in order."""
    if database.backend == "sqlite":
        return database.execute(
            f"SELECT name, type, \"notnull\", dflt_value FROM pragma_table_info('{database.table}')"
        )
    schema = "current_schema()" if database.backend == "postgres" else "database()"
    kind = "data_type" if database.backend == "postgres" else "column_type"
    return database.execute(
        f"SELECT column_name, {kind}, is_nullable, column_default FROM information_schema.columns"
        f" WHERE table_schema = {schema} AND table_name = %s ORDER BY ordinal_position",
        [database.table],
    )


def labels(database: Database) -> list[str]:
    return [
        label
        for (label,) in database.execute(
            "SELECT enumlabel::text FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid"
            " WHERE typname = %s ORDER BY enumsortorder",
            [f"{database.prefix}_task_status"],
        )
    ]


def indexes(database: Database) -> set[str]:
    queries = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql > ''",
        "postgres": "SELECT indexname::text FROM pg_indexes WHERE tablename = %s",
        "mysql": "SELECT DISTINCT index_name FROM information_schema.statistics"
        " WHERE table_schema = database() AND table_name = %s",
    }
    found = database.execute(queries[database.backend], [database.table])
    lead = f"{database.table}_tasq_"
    return {name.removeprefix(lead) for (name,) in found if name.startswith(lead)}


def definitions(database: Database) -> list[tuple[Any, ...]]:
    """(index, column, length) of each part of MySQL's indexes, in order."""
    return database.execute(
        "SELECT index_name, column_name, sub_part FROM information_schema.statistics"
        " WHERE table_schema = database() AND table_name = %s ORDER BY index_name, seq_in_index",
        [database.table],
    )


def test_a_new_table_has_exactly_the_thirteen_columns(repository: Repository, database: Database):
    assert [name for name, *_ in columns(database)] == list(COLUMNS)


@on_servers
def test_a_new_table_equals_the_one_go_makes(repository: Repository, database: Database):
    by_hand = Database(database.backend, database.url)
    make_go_table(by_hand)
    try:
        mine, theirs = columns(database), columns(by_hand)
        assert mine == theirs
        if database.backend == "postgres":
            assert (
                labels(database)
                == labels(by_hand)
                == ["NEW", "ENQUEUED", "IN_PROGRESS", "SUCCESSFUL", "FAILED"]
            )
    finally:
        by_hand.close()


@on_servers
def test_adopting_a_table_go_made_leaves_its_columns_and_rows_alone(database: Database):
    make_go_table(database)
    id = insert_row(database, id=make_task().id)
    before = columns(database), database.execute(f"SELECT * FROM {database.table}")
    repository = database.open()
    repository.migrate()
    assert (columns(database), database.execute(f"SELECT * FROM {database.table}")) == before
    assert [task.id for task in repository.get_tasks([id])] == [id]
    assert {"ready_created", "ready_priority", "status", "finished"} <= indexes(database)


def test_migrating_again_changes_nothing(repository: Repository, database: Database):
    repository.submit_task(make_task())
    before = columns(database), indexes(database)
    repository.migrate()
    database.open().migrate()
    assert (columns(database), indexes(database)) == before
    assert repository.count_tasks(None, None, None) == 1


@on_sqlite
def test_an_index_of_an_older_version_is_made_anew(repository: Repository, database: Database):
    name, table = f"{database.table}_tasq_ready_created", database.table
    definition = "SELECT sql FROM sqlite_master WHERE name = ?"
    as_it_should_be = database.execute(definition, [name])
    database.execute(f'DROP INDEX "{name}"')
    database.execute(f"CREATE INDEX \"{name}\" ON \"{table}\" (queue) WHERE status IN ('NEW', 'x')")
    repository.migrate()
    assert database.execute(definition, [name]) == as_it_should_be


def test_indexes_that_no_claim_uses_any_more_are_dropped(
    repository: Repository, database: Database
):
    """Each would cost every write; `missing_schema` names them, so that a plan shows them."""
    quote, lead = ("`" if database.backend == "mysql" else '"'), f"{database.table}_tasq_"
    for name in ("claim_created", "claim_priority"):
        database.execute(f"CREATE INDEX {quote}{lead}{name}{quote} ON {database.table} (priority)")
    assert [name for name, _ in missing_schema(repository)] == [
        "drop_claim_created", "drop_claim_priority",
    ]  # fmt: skip
    repository.migrate()
    assert indexes(database) & {"claim_created", "claim_priority"} == set()
    assert missing_schema(repository) == []
    repository.migrate()


def test_ten_threads_migrate_at_once(database: Database):
    in_threads(*[lambda: database.open().migrate()] * 10)
    assert len(columns(database)) == 13


@pytest.mark.slow
def test_ten_processes_migrate_a_filled_table_at_once(
    database: Database, start_process: Callable[..., Process]
):
    if database.backend != "sqlite":
        make_go_table(database)
        for task in make_tasks(50):
            insert_row(database, id=task.id)
    program = "import sys, tasq_core; tasq_core.connect(sys.argv[1], prefix=sys.argv[2]).migrate()"
    started = [
        start_process(sys.executable, "-c", program, database.url, database.prefix)
        for _ in range(10)
    ]
    ended = [(process.wait(60), process.stderr) for process in started]
    assert ended == [(0, "")] * 10
    assert {"ready_created", "ready_priority", "status", "finished"} <= indexes(database)


@on_postgres
def test_a_table_in_use_is_indexed_without_stopping_writers(database: Database):
    make_go_table(database)
    insert_row(database, id=make_task().id)
    writer = database.connect()
    writer.execute(f"UPDATE {database.table} SET priority = 1")  # a row lock, held
    done = threading.Event()

    def migrate() -> None:
        database.open().migrate()
        done.set()

    thread = threading.Thread(target=migrate, daemon=True)
    thread.start()
    other = database.connect(autocommit=True)
    other.execute("SET lock_timeout = '2s'")
    waiting = (
        f"SELECT 1 FROM pg_locks WHERE relation = '{database.table}'::regclass AND NOT granted"
    )
    wait_until(lambda: database.execute(waiting))  # for the trigger's lock
    other.execute(f"UPDATE {database.table} SET type = type WHERE priority = 9")  # not blocked
    writer.rollback()
    assert done.wait(20)
    assert {"ready_created", "ready_priority", "exhausted", "status", "finished"} <= indexes(
        database
    )


@on_postgres
def test_an_index_that_a_broken_migration_left_invalid_is_rebuilt(
    repository: Repository, database: Database
):
    name = f"{database.table}_tasq_status"
    database.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [f'"{name}"']
    )
    repository.submit_task(make_task())
    repository.migrate()
    valid = database.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [f'"{name}"']
    )
    assert valid == [(True,)]


@on_postgres
def test_the_schema_of_the_search_path_is_used_read_only_too(database: Database):
    schema = f"{database.prefix}_place"
    database.execute(f"CREATE SCHEMA {schema}")
    url = f"{database.url}?options=-csearch_path%3D{schema}"
    try:
        with_schema = open_repository(url, database.prefix)
        with_schema.migrate()
        with_schema.submit_task(make_task())
        found = database.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = %s",
            [database.table],
        )
        assert found == [(schema,)]
        looking = open_repository(url, database.prefix, read_only=True, statement_timeout=5)
        assert looking.count_tasks(None, None, None) == 1
        with_schema.close()
        looking.close()
    finally:
        database.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.mark.parametrize("shape", ["{}", "_{}", "MiXed_{}_Case", "SELECT_{}", "{:_<36}"])
def test_any_identifier_of_36_characters_is_a_prefix(database: Database, shape: str):
    database.prefix = prefix = shape.format(database.prefix)
    repository = database.open()
    repository.migrate()
    repository.migrate()
    task = repository.submit_task(make_task())
    assert [found.id for found in repository.poll_tasks("email", "mail", 30)] == [task.id]
    assert repository.table == f"{prefix}_tasks"
    assert len(indexes(database)) >= 4, "the names of indexes aren't cut"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_without_a_prefix_the_table_is_called_tasks(database: Database):
    repository = open_repository(database.url)
    repository.migrate()
    repository.submit_task(make_task())
    assert repository.table == "tasks"
    assert database.execute("SELECT count(*) FROM tasks") == [(1,)]
    repository.close()


@pytest.mark.parametrize("prefix", ['a"b', "a`b", "a b", "1a", "a-b", "a;b", "é", "p" * 37, "a\0"])
def test_a_prefix_that_is_no_plain_identifier_is_refused(database: Database, prefix: str):
    with pytest.raises(InvalidInputError, match="prefix"):
        open_repository(database.url, prefix)


def test_two_prefixes_are_two_tables(repository: Repository, database: Database):
    repository.submit_task(make_task())
    other = Database(database.backend, database.url)
    try:
        second = other.open()
        second.migrate()
        assert second.count_tasks(None, None, None) == 0
        second.submit_task(Task.new("a", 1))
        assert second.purge_tasks(None, None, None, False) == 1
        assert repository.count_tasks(None, None, None) == 1
    finally:
        other.close()


OLDER = {
    "finished": "(finished_at)",
    "status": "(status, created_at, id, visible_at, receive_count, max_receives)",
}
"""What MySQL's indexes were on before figures took names and times from them."""


def make_older(database: Database) -> None:
    """Give a migrated MySQL table the indexes of an older version."""
    for index, shape in OLDER.items():
        name = f"`{database.table}_tasq_{index}`"
        database.execute(
            f"ALTER TABLE {database.table} DROP INDEX {name}, ADD INDEX {name} {shape}"
        )


@on_mysql
def test_indexes_of_an_older_version_get_todays_columns(repository: Repository, database: Database):
    """Else figures go on reading ten thousand rows of a large table, two seconds each time."""
    repository.submit_task(make_task())
    today = definitions(database)
    make_older(database)
    assert [name for name, _ in missing_schema(repository)] == [
        "replace_finished", "replace_status",
    ]  # fmt: skip

    repository.migrate()

    assert definitions(database) == today
    assert missing_schema(repository) == []
    assert repository.count_tasks(None, None, None) == 1


@on_mysql
def test_an_index_on_columns_of_no_version_is_left_to_its_owner(
    repository: Repository, database: Database
):
    """`doctor` says so; `migrate` drops nothing that it doesn't know."""
    name = f"`{database.table}_tasq_finished`"
    database.execute(
        f"ALTER TABLE {database.table} DROP INDEX {name}, ADD INDEX {name} (finished_at, priority)"
    )
    before = definitions(database)
    repository.migrate()
    assert definitions(database) == before
