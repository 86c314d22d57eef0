"""migrate and doctor on every database."""

import json
import re

import pytest

from tasq_core.filters import Filter
from tests.support.builders import make_task, make_tasks
from tests.support.databases import BACKENDS


@pytest.fixture(params=BACKENDS)
def backend(request):
    """What migrate and doctor do differs by database."""
    return request.param


SERVERS = pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)


def findings(tasq, *options):
    return {
        (found["topic"], found["verdict"]): found for found in json.loads(tasq("doctor", "--json", *options).out)
    }  # fmt: skip


def test_migrate_makes_the_table_and_may_be_repeated(tasq, database):
    plan = tasq("migrate", "--plan")
    made, again = tasq("migrate"), tasq("migrate")
    nothing = tasq("migrate", "--plan")

    assert "CREATE TABLE" in plan.out
    assert "tasq_ready_created" in plan.out
    assert (made.code, again.code) == (0, 0), made.err
    assert (nothing.code, nothing.out) == (0, "")
    assert "nothing to do" in nothing.err
    assert database.execute(f"SELECT count(*) FROM {database.table}") == [(0,)]


def test_a_plan_changes_nothing_and_can_be_run_by_hand(tasq, database):
    plan = tasq("migrate", "--plan").out

    database.execute("SELECT 1")

    for statement in re.split(r"^-- \w+$", plan, flags=re.MULTILINE)[1:]:
        database.execute(statement.strip().removesuffix(";"))

    assert tasq("submit", "email").code == 0
    assert tasq("migrate", "--plan", "--no-side-tables").out == ""


def test_a_plan_names_the_index_that_is_missing(tasq, database, repository):
    on = f" ON {database.table}" if database.backend == "mysql" else ""
    database.execute(f"DROP INDEX {database.table}_tasq_status{on}")

    plan = tasq("migrate", "--plan", "--no-side-tables").out

    assert [line for line in plan.splitlines() if line.startswith("-- ")] == ["-- index_status"]
    assert findings(tasq)["schema", "warning"]["message"] == "index_status is missing"
    tasq("migrate")
    assert tasq("migrate", "--plan", "--no-side-tables").out == ""


@pytest.mark.serial  # a slow answer is a finding
def test_a_healthy_database_gets_a_clean_bill(tasq, table):
    table(make_task())
    tasq("migrate")

    result = tasq("doctor")

    assert result.code == 0, result.out + result.err
    assert [line for line in result.lines if not line.startswith("ok  ")] == []


def test_a_missing_table_is_a_problem_and_the_remedy_is_named(tasq, database):
    database.execute("SELECT 1")
    result = tasq("doctor")

    assert result.code == 1
    assert "FAIL  table: there is no table" in result.out
    assert "tasq migrate" in result.out


def test_a_column_that_is_missing_or_different_is_told(tasq, database, repository):
    database.execute(f"ALTER TABLE {database.table} RENAME COLUMN last_error TO mistake")

    found = json.loads(tasq("doctor", "--json").out)

    told = [finding["message"] for finding in found if finding["verdict"] == "problem"]
    assert told == ["column last_error is missing"]
    told = [finding["message"] for finding in found if finding["verdict"] == "warning"]
    assert "column mistake isn't tasq's: Go programs fail on every query" in told


@SERVERS
def test_a_column_of_another_type_is_told(tasq, database, repository):
    database.execute(
        f"ALTER TABLE {database.table} ALTER COLUMN priority TYPE bigint"
        if database.backend == "postgres"
        else f"ALTER TABLE {database.table} MODIFY priority bigint NOT NULL"
    )

    assert "column priority is bigint" in tasq("doctor").out.replace("(20)", "")


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_a_label_added_to_the_enum_is_told(tasq, database, repository):
    database.execute(f"ALTER TYPE {database.prefix}_task_status ADD VALUE 'PAUSED'")

    result = tasq("doctor")

    assert result.code == 1
    assert "the statuses are NEW, ENQUEUED, IN_PROGRESS, SUCCESSFUL, FAILED, PAUSED" in result.out


def test_stale_and_exhausted_tasks_and_a_clock_ahead_are_told(tasq, table, repository):
    from datetime import UTC, datetime, timedelta

    from tasq_core.task import TaskStatus

    past, ahead = datetime.now(UTC) - timedelta(hours=3), datetime.now(UTC) + timedelta(hours=5)
    lapsed = {"status": TaskStatus.IN_PROGRESS, "created_at": past, "visible_at": past}
    table(
        make_task(**lapsed, receive_count=1),
        make_task(**lapsed, receive_count=2, max_receives=2),
        make_task(created_at=ahead),
    )

    found = findings(tasq)

    assert "2 lapsed leases" in found["leases", "warning"]["message"]
    assert "1 task without attempts left" in found["attempts", "warning"]["message"]
    assert "has waited 3h" in found["backlog", "warning"]["message"]
    clock = found.get(("producers' clocks", "warning")) or found["time zone", "warning"]
    assert "created in" in clock["message"] or "5h in the future" in clock["message"]


@SERVERS
def test_rights_that_are_lacking_are_told(tasq, database, repository):
    from urllib.parse import urlsplit

    repository.submit_tasks(make_tasks(2))
    if database.backend == "mysql":
        pytest.skip("the test's user may not make users")
    role = f"reader_{database.prefix}"
    database.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    database.execute(f"GRANT SELECT ON {database.table} TO {role}")
    parts = urlsplit(database.url)
    url = parts._replace(netloc=f"{role}:x@{parts.hostname}:{parts.port}").geturl()
    try:
        result = tasq("doctor", "--url", url)
        refused = tasq("purge", "--all", "--yes", "--url", url)
    finally:
        database.execute(f"DROP OWNED BY {role}")
        database.execute(f"DROP ROLE {role}")

    assert "this user may not INSERT, UPDATE, DELETE" in result.out
    assert refused.code == 1
    assert repository.count(Filter()) == 2
