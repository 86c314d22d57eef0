"""The client: connects lazily, hands out its parts, closes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tasq_core as tasq
from tests.support.processes import ROOT


def test_a_client_needs_no_server_until_its_first_call():
    tasq.connect("postgresql://nobody@127.0.0.1:1/none").close()
    tasq.connect("mysql://nobody@127.0.0.1:1/none").close()


def test_connecting_creates_no_file(tmp_path: Path):
    tasq.connect(f"sqlite:///{tmp_path}/x.db").close()
    assert list(tmp_path.iterdir()) == []


def test_the_quick_start_works():
    with tasq.connect("sqlite://") as client:
        client.migrate()
        task = client.new_producer().submit("email", {"to": "a@b.c"}, queue="mail", priority=5)
        assert client.new_inspector().get(task.id) == task
        assert client.new_cleaner().clean() == 0
        assert isinstance(client.new_consumer(queues=["mail"]), tasq.Consumer)


def test_a_client_may_be_made_of_any_repository():
    repository = tasq.open_repository("sqlite://", "jobs")
    client = tasq.Client(repository, codec="gob")
    assert client.repository is repository
    assert client.codec is tasq.GOB
    assert repository.table == "jobs_tasks"
    client.close()


@pytest.mark.parametrize(
    "options", [{"pool_size": 3}, {"connect_timeout": 1}, {"statement_timeout": 2.5}]
)
def test_options_for_servers_are_passed_over_for_sqlite(options: dict[str, Any]):
    tasq.connect("sqlite://", **options).close()


def test_the_repository_classes_come_on_demand():
    assert tasq.SQLiteRepository.__name__ == "SQLiteRepository"
    assert tasq.PostgresRepository.__name__ == "PostgresRepository"
    assert tasq.MySQLRepository.__name__ == "MySQLRepository"
    with pytest.raises(AttributeError, match="OracleRepository"):
        tasq.OracleRepository  # type: ignore[attr-defined]  # noqa: B018 - the access is the test


HEAVY = (
    "psycopg",
    "psycopg_pool",
    "pymysql",
    "dbutils",
    "sqlite3",
    "asyncio",
    "textual",
    "rich",
    "typer",
)


def test_importing_the_library_loads_no_driver_and_no_screen():
    program = f"import sys, tasq_core; print([m for m in {HEAVY!r} if m in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("driver", ["psycopg", "pymysql"])
def test_a_missing_driver_is_named_with_what_installs_it(driver: str):
    url = {"psycopg": "postgresql://h/d", "pymysql": "mysql://h/d"}[driver]
    program = (
        f"import sys; sys.modules[{driver!r}] = None\n"
        f"import tasq_core\ntry: tasq_core.connect({url!r})\n"
        "except tasq_core.RepositoryError as error: print(error)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "isn't installed" in answer.stdout
    assert "pip install 'tasq-core[" in answer.stdout
