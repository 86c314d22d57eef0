"""The database refuses for a while: deadlocks, lock timeouts, read-only, a full disk."""

import resource
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.fleet import Fleet
from tests.support.wait import wait_until

_STATES: dict[str, dict[str, Any]] = {
    "postgres": {"deadlock": "40P01", "lost race": "40001", "lock timeout": "55P03"},
    "mysql": {"deadlock": 1213, "lock timeout": 1205, "lost race": 1020},
}
PATIENT = {"visibility_timeout": 20, "poll_interval": 0.2}


def _refuse_every_third_update(fleet: Fleet, error: str) -> None:
    """By a trigger, with a counter that no rollback turns back."""
    table = fleet.database.table
    state = _STATES[fleet.backend][error]
    run = fleet.database.execute
    if fleet.backend == "postgres":
        run(f"CREATE TABLE {table}_faults (n serial)")
        run(
            f"CREATE FUNCTION {table}_fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF nextval('{table}_faults_n_seq') % 3 = 0 THEN"
            f" RAISE EXCEPTION 'injected' USING ERRCODE = '{state}'; END IF;"
            " RETURN NULL; END $$"
        )
        run(
            f"CREATE TRIGGER fault BEFORE UPDATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_fault()"
        )
        return
    run(
        f"CREATE TRIGGER {table}_fault BEFORE UPDATE ON {table} FOR EACH ROW BEGIN"
        " SET @tasq_fault = coalesce(@tasq_fault, 0) + 1;"
        " IF @tasq_fault % 97 = 0 THEN SIGNAL SQLSTATE '40001'"
        f" SET MYSQL_ERRNO = {state}, MESSAGE_TEXT = 'injected'; END IF; END"
    )


@pytest.mark.parametrize("error", ["deadlock", "lock timeout", "lost race"])
def test_transactions_that_lose_to_others_are_tried_again_unseen(served_fleet, outcome, error):
    fleet = served_fleet
    tasks = fleet.submit_many(200, "sleep", seconds=0.01)
    _refuse_every_third_update(fleet, error)
    worker = fleet.start(threads=4, options=PATIENT | {"poll_limit": 5})
    fleet.wait_for_count(200, "SUCCESSFUL")
    rows = fleet.repository.get_tasks([task.id for task in tasks])
    assert {row.receive_count for row in rows} == {1}
    worker.stop()
    assert "injected" not in worker.process.stderr
    outcome("injected into every few updates: 200 tasks done, once each, nothing logged")


def test_real_deadlocks_between_consumers_and_other_programs_are_survived(served_fleet, outcome):
    """Another program locks rows in the opposite order, again and again."""
    import threading

    fleet = served_fleet
    tasks = fleet.submit_many(300, "sleep", seconds=0.02)
    ids = sorted((task.id for task in tasks), reverse=True)
    worker = fleet.start(threads=8, options=PATIENT)
    over = threading.Event()
    deadlocks = []

    def quarrel() -> None:
        connection = fleet.database.connect()
        cursor = connection.cursor()
        while not over.is_set():
            try:
                for id in ids[:40]:
                    value = str(id) if fleet.backend == "postgres" else id.bytes
                    cursor.execute(
                        f"UPDATE {fleet.database.table} SET priority = 1 - priority WHERE id = %s",
                        (value,),
                    )
                connection.commit()
            except Exception as error:  # a deadlock, which is what this is for
                deadlocks.append(error)
                connection.rollback()
            over.wait(0.01)

    other = threading.Thread(target=quarrel)
    other.start()
    try:
        fleet.wait_for_count(300, "SUCCESSFUL")
    finally:
        over.set()
        other.join(30)
    rows = fleet.repository.get_tasks([task.id for task in tasks])
    assert {row.receive_count for row in rows} == {1}
    worker.stop()
    outcome(f"300 tasks done, once each; the other program met {len(deadlocks)} deadlocks")


def test_a_database_that_turns_read_only_is_waited_for(broken_fleet, outcome):
    """As when a primary is demoted: the server is there, and refuses every write."""
    fleet = broken_fleet
    url = _ordinary_user(fleet)
    first = fleet.submit("sleep", seconds=1)
    worker = fleet.start(options=PATIENT, url=url)
    worker.wait_for("began")
    _set_read_only(fleet, True)
    worker.wait_for("ended")
    wait_until(lambda: worker.process.stderr.count("read-only") >= 2, 20)
    _set_read_only(fleet, False)
    row = fleet.wait_for(first, "SUCCESSFUL")
    assert row.receive_count == 1
    fleet.wait_for(fleet.submit(), "SUCCESSFUL")
    worker.stop()
    outcome("logged and tried again; the outcome of before was written once writes were allowed")


def _ordinary_user(fleet: Fleet) -> str:
    """A MariaDB account that a read-only server refuses; PostgreSQL refuses superusers too."""
    url = fleet.database.url
    if fleet.backend == "postgres":
        return url
    fleet.database.execute("CREATE OR REPLACE USER app@'%' IDENTIFIED BY 'app'")
    fleet.database.execute("GRANT ALL ON tasq.* TO app@'%'")
    return f"mysql://app:app@{url.rpartition('@')[2]}"


def _set_read_only(fleet: Fleet, on: bool) -> None:
    if fleet.backend == "mysql":
        fleet.database.execute(f"SET GLOBAL read_only = {int(on)}")
        return
    fleet.database.execute("SET default_transaction_read_only = off")
    fleet.database.execute(
        f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}"
    )
    fleet.database.execute("SELECT pg_reload_conf()")


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="needs Linux to bound a running process"
)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_full_disk_is_waited_for(fleet, outcome):
    """No byte can be added to a file by the consumer's process, as if the disk were full."""
    tasks = fleet.submit_many(20, "sleep", seconds=0.3)
    worker = fleet.start(threads=2, options=PATIENT)
    worker.wait_for("began", 3)
    unlimited = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (_largest(fleet) // 2, unlimited[1]))
    wait_until(lambda: worker.process.stderr.count("trying again") >= 2, 20)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, unlimited)
    fleet.wait_for_count(20, "SUCCESSFUL")
    rows = fleet.repository.get_tasks([task.id for task in tasks])
    worker.stop()
    assert {row.receive_count for row in rows} == {1}
    outcome("writes failed, were logged and tried again; 20 tasks done, once each")


def _largest(fleet: Fleet) -> int:
    path = Path(fleet.database.url.removeprefix("sqlite:///"))
    return max(file.stat().st_size for file in path.parent.glob(path.name + "*"))


def test_a_missing_table_is_waited_for(fleet, outcome):
    task = fleet.submit()
    run = fleet.database.execute
    table = fleet.database.table
    run(f"ALTER TABLE {table} RENAME TO {table}_away")
    worker = fleet.start()
    wait_until(lambda: "tasq migrate" in worker.process.stderr, 20, fleet.said)
    run(f"ALTER TABLE {table}_away RENAME TO {table}")
    fleet.wait_for(task, "SUCCESSFUL")
    worker.stop()
    outcome("the log names `tasq migrate`; the consumer went on when the table was there")
