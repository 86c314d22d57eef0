"""What a producer, a reader and a consumer may be restricted to, as the documentation says."""

from collections.abc import Callable, Iterator

import pytest

from tasq_core import Consumer, RepositoryError, TableMissingError, TaskStatus
from tasq_core.metrics.table import TableMetrics
from tasq_core.repository.schema_check import structure
from tasq_core.repository.side_tables import SideTables
from tasq_tui.admin.doctor import Verdict, examine
from tasq_tui.admin.settings import Settings
from tests.support.builders import make_task, make_tasks
from tests.support.databases import Database
from tests.support.threads import in_threads
from tests.support.wait import wait_until

pytestmark = pytest.mark.parametrize("backend", ["postgres", "mysql"], indirect=True)

SIDE = ("consumers", "pauses", "attempts", "schedules")
Role = Callable[..., Database]


@pytest.fixture
def role(database: Database) -> Iterator[Role]:
    """Makes an account with these rights on the tasks, and those on the side tables."""
    database.client().migrate()
    name = f"{database.prefix}_role"
    made: list[Database] = []
    account = name if database.backend == "postgres" else f"{name}@'%'"

    def make(rights: str, side_rights: str = "") -> Database:
        if database.backend == "postgres":
            database.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'pass'")
        else:
            database.execute(f"CREATE USER {account} IDENTIFIED BY 'pass'")
        database.execute(f"GRANT {rights} ON {database.table} TO {account}")
        for side in SIDE if side_rights else ():
            table = f"{database.prefix}_tasq_{side}"
            database.execute(f"GRANT {side_rights} ON {table} TO {account}")
        scheme, _, rest = database.url.partition("://")
        url = f"{scheme}://{name}:pass@{rest.rpartition('@')[2]}"
        made.append(Database(database.backend, url, database.prefix))
        return made[-1]

    yield make
    for place in made:
        place.close_connections()
    if database.backend == "postgres":
        database.execute(f"DROP OWNED BY {name}")
        database.execute(f"DROP ROLE {name}")
    else:
        database.execute(f"DROP USER {account}")


def test_a_producer_needs_to_insert_and_select(database: Database, role: Role):
    table = role("INSERT, SELECT").open()
    task = table.submit_task(make_task())
    assert table.submit_task(task).id == task.id
    assert table.submit_tasks(make_tasks(50)) == 50
    with pytest.raises(RepositoryError):
        table.poll_tasks("email", "mail", 30)
    with pytest.raises(RepositoryError):
        table.delete_task(task, True)


def test_a_reader_needs_to_select(database: Database, role: Role):
    database.open().submit_tasks(make_tasks(5))
    client = role("SELECT", "SELECT").client(read_only=True)
    inspector = client.new_inspector()
    assert inspector.count() == 5
    assert len(inspector.page().tasks) == 5
    assert inspector.summary() is not None
    assert inspector.consumers() == []
    client.health()


def test_a_consumer_needs_all_four_on_rows_and_no_right_to_create(database: Database, role: Role):
    place = role("SELECT, INSERT, UPDATE, DELETE", "SELECT, INSERT, UPDATE, DELETE")
    table = place.open()
    table.migrate()
    table.submit_tasks(make_tasks(20))
    consumer = Consumer(table, queues="mail", poll_interval=0.2, visibility_timeout=5)

    @consumer.handler("email")
    def fail_at_first(task):
        if task.receive_count == 1:
            raise ValueError("refused")

    consumer.with_retry_backoff(0)

    def end() -> None:
        wait_until(lambda: table.count_tasks(TaskStatus.SUCCESSFUL, None, None) == 20, 30)
        consumer.stop()

    in_threads(lambda: consumer.run(workers=2), end)
    assert (
        len(place.client().new_inspector().attempts(table.scan_tasks(None, None, None)[0].id)) == 1
    )


def test_without_rights_on_the_side_tables_they_are_as_absent(database: Database, role: Role):
    """Otherwise `show`, `fleet`, `health` and metrics end with "permission denied"."""
    client = role("SELECT, INSERT, UPDATE, DELETE").client()
    client.migrate()
    task = client.new_producer().submit("email", 1)
    inspector = client.new_inspector()

    assert inspector.attempts(task.id) == []
    assert inspector.holder(task) is None
    assert (inspector.consumers(), inspector.pauses()) == ([], [])
    assert "no side tables that this user may read" in client.health().unknown[0]
    assert TableMetrics(client).samples()["tasq_up"] == {(): 1}
    with pytest.raises(TableMissingError, match="their owner grants rights on them"):
        client.pause(queue="mail")


def test_the_doctor_names_the_rights_on_side_tables_that_a_consumer_lacks(role: Role):
    """Else its fleet stays empty, and nothing but a line of its log says why."""
    place = role("SELECT, INSERT, UPDATE, DELETE", "SELECT, INSERT")

    found = [
        finding
        for finding in examine(place.open(), Settings(url=place.url, prefix=place.prefix))
        if finding.topic == "side tables"
    ]

    assert [finding.verdict for finding in found] == [Verdict.WARNING]
    for right in ("UPDATE", "DELETE"):
        assert f"{right} on {place.prefix}_tasq_consumers" in found[0].message
    assert "INSERT" not in found[0].message
    assert f"UPDATE on {place.prefix}_tasq_attempts" not in found[0].message


@pytest.mark.parametrize("read_only", [False, True])
def test_rights_that_are_enough_lack_nothing(role: Role, read_only: bool):
    """Where writes are refused for now, the doctor advised to grant rights that were there."""
    place = role("SELECT, INSERT, UPDATE, DELETE", "SELECT, INSERT, UPDATE, DELETE")
    client = place.client(read_only=read_only)
    assert SideTables(client.repository).lacking() == []
    assert structure(client.repository).lacking == ()
