"""Migration looks before it touches: strangers' tables, nothing missing, another at work."""

import logging
import threading

import pytest

from tasq_core import Repository, RepositoryError
from tasq_core.repository import mysql_migration
from tests.support.builders import make_task
from tests.support.databases import Database
from tests.support.wait import wait_until


def test_a_strangers_table_of_that_name_is_refused_and_left_as_it_is(database: Database):
    """Another program's table got our indexes, and was called a task table."""
    kind = "BLOB" if database.backend == "sqlite" else "INTEGER"
    database.execute(f"CREATE TABLE {database.table} (id {kind}, title VARCHAR(20))")
    with pytest.raises(RepositoryError, match=r"isn't a task table.*nothing was changed"):
        database.open().migrate()
    queries = {
        "sqlite": "SELECT name FROM sqlite_master WHERE name LIKE {}",
        "postgres": "SELECT relname FROM pg_class WHERE relname LIKE {}"
        " UNION ALL SELECT typname FROM pg_type WHERE typname LIKE {} AND typtype = 'e'",
        "mysql": "SELECT index_name FROM information_schema.statistics WHERE table_name LIKE {}",
    }
    found = database.execute(queries[database.backend].replace("{}", f"'{database.prefix}%%'"))
    assert [name for (name,) in found if name != database.table] == []


@pytest.mark.parametrize("backend", ["sqlite", "mysql"], indirect=True)
def test_with_nothing_missing_a_migration_takes_no_lock(repository: Repository, database: Database):
    """A role with row rights alone was refused; a service's start waited for another's."""
    repository.submit_task(make_task())
    other = database.connect(autocommit=True).cursor()
    if database.backend == "sqlite":
        other.execute("BEGIN IMMEDIATE")
    else:
        other.execute("SELECT GET_LOCK(%s, 0)", [f"tasq migrate {database.table}"[:64]])
    repository.migrate()
    other.execute("ROLLBACK")


on_mysql = pytest.mark.parametrize("backend", ["mysql"], indirect=True)


@on_mysql
def test_a_migration_beside_another_waits_and_says_for_whom(
    database: Database, caplog: pytest.LogCaptureFixture
):
    """It failed after two minutes, when its connection was given up, and said nothing."""
    other = database.connect(autocommit=True).cursor()
    other.execute("SELECT GET_LOCK(%s, 0)", [f"tasq migrate {database.table}"[:64]])
    repository = database.open()
    with caplog.at_level(logging.WARNING, "tasq_core.repository"):
        waiting = threading.Thread(target=repository.migrate, daemon=True)
        waiting.start()
        wait_until(lambda: "migrate waits for connection" in caplog.text, 20)
    assert waiting.is_alive()
    other.execute("SELECT RELEASE_LOCK(%s)", [f"tasq migrate {database.table}"[:64]])
    waiting.join(30)
    assert repository.count_tasks(None, None, None) == 0


@on_mysql
def test_a_migration_that_waits_for_too_long_names_the_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mysql_migration, "LONGEST_WAIT", 0.1)
    monkeypatch.setattr(mysql_migration, "_ONE_WAIT", 1)
    other = database.connect(autocommit=True).cursor()
    other.execute("SELECT GET_LOCK(%s, 0)", [f"tasq migrate {database.table}"[:64]])
    with pytest.raises(RepositoryError, match=r"connection \d+ of .* has been migrating"):
        database.open().migrate()
